// Goal: the view is what the store holds, in order, up to the version that it says; following costs nothing per object that did not change.
// Method: real stores on memory and SQLite, random writes, logs that were cut, and a store that fails for a while.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { manualClock, systemClock } from "../lib/clock.ts";
import { canonicalHash } from "../lib/hash.ts";
import { openDatabase } from "../state/database.ts";
import { openMemoryStore } from "../state/memory.ts";
import { keyText, type Resource } from "../state/resource.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { PutChange, Store } from "../state/store.ts";
import { createView, type View, type ViewEvent } from "./view.ts";

const AT = Date.UTC(2026, 0, 1);
const put = (name: string, spec = {}, more: Partial<PutChange> = {}): PutChange => ({
  type: "put",
  key: { kind: "Agent", namespace: "default", name },
  labels: {},
  annotations: {},
  spec,
  manager: "test",
  ...more,
});

async function open(store: Store, more: Partial<Parameters<typeof createView>[1]> = {}) {
  const abort = new AbortController();
  const errors: unknown[] = [];
  const view = await createView(store, {
    signal: abort.signal,
    onError: (error) => errors.push(error),
    place: { cwd: "/repository" },
    ...more,
  });
  const events: ViewEvent[] = [];
  view.subscribe((event) => events.push(event));
  return {
    view,
    events,
    errors,
    async [Symbol.asyncDispose]() {
      abort.abort();
      await view.done;
    },
  };
}

const memory = () => openMemoryStore({ clock: manualClock(AT) });

async function assertSame(view: View, store: Store): Promise<void> {
  const byKey = (resources: Iterable<Resource>) =>
    Object.fromEntries([...resources].map((resource) => [keyText(resource), resource]));
  assert.deepEqual(byKey(view.all()), byKey(await store.list()));
}

test("the view lists what is there and follows what comes", async () => {
  const store = memory();
  await store.write([put("b"), put("a")], { at: AT });
  await using opened = await open(store);
  const { view, events } = opened;
  assert.deepEqual(
    view.ofKind("Agent").map(({ name }) => name),
    ["a", "b"],
  );
  const { version } = await store.write(
    [put("a", { model: "x/y" }), put("c"), { type: "delete", key: put("b").key }],
    { at: AT },
  );
  await view.reached(version);
  assert.equal(view.version, version);
  assert.deepEqual(
    events.map(({ type, resource, before }) => [type, resource.name, before?.generation]),
    [
      ["modified", "a", 1],
      ["added", "c", undefined],
      ["deleted", "b", 1],
    ],
  );
  await assertSame(view, store);
});

test("a version is reached even when its object came and went unseen", async () => {
  const store = memory();
  await using opened = await open(store);
  await store.write([put("short")], { at: AT });
  const { version } = await store.write([{ type: "delete", key: put("short").key }], { at: AT });
  await opened.view.reached(version);
  assert.equal(opened.view.size, 0);
});

test("never does the view say a version before it has all of it, whatever is written and however the log is cut", async () => {
  const step = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    act: fc.constantFrom("put", "delete", "pause"),
    value: fc.integer({ min: 0, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom(4, 1_000),
      async (steps, eventsRetained) => {
        const store = openMemoryStore({ clock: manualClock(AT), eventsRetained });
        await using opened = await open(store);
        const { view, events, errors } = opened;
        for (const { name, act, value } of steps) {
          // Not waited for: the log of a burst is cut before it was read.
          if (act === "put") void store.write([put(name, { value })], { at: AT });
          if (act === "delete")
            void store.write([{ type: "delete", key: put(name).key }], { at: AT });
          if (act === "pause") await new Promise((resolve) => setImmediate(resolve));
        }
        await view.reached(await store.version());
        await assertSame(view, store);
        assert.deepEqual(errors, []);
        const replayed = new Map<string, Resource>();
        for (const { type, resource, before } of events) {
          assert.deepEqual(replayed.get(resource.name)?.uid, before?.uid);
          if (type === "deleted") replayed.delete(resource.name);
          else replayed.set(resource.name, resource);
        }
        assert.deepEqual(
          [...replayed.values()].map(({ uid }) => uid).sort(),
          [...view.all()].map(({ uid }) => uid).sort(),
        );
      },
    ),
    { numRuns: 100 },
  );
});

test("when the log was cut a new list tells what came, changed and went, and no change twice", async () => {
  const store = openMemoryStore({ clock: manualClock(AT), eventsRetained: 4 });
  await store.write([put("kept"), put("changed"), put("gone"), put("anew")], { at: AT });
  let isBusy = false;
  const busy: Store = {
    ...store,
    async list(...args) {
      // The list is newer than the version that was asked before it.
      if (isBusy) await store.write([put("changed", { step: 3 }), put("late")], { at: AT });
      isBusy = false;
      return store.list(...args);
    },
  };
  await using opened = await open(busy);
  const { view, events } = opened;
  await new Promise((resolve) => setImmediate(resolve));
  isBusy = true;
  const anew = view.get(put("anew").key);
  for (const name of ["gone", "anew"])
    void store.write([{ type: "delete", key: put(name).key }], { at: AT });
  for (const step of [1, 2]) void store.write([put("changed", { step })], { at: AT });
  const { version } = await store.write([put("anew"), put("new")], { at: AT });
  await view.reached(version);
  await view.reached((await store.write([put("last")], { at: AT })).version);
  assert.equal(isBusy, false);
  assert.deepEqual(events.map(({ type, resource }) => `${type} ${resource.name}`).toSorted(), [
    "added anew",
    "added last",
    "added late",
    "added new",
    "deleted anew",
    "deleted gone",
    "modified changed",
  ]);
  assert.notEqual(view.get(put("anew").key)?.uid, anew?.uid);
  await assertSame(view, store);
});

test("objects of one namespace answer references, except those that are being deleted", async () => {
  const store = memory();
  const other = { kind: "Agent", namespace: "other", name: "a" };
  const origin = {
    source: "roots",
    file: "/repository/agents.d/a.yaml",
    root: "/repository/agents.d",
    document: 2,
  };
  await store.write(
    [
      put("a", { model: "x/y" }, { origin }),
      put("going", {}, { finalizers: ["wait"] }),
      put("a", {}, { key: other }),
    ],
    { at: AT },
  );
  await store.write([{ type: "delete", key: put("going").key }], { at: AT });
  await using opened = await open(store);
  const objects = opened.view.within("default");
  assert.deepEqual(
    objects.all("Agent").map(({ name, namespace }) => [name, namespace]),
    [["a", "default"]],
  );
  assert.equal(objects.get("Agent", "going"), undefined);
  assert.equal(objects.get("Tool", "a"), undefined);
  const object = objects.get("Agent", "a");
  assert.equal(object, objects.get("Agent", "a"));
  assert.equal(object?.specHash, canonicalHash({ model: "x/y" }));
  assert.deepEqual(object?.source, {
    file: "/repository/agents.d/a.yaml",
    shown: path.join("agents.d", "a.yaml"),
    document: 2,
    root: "/repository/agents.d",
  });
  assert.equal(opened.view.within("other").get("Agent", "a")?.source.root, "/repository");
});

test("a store that fails is told and asked again", async () => {
  const store = memory();
  let isBroken = false;
  const broken: Store = {
    ...store,
    changes: async (...args) => {
      if (isBroken) throw new Error("the disk is gone");
      return store.changes(...args);
    },
  };
  const retries: (() => void)[] = [];
  const timers = {
    after: (_: number, run: () => void) => {
      retries.push(run);
      return () => {};
    },
  };
  await using opened = await open(broken, { timers });
  isBroken = true;
  const { version } = await store.write([put("a")], { at: AT });
  while (retries.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.match(String(opened.errors[0]), /the disk is gone/);
  isBroken = false;
  retries[0]?.();
  await opened.view.reached(version);
  assert.equal(opened.view.size, 1);
});

test("a listener that throws stops no other", async () => {
  const store = memory();
  await using opened = await open(store);
  opened.view.subscribe(() => {
    throw new Error("listener");
  });
  const seen: string[] = [];
  opened.view.subscribe(({ resource }) => seen.push(resource.name));
  await opened.view.reached((await store.write([put("a")], { at: AT })).version);
  assert.deepEqual(seen, ["a"]);
  assert.equal(opened.errors.length, 1);
});

test("waiting for a version ends with the view", async () => {
  const store = memory();
  const abort = new AbortController();
  const view = await createView(store, {
    signal: abort.signal,
    onError: () => {},
    place: { cwd: "/repository" },
  });
  const never = assert.rejects(view.reached(99));
  abort.abort();
  await never;
  await view.done;
  await assert.rejects(view.reached(99));
});

test("two processes on one SQLite file see each other", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-view-"));
  try {
    const mine = await openDatabase(folder);
    const others = await openDatabase(folder);
    const store = openSqliteStore(mine, { clock: systemClock });
    const other = openSqliteStore(others, { clock: systemClock });
    {
      await using opened = await open(store);
      const { version } = await other.write([put("a")], { at: AT });
      await opened.view.reached(version);
      await assertSame(opened.view, other);
    }
    mine.close();
    others.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
