// Goal: of the moments that go by while no daemon runs, a cron runs those that spec.catchup says, oldest first, and says which it left out.
// Method: a daemon is killed; that it was so for hours is written into the state, as nobody can wait for that; the next daemon has an agent with a real model server, whose effects say what ran.
import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openDatabase } from "../state/database.ts";
import {
  cronFile,
  cronKey,
  hourlyElsewhere,
  isOf,
  lastOf,
  nth,
  opsFiles,
  ticksOf,
} from "../testing/acting.ts";
import { startTestDaemon } from "../testing/daemon.ts";
import { startModelServer } from "../testing/model-server.ts";
import { createPlace } from "./durable-shop.ts";

const HOUR_MS = 3_600_000;
const MISSED_HOURS = 5;
const key = cronKey("report");

/** What was decided up to now is decided only up to so long ago. */
async function setBack(folder: string, hours: number): Promise<void> {
  const database = await openDatabase(join(folder, ".legion"));
  const changed = database.query(
    "UPDATE crons SET decided_ms = decided_ms - ? RETURNING uid",
    hours * HOUR_MS,
  );
  assert.equal(changed.length, 1);
  database.close();
}

const table = [
  { name: "none: nothing runs", spec: { catchup: "none" }, runs: 0, missed: 5 },
  { name: "last: the newest runs", spec: { catchup: "last" }, runs: 1, missed: 4 },
  {
    name: "all: up to catchupMax run",
    spec: { catchup: "all", catchupMax: 2 },
    runs: 2,
    missed: 3,
  },
  { name: "all: every one runs", spec: { catchup: "all" }, runs: 5, missed: 0 },
  {
    name: "all, within catchupWindow",
    spec: { catchup: "all", catchupWindow: "90m" },
    ...{ runs: 1, missed: 4 },
  },
];

suite("moments that went by while no daemon ran", { concurrency: 3 }, () => {
  for (const { name, spec, runs, missed } of table)
    test(`five hours without a daemon, catchup ${name}`, async () => {
      await using place = await createPlace();
      await using model = await startModelServer((request) => ({
        action: "eval_and_complete",
        code: `await tools.shop.charge({ told: ${JSON.stringify(lastOf(request))} })`,
      }));
      const schedule = hourlyElsewhere();
      const cron = { schedule, agent: "ops", task: "{{tick}} is run {{count}}", ...spec };
      const files = { ...opsFiles(model, place), "agents.d/report.yaml": cronFile("report", cron) };
      {
        await using daemon = await startTestDaemon({ folder: place.folder, files });
        await daemon.untilReady(key);
        daemon.kill("SIGKILL");
        await daemon.exit;
      }
      await setBack(place.folder, MISSED_HOURS);
      const startedMs = Date.now();
      await using daemon = await startTestDaemon({ folder: place.folder });
      if (runs > 0) await daemon.untilEvent(nth(runs, isOf(key, "Succeeded")));
      if (missed > 0) await daemon.untilEvent(isOf(key, "Missed"));
      const ticks = await ticksOf(daemon, key);
      assert.deepEqual(
        ticks.map(({ by, state }) => [by, state]),
        [
          ...(missed > 0 ? [["schedule", "missed"]] : []),
          ...Array.from({ length: runs }, () => ["catchup", "ok"]),
        ],
      );
      if (missed > 0)
        assert.match(
          ticks[0]?.reason ?? "",
          new RegExp(`^${missed} moments? went by while no daemon`),
        );
      // The newest ones, each an hour after the one before; the last row of them all is less than an hour old.
      const moments = ticks.map(({ atMs }) => atMs);
      const newest = moments.at(-1) ?? 0;
      assert.deepEqual(
        moments,
        moments.map((_, index) => newest - (moments.length - 1 - index) * HOUR_MS),
      );
      assert.ok(newest < startedMs && startedMs - newest < HOUR_MS);
      const caughtUp = moments.slice(-runs || moments.length);
      assert.deepEqual(
        place.effects().map(({ args }) => (args as { told: string }).told),
        caughtUp.map(
          (atMs, index) =>
            `${new Date(atMs).toISOString().replace(".000", "")} is run ${index + 1}`,
        ),
      );
      const { state, runs: counted } = (await daemon.plane.read(key))?.status.cron as {
        readonly state: string;
        readonly runs: number;
      };
      assert.deepEqual([state, counted], ["waiting", runs]);
    });

  test("what was missed once is not missed or run again by a third daemon", async () => {
    await using place = await createPlace();
    await using model = await startModelServer(() => ({ action: "return", result: "done" }));
    const schedule = hourlyElsewhere();
    const cron = { schedule, agent: "ops", task: "Report.", catchup: "last" };
    const files = { ...opsFiles(model, place), "agents.d/report.yaml": cronFile("report", cron) };
    const lives = ["first", "second", "third"];
    for (const life of lives) {
      await using daemon = await startTestDaemon({ folder: place.folder, files });
      await daemon.untilReady(key);
      if (life === "second") await daemon.untilEvent(isOf(key, "Succeeded"));
      const ticks = await ticksOf(daemon, key);
      assert.deepEqual(
        ticks.map(({ by, state }) => `${by} ${state}`),
        life === "first" ? [] : ["schedule missed", "catchup ok"],
        life,
      );
      daemon.kill("SIGKILL");
      await daemon.exit;
      if (life === "first") await setBack(place.folder, 3);
    }
    assert.equal(model.requests.length, 1);
  });
});
