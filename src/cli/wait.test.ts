// Goal: wait ends when, and only when, the newest generation is as it was asked for, and says what is missing when time is over.
// Method: run the command on streams against a real server over a real state folder, whose objects the test changes meanwhile.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { JsonObject } from "../lib/json.ts";
import { runOnStreams, type StreamOptions } from "../testing/command-streams.ts";
import { type ServedFolder, serveFolder } from "../testing/served-folder.ts";
import { seedCondition, seedStateFolder } from "../testing/state-folder.ts";

const spec = { model: "m", instructions: "Help.", description: "It helps." };
const key = { kind: "Agent", namespace: "default", name: "a" };

let folder = "";
let served: ServedFolder;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-wait-"));
  const stateFolder = join(folder, ".legion");
  await seedStateFolder(stateFolder, [
    { kind: "Agent", name: "a", spec, labels: { team: "docs" } },
    { kind: "Tool", name: "t", spec: { type: "builtin", builtin: "now" } },
  ]);
  served = await serveFolder(stateFolder);
});

afterEach(async () => {
  await served[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const run = (argv: readonly string[], options: Partial<StreamOptions> = {}) =>
  runOnStreams(["wait", ...argv], { cwd: folder, ...options });

function says(status: JsonObject) {
  return served.store.write([{ type: "status", key, status }], { at: Date.now() });
}

test("a condition that holds already ends it at once", async () => {
  await says({ conditions: [seedCondition("Ready", "True", "Running")] });
  const result = await run(["agent/a", "--for=condition=ready"]);
  assert.deepEqual(result, { exitCode: 0, stdout: "agent/a condition met\n", stderr: "" });
});

test("a condition that comes later ends it then, for objects by their labels too", async () => {
  const waiting = run(["agents", "-l", "team=docs", "--for=condition=Ready", "--timeout", "20s"]);
  await says({ conditions: [seedCondition("Ready", "False", "Starting")] });
  await says({ conditions: [seedCondition("Ready", "True", "Running")] });
  assert.deepEqual(await waiting, {
    exitCode: 0,
    stdout: "agent/a condition met\n",
    stderr: "",
  });
});

test("what was said about an older generation does not count", async () => {
  await says({ conditions: [seedCondition("Ready", "True", "Running", "it runs", 0)] });
  const { exitCode, stdout, stderr } = await run([
    ...["agent/a", "--for=condition=Ready", "--timeout", "300ms"],
  ]);
  assert.deepEqual([exitCode, stdout], [124, ""]);
  assert.match(stderr, /LEG7014.*out of time after 300ms: 1 object did not get there/);
  assert.match(stderr, /agent\/a: Ready is said of generation 0, the newest is 1/);
});

test("out of time: the reason and the message of the condition are told", async () => {
  await says({ conditions: [seedCondition("Ready", "False", "ToolMissing", "Tool web is gone")] });
  const { exitCode, stderr } = await run([
    ...["agent/a", "tool/t", "--for=condition=Ready", "--timeout", "300ms"],
  ]);
  assert.equal(exitCode, 124);
  assert.match(stderr, /2 objects did not get there/);
  assert.match(stderr, /agent\/a: Ready is False: ToolMissing: Tool web is gone/);
  assert.match(stderr, /tool\/t: Ready was not said yet/);
});

test("--for=delete: an object that is not there is deleted; one that goes ends it", async () => {
  assert.equal((await run(["agent/zz", "--for=delete"])).exitCode, 0);
  const waiting = run(["tool/t", "--for=delete", "--timeout", "20s"]);
  await served.plane.delete([{ kind: "Tool", namespace: "default", name: "t" }]);
  assert.deepEqual(await waiting, { exitCode: 0, stdout: "tool/t deleted\n", stderr: "" });
});

test("an object that is deleted while something else is waited for ends it with an error", async () => {
  let deletion: Promise<unknown> = Promise.resolve();
  const stop = setInterval(() => {
    deletion = served.plane
      .delete([{ kind: "Tool", namespace: "default", name: "t" }])
      .catch(() => {});
  }, 50);
  const { exitCode, stderr } = await run(["tool/t", "--for=condition=Ready", "--timeout", "20s"]);
  clearInterval(stop);
  await deletion;
  assert.equal(exitCode, 1);
  assert.match(stderr, /LEG7018|LEG6030/);
});

test("a field that gets a value ends it", async () => {
  const waiting = run(["agent/a", "--for=jsonpath='{.status.loop.phase}'=idle", "-o", "json"]);
  await says({ loop: { phase: "busy" } });
  await says({ loop: { phase: "idle" } });
  const { exitCode, stdout } = await waiting;
  assert.equal(exitCode, 0);
  assert.equal(JSON.parse(stdout).items[0].status.loop.phase, "idle");
});

test("an interrupted wait ends with 130", async () => {
  const interrupt = new AbortController();
  const waiting = run(["agent/a", "--for=condition=Ready"], { signal: interrupt.signal });
  interrupt.abort();
  assert.equal((await waiting).exitCode, 130);
});

const failures: readonly (readonly [argv: string[], exitCode: number, stderr: RegExp])[] = [
  [["agent/zz", "--for=condition=Ready"], 1, /LEG6030/],
  [["agents", "-l", "team=none", "--for=condition=Ready"], 1, /LEG6030/],
  [["agent/a"], 2, /LEG7015.*needs --for/],
  [["agent/a", "--for=ready"], 2, /LEG7015/],
  [["agent/a", "--for=jsonpath={.a[}=1"], 2, /LEG7012/],
  [["agent/a", "--for=delete", "--timeout", "soon"], 2, /LEG7001.*--timeout/],
  [["--for=delete"], 2, /LEG7017/],
];

for (const [argv, exitCode, stderr] of failures) {
  test(`wait ${argv.join(" ")} ends with ${exitCode}`, async () => {
    const result = await run(argv);
    assert.equal(result.exitCode, exitCode);
    assert.match(result.stderr, stderr);
  });
}

test("without a daemon nothing would change, which is said at once, whatever the last one left", async () => {
  await says({ conditions: [seedCondition("Ready", "True", "Running")] });
  await served[Symbol.asyncDispose]();
  const field = await run(["agent/a", "--for=jsonpath={.spec.model}=m"]);
  assert.deepEqual([field.exitCode, field.stdout], [4, ""]);
  const { exitCode, stderr } = await run(["agent/a", "--for=condition=Ready"]);
  assert.equal(exitCode, 4);
  assert.match(stderr, /LEG8001.*no daemon runs here/);
  assert.equal((await run(["agent/zz", "--for=delete"])).exitCode, 0);
});
