// Goal: a watcher sees the keys that agents see, what they hold, for how long, and what happened to them since it looked.
// Method: the real store over a real database, written by the kv tool itself; the clock is the test's.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Clock, manualClock } from "../../lib/clock.ts";
import type { Json } from "../../lib/json.ts";
import type { KeyValue } from "../../state/key-value.ts";
import { type Workplace, workplace } from "../../testing/toolbox.ts";
import { look, type WatchPlace, watchPlace } from "../../testing/watch-sources.ts";

let tools: Workplace;
let keyValue: KeyValue;
let place: WatchPlace;
let clock: Clock & { advance(ms: number): void };
before(async () => {
  tools = await workplace();
  keyValue = await tools.keyValue();
  clock = manualClock(Date.now());
  place = await watchPlace({ clock, keyValue: tools.keyValue });
});
after(async () => {
  await place[Symbol.asyncDispose]();
  await tools[Symbol.asyncDispose]();
});

const watch = (key: string) => place.source({ type: "kvWatch", key, kvNamespace: "releases" });
const space = () => keyValue.space("shared/default/releases");

describe("what a key holds", () => {
  const rows: readonly (readonly [value: Json, type: string, length?: number])[] = [
    ["grün😀", "string", 5],
    ["", "string", 0],
    [1.5, "number"],
    [false, "bool"],
    [null, "null"],
    [[1, [2]], "list", 2],
    [{ a: 1, b: { c: 2 } }, "map", 2],
  ];
  for (const [value, type, length] of rows) {
    test(`${JSON.stringify(value)} is a ${type}`, async () => {
      await space().set("held", value);
      const sample = await look(await watch("held"));
      assert.deepEqual(sample, {
        ...{ ok: true, key: "held", event: "none", value, type, length, ttl: undefined },
      });
    });
  }

  test("a key that is not there is no fault", async () => {
    assert.deepEqual(await look(await watch("none")), { ok: true, key: "none", event: "none" });
  });

  test("ttl is the time that is left", async () => {
    const startMs = Date.now();
    await space().set("short", 1, 60_000);
    const source = await watch("short");
    const spentMs = Date.now() - startMs;
    const first = Number((await look(source)).ttl);
    assert.ok(first > 50_000 && first <= 60_000 + spentMs + 1_000, String(first));
    clock.advance(20_000);
    assert.equal((await look(source)).ttl, first - 20_000);
    clock.advance(100_000);
    assert.equal((await look(source)).ttl, 0);
  });
});

describe("events", () => {
  test("add, change, delete and none follow what was done; the same value anew is no change", async () => {
    const source = await watch("followed");
    const events = [(await look(source)).event];
    for (const step of [
      () => space().set("followed", { a: 1, b: 2 }),
      () => space().set("followed", { b: 2, a: 1 }, 60_000),
      () => space().set("followed", { a: 1, b: 3 }),
      () => space().delete("followed"),
      async () => {},
      () => space().set("followed", null),
    ]) {
      await step();
      events.push((await look(source)).event);
    }
    assert.deepEqual(events, ["none", "add", "none", "change", "delete", "none", "add"]);
  });

  test("a restart tells what happened meanwhile", async () => {
    await space().set("kept", 1);
    const first = await watch("kept");
    await look(first);
    const saved = JSON.parse(JSON.stringify(first.save?.()));
    await space().delete("kept");
    const second = await watch("kept");
    second.restore?.(saved);
    assert.equal((await look(second)).event, "delete");
    const third = await watch("kept");
    third.restore?.(JSON.parse(JSON.stringify(second.save?.())));
    assert.equal((await look(third)).event, "none");
  });
});

test("what was seen of another key is left out", async () => {
  const first = await watch("none");
  await look(first);
  await space().set("there", 1);
  const second = await watch("there");
  second.restore?.(first.save?.() ?? {});
  assert.equal((await look(second)).event, "none");
});

describe("which keys", () => {
  test("those that the kv tool writes, shared or an agent's own", async () => {
    const shared = { type: "builtin", builtin: "kv", config: { namespace: "team" } };
    const box = await tools.create({
      tools: { board: shared, own: { type: "builtin", builtin: "kv" } },
    });
    await box.value("board.set", { key: "k", value: "shared" });
    await box.value("own.set", { key: "k", value: "own" });
    const team = await place.source({ type: "kvWatch", key: "k", kvNamespace: "team" });
    assert.equal((await look(team)).value, "shared");
    const own = await place.source({ type: "kvWatch", key: "k", agent: "tested" });
    assert.equal((await look(own)).value, "own");
  });

  test("neither a namespace nor an agent is refused when the source is made", async () => {
    await assert.rejects(place.source({ type: "kvWatch", key: "k" }), { code: "LEG2753" });
  });
});

test("a store that fails is a fault of the look", async () => {
  const broken = async () => {
    throw new Error("the disk is gone");
  };
  const source = await place.source(
    { type: "kvWatch", key: "k", kvNamespace: "x" },
    { keyValue: broken },
  );
  const { ok, error } = await look(source);
  assert.equal(ok, false);
  assert.equal((error as { code: string }).code, "store");
});
