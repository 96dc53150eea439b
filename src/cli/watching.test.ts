// Goal: watchers and crons are seen at a glance in 80 columns, silenced, run and resumed by name, and every mistake names the next step.
// Method: the command line on streams against a served state folder with the real plane of a daemon; what watchers see and crons run is set by the test.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import type { JsonObject } from "../lib/json.ts";
import type { Tick } from "../state/ticks.ts";
import type { Silence } from "../state/watching.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { type ServedFolder, serveFolder } from "../testing/served-folder.ts";
import { type SeedObject, seedCondition, seedStateFolder } from "../testing/state-folder.ts";
import { type WatchingDaemon, watchingDaemon } from "../testing/watching-daemon.ts";
import { lookErrorHint } from "./columns-watching.ts";

const WIDTH = 80;
let folder = "";
let daemon: WatchingDaemon;
let served: ServedFolder;

const conditions = (ready: "True" | "False", reason: string, isStalled = false): JsonObject => ({
  observedGeneration: 1,
  conditions: [
    seedCondition("Accepted", "True", "Valid"),
    seedCondition("Ready", ready, reason),
    ...(isStalled ? [seedCondition("Stalled", "True", reason)] : []),
  ],
});
const poll = {
  ...{ type: "httpPoll", url: "https://example.com/", agent: "ada" },
  trigger: "when status >= 500 for 3 polls then wake",
};
const watcher = (name: string, spec: JsonObject = {}, status = conditions("True", "Watching")) =>
  ({ kind: "Watcher", name, spec: { ...poll, ...spec }, status }) satisfies SeedObject;
const cron = (name: string, spec: JsonObject, status = conditions("True", "Scheduled")) =>
  ({
    kind: "Cron",
    name,
    spec: { agent: "ada", task: "Tidy.", ...spec },
    status,
  }) satisfies SeedObject;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-watching-"));
  await seedStateFolder(join(folder, ".legion"), [
    { kind: "Agent", name: "ada", spec: { model: "m", instructions: "Help.", description: "x" } },
    watcher("checkout"),
    watcher("disk", { interval: "5m" }),
    watcher("lost", {}, conditions("False", "AgentMissing", true)),
    cron("nightly", { schedule: "30 2 * * *", timezone: "Europe/Oslo", pauseOnFailure: true }),
    cron("often", { schedule: "every 90s", jitter: "10s" }),
    cron("strange", { schedule: "0 25 * * *" }, conditions("False", "ScheduleFailed", true)),
    cron("over", { schedule: "@daily", endAt: "2026-01-03", suspend: true }),
  ]);
  served = await serveFolder(join(folder, ".legion"), {
    async daemonHalf(objects, store) {
      daemon = await watchingDaemon({ store, objects });
      return daemon.plane;
    },
  });
  await daemon.ensureAll();
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const at = (kind: string, name: string) => ({ kind, namespace: "default", name });
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
const coming = (seconds: number) => ago(-seconds);
const run = (...argv: string[]) => runOnStreams(argv, { cwd: folder });
/** What a terminal of 80 columns shows, without its colours. */
async function onTerminal(...argv: string[]) {
  const printed = await runOnStreams(argv, { cwd: folder, columns: WIDTH });
  return { ...printed, stdout: stripVTControlCharacters(printed.stdout) };
}
const rows = (text: string) =>
  text.split("\n").map((line) => line.split(/ {2,}/).filter((cell) => cell !== ""));

function assertFits(text: string): void {
  assert.deepEqual(
    text.split("\n").filter((line) => stringWidth(line) > WIDTH),
    [],
  );
}

beforeEach(async () => {
  daemon.watching.set(at("Watcher", "checkout"), {
    ...{ state: "firing", since: ago(600), value: 503, polls: 120, lastPollAt: ago(5) },
    ...{ latencyMs: 30.6, fires: 3, lastFireAt: ago(300), errors: 2, skipped: 1, pending: 1 },
    ...{ suppressed: { cooldown: 2, silenced: 30, once: 0 } },
    error: { code: "LEG2750", message: "the connection was refused" },
  });
  daemon.watching.set(at("Watcher", "disk"), {
    ...{ state: "idle", since: ago(90_000), polls: 9, fires: 0 },
    value: { "ü\u001b[31m": 1, used: "9".repeat(200) },
  });
  daemon.ticking.set(at("Cron", "nightly"), {
    ...{ state: "running", next: coming(7_300), runs: 12, running: 2, queued: 1 },
    last: { state: "failed", at: ago(600), reason: "the model did not answer" },
  });
});

test("get watchers shows state, value, fires and what held them back", async () => {
  const { exitCode, stdout, stderr } = await run("get", "watchers");
  assert.deepEqual([exitCode, stderr], [0, ""]);
  const [titles, checkout, disk, lost] = rows(stdout);
  assert.deepEqual(titles?.slice(0, 7), [
    ...["NAME", "STATE", "VALUE", "SINCE", "FIRES", "SUPPRESSED", "AGENT"],
  ]);
  assert.deepEqual(checkout?.slice(0, 7), [
    ...["checkout", "firing", "503", "10m", "3", "silenced 30, cooldown 2", "ada"],
  ]);
  assert.deepEqual([disk?.[0], disk?.[1]], ["disk", "idle"]);
  assert.equal(disk?.[3], "25h");
  assert.deepEqual(lost?.slice(0, 2), ["lost", "AgentMissing"]);
});

test("get watchers fits a terminal of 80 columns, and values do nothing to it", async () => {
  for (const words of [
    ["get", "watchers"],
    ["get", "wt"],
    ["get", "watcher", "disk", "lost"],
  ]) {
    const { stdout } = await onTerminal(...words);
    assertFits(stdout);
    assert.match(stdout, /^NAME +STATE +VALUE/);
    assert.ok(!stdout.includes("\u001b"));
  }
  const whole = await run("get", "watcher/disk");
  assert.match(whole.stdout, /\{"ü\\u001b\[31m":1,"used":"9+…/);
});

test("get watchers -o wide tells how they look", async () => {
  const { stdout } = await run("get", "watchers", "-o", "wide");
  const [titles = "", checkout = ""] = stdout.split("\n");
  for (const title of ["TYPE", "INTERVAL", "LAST POLL", "LATENCY", "ERRORS", "SKIPPED"])
    assert.ok(titles.includes(title), title);
  assert.match(checkout, /httpPoll +30s +5s +31ms +2 +1 /);
});

test("get crons shows schedule, next, last, runs and state", async () => {
  const { stdout } = await run("get", "crons");
  const [titles, nightly, often, over] = rows(stdout);
  assert.deepEqual(titles, ["NAME", "SCHEDULE", "NEXT", "LAST", "RUNS", "STATE"]);
  assert.deepEqual(nightly, [
    ...["nightly", "30 2 * * * Europe/Oslo", "in 2h", "failed 10m ago", "12"],
    "running 2, 1 queued",
  ]);
  assert.deepEqual(often?.slice(0, 6), ["often", "every 90s", "-", "-", "0", "waiting"]);
  assert.deepEqual(over?.slice(0, 6), ["over", "@daily UTC", "-", "-", "0", "suspended"]);
  const narrow = await onTerminal("get", "crons");
  assertFits(narrow.stdout);
  assert.match(
    narrow.stdout,
    /nightly +30 2 \* \* \* Europe\/Oslo +in 2h +failed 10m ago +12 +run/,
  );
  assert.match((await run("get", "crons", "-o", "wide")).stdout, /agent\/ada +skip +none +0s/);
  assertFits((await onTerminal("get", "cr")).stdout);
});

test("a watch prints what watchers come to, one row under the other", async () => {
  const stop = new AbortController();
  let lines: readonly string[] = [];
  const watching = runOnStreams(["get", "watchers", "-w"], {
    ...{ cwd: folder, columns: WIDTH, signal: stop.signal },
    onOutput(stdout) {
      lines = stripVTControlCharacters(stdout).trimEnd().split("\n");
      // Also what happens before the watch has begun is told.
      if (lines.length === 4) daemon.watching.set(at("Watcher", "disk"), { state: "error" });
      if (lines.length >= 5) stop.abort();
    },
  });
  assert.equal((await watching).exitCode, 130);
  assertFits(lines.join("\n"));
  const [titles = "", , , , last = ""] = lines;
  assert.match(last, /^disk +error/);
  assert.equal(last.indexOf("error"), titles.indexOf("STATE"));
});

test("describe tells how a watcher stands, within 80 columns", async () => {
  await daemon.plane.silence({
    ...{ watcher: at("Watcher", "checkout"), until: coming(7_200), by: "ada" },
    reason: "release ".repeat(20),
  });
  const { stdout } = await onTerminal("describe", "watcher/checkout");
  assertFits(stdout);
  assert.match(stdout, /^Watch:\n {2}State: +firing for 10m\n {2}Value: +503$/m);
  assert.match(stdout, /^ {2}Polls: +120, the last one 5s ago in 31 ms, 1 skipped/m);
  assert.match(stdout, /^ {2}Fires: +3, the last one 5m ago$/m);
  assert.match(stdout, /^ {2}Suppressed: +silenced 30, cooldown 2$/m);
  assert.match(stdout, /^ {2}Error: +LEG2750: the connection was refused$/m);
  assert.match(stdout, /^ {2}Silence: +until .* \((2h|1h 59m)\), by ada: release/m);
  assert.match(stdout, /^ {2}Pending: +1 delivery not made yet$/m);
  const disk = await onTerminal("describe", "watcher/disk");
  assertFits(disk.stdout);
  assert.ok(!disk.stdout.includes("\u001b[31m"));
  await daemon.plane.unsilence({ watcher: at("Watcher", "checkout") });
});

test("describe tells when a cron is due, and what came of the moments before", async () => {
  daemon.ticking.ticks.splice(0);
  daemon.ticking.ticks.push(
    { uid: "u", atMs: Date.now() - 60_000, by: "schedule", state: "started", startedMs: 1 },
    { uid: "u", atMs: 1_000, by: "catchup", state: "failed", reason: "no ".repeat(90) },
  );
  const { stdout } = await onTerminal("describe", "cron/nightly");
  assertFits(stdout);
  assert.match(stdout, /^Cron:\n {2}State: +running\n {2}Runs: +12, 2 running, 1 waiting for/m);
  assert.match(stdout, /^ {2}Last: +failed, 10m ago: the model did not answer$/m);
  const next = [...stdout.matchAll(/ 02:30:00 \+0[12]:00 Europe\/Oslo, in /g)];
  assert.equal(next.length, 3);
  assert.match(stdout, /^Ticks:\n {2}WHEN .*STATE/m);
  assert.match(stdout, /^ {2}1970-01-01 00:00:01Z .*catchup +failed +- +no no/m);
  const json = JSON.parse((await run("describe", "cron/nightly", "-o", "json")).stdout) as {
    ticks: readonly Tick[];
  };
  assert.equal(json.ticks.length, 2);
});

test("an address that may not be looked at names the field that allows it, and other refusals do not", () => {
  const hint = (code: string, message: string) => lookErrorHint({ code, message });
  for (const message of ["127.0.0.1 is a loopback address", "db is at 10.1.1.1, a private address"])
    assert.match(hint("blocked", message) ?? "", /spec\.allowPrivate$/);
  assert.equal(hint("blocked", "the URL holds a user or a password"), undefined);
  assert.equal(hint("timeout", "127.0.0.1 is a slow one"), undefined);
});

test("a silence is made, listed and removed by the name of its watcher or by its id", async () => {
  const made = await run("silence", "checkout", "2h", "--reason", "release 4.2");
  assert.deepEqual([made.exitCode, made.stderr], [0, ""]);
  assert.match(made.stdout, /^watcher\/checkout is silent until \d{4}-.*Z \(2h\)\n$/);
  const second = await run("silence", "watcher/disk", coming(90_000), "--by", "ci", "-o", "json");
  const { id, reason, by } = JSON.parse(second.stdout) as Silence;
  assert.deepEqual([reason, by], ["", "ci"]);
  const listed = await onTerminal("silence", "list");
  assertFits(listed.stdout);
  const [titles, first, other] = rows(listed.stdout);
  assert.deepEqual(titles, ["ID", "WATCHER", "ENDS IN", "AGE", "BY", "REASON"]);
  assert.equal(first?.[1], "watcher/checkout");
  assert.match(first?.[2] ?? "", /^(2h|1h 59m)$/);
  assert.deepEqual(first?.slice(4), [userInfo().username, "release 4.2"]);
  assert.deepEqual(other?.slice(4), ["ci", "-"]);
  const removed = await run("silence", "remove", "watchers/checkout");
  assert.deepEqual(removed.stdout, "watcher/checkout tells what it sees again\n");
  const near = await run("silence", "remove", "dsik");
  assert.equal(near.exitCode, 1);
  assert.match(near.stderr, /LEG7304.*nothing silences "dsik"[\s\S]*did you mean "disk"/);
  assert.equal((await run("silence", "remove", id.padStart(4, "0"))).exitCode, 1);
  assert.equal((await run("silence", "remove", "disk")).exitCode, 0);
  const empty = await run("silence", "list");
  assert.deepEqual([empty.stdout, empty.stderr], ["", "no watcher is silent\n"]);
});

test("a cron is run by name; --wait ends with its run, by the outcome", async () => {
  const key = at("Cron", "often");
  const { ticks } = daemon.ticking;
  ticks.splice(0);
  const begun = await run("cron", "trigger", "cron/often");
  assert.deepEqual([begun.exitCode, begun.stdout], [0, "cron/often runs now\n"]);
  for (const [state, code, says] of [
    ["ok", 0, "cron/often ended well\n"],
    ["failed", 1, "cron/often failed: too tired\n"],
  ] as const) {
    const before = ticks.length;
    const { crons } = daemon.ticking;
    const trigger = crons.trigger;
    // The run ends before its end is asked for.
    crons.trigger = async (which) => {
      const tick = await trigger(which);
      const reason = state === "failed" ? { reason: "too tired" } : {};
      ticks[0] = { ...tick, state, ...reason };
      return tick;
    };
    const ended = await run("cron", "trigger", "often", "--wait");
    crons.trigger = trigger;
    assert.deepEqual([ended.exitCode, ended.stdout], [code, says]);
    assert.equal(ticks.length, before + 1);
  }
  const late = await run("cron", "trigger", "often", "--wait", "--timeout", "1ms");
  assert.equal(late.exitCode, 124);
  assert.match(late.stderr, /LEG7014.*has not ended after 1 ms; it goes on/);
  assert.equal((await daemon.plane.cronTicks(key, 1))[0]?.state, "started");
});

test("ticks are a table with when, by whom, what came of it and why", async () => {
  daemon.ticking.ticks.splice(0);
  const none = await run("cron", "ticks", "nightly");
  assert.deepEqual([none.stdout, none.stderr], ["", "no moment of it has come yet\n"]);
  daemon.ticking.ticks.push(
    {
      ...{ uid: "u", atMs: Date.UTC(2026, 2, 29, 1), by: "schedule", state: "failed" },
      ...{ startedMs: 1_000, endedMs: 66_000, reason: "LEG2022: the turn timed out" },
    },
    { uid: "u", atMs: 0, by: "person", state: "skipped", reason: "an earlier run went on" },
  );
  const { stdout } = await onTerminal("cron", "ticks", "nightly");
  assertFits(stdout);
  const [titles, first, second] = rows(stdout);
  assert.deepEqual(titles, ["WHEN", "BY", "STATE", "DURATION", "REASON"]);
  assert.equal(first?.[0], "2026-03-29 01:00:00Z");
  assert.deepEqual(first?.slice(1), ["schedule", "failed", "1m 5s", "LEG2022: the turn timed out"]);
  assert.deepEqual(second?.slice(1), ["person", "skipped", "-", "an earlier run went on"]);
});

test("a paused cron is resumed; one that does not pause is told so with exit code 3", async () => {
  daemon.ticking.set(at("Cron", "nightly"), { state: "paused", reason: "it failed" });
  const next = await run("cron", "next", "nightly", "-n", "1");
  assert.match(
    next.stdout,
    /It pauses \(it failed\): none of these runs before legion cron resume/,
  );
  const { exitCode, stdout } = await run("cron", "resume", "nightly");
  assert.equal(exitCode, 0);
  assert.match(stdout, /^cron\/nightly goes on; due next at \d{4}-/);
  const again = await run("cron", "resume", "nightly");
  assert.equal(again.exitCode, 3);
  assert.match(again.stderr, /LEG7303.*does not pause[\s\S]*legion describe cron\/nightly/);
});

const OSLO = ["cron", "next", "nightly", "-n", "3", "--from"];

test("cron next shows a moment by the clocks of the zone and in UTC, and where clocks change", async () => {
  const { stdout } = await onTerminal(...OSLO, "2026-03-27T12:00:00Z");
  assertFits(stdout);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines[0], "cron/nightly: 30 2 * * * Europe/Oslo");
  assert.match(lines[1] ?? "", /^LOCAL +UTC +IN$/);
  assert.match(lines[2] ?? "", /^Sat 2026-03-28 02:30:00 \+01:00 {2}2026-03-28 01:30:00Z {2}/);
  // 02:30 does not exist on that day.
  assert.equal(
    lines[3],
    "  (the clocks of Europe/Oslo go ahead 1h before this, from +01:00 to +02:00)",
  );
  assert.match(lines[4] ?? "", /^Sun 2026-03-29 03:00:00 \+02:00 {2}2026-03-29 01:00:00Z/);
  assert.match(lines[5] ?? "", /^Mon 2026-03-30 02:30:00 \+02:00 {2}2026-03-30 00:30:00Z/);
  assert.equal(lines.length, 6);
  const back = await run(...OSLO, "2026-10-24T00:00:00+02:00");
  assert.match(back.stdout, /Sun 2026-10-25 02:30:00 \+02:00 {2}2026-10-25 00:30:00Z/);
  assert.match(back.stdout, /go back 1h before this, from \+02:00 to \+01:00\)\nMon 2026-10-26/);
});

test("cron next tells of jitter, suspension and an end", async () => {
  const often = await run("cron", "next", "often");
  assert.match(often.stdout, /^cron\/often: every 90s\n/);
  assert.equal(often.stdout.match(/\+00:00/g)?.length, 5);
  assert.match(often.stdout, /Each comes up to 10s later \(spec\.jitter\); IN/);
  const over = await run("cron", "next", "over", "--from", "2026-01-01");
  assert.match(over.stdout, /Fri 2026-01-02 00:00:00 \+00:00/);
  assert.doesNotMatch(over.stdout, /2026-01-03 00:00:00 \+/);
  assert.match(over.stdout, /It is suspended: none of these runs/);
  assert.match(over.stdout, /None is from spec\.endAt on, 2026-01-03 00:00:00Z\./);
  const none = await run("cron", "next", "over", "--from", "2026-01-02T00:00:01Z");
  assert.match(none.stdout, /No moment is left\.\n$/);
  assert.equal(none.exitCode, 0);
});

test("a schedule that is not understood is told, and keeps nothing else from being told", async () => {
  const next = await run("cron", "next", "strange");
  assert.deepEqual([next.exitCode, next.stdout], [1, ""]);
  assert.match(next.stderr, /LEG2784.*the cron "strange" cannot be run/);
  const { exitCode, stdout } = await onTerminal("describe", "cron/strange");
  assert.equal(exitCode, 0);
  assertFits(stdout);
  assert.match(stdout, /^ {2}Next: +the cron "strange" cannot be run: /m);
});

test("cron next reads a manifest that was not applied, and gives data to programs", async () => {
  const document = (name: string, more = "") =>
    `apiVersion: legion.dev/v1\nkind: Cron\nmetadata: {name: ${name}}\nspec: {schedule: "0 9 1 * *", agent: ada, task: x${more}}\n`;
  const agent =
    "---\napiVersion: legion.dev/v1\nkind: Agent\nmetadata: {name: ada}\nspec: {description: Helps., instructions: Help., model: local/m}\n---\napiVersion: legion.dev/v1\nkind: Provider\nmetadata: {name: local}\nspec: {wire: openai-chat, baseUrl: 'http://127.0.0.1:9/v1'}\n";
  await writeFile(
    join(folder, "one.yaml"),
    document("monthly", ", startAt: 2026-05-01, maxRuns: 2") + agent,
  );
  const from = ["--from", "2026-01-01"];
  const { stdout, stderr } = await run("cron", "next", "-f", "one.yaml", ...from, "-o", "json");
  assert.equal(stderr, "");
  const told = JSON.parse(stdout) as { name: string; moments: { at: string }[]; notes: string[] };
  assert.equal(told.name, "monthly");
  assert.deepEqual(
    told.moments.map(({ at: moment }) => moment),
    ["2026-05-01T09:00:00.000Z", "2026-06-01T09:00:00.000Z"],
  );
  assert.deepEqual(told.notes, [
    "None is before spec.startAt, 2026-05-01 00:00:00Z.",
    "It ends after 2 runs (spec.maxRuns).",
  ]);
  const wrong = await run("cron", "next", "montly", "-f", "one.yaml");
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stderr, /LEG7003.*"montly" in one\.yaml[\s\S]*did you mean "monthly"/);
  // Whether its agent is there does not matter to its moments.
  await writeFile(join(folder, "two.yaml"), `${document("early")}---\n${document("late")}`);
  const alone = await run("cron", "next", "late", "-f", "two.yaml", ...from, "-n", "1");
  assert.deepEqual([alone.exitCode, alone.stderr], [0, ""]);
  assert.match(alone.stdout, /^cron\/late: 0 9 1 \* \* UTC\n.*\nThu 2026-01-01 09:00:00/);
  const which = await run("cron", "next", "-f", "two.yaml");
  assert.equal(which.exitCode, 2);
  assert.match(
    which.stderr,
    /LEG7017.*2 crons in two\.yaml\n {2}next: name one of them: early, late/,
  );
});

const wrong: readonly (readonly [words: string[], code: string, exit: number, says: RegExp])[] = [
  [["silence"], "LEG7017", 2, /legion get watchers/],
  [["silence", "checkout"], "LEG7301", 2, /legion silence checkout 2h/],
  [["silence", "checkout", "0s"], "LEG7301", 2, /would be over already/],
  [["silence", "checkout", "366d"], "LEG7301", 2, /365 days/],
  [["silence", "checkout", "2025-01-01T00:00:00Z"], "LEG7301", 2, /would be over already/],
  [["silence", "checkout", "tomorrow"], "LEG7301", 2, /is no time to be silent for/],
  [["silence", "lst"], "LEG7301", 2, /did you mean legion silence list\?/],
  [["silence", "agent/a", "2h"], "LEG7002", 2, /takes a watcher, not an agent/],
  [["cron", "ticks", "nightly", "--limit", "0"], "LEG7001", 2, /a number from 1/],
  [["silence", "checkuot", "2h"], "LEG6030", 1, /did you mean "checkout"/],
  [["silence", "cron/often", "2h"], "LEG7002", 2, /takes a watcher, not a cron/],
  [["silence", "remove"], "LEG7017", 2, /legion silence list/],
  [["cron", "next"], "LEG7017", 2, /legion get crons/],
  [["cron", "next", "nigthly"], "LEG6030", 1, /did you mean "nightly"/],
  [["cron", "next", "nightly", "-n", "0"], "LEG7001", 2, /from 1 to 1000/],
  [["cron", "next", "nightly", "-n", "few"], "LEG7001", 2, /whole number/],
  [["cron", "next", "nightly", "--from", "tomorrow"], "LEG7305", 2, /36h/],
  [["cron", "next", "nightly", "--from", "2026-13-01"], "LEG7305", 2, /36h/],
  [["cron", "trigger"], "LEG7017", 2, /legion get crons/],
  [["cron", "trigger", "nigthly"], "LEG6030", 1, /did you mean "nightly"/],
  [["cron", "trigger", "often", "--wait", "--timeout", "0s"], "LEG7001", 2, /above 0/],
  [["cron", "resume", "watcher/disk"], "LEG7002", 2, /takes a cron, not a watcher/],
  [["cron", "ticks", "nightly", "--limit", "x"], "LEG7001", 2, /whole number/],
];
for (const [words, code, exit, says] of wrong) {
  test(`legion ${words.join(" ")} ends with ${code}`, async () => {
    const { exitCode, stdout, stderr } = await run(...words);
    assert.deepEqual([exitCode, stdout], [exit, ""], stderr);
    assert.match(stderr, new RegExp(code));
    assert.match(stderr.replaceAll(/\s+/g, " "), says);
  });
}

test("a shell completes watchers, crons and the verbs about them", async () => {
  const offered = async (...words: string[]) => {
    const { stdout } = await run("__complete", "--", ...words);
    return stdout.split("\n").flatMap((line) => line.split("\t")[0] || []);
  };
  assert.deepEqual(await offered("silence", "watcher/"), [
    ...["watcher/checkout", "watcher/disk", "watcher/lost"],
  ]);
  assert.deepEqual((await offered("silence", "")).slice(0, 2), ["list", "remove"]);
  assert.deepEqual(await offered("silence", "watcher/disk", ""), []);
  assert.deepEqual(await offered("cron", ""), ["next", "trigger", "resume", "ticks"]);
  assert.deepEqual(await offered("cron", "trigger", "cron/n"), ["cron/nightly"]);
  assert.deepEqual(await offered("describe", "wt/d"), ["wt/disk"]);
});

test("without a daemon states are unknown, verbs that need one end with 4, and cron next works", async () => {
  const other = await mkdtemp(join(tmpdir(), "legion-watching-"));
  try {
    const gone = (...argv: string[]) => runOnStreams(argv, { cwd: other });
    await seedStateFolder(join(other, ".legion"), [
      watcher("checkout"),
      cron("nightly", { schedule: "@daily" }),
    ]);
    for (const words of [
      ["silence", "checkout", "2h"],
      ["silence", "list"],
      ["silence", "remove", "checkout"],
      ["cron", "trigger", "nightly"],
      ["cron", "resume", "nightly"],
      ["cron", "ticks", "nightly"],
    ]) {
      const { exitCode, stderr } = await gone(...words);
      assert.equal(exitCode, 4, words.join(" "));
      assert.match(stderr, /LEG8001/);
    }
    const [, checkout] = rows((await gone("get", "watchers")).stdout);
    assert.deepEqual(checkout?.slice(0, 6), ["checkout", "NoDaemon", "-", "-", "-", "-"]);
    const next = await gone("cron", "next", "nightly");
    assert.equal(next.exitCode, 0);
    assert.equal(next.stdout.match(/00:00:00 \+00:00/g)?.length, 5);
    const described = await gone("describe", "cron/nightly");
    assert.match(described.stdout, /^Cron:\n {2}Next: /m);
    assert.doesNotMatch(described.stdout, /^Ticks:/m);
  } finally {
    await rm(other, { recursive: true, force: true });
  }
});
