// Goal: events and logs tell people in short lines what happened, and programs everything, a line an event.
// Method: a real server publishes events of objects and of a run; the commands run on streams against it.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { newId } from "../lib/ids.ts";
import type { DaemonEvent, EventData, EventKind, LegionEvent } from "../telemetry/events.ts";
import { runOnStreams, type StreamOptions } from "../testing/command-streams.ts";
import { type ServedFolder, serveFolder } from "../testing/served-folder.ts";
import { seedCondition, seedStateFolder } from "../testing/state-folder.ts";

const WIDTH = 80;
const spec = {
  model: "m",
  instructions: `${"日本語".repeat(40)}\n${"Help.\n".repeat(39)}`,
  description: "It helps. ".repeat(20),
};
const error = { code: "LEG4001", message: "the file is\nnot there", hint: "name another" } as const;

let folder = "";
let served: ServedFolder;
let at = Date.now() - 60_000;

function publish(event: Record<string, unknown>): DaemonEvent {
  at += 1_000;
  const whole = {
    id: newId(at),
    at: new Date(at).toISOString(),
    ...event,
  } as unknown as DaemonEvent;
  served.publish(whole);
  return whole;
}

function ran<K extends EventKind>(kind: K, data: EventData[K], agent = "a"): LegionEvent {
  return publish({ kind, data, agent, run: "r" }) as LegionEvent;
}

function happened(object: string, reason: string, message: string, severity = "normal") {
  return publish({ kind: "legion.object", object, data: { severity, reason, message } });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-events-"));
  const stateFolder = join(folder, ".legion");
  await seedStateFolder(stateFolder, [
    {
      ...{ kind: "Agent", name: "a", spec, labels: { team: "docs", note: "x".repeat(63) } },
      status: {
        observedGeneration: 1,
        conditions: [
          seedCondition("Accepted", "False", "Invalid", "agents.d/a.yaml:3:5: unknown field"),
          seedCondition("Ready", "True", "Running", "word ".repeat(40)),
        ],
      },
      origin: { file: join(folder, "agents.d/a.yaml"), document: 0 },
    },
    { kind: "Agent", name: "quiet", spec },
  ]);
  served = await serveFolder(stateFolder);
  happened("Agent/default/a", "Created", "generation 1 was created");
  ran("legion.agent.started", { task: "Review\nthis", generation: 1 });
  ran("legion.llm.delta", { type: "text", text: "{" });
  ran("legion.tool.call.stop", {
    tool: "files",
    function: "read",
    ok: false,
    durationMs: 3,
    error,
  });
  ran("legion.iteration.stop", {
    ...{ iteration: 0, action: "eval_and_continue", outcome: "continue", durationMs: 1_200 },
  });
  ran("legion.agent.message.added", {
    type: "assistant",
    text: JSON.stringify({ action: "return", result: "It is fine.\u001b[2J" }),
  });
  ran("legion.agent.stopped", {
    ...{ status: "ok", iterations: 2, durationMs: 4_100, message: "m1" },
    value: "It is fine.\u001b[2J\nReally.",
  });
  ran("legion.agent.started", { task: "Somebody else's" }, "other");
  happened("Agent/default/b", "Stalled", "Tool web does not exist: ".repeat(8), "warning");
});

after(async () => {
  await served[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const run = (argv: readonly string[], options: Partial<StreamOptions> = {}) =>
  runOnStreams(argv, { cwd: folder, ...options });

test("events: a table of what happened to objects, oldest first", async () => {
  const { exitCode, stdout, stderr } = await run(["events"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  const [head, first, second, ...rest] = stdout.split("\n");
  assert.match(head ?? "", /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$/);
  assert.match(first ?? "", /^\d+s +Normal +Created +agent\/a +generation 1 was created$/);
  assert.match(second ?? "", /^\d+s +Warning +Stalled +agent\/b +Tool web/);
  assert.deepEqual(rest, [""]);
});

test("events of one object, of a time, after an id, of runs", async () => {
  const of = await run(["events", "--for", "agent/a", "--no-headers"]);
  assert.equal(of.stdout.split("\n").length, 2);
  const none = await run(["events", "--since", "1ms"]);
  assert.deepEqual([none.stdout, none.stderr], ["", "no events\n"]);
  const all = await run(["events", "--about", "all", "-o", "json"]);
  const events: DaemonEvent[] = all.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(events.length, 8, "all but the pieces of a text that is being written");
  const later = await run(["events", "--since", events[6]?.id ?? "", "-o", "json"]);
  assert.equal(JSON.parse(later.stdout).data.reason, "Stalled");
  const runs = await run(["events", "--about", "run", "--no-headers"]);
  assert.match(runs.stdout, /Warning +ToolCallStop +agent\/a +tool files\.read: failed: LEG4001/);
});

test("events -f goes on with new ones until it is interrupted", async () => {
  const interrupt = new AbortController();
  happened("Agent/default/followed", "Ready", "it runs");
  const { exitCode, stdout } = await run(
    ["events", "-f", "--for", "agent/followed", "-o", "json"],
    {
      signal: interrupt.signal,
      onOutput: (text) => {
        if (text.split("\n").length === 2) happened("Agent/default/followed", "Ready", "again");
        else interrupt.abort();
      },
    },
  );
  assert.equal(exitCode, 130);
  assert.deepEqual(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).data.message),
    ["it runs", "again"],
  );
});

test("logs tell a turn as a story", async () => {
  const { exitCode, stdout, stderr } = await run(["logs", "agent/a"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  for (const line of lines) assert.match(line, /^\d\d:\d\d:\d\d /);
  assert.deepEqual(
    lines.map((line) => line.slice(9)),
    [
      "turn began (generation 1): Review this",
      "  tool files.read: failed: LEG4001 the file is not there, 3 ms",
      "  step 1: eval_and_continue, continue, 1.2 s",
      "turn ended (message m1): done, 2 steps, 4.1 s",
      "  answer to m1: It is fine.\ufffd[2J Really.",
    ],
  );
});

test("logs --tail counts lines; -f goes on after them", async () => {
  const whole = await run(["logs", "agent/a"]);
  assert.deepEqual(await run(["logs", "a"]), whole, "a name is that of an agent");
  const since = await run(["logs", "a", "--since", "1ms"]);
  assert.deepEqual([since.stdout, since.stderr], ["", "nothing since then\n"]);
  const two = await run(["logs", "agent/a", "--tail", "2"]);
  assert.equal(two.stdout.trimEnd().split("\n").length, 2);
  const none = await run(["logs", "agent/quiet"]);
  assert.deepEqual(
    [none.exitCode, none.stdout, none.stderr],
    [0, "", "it has not done anything yet\n"],
  );
  const interrupt = new AbortController();
  const timer = setInterval(() => ran("legion.llm.warning", { message: "slow" }, "quiet"), 50);
  const { exitCode, stdout } = await run(["logs", "agent/quiet", "-f", "--tail", "0"], {
    signal: interrupt.signal,
    onOutput: (text) => {
      if (text !== "") interrupt.abort();
    },
  });
  clearInterval(timer);
  assert.equal(exitCode, 130);
  assert.match(stdout, /^\d\d:\d\d:\d\d {3}warning: slow\n/);
});

test("describe: every section, the last events, and no line beyond 80 columns", async () => {
  const { exitCode, stdout, stderr } = await run(["describe", "agent/a"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  for (const section of ["Labels", "Origin", "Spec", "Conditions", "Managers", "History", "Events"])
    assert.match(stdout, new RegExp(`^${section}:`, "m"));
  assert.match(
    stdout,
    /^Status: +Rejected\n +agents\.d\/a\.yaml:3:5: unknown field; generation 1 still runs$/m,
  );
  assert.match(stdout, /\(28 more lines: -o yaml\)/);
  assert.match(stdout, /^Events:\n {2}\S+ +Created: generation 1 was created$/m);
  assert.match(stdout, /^Origin: +agents\.d\/a\.yaml, applied by roots$/m);
  const wide = stripVTControlCharacters(stdout)
    .split("\n")
    .filter((line) => stringWidth(line) > WIDTH);
  assert.deepEqual(wide, []);
});

test("describe -o json has the object, its history and its events", async () => {
  const { stdout } = await run(["describe", "agent/a", "-o", "json"]);
  const { object, history, events } = JSON.parse(stdout);
  assert.deepEqual(
    [object.metadata.name, history[0].generation, events[0].data.reason],
    ["a", 1, "Created"],
  );
});

const failures: readonly (readonly [argv: string[], exitCode: number, stderr: RegExp])[] = [
  [["logs", "agent/zz"], 1, /LEG6030/],
  [["logs", "tool/x"], 2, /tools have no logs/],
  [["logs", "agent/a", "--since", "soon"], 2, /--since does not take "soon"/],
  [["logs", "agent/a", "--tail", "all"], 2, /--tail/],
  [["logs"], 2, /LEG7017/],
  [["events", "--about", "runs"], 2, /use one of: object, run, all/],
  [["events", "--since", "yesterday"], 2, /--since/],
  [["describe", "agent/zz"], 1, /LEG6030/],
  [["describe", "agent/zz", "-o", "json"], 1, /LEG6030/],
  [["events", "--state-dir", "elsewhere"], 4, /LEG8001.*elsewhere/],
  [["get", "agents", "--server", "http://127.0.0.1:1"], 4, /LEG8001/],
];

for (const [argv, exitCode, stderr] of failures) {
  test(`${argv.join(" ")} ends with ${exitCode}`, async () => {
    const result = await run(argv);
    assert.deepEqual([result.exitCode, result.stdout], [exitCode, ""]);
    assert.match(result.stderr, stderr);
  });
}
