// Goal: memory that a burst of work took goes back, and nothing of the way there is left behind.
// Method: a process of its own, whose heap nobody else fills.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execute } from "../testing/command.ts";

const module = JSON.stringify(fileURLToPath(new URL("release-memory.ts", import.meta.url)));
const program = `
  import { releaseMemory } from ${module};
  const { runInNewContext } = await import("node:vm");
  let held = Array.from({ length: 300_000 }, (_, index) => ({ text: "text " + index }));
  const before = process.memoryUsage().heapTotal;
  held = undefined;
  await releaseMemory();
  const after = process.memoryUsage().heapTotal;
  console.log(JSON.stringify({ ratio: after / before, gc: runInNewContext("typeof gc") }));
`;

test("a heap that is used no more shrinks, and programs cannot collect garbage themselves", async () => {
  const args = ["--input-type=module", "--eval", program];
  const { stdout, stderr } = await execute(process.execPath, args, {});
  const { ratio, gc } = JSON.parse(stdout || stderr);
  assert.ok(ratio < 0.5, `${ratio}`);
  assert.equal(gc, "undefined");
});
