// Goal: every object gets to where it is to be, says so once, and is no trouble to the others.
// Method: controllers over real stores (memory, SQLite) with small reconcilers, hand-driven time, and random histories.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import { openDatabase } from "../state/database.ts";
import { openMemoryStore } from "../state/memory.ts";
import { keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { PutChange, Store, StoreChange } from "../state/store.ts";
import { type ManualTime, manualTime } from "../testing/manual-timers.ts";
import { conditionOf, isReady, patchStatus, statusOf, withCondition } from "./conditions.ts";
import { type ControllerOptions, createController } from "./controller.ts";
import { type Reconciler, ready, stalled, waiting } from "./reconciler.ts";
import { settledAs } from "./verdict.ts";
import { createView } from "./view.ts";

const AT = Date.UTC(2026, 0, 1);
const keyOf = (name: string, kind = "Thing"): ResourceKey => ({ kind, namespace: "default", name });
const put = (name: string, spec: JsonObject = {}, more: Partial<PutChange> = {}): PutChange => ({
  type: "put",
  key: keyOf(name),
  labels: {},
  annotations: {},
  spec,
  manager: "test",
  ...more,
});
const remove = (name: string): StoreChange => ({ type: "delete", key: keyOf(name) });

/** Ready, unless its spec says otherwise; `fail` throws, `needs` names a Thing that has to be ready. */
const things: Reconciler = {
  kind: "Thing",
  references: ({ spec }) => (typeof spec.needs === "string" ? [keyOf(spec.needs)] : []),
  async reconcile({ spec }, { view }) {
    if (spec.fail === true) throw new Error("a secret of the host");
    if (spec.refuse === true)
      throw new LegionError({ code: "LEG4014", message: "it cannot be read", hint: "mend it" });
    if (typeof spec.needs !== "string") return ready("Running", "It runs.");
    const needed = view.get(keyOf(spec.needs));
    if (needed === undefined) return stalled("Missing", `Apply ${spec.needs}.`);
    return settledAs(needed) === "ready"
      ? ready("Running", "It runs.")
      : waiting("NeedPending", `It waits for ${spec.needs}.`);
  },
};

async function open(store: Store, more: Partial<ControllerOptions> & { time?: ManualTime } = {}) {
  const abort = new AbortController();
  const { time = manualTime(AT), ...options } = more;
  const events: string[] = [];
  const errors: unknown[] = [];
  const fatal: unknown[] = [];
  const view = await createView(store, {
    signal: abort.signal,
    onError: (error) => errors.push(error),
    place: { cwd: "/repository" },
  });
  const controller = createController({
    store,
    view,
    reconcilers: [things],
    ...time,
    random: () => 0.5,
    emit: (object, { severity, reason }) => {
      events.push(`${object} ${severity} ${reason}`);
      return "";
    },
    signal: abort.signal,
    onError: (error) => errors.push(error),
    onFatal: (error) => fatal.push(error),
    ...options,
  });
  return {
    ...{ controller, view, events, errors, fatal, time },
    async apply(...changes: StoreChange[]): Promise<void> {
      await view.reached((await store.write(changes, { at: AT })).version);
      await controller.idle();
    },
    async [Symbol.asyncDispose]() {
      await controller.close();
      abort.abort();
      await view.done;
    },
  };
}

const memory = (time: ManualTime) => openMemoryStore({ clock: time.clock });

async function withSqlite(use: (store: Store) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-controller-"));
  const database = await openDatabase(folder);
  try {
    await use(openSqliteStore(database, { clock: systemClock }));
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function read(store: Store, name: string): Promise<Resource> {
  const resource = await store.read(keyOf(name));
  if (resource === undefined) throw new Error(`${name} is not there`);
  return resource;
}

const said = async (store: Store, name: string) =>
  Object.fromEntries(
    (statusOf(await read(store, name)).conditions ?? []).map(({ type, status, reason }) => [
      type,
      `${status} ${reason}`,
    ]),
  );

test("objects become Ready in few writes, say so once, and looking 2,000 times again writes no row", async () => {
  await withSqlite(async (store) => {
    let writes = 0;
    const counted: Store = {
      ...store,
      write: (...args) => {
        writes += 1;
        return store.write(...args);
      },
    };
    const names = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
    await store.write(
      names.map((name) => put(name)),
      { at: AT },
    );
    await using opened = await open(counted);
    await opened.controller.idle();
    assert.ok((await store.list()).every(isReady));
    assert.ok(writes <= 10, `${writes} writes`);
    assert.equal(opened.events.length, 1_000);
    const version = await store.version();
    const before = writes;
    for (let times = 0; times < 2; times += 1) {
      opened.controller.requeueAll();
      await opened.controller.idle();
    }
    assert.equal(writes, before);
    assert.equal(await store.version(), version);
    assert.equal(opened.events.length, 1_000);
  });
});

test("R43: what always fails says so, waits longer and longer, and delays no other", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await using opened = await open(store, { time, concurrency: 1 });
  await opened.apply(put("bad", { fail: true }), put("refused", { refuse: true }), put("good"));
  assert.equal(isReady(await read(store, "good")), true);
  assert.deepEqual(await said(store, "bad"), {
    Accepted: "True Valid",
    Ready: "False ReconcileError",
    Reconciling: "True ReconcileError",
  });
  const message = async (name: string) =>
    conditionOf(statusOf(await read(store, name)), "Ready")?.message ?? "";
  assert.match(await message("bad"), /internal error/);
  assert.doesNotMatch(await message("bad"), /secret/);
  assert.match(await message("refused"), /^It cannot be read: mend it\./);
  assert.deepEqual(time.pending(), [1_000, 1_000]);
  time.advance(1_000);
  await opened.controller.idle();
  assert.deepEqual(time.pending(), [2_000, 2_000]);
  const version = await store.version();
  time.advance(2_000);
  await opened.controller.idle();
  assert.equal(await store.version(), version);
  assert.equal(opened.events.filter((event) => event.includes("/bad ")).length, 1);
  await opened.apply(put("bad", { fail: true, again: 1 }));
  assert.deepEqual(time.pending(), [1_000, 4_000]);
  await opened.apply(put("bad"));
  assert.equal(isReady(await read(store, "bad")), true);
  assert.deepEqual(time.pending(), [4_000]);
});

test("objects are looked at again when what they refer to comes, changes or goes", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await using opened = await open(store, { time });
  await opened.apply(put("user", { needs: "base" }));
  assert.deepEqual(await said(store, "user"), {
    Accepted: "True Valid",
    Ready: "False Missing",
    Stalled: "True Missing",
  });
  await opened.apply(put("base"));
  assert.equal(isReady(await read(store, "user")), true);
  await opened.apply(put("base", { fail: true }));
  assert.equal((await said(store, "user")).Ready, "False NeedPending");
  await opened.apply(remove("base"));
  assert.equal((await said(store, "user")).Stalled, "True Missing");
  assert.deepEqual(
    opened.events.filter((event) => event.includes("/user ")),
    ["warning Stalled", "normal Ready", "normal NotReady", "warning Stalled"].map(
      (event) => `Thing/default/user ${event}`,
    ),
  );
});

test("an object that is being deleted goes when its finalizer is done, and not before", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  let isDone = false;
  const reconciler: Reconciler = {
    ...things,
    finalizer: "test/drain",
    finalize: async () =>
      isDone ? "done" : waiting("Draining", "It drains.", { retryAfterMs: 5_000 }),
  };
  await using opened = await open(store, { time, reconcilers: [reconciler] });
  await opened.apply(put("a", {}, { finalizers: ["test/drain", "other"] }));
  await opened.apply(remove("a"));
  assert.equal((await said(store, "a")).Reconciling, "True Draining");
  isDone = true;
  time.advance(5_000);
  await opened.controller.idle();
  assert.deepEqual((await read(store, "a")).finalizers, ["other"]);
  await opened.apply({ type: "finalize", key: keyOf("a"), finalizer: "other" });
  assert.equal(await store.read(keyOf("a")), undefined);
  assert.deepEqual(opened.events.at(-1), "Thing/default/a normal Deleted");
});

test("what is left of an object that is gone is taken down", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  const taken: string[] = [];
  const reconciler: Reconciler = {
    ...things,
    removed: async (key) => {
      taken.push(keyText(key));
      return "done";
    },
  };
  await using opened = await open(store, { time, reconcilers: [reconciler] });
  await opened.apply(put("a"));
  await opened.apply(remove("a"));
  assert.deepEqual(taken, ["Thing/default/a"]);
});

test("objects whose owners are gone are deleted, and those that they own", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await store.write([put("owner"), put("free")], { at: AT });
  const owner = await read(store, "owner");
  await using opened = await open(store, { time });
  const ownedBy = ({ uid, name }: Resource) => ({ ownerReferences: [{ ...keyOf(name), uid }] });
  await opened.apply(put("child", {}, ownedBy(owner)));
  await opened.apply(put("grandchild", {}, ownedBy(await read(store, "child"))));
  await opened.apply(remove("owner"));
  assert.deepEqual(
    (await store.list()).map(({ name }) => name),
    ["free"],
  );
});

test("orphans that were left by an earlier process are deleted at the start", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await store.write([put("owner")], { at: AT });
  const { uid } = await read(store, "owner");
  await store.write([put("child", {}, { ownerReferences: [{ ...keyOf("owner"), uid }] })], {
    at: AT,
  });
  await store.write([remove("owner")], { at: AT });
  await using opened = await open(store, { time });
  await opened.controller.idle();
  assert.equal((await store.list()).length, 0);
});

test("a status that others write at the same time is kept, and the rest of the batch is written", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await store.write([put("a"), put("b"), put("c")], { at: AT });
  let isFirst = true;
  const racing: Store = {
    ...store,
    async write(changes, options) {
      if (isFirst) {
        isFirst = false;
        const invalid = { type: "Accepted", status: "False", reason: "Invalid" } as const;
        const statement = { ...invalid, message: "a.yaml:1:1: no", observedGeneration: 1 };
        const change = (resource: Resource) => withCondition(statusOf(resource), statement, AT);
        await patchStatus(store, keyOf("b"), change, { at: AT });
      }
      return store.write(changes, options);
    },
  };
  await using opened = await open(racing, { time });
  await opened.controller.settled([keyOf("a"), keyOf("b"), keyOf("c")]);
  assert.ok((await store.list()).every(isReady));
  assert.equal((await said(store, "a")).Accepted, "True Valid");
  assert.equal((await said(store, "b")).Accepted, "False Invalid");
  assert.equal(opened.errors.length, 0);
  assert.deepEqual(opened.events.toSorted(), [
    "Thing/default/a normal Ready",
    "Thing/default/b normal Ready",
    "Thing/default/c normal Ready",
  ]);
});

test("what was found out about an object is not said of one that took its name meanwhile", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await store.write([put("a")], { at: AT });
  const gates: (() => void)[] = [];
  const slow: Reconciler = {
    ...things,
    async reconcile({ uid }) {
      await new Promise<void>((resolve) => gates.push(resolve));
      return ready("Running", uid);
    },
  };
  await using opened = await open(store, { time, reconcilers: [slow] });
  const wrong: string[] = [];
  opened.view.subscribe(({ resource }) => {
    const message = conditionOf(statusOf(resource), "Ready")?.message;
    if (message !== undefined && message !== resource.uid) wrong.push(resource.uid);
  });
  while (gates.length < 1) await turn();
  const { version } = await store.write([remove("a"), put("a")], { at: AT });
  await opened.view.reached(version);
  gates[0]?.();
  while (gates.length < 2) await turn();
  // Time for what was found out first to be written.
  for (let times = 0; times < 10; times += 1) await turn();
  gates[1]?.();
  await opened.controller.idle();
  assert.equal(isReady(await read(store, "a")), true);
  assert.deepEqual(wrong, []);
});

test("a store that cannot be written for a while is tried again", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await store.write([put("a")], { at: AT });
  let isBroken = true;
  const broken: Store = {
    ...store,
    write: async (...args) => {
      if (isBroken) throw new Error("the disk is full");
      return store.write(...args);
    },
  };
  await using opened = await open(broken, { time });
  await opened.controller.idle();
  assert.match(String(opened.errors[0]), /disk is full/);
  isBroken = false;
  time.advance(1_000);
  await opened.controller.idle();
  assert.equal(isReady(await read(store, "a")), true);
});

test("R33: a process that lost the store writes nothing any more, and says so once", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  const taken = await store.leases.acquire("lock", "us", 10_000);
  const fence = { lease: "lock", epoch: taken.lease.epoch };
  await store.write([put("a")], { at: AT });
  await store.leases.acquire("lock", "them", 10_000, { epoch: taken.lease.epoch });
  const version = await store.version();
  await using opened = await open(store, { time, fence });
  await opened.controller.idle();
  assert.equal(opened.fatal.length, 1);
  opened.controller.requeueAll();
  await opened.controller.idle();
  assert.equal(await store.version(), version);
  assert.equal(opened.fatal.length, 1);
});

test("closing waits for what runs and writes what it found", async () => {
  const time = manualTime(AT);
  const store = memory(time);
  await store.write([put("a")], { at: AT });
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const slow: Reconciler = {
    ...things,
    async reconcile() {
      begun += 1;
      await gate.promise;
      return ready("Running", "It runs.");
    },
  };
  await using opened = await open(store, { time, reconcilers: [slow] });
  while (begun === 0) await turn();
  const closing = opened.controller.close();
  gate.resolve();
  await closing;
  assert.equal(isReady(await read(store, "a")), true);
  await store.write([put("b")], { at: AT });
  await opened.view.reached(await store.version());
  await opened.controller.idle();
  assert.equal(begun, 1);
});

test("always does everything get to where it is to be, whatever changes in whatever order", async () => {
  const names = ["a", "b", "c", "d"];
  // Needs go forward only: what waits for each other in a circle has no one place to be.
  const specOf = (name: string) =>
    fc.oneof(
      fc.constant({}),
      fc.constant({ fail: true }),
      fc.constantFrom(...names.filter((other) => other > name), "e").map((needs) => ({ needs })),
    );
  const step = fc.constantFrom(...names).chain((name) =>
    fc.record({
      name: fc.constant(name),
      spec: fc.option(specOf(name), { nil: undefined }),
      settle: fc.boolean(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const time = manualTime(AT);
      const store = memory(time);
      await using opened = await open(store, { time });
      for (const each of steps) {
        const change = each.spec === undefined ? remove(each.name) : put(each.name, each.spec);
        await store.write([change], { at: AT });
        if (each.settle) await opened.controller.idle();
        else await turn();
      }
      await opened.view.reached(await store.version());
      await opened.controller.idle();
      const left = new Map((await store.list()).map((resource) => [resource.name, resource]));
      for (const resource of left.values()) {
        const status = statusOf(resource);
        assert.equal(status.observedGeneration, resource.generation);
        const { spec: wanted } = resource;
        const reason = conditionOf(status, "Ready")?.reason;
        if (wanted.fail === true) assert.equal(reason, "ReconcileError");
        else if (wanted.needs === undefined) assert.equal(reason, "Running");
        else if (!left.has(String(wanted.needs))) assert.equal(reason, "Missing");
        else {
          const needed = left.get(String(wanted.needs));
          const isThere = needed !== undefined && isReady(needed);
          assert.equal(reason, isThere ? "Running" : "NeedPending");
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("two that make each other change their minds come to rest, and are looked at again later", async () => {
  let looks = 0;
  const said = new Map<string, boolean>();
  const other: Readonly<Record<string, string>> = { a: "b", b: "a" };
  const fickle: Reconciler = {
    kind: "Thing",
    references: ({ name }) => [keyOf(other[name] ?? "")],
    async reconcile({ name }) {
      looks += 1;
      said.set(name, said.get(name) !== true);
      return said.get(name) === true ? ready("Yes", "It is.") : waiting("No", "It is not.");
    },
  };
  const time = manualTime(AT);
  await using opened = await open(memory(time), { time, reconcilers: [fickle] });
  await opened.apply(put("a"), put("b"));
  const before = looks;
  assert.ok(before > 10 && before < 100, `${before} looks`);
  await opened.time.advance(60_000);
  await opened.controller.idle();
  assert.ok(looks > before, "later it is looked at again");
});
