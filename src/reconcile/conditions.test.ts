// Goal: conditions say what holds since when, and saying it again changes nothing; a status write loses no other write.
// Method: pure steps over statuses, properties over random statements, and patches on a real store with writers in between.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { manualClock } from "../lib/clock.ts";
import { openMemoryStore } from "../state/memory.ts";
import type { Store } from "../state/store.ts";
import {
  conditionOf,
  isReady,
  patchStatus,
  type Statement,
  statusOf,
  withCondition,
  withConditions,
} from "./conditions.ts";
import type { ObjectStatus } from "./contract.ts";
import { waiting } from "./reconciler.ts";
import { transitions } from "./transitions.ts";
import { statusAfter } from "./verdict.ts";

const AT = Date.UTC(2026, 0, 1);
const key = { kind: "Agent", namespace: "default", name: "a" };
const put = (spec = {}) =>
  ({ type: "put", key, labels: {}, annotations: {}, spec, manager: "test" }) as const;
const say = (more: Partial<Statement> = {}): Statement => ({
  type: "Ready",
  status: "True",
  reason: "Running",
  message: "Its loop takes messages.",
  observedGeneration: 1,
  ...more,
});

async function storeWithObject(): Promise<Store> {
  const store = openMemoryStore({ clock: manualClock(AT) });
  await store.write([put()], { at: AT });
  return store;
}

async function read(store: Store) {
  const resource = await store.read(key);
  if (resource === undefined) throw new Error("the object is not there");
  return resource;
}

test("the time of a condition moves only when its status does", () => {
  const first = withCondition({}, say(), AT);
  const reworded = withCondition(first, say({ reason: "Available" }), AT + 1_000);
  const turned = withCondition(reworded, say({ status: "False" }), AT + 2_000);
  const times = [first, reworded, turned].map(
    (status) => conditionOf(status, "Ready")?.lastTransitionTime,
  );
  assert.deepEqual(times, [
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:02.000Z",
  ]);
});

test("never is a status changed by what it says already, and always are conditions sorted and single", () => {
  const statement = fc.record({
    type: fc.constantFrom("Accepted", "Ready", "Reconciling", "Stalled"),
    status: fc.constantFrom("True", "False"),
    reason: fc.constantFrom("A", "B"),
    message: fc.constantFrom("one", "two"),
    observedGeneration: fc.integer({ min: 1, max: 2 }),
  }) as fc.Arbitrary<Statement>;
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 12 }), (statements) => {
      const status = withConditions({ kept: 1 }, statements, AT);
      const types = (status.conditions ?? []).map(({ type }) => type);
      assert.deepEqual(types, [...new Set(types)].sort());
      assert.equal(status.kept, 1);
      const last = new Map(statements.map((each) => [each.type, each]));
      assert.equal(withConditions(status, [...last.values()], AT + 9), status);
    }),
  );
});

test("a Ready of an older generation does not count", async () => {
  const store = await storeWithObject();
  await patchStatus(store, key, (resource) => withCondition(statusOf(resource), say(), AT), {
    at: AT,
  });
  assert.equal(isReady(await read(store)), true);
  await store.write([put({ changed: true })], { at: AT });
  assert.equal(isReady(await read(store)), false);
});

test("a patch that meets another write keeps both, and an equal one writes nothing", async () => {
  const store = await storeWithObject();
  let isFirst = true;
  const racing = {
    write: store.write,
    async read(wanted: typeof key) {
      const found = await store.read(wanted);
      if (isFirst) {
        isFirst = false;
        const status = { conditions: [], seen: true };
        await store.write([{ type: "status", key, status }], { at: AT });
      }
      return found;
    },
  };
  const change = (resource: Parameters<typeof statusOf>[0]) =>
    withCondition(statusOf(resource), say(), AT);
  assert.ok((await patchStatus(racing, key, change, { at: AT })) > 0);
  const { status } = await read(store);
  assert.equal(status.seen, true);
  assert.equal(conditionOf(status as ObjectStatus, "Ready")?.status, "True");
  const version = await store.version();
  assert.equal(await patchStatus(store, key, change, { at: AT }), 0);
  assert.equal(await store.version(), version);
  assert.equal(await patchStatus(store, { ...key, name: "gone" }, change, { at: AT }), 0);
});

const ready = { type: "ready", reason: "Running", message: "It runs." } as const;
const stalled = { type: "stalled", reason: "ToolMissing", message: "A tool is missing." } as const;
const told = (status: ObjectStatus) =>
  (status.conditions ?? []).map(
    (each) => `${each.type}=${each.status} ${each.reason} ${each.observedGeneration}`,
  );

test("what a reconciler found becomes conditions: mended troubles stay visible as False", () => {
  const first = statusAfter({}, stalled, 1, AT);
  assert.deepEqual(told(first), [
    "Accepted=True Valid 1",
    "Ready=False ToolMissing 1",
    "Stalled=True ToolMissing 1",
  ]);
  const mended = statusAfter(first, ready, 1, AT);
  assert.deepEqual(told(mended), [
    "Accepted=True Valid 1",
    "Ready=True Running 1",
    "Stalled=False Running 1",
  ]);
  assert.equal(statusAfter(mended, ready, 1, AT + 5_000), mended);
});

test("a rejection that a source told stays until a newer generation is there", () => {
  const running = statusAfter({}, ready, 1, AT);
  const rejected = withCondition(
    running,
    say({ type: "Accepted", status: "False", reason: "Invalid", message: "a.yaml:1:1: no" }),
    AT,
  );
  assert.equal(conditionOf(statusAfter(rejected, ready, 1, AT), "Accepted")?.status, "False");
  assert.equal(conditionOf(statusAfter(rejected, ready, 2, AT), "Accepted")?.status, "True");
});

test("while a turn of an older generation runs Ready stays as it was", () => {
  const running = statusAfter({}, ready, 1, AT);
  const pinned = waiting("TurnInFlight", "A turn of generation 1 runs.", { keepReady: true });
  assert.deepEqual(told(statusAfter(running, pinned, 2, AT)), [
    "Accepted=True Valid 2",
    "Ready=True Running 1",
    "Reconciling=True TurnInFlight 2",
  ]);
  assert.equal(statusAfter(running, pinned, 2, AT).observedGeneration, 2);
});

test("events tell what became so, and nothing for what stayed", () => {
  const pending = waiting("ToolPending", "A tool is being looked at.");
  const failed = waiting("ReconcileError", "It failed.");
  const steps = [
    { verdict: pending, generation: 1, told: [] },
    { verdict: ready, generation: 1, told: ["normal Ready 1"] },
    { verdict: ready, generation: 1, told: [] },
    { verdict: ready, generation: 2, told: ["normal Ready 2"] },
    { verdict: pending, generation: 2, told: ["normal NotReady 2"] },
    { verdict: failed, generation: 2, told: ["warning NotReady 2"] },
    { verdict: failed, generation: 2, told: [] },
    { verdict: stalled, generation: 2, told: ["warning Stalled 2"] },
    { verdict: stalled, generation: 2, told: [] },
    { verdict: ready, generation: 2, told: ["normal Ready 2"] },
    { verdict: { ...pending, keepReady: true }, generation: 3, told: ["normal Reconciling 3"] },
    { verdict: ready, generation: 3, told: ["normal Ready 3"] },
  ] as const;
  let status: ObjectStatus = {};
  for (const [index, step] of steps.entries()) {
    const after = statusAfter(status, step.verdict, step.generation, AT);
    const events = transitions(status, after).map(
      ({ severity, reason, generation }) => `${severity} ${reason} ${generation}`,
    );
    assert.deepEqual(events, step.told, `step ${index}`);
    status = after;
  }
});
