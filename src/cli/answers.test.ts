// Goal: whoever asks or tells an agent something sees that it works, what is wrong meanwhile, and the answer; also what becomes of messages when it is deleted (R29).
// Method: a daemon in a process of its own whose model holds its answers; the commands run on streams against it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { runOnStreams, type StreamOptions } from "../testing/command-streams.ts";
import { agentKey } from "../testing/daemon.ts";
import { type HeldDaemon, startHeldDaemon } from "../testing/held-daemon.ts";
import { agentManifest } from "../testing/manifests.ts";

const manifest = (kind: string, name: string, spec: object) =>
  `${JSON.stringify({ apiVersion: "legion.dev/v1", kind, metadata: { name }, spec })}\n---\n`;
const cloud = manifest("Provider", "cloud", {
  wire: "openai-chat",
  baseUrl: "http://127.0.0.1:9/v1",
  apiKey: { valueFrom: { env: "LEGION_TEST_UNSET_KEY" } },
});
const script = manifest("Provider", "script", {
  wire: "scripted",
  replies: [{ when: { contains: " " }, action: "return", result: "scripted" }],
});
const fallback = manifest("Router", "fallback", {
  tiers: [
    { name: "main", targets: ["cloud/x"] },
    { name: "last", targets: ["script/x"] },
  ],
  allowScripted: true,
});

let held: HeldDaemon;

before(async () => {
  const files = {
    "agents.d/others.yaml": [
      ...[cloud, script, fallback],
      agentManifest("replaced", { model: "fallback" }),
      agentManifest("keyless", { model: "cloud/x" }),
    ].join(""),
    "agents.d/doomed.yaml": agentManifest("doomed", { terminationGracePeriod: "1s" }),
  };
  held = await startHeldDaemon({ files });
});
after(() => held[Symbol.asyncDispose]());

const run = (argv: readonly string[], options: Partial<StreamOptions> = {}) =>
  runOnStreams(argv, { cwd: held.daemon.folder, ...options });

test("a running turn is seen, and the answer to what was told is in the logs", async () => {
  const { daemon, model } = held;
  const asking = run(["ask", "agent/a", "one"]);
  const first = await model.at(0);
  const told = await run(["tell", "agent/a", "two"]);
  const id = told.stdout.trim();
  assert.match(id, /^[0-9A-Z]{26}$/);
  assert.equal(
    told.stderr,
    `1 message waiting; its answer will be in legion logs agent/a | grep ${id}\n`,
  );
  assert.match((await run(["get", "agent/a"])).stdout, /^a +True +Busy /m);
  const { stdout: description } = await run(["describe", "agent/a"]);
  assert.match(description, /^Loop: +busy, 1 message waiting\n +turn of generation 1 for \d+s,/m);
  first.release();
  const asked = await asking;
  assert.deepEqual([asked.exitCode, asked.stdout], [0, "answer to one\n"]);
  assert.match(asked.stderr, /^done: 1 step, [^\n]*\n$/, "no steps where nobody watches");
  (await model.at(1)).release();
  await daemon.untilEvent(
    (event) => event.kind === "legion.agent.stopped" && event.data.message === id,
  );
  const { stdout: logs } = await run(["logs", "agent/a"]);
  const lines = logs.split("\n").filter((line) => line.includes(id));
  assert.deepEqual(
    lines.map((line) => line.slice(9).replace(/, \d.*/, "")),
    [
      `turn began (generation 1, message ${id}): two`,
      `turn ended (message ${id}): done`,
      `  answer to ${id}: answer to two`,
    ],
  );
  assert.match((await run(["get", "agent/a"])).stdout, /^a +True +Running /m);
});

test("ask tells warnings always, steps on a terminal, and the conversation with -v", async () => {
  const ask = ["ask", "agent/replaced", "Who are you?"];
  const plain = await run(ask);
  assert.deepEqual([plain.exitCode, plain.stdout], [0, "scripted\n"]);
  assert.match(plain.stderr, /^warning: no model answered [^:]*cloud/);
  assert.doesNotMatch(plain.stderr, /step 1 {2}/);
  const watched = stripVTControlCharacters((await run(ask, { columns: 80 })).stderr);
  assert.match(watched, /warning: no model answered/);
  assert.match(watched, /step 1 {2}return/);
  const verbose = await run([...ask, "-v"]);
  assert.match(verbose.stderr, /user\n {4}Who are you\?/);
  const quiet = await run([...ask, "-q"]);
  assert.deepEqual([quiet.stdout, quiet.stderr], ["scripted\n", ""]);
});

test("a provider without its key is a note, an agent that needs it a problem", async () => {
  const { stdout: degraded } = await run(["status"]);
  assert.match(degraded, /^degraded: \d+ of \d+ objects ready, 1 problem, 1 note\n/);
  assert.match(degraded, /\nPROBLEMS\n {2}agent\/keyless {2}NoUsableModel\n/);
  assert.match(degraded, /\nNOTES\n {2}provider\/cloud {2}SecretMissing\n/);
  assert.match(degraded, /set LEGION_TEST_UNSET_KEY/);
  assert.equal((await run(["delete", "agent/keyless"])).exitCode, 0);
  const { stdout: well } = await run(["status"]);
  assert.match(well, /^ok: \d+ of \d+ objects ready, 1 note\n/);
});

test("delete says what becomes of the messages that wait, and so do the events", async () => {
  const { daemon, model } = held;
  const key = agentKey("doomed");
  await run(["tell", "agent/doomed", "three"]);
  await model.at(2);
  const { stdout } = await run(["tell", "agent/doomed", "four"]);
  const remark =
    /^1 message of agent\/doomed waits: what is not answered within its terminationGracePeriod \(1s\) will not be answered\n/m;
  assert.match((await run(["delete", "agent/doomed", "--dry-run"])).stderr, remark);
  const uid = (await daemon.plane.read(key))?.metadata.uid;
  const deleted = await run(["delete", "agent/doomed"]);
  assert.deepEqual([deleted.exitCode, deleted.stdout], [0, 'agent "doomed" deleted\n']);
  assert.match(deleted.stderr, remark);
  assert.doesNotMatch((await run(["logs", "agent/a"])).stdout, new RegExp(stdout.trim()));
  const told = (await daemon.events()).flatMap((event) =>
    event.kind === "legion.object" && event.object === "Agent/default/doomed" ? [event.data] : [],
  );
  assert.deepEqual(told.map(({ reason }) => reason).slice(-4), [
    "Terminating",
    "MessagesDropped",
    "Cancelled",
    "Deleted",
  ]);
  assert.ok(told.every((data) => data.uid === uid));
  await daemon.write({ "agents.d/doomed.yaml": agentManifest("doomed", { description: "Anew." }) });
  await daemon.untilReady(key);
  const { stdout: anew } = await run(["describe", "agent/doomed"]);
  assert.match(anew, /Ready \(generation 1\)/);
  assert.doesNotMatch(anew, /Terminating|MessagesDropped|Deleted \(/, "those were of another");
});
