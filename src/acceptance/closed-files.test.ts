// Goal: what would give an agent the rights of the daemon, or the keys of others, is closed to its files tool wherever it stands.
// Method: a real daemon whose token and state stand beside the manifests, and a scripted agent that may read the whole folder.
import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startTestDaemon } from "../testing/daemon.ts";

const open = "agents.d/a.yaml";
const closed = ["api-secret", "own-secret", "other-secret", ".legion/daemon.json"];

const code = `const read = {};
for (const path of ${JSON.stringify([open, ...closed])}) {
  try { read[path] = (await tools.fs.read({ path })).length > 0; } catch (error) { read[path] = false; }
}
return read;`;

const provider = (name: string, namespace: string, file: string) => `---
apiVersion: legion.dev/v1
kind: Provider
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  wire: openai-chat
  baseUrl: "https://models.example.com/v1"
  apiKey: { valueFrom: { file: ${file} } }
`;

const manifests = `apiVersion: legion.dev/v1
kind: Provider
metadata: { name: cloud }
spec: { wire: scripted, replies: [{ action: eval_and_complete, code: ${JSON.stringify(code)} }] }
${provider("own", "default", "../own-secret")}${provider("other", "elsewhere", "../other-secret")}---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: fs }
spec: { type: builtin, builtin: files, config: { roots: [.] } }
---
apiVersion: legion.dev/v1
kind: Agent
metadata: { name: a }
spec: { description: Reads., model: cloud/large, tools: [fs], outputSchema: { type: object } }
`;

test("S53: the token, the state and the secrets of every namespace are closed to the files tool", async () => {
  const folder = await mkdtemp(join(tmpdir(), "legion-closed-"));
  try {
    for (const [index, name] of closed.slice(0, 3).entries()) {
      await writeFile(join(folder, name), `${index}${"aB3-".repeat(16)}\n`);
      await chmod(join(folder, name), 0o600);
    }
    const args = [".", "--listen", "127.0.0.1:0", "--token-file", "api-secret"];
    await using daemon = await startTestDaemon({ folder, files: { [open]: manifests }, args });
    const { result } = await daemon.ask("a", "read");
    const expected = Object.fromEntries(closed.map((path) => [path, false]));
    assert.deepEqual(result.status === "ok" ? result.value : result.error, {
      [open]: true,
      ...expected,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
