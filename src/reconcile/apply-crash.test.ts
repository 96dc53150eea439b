// Goal: an apply that is killed anywhere is done whole or not at all, and applying again converges and then writes nothing (R34, R49).
// Method: this file, started as a child, locks a folder and applies set A and set B; LEGION_FAILPOINT kills it for real before or after each write; the parent starts again and looks.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../lib/clock.ts";
import { openDatabase } from "../state/database.ts";
import { withFailpoints } from "../state/failpoints.ts";
import { lockFolder } from "../state/folder-lock.ts";
import { openMemoryStore } from "../state/memory.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { Store } from "../state/store.ts";
import { applyOf, desired } from "../testing/desired.ts";
import type { DesiredObject, ObjectPlane } from "./contract.ts";
import { createObjectPlane } from "./plane.ts";

const SEEDS = [1, 2, 3];
const OBJECTS = 40;
/** Children at once. */
const LANES = 2;

const self = fileURLToPath(import.meta.url);
const [, , childFolder, childSeed] = process.argv;

/** Numbers from 0 to 1 that a seed decides. */
function randomOf(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Two sets: from the first to the second some objects are made, some changed, some deleted, some left as they are. */
function setsOf(seed: number) {
  const random = randomOf(seed);
  const some = (share: number) =>
    Array.from({ length: OBJECTS }, (_, index) => index).filter(() => random() < share);
  const object = (index: number, text: string): DesiredObject =>
    desired(
      `agent-${index}`,
      { description: `${text} ${index}`, maxIterations: 1 + (index % 7) },
      { labels: { set: text } },
    );
  const a = some(0.7).map((index) => object(index, "first"));
  const kept = new Map(a.filter(() => random() < 0.4).map((each) => [each.name, each]));
  const b = Array.from({ length: OBJECTS * 2 }, (_, index) => index)
    .filter((index) => index >= OBJECTS || random() < 0.6)
    .slice(0, OBJECTS)
    .map((index) => kept.get(`agent-${index}`) ?? object(index, "second"));
  return { a, b };
}

const applyA = (plane: ObjectPlane, seed: number) =>
  plane.apply(applyOf(setsOf(seed).a, { digest: "a", revision: "ra" }));
const applyB = (plane: ObjectPlane, seed: number) =>
  plane.apply(applyOf(setsOf(seed).b, { digest: "b", revision: "rb" }));

/** Runs work as the one owner of a folder. */
async function inFolder<T>(
  folder: string,
  work: (plane: ObjectPlane, store: Store) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(folder);
  try {
    const clock = systemClock;
    const store = withFailpoints(openSqliteStore(database, { clock }), process.env);
    await using lock = await lockFolder(folder, { store, clock, command: "crash test" });
    return await work(createObjectPlane({ store, clock, fence: lock.fence, idle: true }), store);
  } finally {
    database.close();
  }
}

/** All that an apply decides, without what differs from run to run. */
async function look(store: Store) {
  const objects = (await store.list()).map(
    ({ name, labels, spec, generation, managers, origin, finalizers }) => {
      return { name, labels, spec, generation, managers, origin, finalizers };
    },
  );
  return { objects, inventories: await store.inventories() };
}

if (childFolder !== undefined) {
  const seed = Number(childSeed);
  await inFolder(childFolder, async (plane) => {
    await applyA(plane, seed);
    await applyB(plane, seed);
  });
} else crashTests();

function crashTests(): void {
  let root = "";
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "legion-apply-crash-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  /** The states that there may be, from the same applies without a crash. */
  const statesOf = async (seed: number) => {
    const clock = systemClock;
    const store = openMemoryStore({ clock });
    const plane = createObjectPlane({ store, clock, idle: true });
    const none = await look(store);
    await applyA(plane, seed);
    const a = await look(store);
    const { objects } = await applyB(plane, seed);
    const outcomes = new Set(objects.map(({ outcome }) => outcome));
    assert.deepEqual(outcomes, new Set(["created", "configured", "unchanged", "pruned"]));
    return { none, a, b: await look(store) };
  };

  const killed = async (folder: string, seed: number, failpoint: string) => {
    const env = { ...process.env, LEGION_FAILPOINT: failpoint };
    const child = spawn(process.execPath, [self, folder, `${seed}`], { env, stdio: "inherit" });
    const [, signal] = await once(child, "exit");
    assert.equal(signal, "SIGKILL", `the child was to die at ${failpoint}`);
  };

  const rows = [
    { failpoint: "store-write-before:1", left: "none" },
    { failpoint: "store-write-after:1", left: "a" },
    { failpoint: "store-write-before:2", left: "a" },
    { failpoint: "store-write-after:2", left: "b" },
  ] as const;

  const check = async (seed: number, { failpoint, left }: (typeof rows)[number]) => {
    const folder = path.join(root, `${seed}-${failpoint.replace(":", "-")}`);
    const states = await statesOf(seed);
    await killed(folder, seed, failpoint);
    await inFolder(folder, async (plane, store) => {
      assert.deepEqual(await look(store), states[left], `${failpoint}, seed ${seed}`);
      const again = await applyB(plane, seed);
      assert.equal(again.rowsWritten === 0, left === "b");
      const settled = await look(store);
      // A set that was never applied before begins at generation 1.
      const bare = ({ objects, inventories }: typeof settled) => ({
        objects: objects.map(({ generation: _, ...rest }) => rest),
        inventories,
      });
      if (left === "none") assert.deepEqual(bare(settled), bare(states.b));
      else assert.deepEqual(settled, states.b);
      assert.equal((await applyB(plane, seed)).rowsWritten, 0);
    });
  };

  test("R49: kill -9 before and after every write leaves all of A or all of B; applying again converges", async () => {
    const queue = SEEDS.flatMap((seed) => rows.map((row) => ({ seed, row }))).values();
    const lane = async () => {
      for (const { seed, row } of queue) await check(seed, row);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });

  test("the child does two writes and no more, so that every one of them was killed", async () => {
    const folder = path.join(root, "whole");
    const env = { ...process.env, LEGION_FAILPOINT: "store-write-before:3" };
    const child = spawn(process.execPath, [self, folder, "1"], { env, stdio: "inherit" });
    assert.deepEqual(await once(child, "exit"), [0, null]);
    const { b } = await statesOf(1);
    await inFolder(folder, async (_, store) => assert.deepEqual(await look(store), b));
  });

  test("without the variable the store is given back as it is; a failpoint that is not known is refused", () => {
    const store = openMemoryStore({ clock: systemClock });
    assert.equal(withFailpoints(store, {}), store);
    for (const LEGION_FAILPOINT of ["x", "store-write-before", "store-write-before:0", "1"])
      assert.throws(() => withFailpoints(store, { LEGION_FAILPOINT }), { code: "LEG6036" });
  });
}
