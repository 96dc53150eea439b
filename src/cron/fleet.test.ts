// Goal: of many processes over one store exactly one has each moment of a cron, and one that is killed loses none (R08, R09).
// Method: this file, started as a child, runs a cron of each second over a shared database on a clock of its own; the parent starts eight of them together, kills one, and counts messages and ticks.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { manualClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { type Database, openDatabase } from "../state/database.ts";
import { openSqliteInbox } from "../state/inbox-sqlite.ts";
import { openSqliteTicks } from "../state/ticks-sqlite.ts";
import { CRON_START_MS, cronObject } from "../testing/crons.ts";
import { manualTime } from "../testing/manual-timers.ts";
import type { JobEnd } from "./contract.ts";
import { createCrons } from "./crons.ts";

const PROCESSES = 8;
const TICKS = 1_000;
/** Taken by the one that is killed before it is. */
const TAKEN_BEFORE_KILL = 20;
const CRON = "cron";
const AGENT = "agent";

const self = fileURLToPath(import.meta.url);
const [, , childFolder] = process.argv;

const cron = {
  ...{ uid: CRON, generation: 1, createdAt: new Date(CRON_START_MS).toISOString() },
  object: cronObject({
    ...{ schedule: "* * * * * *", overlap: "allowAll" },
    // A process that the others keep from the database for long catches up.
    ...{ catchup: "all", catchupMax: TICKS, endAt: atSecond(TICKS + 1) },
  }),
};

function atSecond(second: number): string {
  return new Date(CRON_START_MS + second * 1_000).toISOString();
}

async function child(folder: string): Promise<void> {
  const database = await openDatabase(folder);
  const time = manualTime(CRON_START_MS);
  const inbox = openSqliteInbox(database, { clock: time.clock });
  const forever = new Promise<JobEnd>(() => {});
  const crons = createCrons({
    ...{ clock: time.clock, timers: time.timers, emit: () => "" },
    ticks: openSqliteTicks(database, { clock: time.clock }),
    // The others had the write lock for too long: it is tried again.
    onError: () => {},
    start: ({ claim, task, isResumed }) => ({
      begun: inbox
        .put({ id: newId(), uid: AGENT, task, trigger: "cron", tick: claim })
        .then(({ isTaken }): JobEnd | undefined => {
          if (isResumed) return undefined;
          process.stdout.write(isTaken ? "lost\n" : "won\n");
          return isTaken ? { type: "taken" } : undefined;
        }),
      ended: forever,
    }),
  });
  await crons.ensure(cron);
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  const isOver = () => crons.states()[0]?.state.next === undefined;
  while (!isOver()) {
    time.advance(1_000);
    for (let round = 0; round < 3; round += 1) await new Promise(setImmediate);
  }
  await crons.close();
  database.close();
  process.stdin.destroy();
}

interface Member {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown[]>;
  /** Resolves when it has said a word so often. */
  said(word: string, times: number): Promise<void>;
  count(word: string): number;
}

function member(folder: string): Member {
  const started = spawn(process.execPath, [self, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const counts = new Map<string, number>();
  const waiting = new Set<() => void>();
  started.stdout.setEncoding("utf8").on("data", (text: string) => {
    for (const word of text.split("\n")) counts.set(word, (counts.get(word) ?? 0) + 1);
    for (const check of waiting) check();
  });
  const count = (word: string) => counts.get(word) ?? 0;
  return {
    process: started,
    exited: once(started, "exit"),
    count,
    said: (word, times) =>
      new Promise((resolve) => {
        const check = () => {
          if (count(word) >= times) resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Messages and ticks that are there, by second. */
function kept(database: Database): { messages: number; ticks: number; seconds: number } {
  const numberOf = (sql: string) => Number(database.query(sql)[0]?.n);
  return {
    messages: numberOf("SELECT COUNT(DISTINCT id) AS n FROM messages"),
    ticks: numberOf("SELECT COUNT(*) AS n FROM ticks WHERE state = 'started'"),
    seconds: numberOf(
      "SELECT COUNT(DISTINCT t.at_ms) AS n FROM ticks t JOIN messages m ON m.id = t.message",
    ),
  };
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-fleet-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (childFolder !== undefined) await child(childFolder);
else fleetTests();

function fleetTests(): void {
  test("eight processes, a thousand moments, one killed: a thousand messages and ticks", async () => {
    await withFolder(async (folder) => {
      const database = await openDatabase(folder);
      await openSqliteTicks(database, { clock: manualClock() }).keep({
        ...{ uid: CRON, decidedMs: CRON_START_MS },
      });
      const members = Array.from({ length: PROCESSES }, () => member(folder));
      await Promise.all(members.map(({ said }) => said("ready", 1)));
      for (const { process: each } of members) each.stdin?.write("go\n");
      const [victim, ...others] = members;
      await victim?.said("won", TAKEN_BEFORE_KILL);
      victim?.process.kill("SIGKILL");
      const [, signal] = (await victim?.exited) ?? [];
      assert.equal(signal, "SIGKILL");
      for (const { exited } of others) assert.deepEqual(await exited, [0, null]);
      const all = { messages: TICKS, ticks: TICKS, seconds: TICKS };
      assert.deepEqual(kept(database), all);
      // Several had moments, and what one lost another had.
      assert.ok(others.filter(({ count }) => count("won") > 0).length >= 2);
      assert.ok(others.some(({ count }) => count("lost") > 0));
      database.close();
    });
  });

  test("one process that is killed again and again loses no moment and has none twice", async () => {
    await withFolder(async (folder) => {
      const database = await openDatabase(folder);
      const lives = 6;
      for (let life = 0; life < lives; life += 1) {
        const alone = member(folder);
        await alone.said("ready", 1);
        alone.process.stdin?.write("go\n");
        if (life < lives - 1) {
          await alone.said("won", 25 * (life + 1));
          alone.process.kill("SIGKILL");
        }
        await alone.exited;
      }
      assert.deepEqual(kept(database), { messages: TICKS, ticks: TICKS, seconds: TICKS });
      database.close();
    });
  });
}
