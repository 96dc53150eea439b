// Goal: the status and the log of a daemon can be read in 80 columns, name everything that is wrong, and let no text of others act on the terminal.
// Method: the pure texts on data: healthy, degraded, many problems, hostile names; a stream that is a terminal and one that is not.
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import type { DaemonStatus, Problem, SourceStatus } from "../reconcile/contract.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { statusText } from "./status-report.ts";
import { eventLine, readyLines } from "./up-log.ts";

const pipe = new Writable();
const terminal = Object.assign(new Writable(), { isTTY: true, columns: 80 });
const now = Date.UTC(2026, 0, 1, 12);
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();

const roots: SourceStatus = {
  name: "roots",
  type: "roots",
  location: "agents.d tools.d",
  digest: "0123456789abcdef",
  applied: "0123456789abcdef",
  lastAppliedAt: at(90),
  objects: 3,
  reloads: 2,
  failures: 0,
  diagnostics: [],
};

const healthy: DaemonStatus = {
  version: "0.1.0",
  pid: 4711,
  startedAt: at(7_500),
  cwd: "/srv",
  stateFolder: "/srv/.legion",
  socket: "/srv/.legion/run/legion.sock",
  health: "ok",
  objects: { Agent: { total: 2, ready: 2 }, Provider: { total: 1, ready: 1 } },
  agents: { loops: 2, turns: 1, queued: 3 },
  sources: [roots],
  problems: [],
};

const problem = (index: number): Problem => ({
  subject: `agent/a${index}`,
  reason: "ToolMissing",
  message: `The agent uses the tool search, which does not exist, and this is a long sentence about it. Number ${index}.`,
});

test("a healthy daemon: what it reads, what it runs, since when", () => {
  const lines = statusText(healthy, now, pipe).split("\n");
  assert.equal(lines[0], "ok: 3 of 3 objects ready");
  assert.ok(lines.includes("daemon   legion 0.1.0, pid 4711, up 2h"));
  assert.ok(lines.includes("agents   2 loops, 1 turn running, 3 messages waiting"));
  assert.ok(lines.some((line) => /^agents +2\/2$/.test(line)));
  assert.ok(
    lines.some((line) => /^roots +agents\.d tools\.d +3 +0123456789ab +90s +2 +0$/.test(line)),
  );
  assert.ok(!lines.includes("PROBLEMS"));
});

test("every problem of a degraded daemon is told with its reason, in 80 columns; very many are counted", () => {
  const problems = Array.from({ length: 60 }, (_, index) => problem(index));
  const text = statusText({ ...healthy, health: "degraded", problems }, now, pipe);
  assert.match(text, /^degraded: 3 of 3 objects ready, 60 problems\n/);
  assert.match(text, /\n {2}agent\/a7 {2}ToolMissing\n {4}The agent uses/);
  assert.match(text, /\n {2}and 10 more\n$/);
  assert.deepEqual(
    text.split("\n").filter((line) => line.length > 80),
    [],
  );
});

test("a source that was never applied, or is wrong, shows it", () => {
  const { lastAppliedAt: _, applied: __, digest: ___, ...never } = roots;
  const source = {
    ...never,
    failures: 4,
    error: { code: "LEG1002", message: "no", hint: "x" },
  } as const;
  assert.match(
    statusText({ ...healthy, sources: [source] }, now, pipe),
    /roots .* - +never +2 +4\n/,
  );
});

test("the first errors in the manifests of a source are told with their places, the rest is counted", () => {
  const diagnostics = Array.from({ length: 7 }, (_, index) => ({
    ...({ severity: "error", code: "LEG1014", detail: "x", filename: `${index}.yaml` } as const),
    summary: "no manifest is in it any more; what it declared stays: agent/a, agent/b, agent/c",
  }));
  const warning = { ...diagnostics[0], severity: "warning", summary: "quiet" } as Diagnostic;
  const source = { ...roots, diagnostics: [warning, ...diagnostics] };
  const text = statusText({ ...healthy, sources: [source] }, now, pipe);
  assert.match(text, /\n\nERRORS IN roots\n {2}0\.yaml: LEG1014: no manifest/);
  assert.match(text, / {2}4\.yaml: .*\n {2}agent\/a, agent\/b, agent\/c\n {2}and 2 more\n/);
  assert.doesNotMatch(text, /quiet/);
  const single = { ...roots, diagnostics: diagnostics.slice(0, 1) };
  assert.doesNotMatch(statusText({ ...healthy, sources: [single] }, now, pipe), /ERRORS/);
  assert.deepEqual(
    text.split("\n").filter((line) => line.length > 80),
    [],
  );
});

test("only a terminal gets colour, and no text of others acts on it", () => {
  const nasty = {
    subject: "agent/\u001b[2Ja",
    reason: "Bad\u0007",
    message: "x\u001b]0;t\u0007\u202ey",
  };
  const plain = statusText({ ...healthy, problems: [nasty] }, now, pipe);
  assert.ok(!/[\p{Cc}\u202e]/u.test(plain.replaceAll("\n", "")));
  const coloured = statusText({ ...healthy, problems: [nasty] }, now, terminal);
  assert.ok(coloured.includes("\u001b["));
  assert.ok(!coloured.includes("\u001b[2J") && !coloured.includes("\u001b]0"));
});

const base = { id: "1", at: "2026-01-01T12:34:56.789Z" } as const;
const run = { ...base, agent: "a", run: "r" } as const;
const long = "word ".repeat(100);
const events: { event: DaemonEvent; line: RegExp | undefined }[] = [
  {
    event: {
      ...base,
      kind: "legion.object",
      object: "Agent/default/a",
      data: { severity: "normal", reason: "Ready", message: long },
    },
    line: /^12:34:56 agent\/a Ready: word .*…\n$/,
  },
  {
    event: {
      ...base,
      kind: "legion.object",
      object: "Agent/team/a",
      data: { severity: "warning", reason: "Rejected", message: "a.yaml:1:1: \u001b[31mno" },
    },
    line: /^12:34:56 agent\/team\/a Rejected: a\.yaml:1:1: \ufffd\[31mno\n$/,
  },
  {
    event: { ...run, kind: "legion.agent.started", data: { task: long, generation: 2 } },
    line: /^12:34:56 agent\/a turn began \(generation 2\): word .*…\n$/,
  },
  {
    event: {
      ...run,
      kind: "legion.agent.stopped",
      data: { status: "cancel", reason: "timeout", iterations: 1, durationMs: 1200 },
    },
    line: /^12:34:56 agent\/a gave up \(timeout\) after 1 step, 1\.2 s\n$/,
  },
  {
    event: { ...run, kind: "legion.llm.delta", data: { type: "text", text: "x" } },
    line: undefined,
  },
];

for (const { event, line } of events) {
  test(`the log has ${line === undefined ? "no line" : "one short line"} for ${event.kind} ${JSON.stringify(event.data).slice(0, 40)}`, () => {
    const text = eventLine(event, terminal);
    if (line === undefined) return assert.equal(text, undefined);
    const plain = stripVTControlCharacters(text ?? "");
    assert.match(plain, line);
    assert.ok(plain.length <= 81, plain);
    assert.doesNotMatch(eventLine(event, pipe) ?? "", /…/, "a file has it whole");
  });
}

test("the ready line counts what is there, and says when something is wrong", () => {
  assert.match(
    readyLines(healthy, 1234, pipe),
    /^legion is ready after 1\.2 s, pid 4711: 2 agents, 1 provider\n {2}reads {4}agents\.d tools\.d\n {2}socket {3}\/srv/,
  );
  const bare = { ...healthy, objects: {}, sources: [], health: "degraded" } as const;
  assert.match(readyLines(bare, 1, pipe), /: no objects yet\n {2}degraded: legion status tells/);
});
