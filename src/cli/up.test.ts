// Goal: legion up runs what manifests declare, tells what happens, and ends as its signals and legion down say.
// Method: real daemons in processes of their own, over real files and a loopback model server, and real commands beside them.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { runOnStreams } from "../testing/command-streams.ts";
import { startDaemonProcess } from "../testing/daemon-process.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";
import { type Script, startModelServer } from "../testing/model-server.ts";
import { parseListen } from "./up-listen.ts";

let base = "";
let cwd = "";
let made = 0;

before(async () => {
  base = await mkdtemp(join(tmpdir(), "legion-up-"));
});

after(() => rm(base, { recursive: true, force: true }));

beforeEach(async () => {
  made += 1;
  cwd = join(base, String(made));
  await mkdir(join(cwd, "agents.d"), { recursive: true });
});

const run = (...words: string[]) => runOnStreams(words, { cwd });
const write = (...texts: string[]) => writeFile(join(cwd, "agents.d", "a.yaml"), texts.join(""));
const answers: Script = () => ({ action: "return", result: "Hello." });
/** About two seconds for an answer, so that there is a turn to drain. */
const slowly: Script = () => ({
  action: "return",
  result: "Hello.",
  fault: { kind: "drip", bytes: 100, everyMs: 100 },
});
const never: Script = () => ({ action: "return", result: "x", fault: { kind: "silence" } });
const agent = (fields: Readonly<Record<string, unknown>> = {}) =>
  agentManifest("a", { outputSchema: { type: "string" }, ...fields });

test("it says what it runs; status, ask, tell, reconcile and rollout speak with it; down ends it", async () => {
  await using server = await startModelServer(answers);
  await write(providerManifest(server.url), agent());
  await using daemon = startDaemonProcess(cwd);
  await daemon.says(/legion is ready after .*: 1 provider, 1 agent|1 agent, 1 provider/);

  const status = await run("status");
  assert.equal(status.exitCode, 0, status.stderr);
  assert.match(
    status.stdout,
    /^ok: 2 of 2 objects ready\n[\s\S]*agents +1\/1[\s\S]*roots +agents\.d/,
  );
  assert.ok(status.stdout.split("\n").every((line) => line.length <= 80 || line.includes(base)));
  assert.equal(JSON.parse((await run("status", "-o", "json")).stdout).pid, daemon.pid);

  const asked = await run("ask", "agent/a", "Say hello.");
  assert.deepEqual([asked.exitCode, asked.stdout], [0, "Hello.\n"], asked.stderr);
  assert.match(asked.stderr, /done: 1 step/);
  const data = JSON.parse((await run("ask", "agent/a", "Again.", "-o", "json")).stdout);
  assert.deepEqual([data.status, data.value, data.generation], ["ok", "Hello.", 1]);
  assert.equal((await run("ask", "a", "By its name.")).stdout, "Hello.\n");
  assert.equal((await run("ask", "a", " \n")).exitCode, 2, "a blank task is none");
  const told = await run("tell", "a", "Later.");
  assert.match(told.stdout, /^[0-9A-Z]{26}\n$/);
  assert.match(told.stderr, /\d messages? waiting/);
  const unknown = await run("ask", "agent/aa", "x");
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.stderr, /LEG6030[\s\S]*did you mean "a"\?/);

  assert.equal((await run("reconcile", "--wait")).exitCode, 0);
  assert.match((await run("rollout", "status", "agent/a")).stdout, /generation 1 is ready/);
  assert.equal((await run("rollout", "restart", "agent/a")).stdout, "agent/a restarted\n");
  const applied = await run("apply", "-f", "agents.d", "--wait");
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.match(applied.stderr, /all of it is ready/);

  const down = await run("down");
  assert.equal(down.exitCode, 0, down.stderr);
  assert.match(down.stderr, new RegExp(`the daemon \\(pid ${daemon.pid}\\) has ended`));
  assert.equal((await daemon.ended).exitCode, 0);
  assert.ok(!existsSync(join(cwd, ".legion", "daemon.json")));
  assert.match(daemon.output().stderr, /agent\/a turn began \(generation 1\): Say hello\./);
  const again = await run("down");
  assert.deepEqual([again.exitCode, again.stderr], [0, "no daemon runs\n"]);
});

test("a manifest that becomes invalid is told, the old generation goes on, and SIGHUP takes the mended one up", async () => {
  await write(providerManifest(), agent());
  await using daemon = startDaemonProcess(cwd);
  await daemon.says("legion is ready");
  await write(providerManifest(), agent({ modle: "x" }));
  await daemon.says(/agents\.d\/a\.yaml:\d+:\d+: error\[LEG1007\]/);
  const reconciled = await run("reconcile");
  assert.equal(reconciled.exitCode, 1);
  assert.match(reconciled.stderr, /LEG1007/);
  const rollout = await run("rollout", "status", "agent/a");
  assert.equal(rollout.exitCode, 1);
  assert.match(
    rollout.stderr,
    /LEG7028.*was rejected, so generation 1 goes on: agents\.d\/a\.yaml:\d+/,
  );
  assert.match((await run("status")).stdout, /^degraded:[\s\S]*PROBLEMS/);
  await write(providerManifest(), agent({ description: "Mended." }));
  daemon.kill("SIGHUP");
  await daemon.says("all manifests are valid");
  const mended = await run("rollout", "status", "agent/a", "--timeout", "20s");
  assert.match(mended.stdout, /generation 2 is ready/, mended.stderr);
  const undone = await run("rollout", "undo", "agent/a");
  assert.match(undone.stderr, /^agents\.d\/a\.yaml#2 declares it: the rollback stands until/);
  const described = await run("describe", "agent/a");
  assert.match(described.stdout, /^Rolled back: +yes, until the manifest changes$/m);
});

test("delete waits until the turn that runs has ended, and says that it goes on when --timeout is over", async () => {
  await using server = await startModelServer(slowly);
  await write(providerManifest(server.url));
  await using daemon = startDaemonProcess(cwd);
  await daemon.says("legion is ready");
  const sent = await runOnStreams(["apply", "-f", "-", "--wait"], { cwd, stdin: agent() });
  assert.equal(sent.exitCode, 0, sent.stderr);
  const answer = run("ask", "agent/a", "Take your time.");
  await daemon.says("agent/a turn began");
  const hasty = await run("delete", "agent/a", "--timeout", "100ms");
  assert.equal(hasty.exitCode, 124, hasty.stderr);
  assert.equal(hasty.stdout, 'agent "a" deleted\n');
  assert.match(hasty.stderr, /LEG7030.*agent\/a/);
  const patient = await runOnStreams(["delete", "agent/a"], { cwd, columns: 80 });
  assert.equal(patient.exitCode, 0, patient.stderr);
  assert.match(patient.stderr, /agent\/a: .*(turn|answers)/);
  assert.equal((await answer).stdout, "Hello.\n");
  assert.equal((await run("rollout", "status", "agent/a")).exitCode, 1);
});

test("plans, diffs and conflicts over the API end as they do without a daemon", async () => {
  await using daemon = startDaemonProcess(cwd);
  await daemon.says("legion is ready");
  const file = join(cwd, "m.yaml");
  await writeFile(file, providerManifest() + agent());
  assert.equal((await run("diff", "-f", file)).exitCode, 1);
  assert.equal((await run("plan", "-f", file, "--out", "f.plan")).exitCode, 0);
  const applied = await run("apply", "f.plan", "--wait");
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.match(applied.stdout, /agent\/a +created/);
  assert.equal((await run("diff", "-f", file)).exitCode, 0);
  const stale = await run("apply", "f.plan");
  assert.equal(stale.exitCode, 3, stale.stderr);
  assert.match(stale.stderr, /LEG1081/);
  await writeFile(file, providerManifest() + agent({ description: "Mine." }));
  const conflict = await run("apply", "-f", file, "--field-manager", "other");
  assert.equal(conflict.exitCode, 3);
  assert.match(conflict.stderr, /LEG6026/);
  const { rowsWritten } = JSON.parse((await run("apply", "-f", file, "-o", "json")).stdout);
  assert.ok(rowsWritten > 0);
  assert.match((await run("rollout", "undo", "agent/a")).stdout, /as generation 3/);
});

test("when the time of an ask is over only the waiting ends, with 124", async () => {
  await using server = await startModelServer(never);
  await write(providerManifest(server.url), agent());
  await using daemon = startDaemonProcess(cwd);
  await daemon.says("legion is ready");
  const late = await run("ask", "agent/a", "x", "--timeout", "500ms");
  assert.equal(late.exitCode, 124);
  assert.match(late.stderr, /LEG7033.*only the waiting has ended/);
  const status = JSON.parse((await run("status", "-o", "json")).stdout);
  assert.equal(status.agents.turns, 1);
  const interrupt = new AbortController();
  const asking = runOnStreams(["ask", "agent/a", "y"], { cwd, signal: interrupt.signal });
  await daemon.says(/turn began/);
  interrupt.abort();
  assert.equal((await asking).exitCode, 130);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`R45: ${signal} lets the turn that runs end, and ends with 0`, async () => {
    await using server = await startModelServer(slowly);
    await write(providerManifest(server.url), agent());
    await using daemon = startDaemonProcess(cwd);
    await daemon.says("legion is ready");
    const answer = run("ask", "agent/a", "x");
    await daemon.says("turn began");
    daemon.kill(signal);
    await daemon.says("draining: turns that run have up to 30.0 s");
    assert.equal((await answer).stdout, "Hello.\n");
    assert.equal((await daemon.ended).exitCode, 0);
  });
}

test("R45: a second signal ends at once", async () => {
  await using server = await startModelServer(never);
  await write(providerManifest(server.url), agent());
  await using daemon = startDaemonProcess(cwd);
  await daemon.says("legion is ready");
  const answer = run("ask", "agent/a", "x");
  await daemon.says("turn began");
  daemon.kill("SIGTERM");
  await daemon.says("draining");
  daemon.kill("SIGINT");
  assert.equal((await daemon.ended).exitCode, 130);
  assert.notEqual((await answer).exitCode, 0);
});

test("--strict ends with 1 for manifests that are not valid; without it the valid rest runs", async () => {
  await write(providerManifest(), agent({ modle: "x" }));
  await using strict = startDaemonProcess(cwd, ["--strict"]);
  assert.equal((await strict.ended).exitCode, 1);
  assert.match(strict.output().stderr, /LEG1007/);
  await using lenient = startDaemonProcess(cwd);
  await lenient.says("legion is ready");
  assert.match((await run("status")).stdout, /^degraded: 1 of 1 object ready/);
});

test("a root that is not there and never was ends with 1; one that declared something may be away at a start", async () => {
  await write(providerManifest());
  await using unknown = startDaemonProcess(cwd, ["agents.d", "nosuch"]);
  assert.equal((await unknown.ended).exitCode, 1);
  assert.match(unknown.output().stderr, /LEG1001.*"nosuch"[\s\S]*mkdir nosuch/);
  {
    await using first = startDaemonProcess(cwd, ["agents.d"]);
    await first.says("legion is ready");
    first.kill("SIGTERM");
    await first.ended;
  }
  await rm(join(cwd, "agents.d"), { recursive: true });
  await using second = startDaemonProcess(cwd, ["agents.d"]);
  await second.says("legion is ready");
  assert.match((await run("status")).stdout, /degraded[\s\S]*agents\.d is gone; what it declared/);
});

test("a second daemon on the same state folder is refused with exit code 3", async () => {
  await write(providerManifest());
  await using first = startDaemonProcess(cwd);
  await first.says("legion is ready");
  await using second = startDaemonProcess(cwd);
  assert.equal((await second.ended).exitCode, 3);
  assert.match(second.output().stderr, new RegExp(String(first.pid)));
});

test("-o json writes every event as a line of JSON", async () => {
  await write(providerManifest());
  await using daemon = startDaemonProcess(cwd, ["-o", "json", "-q"]);
  await daemon.says("legion is ready");
  daemon.kill("SIGTERM");
  await daemon.ended;
  const events = daemon
    .output()
    .stdout.trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.ok(
    events.some(
      ({ object, data }) => object === "Provider/default/local" && data.reason === "Ready",
    ),
  );
});

const addresses: [text: string, host: string, port: number][] = [
  ["127.0.0.1:7420", "127.0.0.1", 7420],
  ["[::1]:0", "::1", 0],
  ["localhost:65535", "localhost", 65535],
  ["7420", "127.0.0.1", 7420],
];

for (const [text, host, port] of addresses) {
  test(`--listen ${text}`, () => {
    assert.deepEqual(parseListen(text), { host, port });
  });
}

const wrong: { words: string[]; exitCode: number; says: RegExp }[] = [
  ...["", ":7420", "host:", "host:70000", "::1:7420", "a b:1"].map((text) => ({
    words: ["up", "--listen", text],
    exitCode: 2,
    says: /--listen does not take/,
  })),
  { words: ["up", "--grace", "soon"], exitCode: 2, says: /--grace does not take/ },
  { words: ["up", "--watch-method", "magic"], exitCode: 2, says: /events, poll/ },
  { words: ["up", "--tls-cert", "x"], exitCode: 2, says: /of --listen/ },
  { words: ["up", "-o", "yaml"], exitCode: 2, says: /json/ },
  { words: ["status"], exitCode: 4, says: /LEG8001[\s\S]*legion up/ },
  { words: ["reconcile"], exitCode: 4, says: /LEG8001/ },
  { words: ["ask", "agent/a", "x"], exitCode: 4, says: /LEG8001/ },
  { words: ["tell", "agent/a", "x"], exitCode: 4, says: /LEG8001/ },
  { words: ["rollout", "restart", "agent/a"], exitCode: 4, says: /LEG8001/ },
  { words: ["ask", "agent/a"], exitCode: 2, says: /needs a task/ },
  { words: ["ask", "tool/a", "x"], exitCode: 2, says: /takes an agent, not a tool/ },
  { words: ["tell"], exitCode: 2, says: /agent/ },
];

for (const { words, exitCode, says } of wrong) {
  test(`legion ${words.join(" ")} ends with ${exitCode} when no daemon runs`, async () => {
    const ended = await run(...words);
    assert.equal(ended.exitCode, exitCode, ended.stderr);
    assert.match(ended.stderr, says);
    assert.equal(ended.stdout, "");
  });
}

test("a state folder that cannot be made is told with its path", async () => {
  for (const words of [["up"], ["up", "--detach"], ["apply", "-f", "agents.d"]]) {
    await write(providerManifest(), agent());
    const { exitCode, stderr } = await run(...words, "--state-dir", "/proc/foo");
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /error\[LEG6001\]: the state folder \/proc\/foo cannot be used/);
  }
});
