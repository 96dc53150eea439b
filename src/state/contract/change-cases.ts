import assert from "node:assert/strict";
import { setImmediate as tick } from "node:timers/promises";
import type { Store, StoreEvent } from "../store.ts";
import { TooOldError } from "../store-errors.ts";
import { type ContractCase, key, put, write } from "./case.ts";

const told = (events: readonly StoreEvent[]) =>
  events.map(({ version, type, resource }) => `${version} ${type} ${resource.name}`);

/** Takes events until there are so many. */
async function take(store: Store, since: number, count: number): Promise<StoreEvent[]> {
  const stop = new AbortController();
  const events: StoreEvent[] = [];
  for await (const event of store.watch(since, stop.signal)) {
    events.push(event);
    if (events.length === count) stop.abort();
  }
  return events;
}

/** The log of changes and those who follow it. */
export const changeCases: readonly ContractCase[] = [
  {
    name: "the log tells each change once, in order, in pages, and the states as they were",
    async check({ store }) {
      await write(store, [put("a", { x: 1 }), put("b")]);
      await write(store, [put("a", { x: 2 })]);
      await write(store, [{ type: "delete", key: key("a") }]);
      const all = ["1 added a", "2 added b", "3 modified a", "4 deleted a"];
      const whole = await store.changes(0, 100);
      assert.deepEqual([told(whole.events), whole.version], [all, 4]);
      assert.deepEqual(
        whole.events.map(({ resource: { spec, resourceVersion } }) => [spec, resourceVersion]),
        [
          [{ x: 1 }, 1],
          [{}, 2],
          [{ x: 2 }, 3],
          [{ x: 2 }, 4],
        ],
      );
      const page = await store.changes(1, 2);
      assert.deepEqual([told(page.events), page.version], [all.slice(1, 3), 3]);
      assert.deepEqual(await store.changes(4, 2), { events: [], version: 4 });
    },
  },
  {
    name: "a version before the log or after the store is told as too old",
    eventsRetained: 3,
    async check({ store }) {
      for (const x of [1, 2, 3, 4, 5]) await write(store, [put("a", { x })]);
      assert.deepEqual(told((await store.changes(2, 9)).events).length, 3);
      for (const [since, why] of [
        [1, /since version 1 are not known: the log begins after version 2$/],
        [0, /begins after version 2/],
        [6, /the store is only at version 5$/],
      ] as const) {
        await assert.rejects(store.changes(since, 9), (error: unknown) => {
          assert.ok(error instanceof TooOldError);
          assert.deepEqual([error.code, error.since], ["LEG6023", since]);
          assert.match(error.message, why);
          return true;
        });
      }
      await assert.rejects(take(store, 1, 1), { code: "LEG6023" });
    },
  },
  {
    name: "a watch tells what was missed, then each new change within a tick",
    async check({ store }) {
      await write(store, [put("a")]);
      const stop = new AbortController();
      const watch = store.watch(0, stop.signal);
      assert.equal((await watch.next()).value?.resource.name, "a");
      for (const name of ["b", "c"]) {
        const next = watch.next();
        await write(store, [put(name)]);
        const early = await Promise.race([next, tick("late").then(() => tick("late"))]);
        assert.ok(typeof early === "object" && early.value?.resource.name === name, name);
      }
      stop.abort();
      assert.deepEqual(await watch.next(), { done: true, value: undefined });
    },
  },
  {
    name: "a watch ends without an error when its signal is aborted while it waits, or was aborted before",
    async check({ store }) {
      const stop = new AbortController();
      const next = store.watch(0, stop.signal).next();
      await tick();
      stop.abort();
      assert.equal((await next).done, true);
      const stopAtOnce = new AbortController();
      const starting = store.watch(0, stopAtOnce.signal).next();
      stopAtOnce.abort();
      assert.equal((await starting).done, true);
      assert.equal((await store.watch(0, stop.signal).next()).done, true);
    },
  },
  {
    name: "a slow reader gets the newest state of each object, and loses none",
    async check({ store }) {
      await write(store, [put("a", { x: 0 }), put("gone")]);
      const stop = new AbortController();
      const watch = store.watch(2, stop.signal);
      const next = watch.next();
      await write(store, [put("first")]);
      assert.equal((await next).value?.resource.name, "first");
      // The reader holds one event while all of this happens.
      for (let x = 1; x <= 50; x += 1) await write(store, [put("a", { x }), put("b", { x })]);
      await write(store, [put("brief")]);
      await write(store, [
        { type: "delete", key: key("brief") },
        { type: "delete", key: key("gone") },
      ]);
      await write(store, [put("last")]);
      const events: StoreEvent[] = [];
      for await (const event of watch) {
        events.push(event);
        if (event.resource.name === "last") stop.abort();
      }
      assert.deepEqual(
        events.map(({ type, resource: { name, spec } }) => [type, name, spec.x]),
        [
          ["modified", "a", 50],
          ["added", "b", 50],
          ["deleted", "gone", undefined],
          ["added", "last", undefined],
        ],
      );
    },
  },
  {
    name: "a removed object that is made again is told as deleted and then as added",
    async check({ store }) {
      await write(store, [put("a", { x: 1 })]);
      await write(store, [{ type: "delete", key: key("a") }]);
      await write(store, [put("a", { x: 2 })]);
      assert.deepEqual(told(await take(store, 1, 2)), ["2 deleted a", "3 added a"]);
    },
  },
  {
    name: "several watchers each get everything",
    async check({ store }) {
      const watchers = [take(store, 0, 3), take(store, 0, 3), take(store, 0, 3)];
      for (const name of ["a", "b", "c"]) {
        await write(store, [put(name)]);
        await tick();
      }
      for (const events of await Promise.all(watchers)) {
        assert.deepEqual(told(events), ["1 added a", "2 added b", "3 added c"]);
      }
    },
  },
];
