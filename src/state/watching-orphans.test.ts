// Goal: what watchers and crons leave behind that were deleted while no daemon ran is forgotten, and nothing else.
// Method: a real database with rows of the living, of the dead, and of a group.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { openDatabase } from "./database.ts";
import { openSqliteTicks } from "./ticks-sqlite.ts";
import { forgetOrphans } from "./watching-orphans.ts";
import { openSqliteWatching } from "./watching-sqlite.ts";

test("only what belongs to nobody goes, once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "legion-orphans-"));
  const database = await openDatabase(folder);
  try {
    const clock = manualClock();
    const states = openSqliteWatching(database, { clock });
    const ticks = openSqliteTicks(database, { clock });
    const rows = ["living", "dead", "call/living", "call/dead", "group/default/ops"];
    await states.write(rows.map((uid) => ({ uid, state: { of: uid } })));
    for (const uid of ["cron", "gone"]) {
      await ticks.keep({ uid, decidedMs: 1, runs: 1 });
      await ticks.take({ uid, atMs: 2, by: "schedule", state: "skipped" });
    }
    const living = new Set(["living", "cron"]);
    assert.equal(forgetOrphans(database, {}, living), 4);
    assert.equal(forgetOrphans(database, {}, living), 0);
    const kept = await Promise.all(rows.map(async (uid) => (await states.read(uid))?.of));
    assert.deepEqual(kept, ["living", undefined, "call/living", undefined, "group/default/ops"]);
    assert.equal((await ticks.record("cron"))?.runs, 1);
    assert.equal((await ticks.list("cron")).length, 1);
    assert.equal(await ticks.record("gone"), undefined);
    assert.deepEqual(await ticks.list("gone"), []);
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
});
