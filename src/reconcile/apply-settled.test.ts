// Goal: an apply of a large set that the store says to the letter reads no object, and tells and does just what a comparison would.
// Method: one store seen through two planes, of which one has to compare; whatever was changed in between, by whomever, both give the same report and plan.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uploadOfApply } from "../api/upload.ts";
import { manualClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { openMemoryStore } from "../state/memory.ts";
import { keyOf } from "../state/resource.ts";
import type { Store } from "../state/store.ts";
import { applyOf, desired } from "../testing/desired.ts";
import type { ApplyRequest, DesiredObject } from "./contract.ts";
import { createObjectPlane } from "./plane.ts";

/** More than are compared in any case. */
const AMOUNT = 501;
const RUNS = 12;

const at = (name: string) => ({ kind: "Agent", namespace: "default", name });
const filler = Array.from({ length: AMOUNT }, (_, index) => desired(`agent-${index}`));

interface Lists {
  count: number;
}

/** A store, how often it was listed, and two planes on it: one that may pass over what is settled, one that always compares. */
function opened() {
  const clock = manualClock();
  const inner = openMemoryStore({ clock });
  const lists: Lists = { count: 0 };
  const store: Store = {
    ...inner,
    list(options) {
      lists.count += 1;
      return inner.list(options);
    },
  };
  const comparing: Store = { ...inner, unmoved: async () => [] };
  const planes = { clock, idle: true } as const;
  return {
    ...{ clock, store, lists },
    plane: createObjectPlane({ ...planes, store }),
    comparing: createObjectPlane({ ...planes, store: comparing }),
  };
}
type Opened = ReturnType<typeof opened>;

/** What an apply would do, or why it would be refused. */
async function foreseen(plane: Opened["plane"], request: ApplyRequest): Promise<unknown> {
  try {
    const { plan, ...report } = await plane.apply({ ...request, dryRun: true });
    return { ...report, plan };
  } catch (error) {
    assert.ok(error instanceof LegionError, String(error));
    return error.toJSON();
  }
}

async function agree({ plane, comparing }: Opened, request: ApplyRequest): Promise<void> {
  assert.deepEqual(await foreseen(plane, request), await foreseen(comparing, request));
}

test("R49: the same apply again writes no row, lists no object, and reports what a comparison does", async () => {
  const all = opened();
  const { plane, lists } = all;
  const waved = desired("waved", undefined, { annotations: { "legion.dev/sync-wave": "soon" } });
  const request = applyOf([waved, ...filler]);
  assert.equal((await plane.apply(request)).objects.length, AMOUNT + 1);
  lists.count = 0;
  const again = await plane.apply(request);
  assert.equal(again.rowsWritten, 0);
  assert.ok(again.objects.every(({ outcome }) => outcome === "unchanged"));
  assert.equal(again.objects.find(({ name }) => name === "waved")?.notes?.length, 1);
  assert.equal(lists.count, 0);
  await agree(all, request);
});

type Change = (all: Opened) => Promise<unknown>;
const put = (plane: Opened["plane"], more: Partial<ApplyRequest>, object: DesiredObject) =>
  plane.apply(applyOf([object], { source: "other", manager: "other", prune: false, ...more }));

/** What others can do to the first agent, and whether it is to be looked at then. */
const changes: Readonly<Record<string, readonly [isLookedAt: boolean, change: Change]>> = {
  "a status": [
    false,
    ({ store, clock }) => {
      const change = { type: "status", key: at("agent-0"), status: { ready: true } } as const;
      return store.write([change], { at: clock.now() });
    },
  ],
  "another object": [false, ({ plane }) => put(plane, {}, desired("stranger"))],
  "a label": [
    true,
    ({ plane }) => plane.edit(at("agent-0"), { labels: { a: "b" }, manager: "legion-label" }),
  ],
  "a field, by force": [
    true,
    ({ plane }) => put(plane, { force: true }, desired("agent-0", { description: "mine" })),
  ],
  "a field that it shares": [true, ({ plane }) => put(plane, {}, desired("agent-0"))],
  "a delete": [true, ({ plane }) => plane.delete([at("agent-0")])],
  "a delete, and the same made again": [
    true,
    async ({ plane }) => {
      await plane.delete([at("agent-0")]);
      await put(plane, {}, desired("agent-0"));
    },
  ],
  "an object more of the same source": [
    true,
    ({ plane }) => {
      const own = { source: "s", manager: "m", unchanged: filler.map(keyOf) };
      return put(plane, own, desired("more"));
    },
  ],
  "a finalizer": [
    true,
    async ({ store, clock }) => {
      const live = await store.read(at("agent-0"));
      assert.ok(live);
      const { labels, annotations, spec } = live;
      const key = at("agent-0");
      const content = { labels, annotations, spec, finalizers: ["x"], manager: "m" };
      await store.write([{ type: "put", key, ...content }], { at: clock.now() });
    },
  ],
};

for (const [what, [isLookedAt, change]] of Object.entries(changes)) {
  test(`after ${what} the objects are ${isLookedAt ? "" : "not "}looked at, and nothing is overlooked`, async () => {
    const all = opened();
    const request = applyOf(filler);
    await all.plane.apply(request);
    await change(all);
    all.lists.count = 0;
    await foreseen(all.plane, request);
    assert.equal(all.lists.count > 0, isLookedAt);
    await agree(all, request);
    await agree(all, { ...request, prune: false });
  });
}

const requests: Readonly<Record<string, Partial<ApplyRequest>>> = {
  "another manager": { manager: "m2" },
  force: { force: true },
  claim: { claim: true },
  "another source": { source: "s2" },
  "an object more": { objects: [...filler, desired("more")] },
  "an object less": { objects: filler.slice(1) },
  "another spec": { objects: [desired("agent-0", { description: "x" }), ...filler.slice(1)] },
  "another label": {
    objects: [desired("agent-0", undefined, { labels: { a: "b" } }), ...filler.slice(1)],
  },
  "another hash": { objects: [{ ...filler[0], hash: "x" } as DesiredObject, ...filler.slice(1)] },
  "a default written out": {
    objects: [desired("agent-0", { description: "agent-0", model: "default" }), ...filler.slice(1)],
  },
  "another file": {
    objects: [
      desired("agent-0", undefined, { origin: { file: "/b.yaml", root: "/", document: 0 } }),
      ...filler.slice(1),
    ],
  },
  "objects that are not valid": { declaredInvalid: [at("agent-9")], objects: filler },
};

for (const [what, more] of Object.entries(requests)) {
  test(`a request with ${what} is another one`, async () => {
    const all = opened();
    await all.plane.apply(applyOf(filler));
    all.lists.count = 0;
    await foreseen(all.plane, applyOf(filler, more));
    assert.ok(all.lists.count > 0);
    await agree(all, applyOf(filler, more));
  });
}

test("a request whose objects are shared with others in other words is compared each time", async () => {
  const all = opened();
  await put(all.plane, {}, desired("agent-0", { description: "agent-0", maxIterations: 3 }));
  const request = applyOf(filler);
  await all.plane.apply(request);
  all.lists.count = 0;
  assert.equal((await all.plane.apply(request)).rowsWritten, 0);
  assert.ok(all.lists.count > 0);
  await agree(all, request);
});

test("a hash that came with an object goes to no daemon", () => {
  const object = { ...desired("a"), hash: "made up" };
  const upload = uploadOfApply(applyOf([object]));
  assert.ok(upload.type === "whole" && !upload.body.includes("made up"));
});

const steps = {
  apply: ({ plane }: Opened, request: ApplyRequest) => plane.apply(request),
  edited: ({ plane }: Opened) =>
    plane.apply(applyOf([desired("agent-0", { description: "new" }), ...filler.slice(1)])),
  rollback: ({ plane }: Opened) => plane.rollback(at("agent-0")),
  ...Object.fromEntries(Object.entries(changes).map(([what, [, change]]) => [what, change])),
};
type Step = (all: Opened, request: ApplyRequest) => Promise<unknown>;

test("whatever is done in whatever order: what is foreseen is always what a comparison foresees", async () => {
  const names = fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(names, async (chosen) => {
      const all = opened();
      const request = applyOf(filler, { force: true });
      for (const name of ["apply", ...chosen]) {
        const step: Step | undefined = (steps as Record<string, Step>)[name];
        // What cannot be done now is refused, and changes nothing.
        await step?.(all, request).catch((error: unknown) => {
          assert.ok(error instanceof LegionError || error instanceof assert.AssertionError);
        });
        await agree(all, request);
        await agree(all, applyOf(filler));
      }
    }),
    { numRuns: RUNS },
  );
});
