// Goal: whatever is written in whatever order, all drivers agree, the log retells the state, and nothing is written twice.
// Method: random sequences of writes, leases and faults over the memory and over real SQLite files, compared after each step.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { manualClock } from "../lib/clock.ts";
import type { Json } from "../lib/json.ts";
import { AT, everything, key, put } from "./contract/case.ts";
import { openDatabase } from "./database.ts";
import { openMemoryStore } from "./memory.ts";
import { keyText, type Resource } from "./resource.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store, StoreChange, WriteOptions } from "./store.ts";
import { coalesce } from "./watch.ts";

let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-property-"));
});
after(() => rm(root, { recursive: true, force: true }));

type Step =
  | { readonly do: "write"; readonly changes: StoreChange[]; readonly fence?: number }
  | { readonly do: "acquire"; readonly holder: string }
  | { readonly do: "advance"; readonly ms: number };

const name = fc.constantFrom("a", "b", "c");
const value = fc.constantFrom<Json>(0, 1, "x", [1], { y: 1 });
const expect = fc.option(
  fc.oneof(fc.constant("absent" as const), fc.integer({ min: 1, max: 12 })),
  { nil: undefined, freq: 6 },
);
const version = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 6 });
const finalizer = fc.constantFrom("f", "g");

const change: fc.Arbitrary<StoreChange> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ name, value, label: fc.boolean(), finalizers: fc.subarray(["f", "g"]), expect })
      .map(({ name, value, label, finalizers, expect }) =>
        put(
          name,
          { value },
          { labels: label ? { l: "1" } : {}, finalizers, ...(expect !== undefined && { expect }) },
        ),
      ),
  },
  fc.record({ name, expect: version }).map(({ name, expect }) => ({
    type: "delete" as const,
    key: key(name),
    ...(expect !== undefined && { expect }),
  })),
  fc
    .record({ name, value })
    .map(({ name, value }) => ({ type: "status" as const, key: key(name), status: { value } })),
  fc
    .record({ name, finalizer })
    .map(({ name, finalizer }) => ({ type: "finalize" as const, key: key(name), finalizer })),
  fc.record({ name, digest: fc.option(name, { nil: undefined }) }).map(({ name, digest }) => ({
    type: "inventory" as const,
    source: name,
    ...(digest !== undefined && { inventory: { keys: [key(name)], digest, attempted: "r" } }),
  })),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        changes: fc.array(change, { maxLength: 4 }),
        fence: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 4 }),
      })
      .map(({ changes, fence }) => ({
        do: "write" as const,
        changes,
        ...(fence !== undefined && { fence }),
      })),
  },
  fc.constantFrom("one", "two").map((holder) => ({ do: "acquire" as const, holder })),
  fc.constantFrom(1, 999, 1000).map((ms) => ({ do: "advance" as const, ms })),
);

/** Uids that are the same in each run. */
function counting(): () => string {
  let uids = 0;
  return () => {
    uids += 1;
    return `uid-${uids}`;
  };
}

async function withStores(check: (stores: Stores) => Promise<void>): Promise<void> {
  folders += 1;
  const clock = manualClock();
  const database = await openDatabase(path.join(root, `${folders}`));
  // What the crash tests hold against real disks is not the question here, and a flush a write is slow.
  database.query("PRAGMA synchronous = OFF");
  const options = { clock, eventsRetained: 10 };
  try {
    await check({
      clock,
      memory: openMemoryStore({ ...options, newUid: counting() }),
      sqlite: openSqliteStore(database, { ...options, newUid: counting() }),
    });
  } finally {
    database.close();
  }
}

interface Stores {
  readonly clock: ReturnType<typeof manualClock>;
  readonly memory: Store;
  readonly sqlite: Store;
}

/** What came of it, a failure as its message, so that two outcomes can be compared. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => String(error));
}

async function perform(store: Store, each: Exclude<Step, { do: "advance" }>): Promise<unknown> {
  if (each.do === "acquire") return outcome(store.leases.acquire("l", each.holder, 1_000));
  const options: WriteOptions = { at: AT };
  const fence = each.fence;
  return outcome(
    store.write(each.changes, {
      ...options,
      ...(fence !== undefined && { fence: { lease: "l", epoch: fence } }),
    }),
  );
}

async function log(store: Store): Promise<unknown> {
  const pages = [0, 1, 5, 20, (await store.version()) - 1].map((since) =>
    outcome(store.changes(since, 4)),
  );
  return Promise.all(pages);
}

test("always: memory and SQLite give the same answers, the same state and the same log", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) =>
      withStores(async ({ clock, memory, sqlite }) => {
        for (const each of steps) {
          if (each.do === "advance") {
            clock.advance(each.ms);
            continue;
          }
          assert.deepEqual(await perform(sqlite, each), await perform(memory, each));
        }
        assert.deepEqual(await everything(sqlite), await everything(memory));
        assert.deepEqual(await log(sqlite), await log(memory));
      }),
    ),
    { numRuns: 80 },
  );
});

/** What a reader of events knows. */
function replay(
  events: Iterable<{ type: string; resource: Resource }>,
  known = new Map<string, Resource>(),
) {
  for (const { type, resource } of events) {
    const name = keyText(resource);
    const before = known.get(name);
    // The type is exact: a reader may keep counts by it.
    assert.equal(before === undefined, type === "added", `${type} ${name}`);
    if (type === "deleted") known.delete(name);
    else known.set(name, resource);
  }
  return known;
}

const sortedByKey = (known: Map<string, Resource>) =>
  [...known].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, resource]) => resource);

test("always: reading the log, coalesced in pages of any size, from any list on gives the list", async () => {
  const writes = fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(writes, fc.nat(19), fc.integer({ min: 1, max: 7 }), async (all, at, size) => {
      const store = openMemoryStore({ clock: manualClock() });
      let since = 0;
      let known = new Map<string, Resource>();
      for (const [index, changes] of all.entries()) {
        if (index === at) {
          since = await store.version();
          known = new Map((await store.list()).map((each) => [keyText(each), each]));
        }
        await outcome(store.write(changes, { at: AT }));
      }
      const end = await store.version();
      while (since < end) {
        const page = await store.changes(since, size);
        replay(coalesce(page.events), known);
        since = page.version;
      }
      assert.deepEqual(sortedByKey(known), await store.list());
    }),
    { numRuns: 300 },
  );
});

test("always: writing what is there already writes no row", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), (steps) =>
      withStores(async ({ memory, sqlite }) => {
        for (const store of [memory, sqlite]) {
          for (const each of steps) if (each.do === "write") await perform(store, each);
          const present = (await store.list())
            .filter(({ deletionTimestamp }) => deletionTimestamp === undefined)
            .flatMap((resource): StoreChange[] => [
              { type: "put", key: resource, manager: "other", ...resource },
              { type: "status", key: resource, status: resource.status },
            ]);
          const before = await everything(store);
          assert.equal((await store.write(present, { at: AT + 1 })).rowsWritten, 0);
          assert.deepEqual(await everything(store), before);
        }
      }),
    ),
    { numRuns: 40 },
  );
});
