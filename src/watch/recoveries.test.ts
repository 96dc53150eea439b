// Goal: the end of firing is told for each fire that was told, once, and for none that was not: whatever waits, is full, or goes away.
// Method: fires and recoveries whose deliveries are put off, grouped, dropped or left behind by a process that ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { manualTime } from "../testing/manual-timers.ts";
import {
  memoryWatching,
  type TestWatchers,
  testWatchers,
  watcherKey,
} from "../testing/watchers.ts";
import type { Delivered, Delivery } from "./contract.ts";
import { OUTBOX_MAX } from "./record.ts";

const down = { status: 500 };
const up = { status: 200 };
const spec = {
  trigger: 'when status >= 500 then wake "down"',
  recovery: 'wake "up"',
};
const putOff: Delivered = {
  type: "retry",
  error: { code: "LEG2032", message: "full", hint: "" },
};

function isRecovery({ action }: Delivery): boolean {
  return action.text === "up";
}

function texts({ deliveries }: TestWatchers): (string | undefined)[] {
  return deliveries.map(({ action }) => action.text);
}

/** Lets some deliveries wait from now on, and ends all others. */
function tells(t: TestWatchers, isPutOff: (delivery: Delivery) => boolean): void {
  t.deliver = async (delivery) => (isPutOff(delivery) ? putOff : { type: "done" });
}

for (const isRestarted of [false, true])
  test(`a group tells no fire before the end of the one before it${isRestarted ? ", over a restart" : ""}`, async () => {
    const time = manualTime();
    const states = memoryWatching(time.clock);
    const first = testWatchers({ time, states });
    const grouped = { ...spec, group: "shop", groupWait: "2s" };
    first.sees.shop = down;
    await first.ensure("shop", grouped);
    await first.advance(10_000);
    assert.deepEqual(texts(first), ["down"]);
    tells(first, isRecovery);
    first.sees.shop = up;
    await first.advance(2_000);
    first.sees.shop = down;
    await first.advance(10_000);
    assert.equal(first.state("shop").pending, 2);
    // What is killed runs no more: its timers belong to a time that stands still.
    const later = { time: manualTime(time.clock.now()), states };
    const t = isRestarted ? testWatchers(later) : first;
    t.sees.shop = down;
    t.deliveries.length = 0;
    if (isRestarted) await t.ensure("shop", grouped);
    else tells(t, () => false);
    await t.advance(120_000);
    assert.equal(t.state("shop").pending, 0);
    assert.deepEqual(texts(t), ["up", "down"]);
  });

test("a recovery behind something else that waits is told although a group told the next fire before it", async () => {
  const t = testWatchers();
  tells(t, ({ action }) => action.kind === "message");
  const trigger = 'when status >= 500 then message:other "note", wake "down"';
  t.sees.shop = down;
  await t.ensure("shop", { ...spec, trigger, groupWait: "2s" });
  await t.advance(10_000);
  t.sees.shop = up;
  await t.advance(2_000);
  t.sees.shop = down;
  await t.advance(10_000);
  assert.deepEqual(
    texts(t).filter((text) => text !== "note"),
    ["down", "down"],
  );
  tells(t, () => false);
  t.deliveries.length = 0;
  await t.advance(120_000);
  assert.deepEqual(texts(t), ["note", "up", "note"]);
  assert.equal(t.state("shop").pending, 0);
});

test("an outbox that is full drops fires, and never the recovery of one that it holds", async () => {
  const t = testWatchers();
  tells(t, () => true);
  t.sees.shop = down;
  await t.ensure("shop", { ...spec, trigger: 'when status >= 500 every poll then wake "down"' });
  await t.advance((OUTBOX_MAX + 20) * 1_000);
  assert.equal(t.state("shop").pending, OUTBOX_MAX);
  t.sees.shop = up;
  await t.advance(2_000);
  // What began when nothing was free is not told, and neither is its end.
  t.sees.shop = down;
  await t.advance(2_000);
  t.sees.shop = up;
  await t.advance(2_000);
  assert.equal(t.state("shop").pending, OUTBOX_MAX + 1);
  tells(t, () => false);
  t.deliveries.length = 0;
  await t.advance(120_000);
  const texts = t.deliveries.map(({ action }) => action.text);
  assert.deepEqual(texts, [...Array(OUTBOX_MAX).fill("down"), "up"]);
});

test("a watcher that is removed before its group is taken up again takes nothing of the others with it", async () => {
  const time = manualTime();
  const states = memoryWatching(time.clock);
  const first = testWatchers({ time, states });
  const grouped = { ...spec, group: "shop", groupWait: "1m" };
  for (const name of ["a", "b"]) {
    first.sees[name] = down;
    await first.ensure(name, grouped);
  }
  await first.advance(10_000);
  assert.equal(first.deliveries.length, 0);
  const next = testWatchers({ time, states });
  const [opener = "", other = ""] = ["a", "b"].toSorted(
    (one, two) =>
      Date.parse(first.state(one).lastFireAt ?? "") - Date.parse(first.state(two).lastFireAt ?? ""),
  );
  await next.watchers.remove(watcherKey(opener), `uid-${opener}`);
  next.sees[other] = down;
  await next.ensure(other, grouped);
  await next.advance(70_000);
  assert.deepEqual(
    next.deliveries.map(({ watcher, fires }) => [watcher.name, fires.map((fire) => fire.watcher)]),
    [[other, [other]]],
  );
});
