// Goal: a full disk and a state folder that may not be written are told with what to do, harm nothing, and a daemon goes on by itself when there is room again (R05, R06).
// Method: real daemons and commands on a file system of a few megabytes that the test fills, and as a user without rights.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openDatabase } from "../state/database.ts";
import { legion } from "../testing/command.ts";
import { agentKey, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { startHeldModel } from "../testing/held-model.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const DISK_MIB = 12;
const AGENTS = 8;
/** More small writes than the room that is left can take. */
const EDITS_MAX = 5_000;
/** A refusal must come sooner than this. */
const REFUSAL_MS = 2_000;
const ATTEMPTS = 3;
const NOBODY = 65534;

const isRoot = process.geteuid?.() === 0;
const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Mounts a small file system at the place; undefined where this user or this machine may not. */
function smallDisk(place: string): Disposable | undefined {
  mkdirSync(place, { recursive: true });
  try {
    const options = ["-t", "tmpfs", "-o", `size=${DISK_MIB}m,mode=0700`];
    execFileSync("mount", [...options, "tmpfs", place], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return { [Symbol.dispose]: () => execFileSync("umount", ["--lazy", place]) };
}

function mayMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), "legion-mount-"));
  const disk = smallDisk(place);
  disk?.[Symbol.dispose]();
  rmSync(place, { recursive: true });
  return disk !== undefined;
}

/** Takes all the room there is; returns what gives it back. */
function fill(folder: string): () => void {
  const file = join(folder, "filler");
  writeFileSync(file, "");
  for (let bytes = 2 ** 20; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(bytes, 1), { flag: "a" });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
  return () => truncateSync(file, 0);
}

/** Many agents with long instructions: more than the room that the database has left by itself. */
function agents(text: string): Record<string, string> {
  const entries = Array.from({ length: AGENTS }, (_, index) => [
    `agents.d/agent-${index}.yaml`,
    agentManifest(`agent-${index}`, { instructions: `${text} `.repeat(10_000) }),
  ]);
  return Object.fromEntries(entries);
}

const needsMount = mayMount() ? false : "this user may not mount a small file system";

test("R05: on a full disk changes are refused with a typed error and the daemon goes on; with room again they come by themselves", {
  skip: needsMount,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "legion-disk-"));
  using cleanup = new DisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const stateFolder = join(folder, ".legion");
  const disk = smallDisk(stateFolder);
  assert.ok(disk);
  cleanup.use(disk);
  const models = { "agents.d/models.yaml": providerManifest() };
  {
    await using daemon = await startTestDaemon({
      folder,
      files: { ...models, ...agents("first") },
    });
    const { plane } = daemon;
    const { metadata } = await daemon.untilReady(agentKey("agent-0"));
    const giveBack = fill(stateFolder);
    await daemon.write(agents("second"));
    await daemon.untilEvent(({ data }) => JSON.stringify(data).includes("LEG6003"));
    const status = await plane.status();
    assert.equal(status.health, "degraded");
    const [problem] = status.problems;
    assert.deepEqual([problem?.subject, problem?.reason], ["roots", "LEG6003"]);
    assert.match(problem?.message ?? "", /legion\.db .*the disk is full; next: free some space/);

    await daemon.write({ "more/b.yaml": agents("other")["agents.d/agent-0.yaml"] ?? "" });
    const applied = await legion(["apply", "-f", "more", "--force-conflicts"], { cwd: folder });
    assert.equal(applied.exitCode, 1);
    assert.match(applied.stderr, /error\[LEG6003\]/);
    const long = { namespace: "default", name: "agent-0", task: "x".repeat(1_000_000) };
    await assert.rejects(plane.tell(long), { code: "LEG6003" });
    const before = await plane.read(agentKey("agent-0"));
    assert.equal(before?.metadata.generation, 1, "what was there goes on");

    giveBack();
    for (let index = 0; index < AGENTS; index += 1)
      await daemon.untilReady(agentKey(`agent-${index}`), 2);
    const after = await plane.read(agentKey("agent-0"));
    assert.deepEqual([after?.metadata.uid, after?.metadata.generation], [metadata.uid, 2]);
    await plane.reconcile({ wait: true });
    assert.equal((await plane.status()).health, "ok");
    assert.equal((await plane.status()).agents.queued, 0, "what was refused is not half there");
    daemon.kill("SIGTERM");
    assert.equal(await daemon.exit, 0, daemon.stderr());
  }
  const database = await openDatabase(stateFolder);
  assert.deepEqual(Object.values(database.query("PRAGMA integrity_check")[0] ?? {}), ["ok"]);
  database.close();
});

/** Writes until there is no room even where the database has some left. */
async function exhaust({ plane }: TestDaemon, name: string): Promise<void> {
  const refused = async () => {
    for (let edit = 0; edit < EDITS_MAX; edit += 1) {
      const labels = { edit: `${edit}` };
      await plane.edit(agentKey(name), { labels, overwrite: true, manager: "test" });
    }
  };
  await assert.rejects(refused, { code: "LEG6003" });
}

test("R05: a turn that ends while the disk is full is not lost: its answer comes when there is room, and once", {
  skip: needsMount,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "legion-disk-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const stateFolder = join(folder, ".legion");
  const disk = smallDisk(stateFolder);
  assert.ok(disk);
  stack.use(disk);
  const model = stack.use(await startHeldModel());
  const daemon = stack.use(
    await startTestDaemon({
      folder,
      files: {
        "agents.d/models.yaml": providerManifest(model.url),
        "agents.d/a.yaml": agentManifest("a", { outputSchema: { type: "string" } }),
        "agents.d/b.yaml": agentManifest("b"),
      },
    }),
  );
  await daemon.untilReady(agentKey("a"));
  const answer = daemon.ask("a", "the question");
  await daemon.plane.tell({ namespace: "default", name: "a", task: "the next one" });
  const request = await model.at(0);
  const giveBack = fill(stateFolder);
  await exhaust(daemon, "b");
  model.releaseAll();
  request.release();
  await daemon.untilEvent(({ data }) => JSON.stringify(data).includes("LEG6003"));
  assert.equal((await daemon.plane.status()).agents.loops, 2);
  giveBack();
  const { result } = await answer;
  assert.equal(result.status, "ok");
  assert.equal((await daemon.ask("a", "the last one")).result.status, "ok");
  // An answer of the model that could not be kept is asked for again, and no other.
  assert.ok(model.requests.length <= 4, `${model.requests.length} requests`);
  const ends = (await daemon.events()).filter(({ kind }) => kind === "legion.agent.stopped");
  assert.equal(ends.length, 3, "no turn ended twice");
  assert.equal((await daemon.plane.status()).agents.queued, 0);
});

test("R05: a daemon on a full disk can be ended, and starts again when there is room", {
  skip: needsMount,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "legion-disk-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const disk = smallDisk(join(folder, ".legion"));
  assert.ok(disk);
  stack.use(disk);
  const files = {
    "agents.d/models.yaml": providerManifest(),
    "agents.d/b.yaml": agentManifest("b"),
  };
  const first = stack.use(await startTestDaemon({ folder, files }));
  await first.untilReady(agentKey("b"));
  const giveBack = fill(join(folder, ".legion"));
  await exhaust(first, "b");
  first.kill("SIGTERM");
  assert.equal(await first.exit, 0, first.stderr());
  giveBack();
  const second = stack.use(await startTestDaemon({ folder }));
  await second.untilReady(agentKey("b"));
  assert.equal((await second.plane.status()).health, "ok");
});

test("R05: a start on a full disk is refused soon, with the path and what to do", {
  skip: needsMount,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "legion-disk-"));
  using cleanup = new DisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const disk = smallDisk(join(folder, ".legion"));
  assert.ok(disk);
  cleanup.use(disk);
  fill(join(folder, ".legion"));
  const { exitCode, stderr } = await legion(["up"], { cwd: folder });
  assert.equal(exitCode, 1);
  assert.match(stderr, /error\[LEG6003\][\s\S]*\.legion[\s\S]*next: free some space/);
});

/** A command as a user without any rights, and how long it took. */
async function asNobody(words: readonly string[], cwd: string) {
  const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const startMs = performance.now();
  const child = spawn(process.execPath, [main, ...words], { cwd, ...identity });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [exitCode] = await once(child, "close");
  return { exitCode, stderr, ms: performance.now() - startMs };
}

for (const words of [["up"], ["apply", "-f", "agents.d"], ["delete", "agent/a"]]) {
  test(`R06: ${words[0]} with a state folder that this user may not write ends soon, and names the folder and the fix`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "legion-rights-"));
    using cleanup = new DisposableStack();
    cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, "agents.d"));
    writeFileSync(join(folder, "agents.d", "models.yaml"), providerManifest());
    mkdirSync(join(folder, ".legion"));
    for (const place of [join(folder, ".legion"), folder]) chmodSync(place, 0o555);
    cleanup.defer(() => {
      for (const place of [folder, join(folder, ".legion")]) chmodSync(place, 0o755);
    });
    let soonest = Number.POSITIVE_INFINITY;
    // A machine that is busy with other tests may take long for one process, but hardly for all.
    for (let attempt = 0; attempt < ATTEMPTS && soonest > REFUSAL_MS; attempt += 1) {
      const { exitCode, stderr, ms } = await asNobody(words, folder);
      assert.equal(exitCode, 1, stderr);
      assert.match(stderr, /error\[LEG6001\]/);
      assert.ok(stderr.includes(`${join(folder, ".legion")} cannot be used`), stderr);
      assert.match(stderr, /next: make it writable for this user/);
      soonest = Math.min(soonest, ms);
    }
    assert.ok(soonest < REFUSAL_MS, `${soonest} ms`);
  });
}

test("R06: roots that may only be read are no hindrance", async () => {
  await using daemon = await startTestDaemon({
    files: { "agents.d/models.yaml": providerManifest(), "agents.d/a.yaml": agentManifest("a") },
  });
  for (const path of ["a.yaml", "models.yaml"])
    chmodSync(join(daemon.folder, "agents.d", path), 0o444);
  chmodSync(join(daemon.folder, "agents.d"), 0o555);
  await daemon.plane.reconcile({ wait: true });
  await daemon.untilReady(agentKey("a"));
  assert.equal((await daemon.plane.status()).health, "ok");
  chmodSync(join(daemon.folder, "agents.d"), 0o755);
});
