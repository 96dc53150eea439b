// Goal: a run that has ended can be done again from its record, and what it did can be undone once, whenever the daemon dies meanwhile (R01).
// Method: real daemons over the run of the crash matrix; LEGION_FAILPOINT kills them before and after the record of what was undone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { decideAll, isLost } from "./durable-people.ts";
import { buyerFiles, createPlace } from "./durable-shop.ts";

const ANSWER_MS = 60_000;

async function bought({ plane }: TestDaemon): Promise<string> {
  await using _people = decideAll(plane, () => ({ type: "answer", answer: "yes", by: "test" }));
  const message = { namespace: "default", name: "buyer", task: "Buy a lamp." };
  const { result } = await plane.ask(message, AbortSignal.timeout(ANSWER_MS));
  assert.equal(result.status, "ok", JSON.stringify(result.error));
  return String(result.run);
}

/** What a rollback says about each function. */
async function rollback({ plane }: TestDaemon, run: string) {
  const { calls } = await plane.rollbackRun(run);
  return Object.fromEntries(calls.map(({ name, outcome }) => [name, outcome]));
}

/** Nothing undoes these. */
const others = {
  "human.ask": "skipped",
  "agents.call": "skipped",
  "shop.note": "skipped",
  "shop.reserve": "skipped",
};

const cases = [
  { moment: "before", charge: "reverted" },
  { moment: "after", charge: "already" },
] as const;
for (const { moment, charge } of cases) {
  test(`R01: a rollback that is killed ${moment} its record undoes the call once`, async () => {
    await using place = await createPlace();
    const { folder, effectFile } = place;
    const files = buyerFiles(effectFile, { isolation: "process", delays: {} });
    let run: string;
    {
      const env = { LEGION_FAILPOINT: `journal-${moment}:call.reverted:1` };
      await using daemon = await startTestDaemon({ folder, files, env });
      run = await bought(daemon);
      const replay = await daemon.plane.replayRun(run);
      assert.deepEqual([replay.isSame, replay.differences], [true, []]);
      await assert.rejects(daemon.plane.rollbackRun(run), isLost);
      assert.equal(await daemon.exit, null);
    }
    await using daemon = await startTestDaemon({ folder });
    const { plane } = daemon;
    assert.equal((await plane.runDetail(run)).run.status, "ok");
    assert.deepEqual(await rollback(daemon, run), { ...others, "shop.charge": charge });
    assert.equal((await plane.runDetail(run)).run.status, "rolled-back");
    const refunds = () => place.effects().filter(({ name }) => name === "shop.refund");
    const [charged] = place.effects().filter(({ name }) => name === "shop.charge");
    assert.deepEqual(
      refunds().map(({ args }) => args),
      [{ args: charged?.args, result: "charged" }],
    );
    // Neither doing it again from its record nor undoing it once more does anything.
    const before = place.effects();
    assert.equal((await plane.replayRun(run)).isSame, true);
    assert.deepEqual(await rollback(daemon, run), { ...others, "shop.charge": "already" });
    assert.deepEqual(place.effects(), before);
  });
}
