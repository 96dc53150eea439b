// Goal: whoever ends the process is told that nothing works any more exactly when every turn waits for people, or for agents that do.
// Method: a table of what two turns do, on time that the test lets pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { manualTime } from "../testing/manual-timers.ts";
import { quiet } from "../testing/supervised.ts";
import { type Activities, createActivities, STILL_MS, type TurnActivity } from "./activity.ts";

const forever = () => new Promise<never>(() => {});

/** What one turn does. */
type Act = (turn: TurnActivity) => void;
const waits: Act = (turn) => void turn.waits(forever());
const works: Act = (turn) => void turn.works(forever());
const thinks: Act = () => {};
const both: Act = (turn) => {
  waits(turn);
  works(turn);
};
const ends: Act = (turn) => turn.end();

const rows: readonly {
  readonly what: string;
  readonly acts: readonly Act[];
  readonly isStill: boolean;
}[] = [
  { what: "no turn", acts: [], isStill: false },
  { what: "a turn that waits", acts: [waits], isStill: true },
  { what: "a turn that thinks", acts: [thinks], isStill: false },
  { what: "a turn that waits while a tool of it works", acts: [both], isStill: false },
  { what: "two that wait", acts: [waits, waits], isStill: true },
  { what: "one that waits and one that works", acts: [waits, works], isStill: false },
  { what: "one that waits and one that has ended", acts: [waits, ends], isStill: true },
];

async function isTold(activities: Activities, advance: (ms: number) => void): Promise<boolean> {
  let told = false;
  void activities.allWait(new AbortController().signal).then(() => {
    told = true;
  });
  advance(STILL_MS);
  await quiet();
  return told;
}

for (const { what, acts, isStill } of rows) {
  test(`${what}: ${isStill ? "nothing to wait for" : "not yet"}`, async () => {
    const { timers, advance } = manualTime();
    const activities = createActivities(timers);
    for (const act of acts) act(activities.begin());
    assert.equal(await isTold(activities, advance), isStill);
  });
}

test("a turn that gets its answer begins to count again", async () => {
  const { timers, advance } = manualTime();
  const activities = createActivities(timers);
  const turn = activities.begin();
  const answer = Promise.withResolvers<string>();
  const waiting = turn.waits(answer.promise);
  let told = false;
  void activities.allWait(new AbortController().signal).then(() => {
    told = true;
  });
  advance(STILL_MS - 1);
  answer.resolve("yes");
  assert.equal(await waiting, "yes");
  advance(STILL_MS);
  await quiet();
  assert.equal(told, false);
  waits(turn);
  advance(STILL_MS);
  await quiet();
  assert.equal(told, true);
});

test("nobody is told after the signal, and no timer stays", async () => {
  const { timers, advance, pending } = manualTime();
  const activities = createActivities(timers);
  waits(activities.begin());
  const over = new AbortController();
  let told = false;
  void activities.allWait(over.signal).then(() => {
    told = true;
  });
  over.abort();
  assert.deepEqual(pending(), []);
  advance(STILL_MS);
  await quiet();
  assert.equal(told, false);
});
