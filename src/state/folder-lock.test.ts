// Goal: a state folder has one owner: a second one is told who it is, a dead one is replaced at once, one that stood still is fenced (R33, R34).
// Method: this file, started as a child, locks a folder and writes when it is told to; the parent stops, resumes and kills it with real signals.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { AT, put } from "./contract/case.ts";
import { openDatabase } from "./database.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";
import {
  livenessFrom,
  livenessOf,
  ownIdentity,
  type ProcessIdentity,
  parseStat,
} from "./process-identity.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store } from "./store.ts";

const TTL_MS = 600;
const LONG_TTL_MS = 60_000;
const TAKEOVER_MS = 1_000;
const COMMAND = "legion up agents.d";

const self = fileURLToPath(import.meta.url);
const [, , childFolder, childTtlMs] = process.argv;

interface Owner extends AsyncDisposable {
  readonly store: Store;
  readonly lock: FolderLock;
}

async function own(folder: string, ttlMs = TTL_MS): Promise<Owner> {
  const database = await openDatabase(folder);
  const store = openSqliteStore(database, { clock: systemClock });
  try {
    const options = { store, clock: systemClock, command: COMMAND, ttlMs };
    const lock = await lockFolder(folder, options);
    const end = async () => {
      await lock.release();
      database.close();
    };
    return { store, lock, [Symbol.asyncDispose]: end };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Says "locked", then answers each line with a write: "written", or the code of the failure. Says "lost" by itself. */
async function child(folder: string, ttlMs: number): Promise<void> {
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const { store, lock } = await own(folder, ttlMs);
  lock.lost.addEventListener("abort", () => say(`lost ${lock.lost.reason.code}`));
  say("locked");
  for await (const name of createInterface({ input: process.stdin })) {
    const written = store.write([put(name)], { at: AT, fence: lock.fence });
    say(await written.then(() => "written").catch((error: LegionError) => error.code));
  }
}

if (childFolder !== undefined) await child(childFolder, Number(childTtlMs));
else lockTests();

interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  /** The next line that it says. */
  says(): Promise<string>;
  write(name: string): void;
}

async function startChild(folder: string, ttlMs = TTL_MS): Promise<Child> {
  const spawned = spawn(process.execPath, [self, folder, `${ttlMs}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { pid, stdin, stdout } = spawned;
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  assert.ok(pid !== undefined);
  const started: Child = {
    pid,
    process: spawned,
    says: async () => String((await lines.next()).value),
    write: (name) => void stdin.write(`${name}\n`),
  };
  assert.equal(await started.says(), "locked");
  return started;
}

async function kill(started: Child): Promise<void> {
  const exit = once(started.process, "exit");
  process.kill(started.pid, "SIGKILL");
  await exit;
}

function lockTests(): void {
  let root = "";
  let folders = 0;
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "legion-lock-"));
  });
  after(() => rm(root, { recursive: true, force: true }));
  const newFolder = () => {
    folders += 1;
    return path.join(root, `${folders}`);
  };

  test("R33: a second owner is refused at once, with pid, host, start and command of the first, and exit 3", async () => {
    const folder = newFolder();
    const first = await startChild(folder);
    const beginMs = performance.now();
    await assert.rejects(own(folder), (error: unknown) => {
      assert.ok(error instanceof LegionError);
      assert.deepEqual([error.code, error.exitCode], ["LEG6024", 3]);
      for (const part of [folder, `process ${first.pid} on ${hostname()}, started 20`, COMMAND]) {
        assert.ok(error.message.includes(part), error.message);
      }
      return true;
    });
    assert.ok(performance.now() - beginMs < TTL_MS);
    first.write("a");
    assert.equal(await first.says(), "written");
    await kill(first);
  });

  test("R34: after kill -9 the next one owns the folder within a second, and what was written is there", async () => {
    const folder = newFolder();
    const first = await startChild(folder, LONG_TTL_MS);
    first.write("a");
    assert.equal(await first.says(), "written");
    await kill(first);
    const beginMs = performance.now();
    await using second = await own(folder);
    assert.ok(performance.now() - beginMs < TAKEOVER_MS);
    assert.equal(second.lock.fence.epoch, 2);
    assert.equal((await second.store.list()).length, 1);
    await second.store.write([put("b")], { at: AT, fence: second.lock.fence });
  });

  test("R33: an owner that stands still is replaced after its ttl; resumed, it is told so and none of its writes is accepted", async () => {
    const folder = newFolder();
    const first = await startChild(folder);
    process.kill(first.pid, "SIGSTOP");
    await using second = await own(folder);
    await second.store.write([put("new")], { at: AT, fence: second.lock.fence });
    // Written to the pipe while it stands still, so that it meets it before its next renewal can.
    first.write("late");
    process.kill(first.pid, "SIGCONT");
    const said = [await first.says(), await first.says()].toSorted();
    assert.deepEqual(said, ["LEG6022", "lost LEG6022"]);
    first.write("later");
    assert.equal(await first.says(), "LEG6022");
    assert.deepEqual(
      (await second.store.list()).map(({ name }) => name),
      ["new"],
    );
    await kill(first);
  });

  test("an owner that is stopped and resumed in time keeps the folder, and the waiting one is refused", async () => {
    const folder = newFolder();
    const first = await startChild(folder);
    process.kill(first.pid, "SIGSTOP");
    const second = assert.rejects(own(folder), { code: "LEG6024" });
    // Nothing tells that the waiting one has looked; half a ttl is enough for it and too little for a takeover.
    setTimeout(() => process.kill(first.pid, "SIGCONT"), TTL_MS / 2);
    await second;
    first.write("a");
    assert.equal(await first.says(), "written");
    await kill(first);
  });

  test("a folder that was given back is free at once", async () => {
    const folder = newFolder();
    {
      await using first = await own(folder);
      await assert.rejects(own(folder), { code: "LEG6024" }, "also within one process");
      assert.equal(first.lock.lost.aborted, false);
    }
    await using second = await own(folder);
    assert.equal(second.lock.fence.epoch, 2);
  });

  const elsewhere: { name: string; change: Partial<ProcessIdentity> }[] = [
    { name: "another machine or container", change: { pidSpace: "another boot" } },
    { name: "a system that does not tell", change: { pidSpace: "" } },
  ];
  for (const { name, change } of elsewhere) {
    test(`a silent owner of ${name} is replaced after its ttl, a renewing one is not`, async () => {
      const folder = newFolder();
      const database = await openDatabase(folder);
      const store = openSqliteStore(database, { clock: systemClock });
      const identity = { ...(await ownIdentity(COMMAND, AT)), ...change };
      const outcome = await store.leases.acquire("state-folder", JSON.stringify(identity), TTL_MS);
      assert.ok(outcome.acquired);
      const beat = setInterval(() => void store.leases.renew(outcome.lease), TTL_MS / 4);
      await assert.rejects(own(folder), { code: "LEG6024" });
      clearInterval(beat);
      await using silent = await own(folder);
      assert.equal(silent.lock.fence.epoch, 2);
      database.close();
    });
  }

  test("R34: a pid that belongs to another process by now is a dead owner", async () => {
    const mine = await ownIdentity(COMMAND, systemClock.now());
    assert.equal(await livenessOf(mine), "alive");
    assert.equal(await livenessOf({ ...mine, startTicks: "1" }), "dead");
    assert.equal(await livenessOf({ ...mine, pidSpace: "elsewhere" }), "unknown");
  });

  const states = [
    { state: "R", want: "alive" },
    { state: "D", want: "alive" },
    { state: "T", want: "stopped" },
    { state: "t", want: "stopped" },
    { state: "Z", want: "dead" },
    { state: "X", want: "dead" },
  ] as const;
  for (const { state, want } of states) {
    test(`a process in state ${state} is ${want}`, () => {
      assert.equal(livenessFrom({ state, startTicks: "7" }, "7"), want);
      assert.equal(livenessFrom({ state, startTicks: "8" }, "7"), "dead");
    });
  }

  test("the line of a process is read whatever its name holds", async () => {
    const own = await readFile("/proc/self/stat", "utf8");
    const fields = own.split(" ").slice(2).join(" ");
    for (const name of ["node", "a b", ") R 1 (", "x) Z"]) {
      assert.deepEqual(parseStat(`1 (${name}) ${fields}`), parseStat(own), name);
    }
    assert.equal(parseStat("1 (x) R 1"), undefined);
  });
}
