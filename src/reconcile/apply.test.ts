// Goal: an apply makes the store say what was sent, whole or not at all, touches nothing of others, and writes nothing when nothing changed.
// Method: tables of applies on the memory store, told by their reports, the objects, and the rows written.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { manualClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { canonicalHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import { loadManifests } from "../manifest/load.ts";
import { planDigest } from "../manifest/plan.ts";
import type { Plan } from "../manifest/plan-contract.ts";
import { openMemoryStore } from "../state/memory.ts";
import type { Store } from "../state/store.ts";
import { ConflictError } from "../state/store-errors.ts";
import { applyOf, desired } from "../testing/desired.ts";
import type { ApplyReport, DesiredObject } from "./contract.ts";
import { createObjectPlane, type ObjectPlaneOptions } from "./plane.ts";

const at = (name: string, kind = "Agent") => ({ kind, namespace: "default", name });

function opened(options: Partial<ObjectPlaneOptions> = {}) {
  const clock = manualClock();
  const store = openMemoryStore({ clock });
  return { store, clock, plane: createObjectPlane({ store, clock, idle: true, ...options }) };
}

const outcomes = ({ objects }: ApplyReport) =>
  objects.map(({ name, outcome, generation }) => `${name} ${outcome} ${generation}`);

async function refused(work: Promise<unknown>, code: string): Promise<LegionError> {
  const error = await work.then(
    () => assert.fail(`expected ${code}`),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof LegionError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

async function specOf(store: Store, name: string, kind = "Agent"): Promise<JsonObject> {
  const resource = await store.read(at(name, kind));
  assert.ok(resource, name);
  return resource.spec;
}

test("create, configure, leave and prune, in one apply each, with defaults filled in", async () => {
  const { plane, store } = opened();
  const first = await plane.apply(applyOf([desired("b"), desired("a")]));
  assert.deepEqual(outcomes(first), ["a created 1", "b created 1"]);
  assert.equal((await specOf(store, "a")).model, "default");
  const second = await plane.apply(applyOf([desired("b", { description: "other" }), desired("c")]));
  assert.deepEqual(outcomes(second), ["b configured 2", "c created 1", "a pruned 0"]);
  assert.deepEqual((await store.inventory("s"))?.keys, [at("b"), at("c")]);
});

test("R49: the same apply again writes no row and does not even move the inventory", async () => {
  const { plane } = opened();
  const request = applyOf([desired("a", { description: "x", sandbox: { memory: "64MiB" } })]);
  const { version } = await plane.apply(request);
  const again = await plane.apply(request);
  assert.deepEqual(
    [again.rowsWritten, again.version, outcomes(again)],
    [0, version, ["a unchanged 1"]],
  );
});

test("R49: every manifest of the fixtures is applied as it was written, and again writes nothing, by another manager neither", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const folders = ["fixtures/valid", "fixtures/quickstart", "agents.d", "tools.d"];
  for (const folder of folders) {
    const { objects } = await loadManifests([path.join(root, folder)], { cwd: root, env: {} });
    assert.ok(objects.length > 0, folder);
    const { plane, store } = opened();
    const sent = objects.map(
      ({ kind, namespace, name, labels, annotations, sent: spec, source }) => {
        const { file, document } = source;
        return { kind, namespace, name, labels, annotations, spec, origin: { file, document } };
      },
    );
    await plane.apply(applyOf(sent));
    for (const { kind, name, namespace, spec } of objects)
      assert.deepEqual(
        (await store.read({ kind, namespace, name }))?.spec,
        JSON.parse(JSON.stringify(spec)),
      );
    const complete = sent.map((each, index) => ({
      ...each,
      complete: objects[index]?.spec as unknown as JsonObject,
    }));
    assert.equal((await plane.apply(applyOf(complete))).rowsWritten, 0);
    const other = { source: "t", manager: "n", prune: false } as const;
    const shared = await plane.apply(applyOf(complete, other));
    assert.ok(shared.objects.every(({ outcome }) => outcome === "unchanged"));
    assert.equal((await plane.apply(applyOf(sent, other))).rowsWritten, 0);
  }
});

test("an object in the middle that is not valid keeps the whole apply from being done", async () => {
  const { plane, store } = opened();
  const wrong = desired("b", { description: "x", modle: "y", maxIterations: "many" });
  const error = await refused(plane.apply(applyOf([desired("a"), wrong, desired("c")])), "LEG6033");
  assert.match(error.message, /agent\/b.*modle.*\/spec\/modle.*\/spec\/maxIterations/);
  assert.equal(await store.version(), 0);
});

test("clients may send anything: each of these is refused, and nothing is written", async () => {
  let deep: JsonObject = {};
  for (let level = 0; level < 50_000; level += 1) deep = { deep };
  const strange: readonly (readonly [string, DesiredObject])[] = [
    ["LEG6033", desired("a", {}, { kind: "Agnet" })],
    ["LEG6033", desired("A_b")],
    ["LEG6033", desired("a/b")],
    ["LEG6033", desired("a", undefined, { namespace: ".." })],
    ["LEG6033", desired("a", [] as unknown as JsonObject)],
    ["LEG6033", desired("a", null as unknown as JsonObject)],
    ["LEG6033", desired("a", undefined, { labels: { team: 3 as unknown as string } })],
    ["LEG6033", desired("a", undefined, { labels: JSON.parse('{"__proto__": "x"}') })],
    [
      "LEG6034",
      desired("a", undefined, { labels: undefined as unknown as DesiredObject["labels"] }),
    ],
    ["LEG6025", desired("a", deep)],
  ];
  const { plane, store } = opened();
  for (const [code, object] of strange) await refused(plane.apply(applyOf([object])), code);
  await refused(plane.apply(applyOf([desired("a"), desired("a")])), "LEG6034");
  await refused(plane.apply(applyOf([desired("a")], { manager: "" })), "LEG6034");
  assert.equal(await store.version(), 0);
});

test("more changes than one write holds are refused before anything is written", async () => {
  const { plane, store } = opened({ validate: () => [] });
  const many = Array.from({ length: 16_384 }, (_, index) => desired(`a${index}`));
  await refused(plane.apply(applyOf(many)), "LEG6035");
  assert.equal(await store.version(), 0);
});

test("fields of other managers: one error names all of them, --force takes them, equal values are shared", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("a", { description: "x", model: "m1" }), desired("b")]));
  const other = { source: "t", manager: "n", prune: false } as const;
  const clash = [
    desired("a", { description: "y", model: "m2" }),
    desired("b", { description: "z" }),
  ];
  const error = await refused(plane.apply(applyOf(clash, other)), "LEG6026");
  assert.equal(error.exitCode, 3);
  for (const told of ["/spec/description (m)", "/spec/model (m)", "agent/b"])
    assert.ok(error.message.includes(told), error.message);
  for (const way of [/same values/, /leave .* out/, /--force-conflicts/])
    assert.match(error.hint, way);
  const equal = await plane.apply(applyOf([desired("b")], other));
  assert.deepEqual(outcomes(equal), ["b unchanged 1"]);
  assert.equal((await store.read(at("b")))?.origin?.source, "s");
  assert.deepEqual(Object.keys((await store.read(at("b")))?.managers ?? {}), ["m", "n"]);
  assert.equal((await plane.apply(applyOf([desired("b")], other))).rowsWritten, 0);
  await plane.apply(applyOf(clash, { ...other, force: true }));
  assert.deepEqual((await store.read(at("a")))?.origin?.source, "t");
  assert.equal((await specOf(store, "a")).model, "m2");
});

test("claim moves the origin of objects that are as they should be; the source before does not prune them then", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("a"), desired("b")]));
  await plane.apply(applyOf([desired("a")], { source: "t", manager: "n", claim: true }));
  assert.equal((await store.read(at("a")))?.origin?.source, "t");
  const gone = await plane.apply(applyOf([desired("b")]));
  assert.deepEqual(outcomes(gone), ["a kept 1", "b unchanged 1"]);
  assert.match(gone.objects[0]?.notes?.[0] ?? "", /another source declares it/);
  assert.deepEqual((await store.inventory("s"))?.keys, [at("b")]);
});

test("a field that is sent no more takes its default again, also in maps and in lists by name", async () => {
  const { plane, store } = opened();
  const tiers = (...names: string[]) => names.map((name) => ({ name, targets: ["p/m"] }));
  const router = (spec: JsonObject) => desired("r", spec, { kind: "Router" });
  const agent = (spec: JsonObject) => desired("a", { description: "x", ...spec });
  const typed = { outputSchema: { anyOf: [{ type: "number" }] }, sandbox: { memory: "32MiB" } };
  await plane.apply(applyOf([agent(typed), router({ tiers: tiers("one", "two") })]));
  assert.deepEqual((await specOf(store, "a")).outputSchema, typed.outputSchema);
  await plane.apply(applyOf([agent({}), router({ tiers: tiers("two") })]));
  const { outputSchema, sandbox } = await specOf(store, "a");
  assert.deepEqual(outputSchema, { type: "string" });
  assert.equal((sandbox as JsonObject).memory, "64MiB");
  assert.deepEqual((await specOf(store, "r", "Router")).tiers, tiers("two"));
});

test("a list with defaults in its items is equal for whoever sends it without them", async () => {
  const { plane, store } = opened();
  const targets = [{ provider: "p", model: "x" }];
  const router = desired("r", { tiers: [{ name: "one", targets }] }, { kind: "Router" });
  await plane.apply(applyOf([router]));
  assert.match(JSON.stringify(await specOf(store, "r", "Router")), /"weight":1/);
  const other = { source: "t", manager: "n", prune: false } as const;
  assert.deepEqual(outcomes(await plane.apply(applyOf([router], other))), ["r unchanged 1"]);
});

test("the order of items that two managers send is not turned back and forth", async () => {
  const { plane, store } = opened();
  const tier = (name: string) => ({ name, targets: ["p/m"] });
  const router = (...tiers: string[]) =>
    desired("r", { tiers: tiers.map(tier) }, { kind: "Router" });
  await plane.apply(applyOf([router("one", "two")]));
  const other = { source: "t", manager: "n", prune: false } as const;
  const error = await refused(plane.apply(applyOf([router("two", "one")], other)), "LEG6026");
  assert.match(error.message, /\/spec\/tiers \(m\)/);
  await plane.apply(applyOf([router("one", "three", "two")], other));
  assert.equal((await plane.apply(applyOf([router("one", "two")]))).rowsWritten, 0);
  await plane.apply(applyOf([router("two", "one")], { ...other, force: true }));
  assert.deepEqual((await specOf(store, "r", "Router")).tiers, [tier("two"), tier("one")]);
});

test("an object that moved within its source's files is recorded there, and is unchanged", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("a")]));
  const moved = desired("a", undefined, { origin: { file: "/agents.d/all.yaml", document: 3 } });
  const report = await plane.apply(applyOf([moved]));
  assert.deepEqual(outcomes(report), ["a unchanged 1"]);
  assert.ok(report.rowsWritten > 0);
  assert.equal((await store.read(at("a")))?.origin?.file, "/agents.d/all.yaml");
  assert.equal((await plane.apply(applyOf([moved]))).rowsWritten, 0);
});

test("without prune the inventory grows and nothing goes; what is not valid or not read is kept", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("a"), desired("b"), desired("c")]));
  const kept = await plane.apply(applyOf([desired("d")], { prune: false }));
  assert.deepEqual(outcomes(kept), ["a kept 1", "b kept 1", "c kept 1", "d created 1"]);
  assert.equal((await store.inventory("s"))?.keys.length, 4);
  const declaredInvalid = [at("a")];
  const unreadFiles = ["/agents.d/b.yaml"];
  const pruned = await plane.apply(applyOf([desired("d")], { declaredInvalid, unreadFiles }));
  assert.deepEqual(outcomes(pruned), ["a kept 1", "b kept 1", "d unchanged 1", "c pruned 0"]);
  assert.deepEqual((await store.inventory("s"))?.keys, [at("a"), at("b"), at("d")]);
});

test("an empty set prunes only when it may; objects known to be unchanged count as declared", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("a"), desired("b")]));
  await refused(plane.apply(applyOf([])), "LEG1080");
  const unchanged = [at("a")];
  assert.deepEqual(outcomes(await plane.apply(applyOf([], { unchanged }))), ["b pruned 0"]);
  assert.deepEqual((await store.inventory("s"))?.keys, unchanged);
  await plane.apply(applyOf([], { allowEmpty: true }));
  assert.deepEqual([(await store.list()).length, (await store.inventory("s"))?.keys], [0, []]);
});

test("an object that drains is deferred, and is made again when it is gone", async () => {
  const { plane, store, clock } = opened({ idle: false });
  await plane.apply(applyOf([desired("a"), desired("b")]));
  assert.deepEqual((await store.read(at("a")))?.finalizers, ["legion.dev/drain"]);
  assert.deepEqual(outcomes(await plane.apply(applyOf([desired("b")]))), [
    "b unchanged 1",
    "a pruned 1",
  ]);
  const again = [desired("a", { description: "new" }), desired("b")];
  const deferred = await plane.apply(applyOf(again));
  assert.deepEqual(outcomes(deferred), ["a deferred 1", "b unchanged 1"]);
  const finalize = { type: "finalize", key: at("a"), finalizer: "legion.dev/drain" } as const;
  await store.write([finalize], { at: clock.now() });
  assert.deepEqual(outcomes(await plane.apply(applyOf(again))), ["a created 1", "b unchanged 1"]);
});

test("a dry run says what would be, and writes nothing", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("a"), desired("b")]));
  const version = await store.version();
  const next = [desired("a", { description: "new" }), desired("c")];
  const report = await plane.apply(applyOf(next, { dryRun: true }));
  assert.deepEqual(outcomes(report), ["a configured 1", "c created 0", "b pruned 1"]);
  assert.deepEqual([report.dryRun, report.rowsWritten, await store.version()], [true, 0, version]);
});

test("a saved plan goes through JSON and does what the apply would have done, to inventory, origin and owners", async () => {
  const next = applyOf([desired("a", { description: "new" }), desired("c")], {
    digest: "2",
    revision: "r2",
  });
  const run = async (work: (plane: ReturnType<typeof opened>["plane"]) => Promise<unknown>) => {
    const { plane, store } = opened();
    await plane.apply(applyOf([desired("a"), desired("b")], { revision: "r1" }));
    await work(plane);
    const objects = (await store.list()).map(({ uid: _, ...rest }) => rest);
    return { objects, inventories: await store.inventories() };
  };
  const direct = await run((plane) => plane.apply(next));
  const saved = await run(async (plane) => {
    const { plan } = await plane.apply({ ...next, dryRun: true });
    const report = await plane.applyPlan(JSON.parse(JSON.stringify(plan)) as Plan, "m");
    assert.deepEqual(outcomes(report), ["a configured 2", "c created 1", "b pruned 0"]);
  });
  assert.deepEqual(saved, direct);
  assert.equal(direct.inventories[0]?.applied, "r2");
});

test("a saved plan is refused when the store moved, when it was altered, and when what it writes is not valid", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("a"), desired("b")]));
  const { plan } = await plane.apply(applyOf([desired("a")], { dryRun: true }));
  const bad = JSON.parse(JSON.stringify(plan)) as { changes: { kind: string }[] };
  for (const change of bad.changes) change.kind = "Tool";
  await refused(plane.applyPlan(bad as unknown as Plan, "m"), "LEG1082");
  await refused(plane.applyPlan({} as Plan, "m"), "LEG1082");
  await plane.apply(applyOf([desired("b")], { source: "t", manager: "n", claim: true }));
  const taken = await refused(plane.applyPlan(plan, "m"), "LEG1081");
  assert.match(taken.message, /t declares agent\/b now/);
  await plane.apply(applyOf([desired("a", { description: "moved" })], { prune: false }));
  const stale = await refused(plane.applyPlan(plan, "m"), "LEG1081");
  assert.match(stale.message, /agent\/a was changed/);
  assert.equal((await store.list()).length, 2);
});

test("a plan that a client made up is held against the schemas, and against what an apply needs", async () => {
  const { plane, store } = opened();
  const { plan } = await plane.apply(applyOf([desired("a")], { dryRun: true }));
  const [change] = plan.changes;
  const rows: readonly (readonly [string, Partial<Plan>])[] = [
    [
      "LEG6033",
      { changes: [{ ...change, object: { ...change?.object, spec: { x: 1 } } }] as never },
    ],
    ["LEG6034", { changes: [{ ...change, action: "explode" }] as never }],
    ["LEG6034", { changes: [{ ...change, name: 7 }] as never }],
    ["LEG6034", { changes: [{ ...change, object: { spec: {}, labels: 7 } }] as never }],
    ["LEG6034", { inventory: { keys: "all", digest: "", attempted: "" } as never }],
    ["LEG6034", { base: {} }],
  ];
  for (const [code, part] of rows) {
    const made = { ...plan, ...part };
    const steps = made.changes.map((each) => ({
      change: each,
      specHash: each.object === undefined ? "" : canonicalHash(each.object.spec),
    }));
    await refused(plane.applyPlan({ ...made, digest: planDigest(made, steps) }, "m"), code);
  }
  assert.equal(await store.version(), 0);
});

test("objects that move between reading and writing are decided anew; when they never stand still it is LEG6021", async () => {
  const clock = manualClock();
  const inner = openMemoryStore({ clock });
  let races = 0;
  const store: Store = {
    ...inner,
    async write(changes, options) {
      if (races > 0) {
        races -= 1;
        const status = { races };
        await inner.write([{ type: "status", key: at("a"), status }], options);
      }
      return inner.write(changes, options);
    },
  };
  const plane = createObjectPlane({ store, clock, idle: true });
  await plane.apply(applyOf([desired("a")]));
  races = 3;
  const change = (text: string) => plane.apply(applyOf([desired("a", { description: text })]));
  assert.deepEqual(outcomes(await change("one")), ["a configured 2"]);
  races = 100;
  await assert.rejects(change("two"), ConflictError);
  assert.equal((await specOf(inner, "a")).description, "one");
});
