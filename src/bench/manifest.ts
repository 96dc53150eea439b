/** How fast a large set of manifests is validated from nothing, positions and references included. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { loadManifests } from "../manifest/load.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";

export const benchmark: Benchmark = {
  name: "manifest",
  run: async () => [...(await validateMany(1_000, 1)), ...(await validateMany(10_000, 6))],
};

async function validateMany(amount: number, barSeconds: number): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "legion-bench-"));
  try {
    await writeFile(join(folder, "shared.yaml"), shared);
    for (let index = 0; index < amount; index += 1)
      await writeFile(fileOf(folder, index), agentOf(index));
    const parseSeconds = await secondsOf(async () => {
      for (let index = 0; index < amount; index += 1)
        parse(await readFile(fileOf(folder, index), "utf8"));
    });
    const seconds = await secondsOf(() => validate(folder, amount));
    const name = amount.toLocaleString("en");
    const beside = `reading and yaml.parse alone ${parseSeconds.toFixed(2)} s, ${(seconds / parseSeconds).toFixed(2)} times as long`;
    const rssMiB = process.memoryUsage.rss() / 2 ** 20;
    return [
      {
        name: `cold validate of ${name} manifests`,
        value: seconds,
        unit: "s",
        beside,
        bar: barSeconds,
        want: "<=",
      },
      {
        name: `RSS after ${name} manifests`,
        value: rssMiB,
        unit: "MiB",
        beside: "the set and the texts are still held",
        bar: 600,
        want: "<=",
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

async function validate(folder: string, amount: number): Promise<void> {
  const { objects, diagnostics } = await loadManifests([folder], { cwd: folder, env: {} });
  const expected = amount + SHARED_OBJECTS;
  if (objects.length !== expected || diagnostics.length > 0) {
    throw new Error(`${objects.length} of ${expected} objects, ${diagnostics.length} diagnostics`);
  }
}

function fileOf(folder: string, index: number): string {
  return join(folder, `agent-${index}.yaml`);
}

const SHARED_OBJECTS = 3;
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
function agentOf(index: number): string {
  return `# yaml-language-server: $schema=../schemas/legion.json
apiVersion: legion.dev/v1
kind: Agent
metadata:
  name: agent-${index}
  labels: { team: team-${index % 7} }
spec:
  description: Agent number ${index} of the benchmark.
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
