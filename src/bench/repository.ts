import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const FILES_PER_FOLDER = 100;

/** Objects that stand in a repository besides the agents. */
export const SHARED_OBJECTS = 3;

/** Writes a manifest repository of usual shape: so many agents, a hundred files a folder, and what they share. */
export async function writeRepository(root: string, agents: number): Promise<void> {
  await mkdir(root, { recursive: true });
  await writeFile(join(root, "shared.yaml"), shared);
  for (let index = 0; index < agents; index += 1) {
    if (index % FILES_PER_FOLDER === 0) await mkdir(dirname(fileOf(root, index)));
    await writeFile(fileOf(root, index), agentOf(index));
  }
}

/** The file of one agent. */
export function fileOf(root: string, index: number): string {
  return join(root, `${Math.floor(index / FILES_PER_FOLDER)}`, `agent-${index}.yaml`);
}

const shared = `apiVersion: legion.dev/v1
kind: Tool
metadata: { name: files }
spec: { type: builtin, builtin: files }
---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: kv }
spec: { type: builtin, builtin: kv }
---
apiVersion: legion.dev/v1
kind: Provider
metadata: { name: cloud }
spec: { wire: openai-chat, baseUrl: "https://models.example.com/v1" }
`;

/** An agent of usual size, different from all others. */
export function agentOf(index: number, description = `Agent number ${index} of the benchmark.`) {
  return `# yaml-language-server: $schema=../schemas/legion.json
apiVersion: legion.dev/v1
kind: Agent
metadata:
  name: agent-${index}
  labels: { team: team-${index % 7} }
spec:
  description: ${description}
  instructions: |
    Work carefully. Read the files first, then answer.
    Cite the file for each claim.
  model: cloud/large
  tools:
    - files
    - name: kv
      as: cache
      config: { namespace: shared }
  outputSchema:
    type: object
    properties:
      answer: { type: string }
      confidence: { type: number, minimum: 0, maximum: 1 }
    required: [answer]
  maxIterations: ${(index % 20) + 1}
  sandbox:
    memory: 64MiB
    timeout: 30s
`;
}
