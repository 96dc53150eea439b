// Goal: wherever the process of a cron dies, each moment has one message and comes to its end once (R01, R09).
// Method: a process that dies at each of its statements in turn, and, as a child of its own, by kill -9 between taking a moment and running it; the next process goes on over the same file.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Database, openDatabase } from "../state/database.ts";
import { openSqliteInbox } from "../state/inbox-sqlite.ts";
import { openSqliteTicks } from "../state/ticks-sqlite.ts";
import { CRON_START_MS, cronObject } from "../testing/crons.ts";
import { manualTime } from "../testing/manual-timers.ts";
import type { CronJob, Crons, JobEnd } from "./contract.ts";
import { createCrons } from "./crons.ts";

const HOUR_MS = 3_600_000;
/** The process that dies runs up to the third moment, the next one up to the sixth. */
const FIRST_LIFE_MS = 3.5 * HOUR_MS;
const ALL_MS = 6.5 * HOUR_MS;

const self = fileURLToPath(import.meta.url);
const [, , childFolder, childPlace] = process.argv;

const cron = {
  ...{ uid: "cron", generation: 1, createdAt: new Date(CRON_START_MS).toISOString() },
  object: cronObject({ overlap: "bufferAll", catchup: "all" }),
};

interface Life {
  readonly crons: Crons;
  /** Messages that were given to the agent, those that it got again too. */
  readonly given: { readonly id: string; readonly atMs: number }[];
  /** Lets time pass; runs take some of it. */
  pass(untilMs: number): Promise<void>;
}

/** One process, in which an agent answers each message half an hour later. */
function live(
  database: Database,
  startMs: number,
  about: { runMs: number; onPlace?: (place: string, job: CronJob) => void },
): Life {
  const time = manualTime(startMs);
  const inbox = openSqliteInbox(database, { clock: time.clock });
  const given: { id: string; atMs: number }[] = [];
  const crons = createCrons({
    ...{ clock: time.clock, timers: time.timers, onError: () => {}, emit: () => "" },
    ticks: openSqliteTicks(database, { clock: time.clock }),
    start(job) {
      const { id, task, claim } = job;
      const { promise: ended, resolve } = Promise.withResolvers<JobEnd>();
      const begun = async (): Promise<JobEnd | undefined> => {
        about.onPlace?.("before", job);
        const put = await inbox.put({ id, uid: "agent", task, tick: claim });
        about.onPlace?.("after", job);
        if (put.isTaken) return { type: "taken" };
        given.push({ id, atMs: claim.atMs });
        const answer = async () => {
          // It may have been answered in the life before.
          await inbox.finish(id, { generation: 1, result: {} });
          about.onPlace?.("answered", job);
          resolve({ type: "ok" });
        };
        time.timers.after(about.runMs, () => void answer().catch(() => {}));
        return undefined;
      };
      return {
        begun: begun().catch((): JobEnd => ({ type: "closing" })),
        ended,
      };
    },
  });
  return {
    ...{ crons, given },
    async pass(untilMs) {
      while (time.clock.now() < untilMs) {
        time.advance(Math.min(untilMs - time.clock.now(), time.pending()[0] ?? HOUR_MS));
        for (let round = 0; round < 3; round += 1) await new Promise(setImmediate);
      }
    },
  };
}

/** A database whose process dies at a statement: nothing is written from then on. */
function mortal(database: Database, point: number): { database: Database; points(): number } {
  let points = 0;
  return {
    points: () => points,
    database: {
      ...database,
      query(sql, ...values) {
        points += 1;
        if (points > point) throw new Error("the process is dead");
        return database.query(sql, ...values);
      },
    },
  };
}

async function child(folder: string, place: string): Promise<void> {
  const database = await openDatabase(folder);
  const life = live(database, CRON_START_MS, {
    runMs: 1.5 * HOUR_MS,
    onPlace: (reached, { claim }) => {
      const isSecond = claim.atMs === CRON_START_MS + 2 * HOUR_MS;
      if (reached === place && isSecond) process.kill(process.pid, "SIGKILL");
    },
  });
  await life.crons.ensure(cron);
  await life.pass(CRON_START_MS + ALL_MS);
}

if (childFolder !== undefined) await child(childFolder, childPlace ?? "");
else crashTests();

function crashTests(): void {
  let root = "";
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "legion-cron-crash-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  /** The next process does what is left. */
  const checkNextLife = async (database: Database, about: string): Promise<void> => {
    const life = live(database, CRON_START_MS + FIRST_LIFE_MS, { runMs: HOUR_MS / 4 });
    await life.crons.ensure(cron);
    await life.pass(CRON_START_MS + ALL_MS);
    const ticks = database.query("SELECT at_ms, state, message FROM ticks ORDER BY at_ms");
    assert.deepEqual(
      ticks.map(({ at_ms, state }) => [(Number(at_ms) - CRON_START_MS) / HOUR_MS, state]),
      [1, 2, 3, 4, 5, 6].map((hour) => [hour, "ok"]),
      about,
    );
    const outcomes = database.query("SELECT message FROM outcomes").map(({ message }) => message);
    assert.deepEqual(outcomes.toSorted(), ticks.map(({ message }) => message).toSorted(), about);
    assert.equal(Number(database.query("SELECT runs FROM crons")[0]?.runs), 6, about);
    assert.deepEqual(life.crons.states()[0]?.state.running, 0);
    await life.crons.close();
  };

  test("at any statement", async () => {
    let total = Number.POSITIVE_INFINITY;
    for (let point = 0; point <= total; point += 1) {
      const folder = path.join(root, `statement-${point}`);
      const database = await openDatabase(folder);
      // It counts what the process wrote, not what a power cut leaves.
      database.query("PRAGMA synchronous = OFF");
      openSqliteTicks(database, { clock: manualTime().clock });
      const limit = point === 0 ? Number.POSITIVE_INFINITY : point;
      const dying = mortal(database, limit);
      try {
        const life = live(dying.database, CRON_START_MS, { runMs: 1.5 * HOUR_MS });
        await life.crons.ensure(cron);
        await life.pass(CRON_START_MS + FIRST_LIFE_MS);
        await life.crons.close();
      } catch (error) {
        assert.match(String(error), /the process is dead/);
      }
      // The first life of all is whole, and tells how many statements there are.
      if (point === 0) total = dying.points();
      assert.ok(total > 40 && total < 1_000, `${total} statements`);
      database.close();
      const next = await openDatabase(folder);
      next.query("PRAGMA synchronous = OFF");
      await checkNextLife(next, `statement ${point}`);
      next.close();
    }
  });

  for (const place of ["before", "after", "answered"]) {
    test(`kill -9 ${place} the message of a moment`, async () => {
      const folder = path.join(root, `kill-${place}`);
      const dying = spawn(process.execPath, [self, folder, place], { stdio: "inherit" });
      const [, signal] = await once(dying, "exit");
      assert.equal(signal, "SIGKILL");
      const database = await openDatabase(folder);
      const [second] = database.query(
        "SELECT state FROM ticks WHERE at_ms = ?",
        CRON_START_MS + 2 * HOUR_MS,
      );
      assert.equal(second?.state, place === "before" ? "waiting" : "started");
      await checkNextLife(database, place);
      database.close();
    });
  }
}
