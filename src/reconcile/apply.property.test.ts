// Goal: whatever sets are applied in whatever order, by one source or two: the store says what was applied last, nothing is written twice, nobody loses what is theirs.
// Method: fast-check over random sets of specs and labels on the memory store; every sentence with "never" or "always" is one property.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { manualClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import { openMemoryStore } from "../state/memory.ts";
import type { Store } from "../state/store.ts";
import { applyOf, desired } from "../testing/desired.ts";
import type { DesiredObject } from "./contract.ts";
import { createObjectPlane } from "./plane.ts";

const RUNS = 60;

const text = fc.constantFrom("x", "y", "z");
const tier = fc.record(
  {
    name: fc.constantFrom("one", "two", "three"),
    targets: fc.constantFrom(["p/m"], [{ provider: "p", model: "m" }], ["p/m", "p/n"]),
    timeout: fc.constantFrom("1s", "2s"),
  },
  { requiredKeys: ["name", "targets"] },
);

const agentSpec = fc.record(
  {
    description: text,
    model: fc.constantFrom("default", "smart"),
    maxIterations: fc.constantFrom(1, 10),
    tools: fc.constantFrom(
      [],
      ["files"],
      [{ name: "kv" }],
      [{ name: "kv", as: "k" }, { name: "files" }],
    ),
    sandbox: fc.constantFrom({}, { memory: "32MiB" }, { memory: "64MiB", timeout: "5s" }),
    outputSchema: fc.constantFrom(
      { type: "string" },
      { anyOf: [{}] },
      { type: "object", properties: {} },
    ),
  },
  { requiredKeys: ["description"] },
);
const routerSpec = fc.record({
  tiers: fc.uniqueArray(tier, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
});

const metadata = fc.record({
  labels: fc.constantFrom({}, { team: "x" }, { team: "y", env: "e" }),
  annotations: fc.constantFrom({}, { "legion.dev/sync-wave": "1" }, { note: "n" }),
});
const name = fc.constantFrom("a", "b", "c", "d", "e");
const object: fc.Arbitrary<DesiredObject> = fc.oneof(
  fc
    .record({ name, spec: agentSpec, metadata })
    .map((each) => desired(each.name, each.spec as unknown as JsonObject, each.metadata)),
  fc
    .record({ name, spec: routerSpec, metadata })
    .map((each) =>
      desired(each.name, each.spec as unknown as JsonObject, { ...each.metadata, kind: "Router" }),
    ),
);
const set = fc.uniqueArray(object, {
  minLength: 1,
  maxLength: 8,
  selector: (each) => `${each.kind}/${each.name}`,
});

function opened() {
  const clock = manualClock();
  const store = openMemoryStore({ clock });
  return { store, plane: createObjectPlane({ store, clock, idle: true }) };
}

async function look(store: Store) {
  const objects = (await store.list()).map(
    ({ kind, name, labels, annotations, spec, managers, origin }) => {
      return { kind, name, labels, annotations, spec, managers, origin };
    },
  );
  return { objects, inventories: await store.inventories() };
}

/** What a set comes to when nothing was there before. */
async function alone(objects: readonly DesiredObject[]) {
  const { store, plane } = opened();
  await plane.apply(applyOf(objects));
  return look(store);
}

const holds = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: RUNS });

test("the last set always wins: after any sets before it the store is as if it were the only one, and generations only grow", () =>
  holds(fc.array(set, { minLength: 2, maxLength: 4 }), async (sets) => {
    const { store, plane } = opened();
    let before = new Map<string, number>();
    for (const objects of [...sets, ...sets.slice(0, 1)]) {
      await plane.apply(applyOf(objects));
      assert.deepEqual(await look(store), await alone(objects));
      const now = await store.list();
      for (const { uid, generation } of now) assert.ok(generation >= (before.get(uid) ?? 1));
      before = new Map(now.map(({ uid, generation }) => [uid, generation]));
    }
  }));

test("R49: the same set twice never writes, whatever was there before, in whatever order it comes", () =>
  holds(fc.tuple(set, set, fc.nat()), async ([first, second, turn]) => {
    const { plane } = opened();
    await plane.apply(applyOf(first));
    const { version } = await plane.apply(applyOf(second));
    const cut = turn % second.length;
    const turned = [...second.slice(cut), ...second.slice(0, cut)];
    const again = await plane.apply(applyOf(turned));
    assert.deepEqual([again.rowsWritten, again.version], [0, version]);
    assert.ok(again.objects.every(({ outcome }) => outcome === "unchanged"));
  }));

test("the order of the objects never matters", () =>
  holds(fc.tuple(set, set), async ([first, second]) => {
    const run = async (turn: (objects: readonly DesiredObject[]) => readonly DesiredObject[]) => {
      const { store, plane } = opened();
      await plane.apply(applyOf(turn(first)));
      const { objects } = await plane.apply(applyOf(turn(second)));
      return { objects, state: await look(store), events: (await store.changes(0, 100)).version };
    };
    assert.deepEqual(await run((objects) => objects.toReversed()), await run((objects) => objects));
  }));

/** Whether all that was sent is in the object as it was sent. */
function contains(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null) return false;
  if (Array.isArray(part) && Array.isArray(whole)) {
    const named = (item: unknown) => (item as { name?: unknown } | null)?.name;
    return part.every((item, index) => {
      const same = named(item);
      return contains(
        same === undefined ? whole[index] : whole.find((each) => named(each) === same),
        item,
      );
    });
  }
  return Object.entries(part).every(([key, value]) =>
    contains((whole as Record<string, unknown>)[key], value),
  );
}

test("without force no apply ever changes a field of another manager: it is done whole with both kept, or refused", () =>
  holds(fc.tuple(set, set), async ([mine, theirs]) => {
    const { store, plane } = opened();
    await plane.apply(applyOf(mine));
    const before = await look(store);
    const other = applyOf(theirs, { source: "t", manager: "n" });
    const outcome = await plane.apply(other).catch((error: unknown) => error);
    if (outcome instanceof LegionError) {
      // What two send together can also be invalid; either way nothing was done.
      assert.ok(["LEG6026", "LEG6033"].includes(outcome.code), outcome.message);
      assert.deepEqual(await look(store), before);
      return;
    }
    for (const sent of [...mine, ...theirs]) {
      const resource = await store.read(sent);
      for (const part of ["spec", "labels", "annotations"] as const)
        assert.ok(contains(resource?.[part], sent[part]), `${sent.name} ${part}`);
    }
    assert.equal((await plane.apply(other)).rowsWritten, 0);
    assert.equal((await plane.apply(applyOf(mine))).rowsWritten, 0);
  }));

test("prune never deletes what another source owns, and what a forced apply declares is always there afterwards", () =>
  holds(fc.array(fc.tuple(fc.boolean(), set), { minLength: 2, maxLength: 6 }), async (steps) => {
    const { store, plane } = opened();
    for (const [isFirst, objects] of steps) {
      const source = isFirst ? "s" : "t";
      const foreign = (await store.list()).filter(({ origin }) => origin?.source !== source);
      const claim = { source, manager: source, force: true, claim: true };
      const before = await look(store);
      const report = await plane.apply(applyOf(objects, claim)).catch(async (error: unknown) => {
        // One may give up a field that it took and that the rest, which is the other's, cannot be without.
        assert.equal((error as LegionError).code, "LEG6033", String(error));
        assert.deepEqual(await look(store), before);
        return undefined;
      });
      if (report === undefined) continue;
      const pruned = report.objects.filter(({ outcome }) => outcome === "pruned");
      for (const { kind, name } of pruned)
        assert.ok(!foreign.some((each) => each.kind === kind && each.name === name), name);
      for (const each of foreign) assert.ok(await store.read(each));
      for (const sent of objects) assert.ok(contains((await store.read(sent))?.spec, sent.spec));
      assert.equal((await plane.apply(applyOf(objects, claim))).rowsWritten, 0);
    }
  }));

test("a saved plan always does what the apply would have done", () =>
  holds(fc.tuple(set, set), async ([first, second]) => {
    const run = async (isSaved: boolean) => {
      const { store, plane } = opened();
      await plane.apply(applyOf(first));
      if (!isSaved) await plane.apply(applyOf(second));
      else {
        const { plan } = await plane.apply(applyOf(second, { dryRun: true }));
        await plane.applyPlan(JSON.parse(JSON.stringify(plan)), "m");
      }
      return look(store);
    };
    assert.deepEqual(await run(true), await run(false));
  }));
