// Goal: fires of one group that wake the same conversation come as one message, and nothing of them is lost or told twice over a restart.
// Method: watchers of groups on time that passes when it is told to, over one store that a next process goes on with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { manualTime } from "../testing/manual-timers.ts";
import {
  memoryWatching,
  type TestWatchers,
  testWatchers,
  watcherKey,
} from "../testing/watchers.ts";

const down = { status: 500 };
const up = { status: 200 };
const trigger = 'when status >= 500 then wake "{{name}} answers {{status}}"';
const grouped = { trigger, group: "shop", groupWait: "30s" };

function named(name: string, sample: object) {
  return { ...sample, name };
}

function tellers({ deliveries }: TestWatchers): string[][] {
  return deliveries.map(({ fires }) => fires.map(({ watcher }) => watcher));
}

test("fires within groupWait of the first are one delivery; the next ones are another", async () => {
  const t = testWatchers();
  for (const name of ["a", "b", "c"]) {
    t.sees[name] = named(name, up);
    await t.ensure(name, grouped);
  }
  await t.advance(5_000);
  t.sees.a = named("a", down);
  t.sees.b = named("b", down);
  await t.advance(20_000);
  assert.equal(t.deliveries.length, 0, "the first one waits");
  assert.equal(t.state("a").pending, 1);
  await t.advance(15_000);
  assert.deepEqual(
    tellers(t).map((names) => names.toSorted()),
    [["a", "b"]],
  );
  assert.match(t.deliveries[0]?.text ?? "", /^2 fires of watchers came together:/);
  assert.equal(t.state("a").pending + t.state("b").pending, 0);
  t.sees.c = named("c", down);
  await t.advance(40_000);
  assert.deepEqual(tellers(t).slice(1), [["c"]]);
  assert.match(t.deliveries[1]?.text ?? "", /^Watcher c fired/);
});

test("other conversations, agents, groups and actions are not mixed in", async () => {
  const t = testWatchers();
  const specs = {
    a: grouped,
    b: { ...grouped, conversation: "other" },
    c: { ...grouped, agent: "other" },
    d: { ...grouped, group: "other" },
    e: { ...grouped, trigger: 'when status >= 500 then tool:pager.call {"n": 1}' },
    f: { trigger },
  };
  for (const [name, spec] of Object.entries(specs)) {
    t.sees[name] = named(name, down);
    await t.ensure(name, spec);
  }
  await t.advance(5_000);
  assert.deepEqual(tellers(t).flat().toSorted(), ["e", "f"], "what is not grouped comes at once");
  await t.advance(40_000);
  assert.deepEqual(tellers(t).flat().toSorted(), ["a", "b", "c", "d", "e", "f"]);
  assert.equal(t.deliveries.length, 6);
});

test("without a group the fires of one watcher wait for each other", async () => {
  const t = testWatchers();
  t.sees.a = named("a", down);
  await t.ensure("a", { trigger: "when status >= 500 every poll", groupWait: "5s" });
  await t.advance(7_000);
  const [first] = t.deliveries;
  assert.ok(first !== undefined && first.fires.length >= 5 && first.fires.length <= 6);
});

test("the end of firing is told behind the fire that waits, and not at all when that one failed", async () => {
  for (const isFailed of [false, true]) {
    const t = testWatchers();
    if (isFailed) {
      const error = { code: "LEG2030", message: "no agent", hint: "apply one" } as const;
      t.deliver = async () => ({ type: "failed", error });
    }
    t.sees.a = (look) => named("a", look === 2 ? down : up);
    await t.ensure("a", { ...grouped, recovery: 'wake "again"' });
    await t.advance(20_000);
    assert.equal(t.deliveries.length, 0);
    assert.equal(t.state("a").pending, 2);
    await t.advance(20_000);
    assert.deepEqual(
      t.deliveries.map(({ action }) => action.text),
      isFailed ? ["a answers 500"] : ["a answers 500", "again"],
    );
    assert.equal(t.state("a").pending, 0);
  }
});

test("a watcher that is removed takes its fires out of the group; the others are told", async () => {
  const t = testWatchers();
  for (const name of ["a", "b"]) {
    t.sees[name] = named(name, down);
    await t.ensure(name, grouped);
  }
  await t.advance(10_000);
  await t.watchers.remove(watcherKey("a"), "uid-a");
  await t.advance(40_000);
  assert.deepEqual(tellers(t), [["b"]]);
  assert.equal(t.deliveries[0]?.watcher.name, "b");
});

test("rows of groups go with the last of their watchers", async () => {
  const time = manualTime();
  const states = memoryWatching(time.clock);
  const t = testWatchers({ time, states });
  t.sees.a = named("a", down);
  await t.ensure("a", grouped);
  await t.advance(5_000);
  assert.equal(states.rows.size, 2);
  await t.watchers.remove(watcherKey("a"), "uid-a");
  assert.equal(states.rows.size, 0);
});

const stops = [
  { says: "while it is open", afterMs: 10_000, isMade: false },
  { says: "while it is being delivered", afterMs: 40_000, isMade: true },
];

for (const { says, afterMs, isMade } of stops) {
  test(`a process that is killed with a group ${says} is gone on with: the same fires, the same id, once`, async () => {
    const time = manualTime();
    const states = memoryWatching(time.clock);
    const first = testWatchers({ time, states });
    first.deliver = () => new Promise(() => undefined);
    for (const name of ["a", "b"]) {
      first.sees[name] = named(name, down);
      await first.ensure(name, { ...grouped, recovery: 'wake "again"' });
    }
    await first.advance(afterMs);
    assert.equal(first.deliveries.length, isMade ? 1 : 0);
    const later = manualTime(time.clock.now() + 1_000);
    const second = testWatchers({ time: later, states });
    second.sees.a = named("a", down);
    second.sees.b = named("b", up);
    await second.ensure("a", { ...grouped, recovery: 'wake "again"' });
    await second.advance(isMade ? 1_000 : 0);
    await second.ensure("b", { ...grouped, recovery: 'wake "again"' });
    await second.advance(60_000);
    assert.deepEqual(
      tellers(second).map((names) => names.toSorted()),
      [["a", "b"], []],
    );
    assert.equal(second.deliveries[1]?.watcher.name, "b", "its end is told behind it");
    if (isMade) assert.deepEqual(second.deliveries[0], first.deliveries[0]);
    assert.equal(second.state("a").pending + second.state("b").pending, 0);
  });
}

test("more fires than one message takes are several, and none is lost", async () => {
  const t = testWatchers();
  for (let index = 0; index < 130; index += 1) {
    t.sees[`w${index}`] = named(`w${index}`, down);
    await t.ensure(`w${index}`, grouped);
  }
  await t.advance(80_000);
  assert.ok(t.deliveries.every(({ fires }) => fires.length <= 100));
  assert.equal(new Set(tellers(t).flat()).size, 130);
  assert.equal(tellers(t).flat().length, 130);
});
