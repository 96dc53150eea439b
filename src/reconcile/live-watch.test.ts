// Goal: a watch never tells of an object as it was before what it told of it already.
// Method: the watch over changes and a view that the test moves on one by one, with time that it lets pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ResourceKey } from "../state/resource.ts";
import { manualTime } from "../testing/manual-timers.ts";
import type { ApiObject, ObjectEvent } from "./contract.ts";
import { watchLive } from "./live-watch.ts";

const key: ResourceKey = { kind: "Watcher", namespace: "default", name: "w" };

function objectAt(resourceVersion: number): ApiObject {
  const { kind, ...named } = key;
  return { kind, metadata: { ...named, resourceVersion } } as unknown as ApiObject;
}

/** A watch from version 1, what it has told so far, and what it follows. */
function open() {
  const time = manualTime();
  const abort = new AbortController();
  const events: ObjectEvent[] = [];
  let heard = Promise.withResolvers<void>();
  const listeners = new Set<(key: ResourceKey) => void>();
  const view: { version: number; object: ApiObject | undefined } = {
    version: 1,
    object: objectAt(1),
  };
  async function* stored(signal: AbortSignal) {
    signal.addEventListener("abort", () => heard.resolve());
    while (!signal.aborted) {
      await heard.promise;
      heard = Promise.withResolvers();
      yield* events.splice(0);
    }
  }
  const watch = watchLive(
    {
      ...{ ...time, stored, since: 1, dressed: (object) => object },
      present: () => view.object,
      presentVersion: () => view.version,
      onChange(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    abort.signal,
  );
  const told: string[] = [];
  const done = (async () => {
    for await (const { type, version, object } of watch)
      told.push(`${type} ${version}/${object.metadata.resourceVersion}`);
  })();
  return {
    ...{ told, view, listeners },
    async store(event: ObjectEvent) {
      events.push(event);
      heard.resolve();
      await turn();
    },
    async live(ms = 2_000) {
      for (const listener of listeners) listener(key);
      time.advance(ms);
      await turn();
    },
    async end() {
      abort.abort();
      await done;
    },
  };
}

test("a view that is behind tells nothing, and catches up with what it owes", async () => {
  const { told, view, store, live, end } = open();
  await turn();
  await live();
  await store({ type: "modified", version: 5, object: objectAt(5) });
  await live();
  assert.deepEqual(told, ["modified 1/1", "modified 5/5"]);
  Object.assign(view, { version: 5, object: objectAt(5) });
  await live();
  assert.deepEqual(told, ["modified 1/1", "modified 5/5", "modified 5/5"]);
  await end();
});

test("what was deleted does not come back, and nobody listens when the reader has left", async () => {
  const { told, view, listeners, store, live, end } = open();
  await turn();
  await store({ type: "deleted", version: 6, object: objectAt(6) });
  await live();
  assert.deepEqual(told, ["deleted 6/6"]);
  Object.assign(view, { version: 6, object: undefined });
  await live();
  assert.deepEqual([told, listeners.size], [["deleted 6/6"], 1]);
  await end();
  assert.equal(listeners.size, 0);
});
