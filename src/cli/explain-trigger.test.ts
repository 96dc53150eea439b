// Goal: the trigger of a watcher is shown as a tree with types, with the last values where a daemon runs, and how the watcher stands below it.
// Method: manifests in files, objects of a state folder, and a real server whose plane knows a watcher; the command on streams.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { LegionError } from "../lib/errors.ts";
import { applyRequest, serveTestPlane } from "../testing/api-server.ts";
import { repository } from "../testing/command.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { seedStateFolder } from "../testing/state-folder.ts";
import type { WatcherState } from "../watch/contract.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-explain-trigger-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test("a code of the trigger language is explained like any other, and an unknown one is refused", async () => {
  const { stdout, stderr, exitCode } = await runOnStreams(["explain", "e401"], { cwd: folder });
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.match(stdout, /^E401: unknown name \(trigger language\)\n\nWhat to do:\n {2}Use a name/);
  assert.match(stdout, /\nWrong:\n {2}statu >= 500\n\nRight:\n {2}status >= 500\n$/);
  const data = await runOnStreams(["explain", "E207", "-o", "json"], { cwd: folder });
  const { code, title } = JSON.parse(data.stdout);
  assert.deepEqual([code, title], ["E207", "unknown time zone"]);
  const unknown = await runOnStreams(["explain", "E400"], { cwd: folder });
  assert.match(unknown.stderr, /LEG7004.*there is no error code E400\n {2}next: legion explain/);
  assert.equal(unknown.exitCode, 2);
  const all = await runOnStreams(["explain"], { cwd: folder });
  assert.match(all.stdout, /LEG1115 .*\n[\s\S]*\n {2}E401 {2}unknown name\n/);
});

test("a watcher of a folder is looked at, whatever else is wrong there", async () => {
  const files = join(folder, "watchers.d");
  await mkdir(files);
  const watcher = (name: string, trigger: string) =>
    `apiVersion: legion.dev/v1
kind: Watcher
metadata: { name: ${name} }
spec: { type: tcpProbe, host: db.example.com, port: 1, agent: nobody, trigger: "${trigger}" }
`;
  await writeFile(
    join(files, "a.yaml"),
    `${watcher("good", "not ok then tool:none.look unless firing(nobody)")}---\n${watcher("bad", "ok = 1")}`,
  );
  const explain = (name: string) =>
    runOnStreams(["explain", "trigger", name, "-f", "watchers.d"], { cwd: folder });
  const good = await explain("good");
  assert.match(good.stdout, /not ok +bool\n└─ ok +bool\n/);
  assert.deepEqual([good.exitCode, good.stderr], [0, ""]);
  const bad = await explain("bad");
  assert.match(bad.stderr, /^watchers\.d\/a\.yaml:9:\d+: error\[LEG1115\]: trigger\[E101\]/);
  assert.doesNotMatch(bad.stderr, /LEG1059/);
  assert.deepEqual([bad.exitCode, bad.stdout], [1, ""]);
  const none = await explain("goood");
  assert.match(none.stderr, /LEG6030[\s\S]*did you mean "good"\?/);
  await writeFile(join(files, "torn.yaml"), "kind: Watcher\nmetadata: {\n");
  assert.match((await explain("goood")).stderr, /^watchers\.d\/torn\.yaml:/);
  assert.equal((await explain("good")).exitCode, 0);
});

const spec = {
  ...{ type: "httpPoll", url: "https://a.example", agent: "a", interval: "30s", timezone: "UTC" },
  trigger: 'when status >= 500 and p95(latency, 5m) > 1s cooldown 10m then wake "slow"',
};

test("a watcher of manifests is explained with its clauses and its recovery, without values", async () => {
  const words = ["explain", "trigger", "watcher/checkout", "-f", "fixtures/watch/checkout.yaml"];
  const { stdout, stderr, exitCode } = await runOnStreams(words, { cwd: repository });
  assert.equal(
    stdout,
    `watcher/checkout, httpPoll every 30s

EXPRESSION               TYPE
status >= 500 or not ok  bool
├─ status >= 500         bool
│  └─ status             number
└─ not ok                bool
   └─ ok                 bool

Clauses:
  for 3 polls
  cooldown 10m
  unless firing("network")
  then wake "checkout answers {{status ?? error.code}}"
  recovery: wake "checkout answers {{status}} again"
`,
  );
  assert.deepEqual([exitCode, stderr], [0, ""]);
});

test("a watcher of a state folder is explained without values", async () => {
  const stateDir = join(folder, "state");
  await seedStateFolder(stateDir, [{ kind: "Watcher", name: "slow", spec }]);
  const words = ["explain", "trigger", "slow", "--state-dir", stateDir];
  const { stdout, stderr, exitCode } = await runOnStreams(words, { cwd: folder });
  assert.equal(exitCode, 0);
  assert.match(stderr, /no daemon runs here/);
  assert.match(stdout, /└─ p95\(latency, 5m\) > 1s +bool\n {3}└─ p95\(latency, 5m\) +duration/);
  assert.match(stdout, /Clauses:\n {2}cooldown 10m\n {2}then wake "slow"\n$/);
  const missing = await runOnStreams([...words.slice(0, 2), "slwo", ...words.slice(3), "-q"], {
    cwd: folder,
  });
  assert.match(missing.stderr, /LEG6030[\s\S]*did you mean "slow"\?/);
  assert.equal(missing.exitCode, 1);
});

const state: WatcherState = {
  ...{ uid: "u", generation: 1, state: "firing", since: "2026-01-01T00:01:00.000Z", polls: 9 },
  ...{ lastPollAt: "2026-01-01T00:04:00.000Z", skipped: 1, fires: 2, errors: 0, pending: 1 },
  ...{ lastFireAt: "2026-01-01T00:02:00.000Z", suppressed: { cooldown: 3 } },
  error: { code: "LEG2701", message: "the condition is a bool, not string" },
};

const values = [
  { depth: 0, text: "status >= 500 and p95(latency, 5m) > 1s", type: "bool", value: "true" },
  { depth: 1, text: "status >= 500", type: "bool", value: "true" },
  { depth: 2, text: "status", type: "number", value: "503" },
  { depth: 1, text: "p95(latency, 5m) > 1s", type: "bool", value: "missing" },
  {
    depth: 2,
    text: "p95(latency, 5m)",
    type: "duration",
    value: `error: ${"no data ".repeat(20)}`,
  },
];

test("with a daemon every part has its last value, and the state stands below", async () => {
  const asked: string[] = [];
  await using served = await serveTestPlane({
    plane: {
      async explainTrigger({ kind, namespace, name }) {
        asked.push(`${kind}/${namespace}/${name}`);
        return values;
      },
    },
  });
  const { plane, folder: stateDir } = served;
  const read = plane.read.bind(plane);
  const { uid: _, ...watch } = state;
  plane.read = async (key) => {
    const object = await read(key);
    return object && { ...object, status: { ...object.status, watch } };
  };
  const key = { kind: "Watcher", namespace: "default", name: "slow" };
  await plane.apply(applyRequest([{ ...key, labels: {}, annotations: {}, spec }]));
  const words = ["explain", "trigger", "slow", "--state-dir", stateDir];
  const { stdout, stderr, exitCode } = await runOnStreams(words, { cwd: folder, columns: 80 });
  assert.deepEqual([exitCode, stderr, asked], [0, "", ["Watcher/default/slow"]]);
  assert.equal(
    stripVTControlCharacters(stdout),
    `watcher/slow, httpPoll every 30s: firing since 2026-01-01T00:01:00.000Z

EXPRESSION                               TYPE      VALUE
status >= 500 and p95(latency, 5m) > 1s  bool      true
├─ status >= 500                         bool      true
│  └─ status                             number    503
└─ p95(latency, 5m) > 1s                 bool      missing
   └─ p95(latency, 5m)                   duration  error: no data no data no da…

Clauses:
  cooldown 10m
  then wake "slow"

State:
  polls      9, the last at 2026-01-01T00:04:00.000Z
  fires      2, the last at 2026-01-01T00:02:00.000Z
  held back  3 by cooldown
  error      LEG2701: the condition is a bool, not string
  skipped    1 poll
  pending    1 delivery
`,
  );
  for (const columns of [80, 50, 140]) {
    const shown = await runOnStreams(words, { cwd: folder, columns });
    const [, drawn = ""] = shown.stdout.split("\n\n");
    assert.deepEqual(
      drawn.split("\n").filter((line) => stringWidth(line) > columns),
      [],
    );
  }
  const data = JSON.parse((await runOnStreams([...words, "-o", "json"], { cwd: folder })).stdout);
  assert.deepEqual([data.tree, data.state], [values, watch]);
  assert.deepEqual(data.clauses, ["cooldown 10m", 'then wake "slow"']);
});

test("a watcher that its daemon does not run is explained without values", async () => {
  await using served = await serveTestPlane({
    plane: {
      async explainTrigger() {
        throw new LegionError({ code: "LEG6030", message: "no such watcher", hint: "wait" });
      },
    },
  });
  const key = { kind: "Watcher", namespace: "default", name: "slow" };
  await served.plane.apply(applyRequest([{ ...key, labels: {}, annotations: {}, spec }]));
  const words = ["explain", "trigger", "slow", "--state-dir", served.folder];
  const { stdout, exitCode } = await runOnStreams(words, { cwd: folder });
  assert.equal(exitCode, 0);
  assert.match(stdout, /^EXPRESSION +TYPE$/m);
});

test("a trigger that is wrong is told with its place", async () => {
  const object = {
    ...{ apiVersion: "legion.dev/v1", kind: "Watcher", metadata: { name: "slow" } },
    spec: { ...spec, trigger: "statu >= 500" },
  };
  await writeFile(join(folder, "w.yaml"), JSON.stringify(object));
  const words = ["explain", "trigger", "slow", "-f", "w.yaml"];
  const { stderr, exitCode } = await runOnStreams(words, { cwd: folder });
  assert.equal(exitCode, 1);
  assert.match(stderr, /did you mean status\?/);
  assert.match(stderr, /\^\^\^\^\^/);
});
