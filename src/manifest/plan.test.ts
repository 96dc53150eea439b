// Goal: a plan says exactly what has to happen, in order, deletes nothing that it may not, and is refused when the store has moved.
// Method: tables of desired and live objects; properties over random sets: plan, apply as a store would, plan again.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LegionError } from "../lib/errors.ts";
import { canonicalHash } from "../lib/hash.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { Kind, ManifestObject } from "./objects.ts";
import { type PlanOptions, planChanges } from "./plan.ts";
import { planConflicts, readPlan, refuseStale } from "./plan-conflicts.ts";
import { type LiveObject, objectKey, type Plan } from "./plan-contract.ts";
import { planSummary, planText } from "./plan-text.ts";

const SOURCE = "agents.d";

interface Sketch {
  readonly kind?: Kind;
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly spec?: Json;
}

function declared({
  kind = "Agent",
  name,
  namespace = "default",
  ...rest
}: Sketch): ManifestObject {
  const { labels = {}, annotations = {}, spec = { description: "x" } } = rest;
  const shown = `${name}.yaml`;
  return {
    kind,
    name,
    namespace,
    labels,
    annotations,
    spec: spec as unknown as ManifestObject["spec"],
    sent: spec as JsonObject,
    source: { file: `/${shown}`, shown, document: 0, root: "/" },
    specHash: canonicalHash(spec),
  };
}

function live(sketch: Sketch, more: Partial<LiveObject> = {}): LiveObject {
  const { kind, name, namespace, labels, annotations, spec } = declared(sketch);
  const object = { kind, name, namespace, labels, annotations, spec };
  return { ...object, generation: 1, resourceVersion: 1, origin: { source: SOURCE }, ...more };
}

function plan(options: Partial<PlanOptions>): Plan {
  return planChanges({ desired: [], live: [], source: SOURCE, prune: true, ...options });
}

const actions = ({ changes }: Plan) =>
  changes.map(({ action, kind, name }) => `${action} ${kind}/${name}`);

const orders: readonly { name: string; options: Partial<PlanOptions>; want: readonly string[] }[] =
  [
    {
      name: "what others depend on is created first, whatever it is called",
      options: {
        desired: (["Agent", "Tool", "Router", "Provider"] as const).map((kind, index) =>
          declared({ kind, name: `n${index}` }),
        ),
      },
      want: ["create Provider/n3", "create Router/n2", "create Tool/n1", "create Agent/n0"],
    },
    {
      name: "within a kind the sync wave decides, then the name; a bad wave is 0",
      options: {
        desired: [
          declared({ name: "c", annotations: { "legion.dev/sync-wave": "-1" } }),
          declared({ name: "b", annotations: { "legion.dev/sync-wave": "soon" } }),
          declared({ name: "a", annotations: { "legion.dev/sync-wave": "10" } }),
          declared({ name: "d", annotations: { "legion.dev/sync-wave": "9" } }),
        ],
      },
      want: ["create Agent/c", "create Agent/b", "create Agent/d", "create Agent/a"],
    },
    {
      name: "deletes come last, the other way round",
      options: {
        desired: [declared({ name: "new", spec: { description: "new" } })],
        live: [
          live({ kind: "Provider", name: "p" }),
          live({ kind: "Tool", name: "t" }),
          live({ name: "a" }),
          live({ name: "b", annotations: { "legion.dev/sync-wave": "-5" } }),
        ],
        inventory: [
          live({ kind: "Provider", name: "p" }),
          live({ kind: "Tool", name: "t" }),
          live({ name: "a" }),
          live({ name: "b" }),
        ],
      },
      want: [
        "create Agent/new",
        "delete Agent/a",
        "delete Agent/b",
        "delete Tool/t",
        "delete Provider/p",
      ],
    },
  ];

for (const { name, options, want } of orders)
  test(name, () => assert.deepEqual(actions(plan(options)), want));

const old = live({ name: "old" });
const other = declared({ name: "other", spec: { description: "other" } });
const pruning: readonly {
  name: string;
  options: Partial<PlanOptions>;
  want: string | undefined;
  note?: RegExp;
}[] = [
  {
    name: "an object of the inventory that is no longer declared goes",
    options: {},
    want: "delete",
  },
  {
    name: "an object that is not in the inventory is none of the plan's business",
    options: { inventory: [] },
    want: undefined,
  },
  { name: "no inventory prunes nothing", options: { inventory: [other] }, want: undefined },
  {
    name: "without pruning it is kept",
    options: { prune: false },
    want: "keep",
    note: /pruning is off/,
  },
  {
    name: "an annotation keeps it",
    options: { live: [live({ name: "old", annotations: { "legion.dev/prune": "disabled" } })] },
    want: "keep",
    note: /prune: disabled/,
  },
  {
    name: "an object that another source declares now is kept",
    options: { live: [live({ name: "old" }, { origin: { source: "tools.d" } })] },
    want: "keep",
    note: /another source/,
  },
  {
    name: "an object that is declared but not valid is kept",
    options: { declaredInvalid: [old] },
    want: "keep",
    note: /not valid/,
  },
  {
    name: "an object of a file that cannot be read is kept",
    options: {
      live: [live({ name: "old" }, { origin: { source: SOURCE, file: "/old.yaml" } })],
      unreadFiles: ["/old.yaml"],
    },
    want: "keep",
    note: /cannot be read/,
  },
  {
    name: "an object that is being deleted is not deleted again",
    options: { live: [live({ name: "old" }, { deletionTimestamp: "2026-01-01T00:00:00Z" })] },
    want: "keep",
    note: /being deleted already/,
  },
  { name: "an object that is gone needs nothing", options: { live: [] }, want: undefined },
];

for (const { name, options, want, note } of pruning) {
  test(name, () => {
    const made = plan({ desired: [other], live: [old], inventory: [old], ...options });
    const change = made.changes.find((one) => one.name === "old");
    assert.equal(change?.action, want);
    if (note !== undefined) assert.match(change?.notes?.join() ?? "", note);
  });
}

test("an empty set never prunes everything unless that is said", () => {
  const options = { live: [old], inventory: [old] };
  assert.throws(
    () => plan(options),
    (error) =>
      error instanceof LegionError && error.code === "LEG1080" && /--allow-empty/.test(error.hint),
  );
  assert.deepEqual(actions(plan({ ...options, allowEmpty: true })), ["delete Agent/old"]);
  assert.deepEqual(actions(plan({ ...options, prune: false })), ["keep Agent/old"]);
  assert.deepEqual(actions(plan({ ...options, declaredInvalid: [old] })), ["keep Agent/old"]);
  assert.deepEqual(actions(plan({})), []);
});

test("an update has its fields, each with its class, and the strongest of them", () => {
  const spec = { description: "x", tools: ["a", "b", "c"], sandbox: { memory: "64MiB" }, old: 1 };
  const next = { description: "x", tools: ["b", "c"], sandbox: { memory: "1GiB" }, model: "m" };
  const [change] = plan({
    desired: [declared({ name: "a", spec: next, labels: { constructor: "1" } })],
    live: [live({ name: "a", spec })],
  }).changes;
  assert.deepEqual(change?.fields, [
    { pointer: "/metadata/labels/constructor", after: "1", class: "live" },
    { pointer: "/spec/tools", before: ["a", "b", "c"], after: ["b", "c"], class: "next-turn" },
    { pointer: "/spec/sandbox/memory", before: "64MiB", after: "1GiB", class: "next-turn" },
    { pointer: "/spec/old", before: 1, class: "restart" },
    { pointer: "/spec/model", after: "m", class: "next-turn" },
  ]);
  assert.equal(change?.class, "restart");
});

const lists: readonly { name: string; before: Json; after: Json; want: readonly string[] }[] = [
  { name: "an item at the end is one item", before: [1, 2], after: [1, 2, 3], want: ["/spec/l/2"] },
  { name: "a last item that goes is one item", before: [1, 2], after: [1], want: ["/spec/l/1"] },
  { name: "an item that differs is one item", before: [1, 2], after: [1, 3], want: ["/spec/l/1"] },
  {
    name: "an item in the middle is the list",
    before: [1, 2],
    after: [1, 3, 2],
    want: ["/spec/l"],
  },
  { name: "a list that was empty has new items", before: [], after: [1], want: ["/spec/l/0"] },
  { name: "null is a value", before: [null], after: [1], want: ["/spec/l/0"] },
];

for (const { name, before, after, want } of lists) {
  test(`lists: ${name}`, () => {
    const [change] = plan({
      desired: [declared({ name: "a", spec: { l: after } })],
      live: [live({ name: "a", spec: { l: before } })],
    }).changes;
    assert.deepEqual(
      change?.fields?.map(({ pointer }) => pointer),
      want,
    );
  });
}

test("an object that another source declared before is taken over, live", () => {
  const [change] = plan({
    desired: [declared({ name: "a" })],
    live: [live({ name: "a" }, { origin: { source: "tools.d" } })],
  }).changes;
  assert.deepEqual([change?.action, change?.class], ["update", "live"]);
  assert.deepEqual(change?.fields, [
    { pointer: "/origin/source", before: "tools.d", after: SOURCE, class: "live" },
  ]);
});

test("a rename is a delete and a create, and says so on both", () => {
  const made = plan({ desired: [declared({ name: "new" })], live: [old], inventory: [old] });
  assert.deepEqual(actions(made), ["create Agent/new", "delete Agent/old"]);
  assert.match(made.changes[0]?.notes?.join() ?? "", /agent\/old had the same spec/);
  assert.match(made.changes[1]?.notes?.join() ?? "", /agent\/new has the same spec/);
});

const first = live({ name: "a", spec: { description: "1" } });
const conflicts: readonly { name: string; now: readonly LiveObject[]; want: readonly string[] }[] =
  [
    { name: "nothing moved", now: [first], want: [] },
    { name: "a new status is no conflict", now: [{ ...first, resourceVersion: 9 }], want: [] },
    {
      name: "a new spec is one",
      now: [live({ name: "a", spec: { description: "3" } }, { resourceVersion: 9 })],
      want: ["Agent/default/a changed"],
    },
    {
      name: "a new label is one",
      now: [{ ...first, labels: { a: "b" }, resourceVersion: 9 }],
      want: ["Agent/default/a changed"],
    },
    { name: "an object that is gone is one", now: [], want: ["Agent/default/a deleted"] },
    {
      name: "an object that is there by now is one",
      now: [first, live({ name: "b" })],
      want: ["Agent/default/b created"],
    },
    { name: "an object outside of the plan is none", now: [first, live({ name: "z" })], want: [] },
  ];

for (const { name, now, want } of conflicts) {
  test(`a saved plan: ${name}`, () => {
    const desired = [declared({ name: "a", spec: { description: "2" } }), declared({ name: "b" })];
    const saved = readPlan(JSON.stringify(plan({ desired, live: [first] })));
    assert.deepEqual(
      planConflicts(saved, now).map(({ key, moved }) => `${key} ${moved}`),
      want,
    );
    if (want.length === 0) refuseStale(saved, now);
    else
      assert.throws(
        () => refuseStale(saved, now),
        (error) =>
          error instanceof LegionError && error.exitCode === 3 && error.message.includes("agent/"),
      );
  });
}

const saved = JSON.stringify(plan({ desired: [declared({ name: "a" })] }));
for (const [name, text] of [
  ["cut off", saved.slice(0, -5)],
  ["with another spec", saved.replace('"description":"x"', '"description":"y"')],
  ["with another action", saved.replace('"create"', '"delete"')],
  ["with another base", saved.replace('"Agent/default/a":null', '"Agent/default/b":null')],
  ["of another version", saved.replace('"planVersion":1', '"planVersion":2')],
  ["with a label more", saved.replace('"labels":{}', '"labels":{"a":"b"}')],
  ["of another object", saved.replace('"name":"a"', '"name":"b"')],
  ["that is null", "null"],
] as const) {
  test(`a saved plan ${name} is refused`, () => {
    assert.notEqual(text, saved);
    assert.throws(
      () => readPlan(text),
      (error) => error instanceof LegionError && error.code === "LEG1082",
    );
  });
}

test("a kept object shows only for a note, and the last line counts", () => {
  const desired = [
    declared({ name: "same" }),
    declared({ name: "a", spec: { old: 2, model: "m" } }),
  ];
  const kept = live({ name: "kept", annotations: { "legion.dev/prune": "disabled" } });
  const made = plan({
    desired,
    live: [live({ name: "same" }), live({ name: "a", spec: { old: 1 } }), kept, old],
    inventory: [kept, old],
  });
  assert.equal(
    planText(made),
    `~ agent/a  restart
    ~ /spec/old: 1 -> 2
    + /spec/model: "m"
  agent/kept  kept
    # no longer declared; legion.dev/prune: disabled keeps it
- agent/old

0 to create, 1 to update (1 restart), 1 to delete
`,
  );
  assert.equal(planText(plan({})), "no changes\n");
});

const value = fc.oneof(
  fc.constantFrom("a", "b"),
  fc.nat(2),
  fc.array(fc.constantFrom("x", "y"), { maxLength: 3 }),
);
const dictionary = <T>(key: fc.Arbitrary<string>, item: fc.Arbitrary<T>) =>
  fc.dictionary(key, item, { noNullPrototype: true });
const sketch = fc.record({
  kind: fc.constantFrom<Kind>("Agent", "Tool", "Router", "Provider"),
  name: fc.constantFrom("a", "b", "c", "d"),
  labels: dictionary(fc.constantFrom("l", "m"), fc.constantFrom("1", "2")),
  annotations: dictionary(fc.constant("legion.dev/sync-wave"), fc.constantFrom("1", "-1", "x")),
  spec: dictionary(fc.constantFrom("model", "tools", "config"), value),
});
const set = fc
  .uniqueArray(sketch, {
    selector: ({ kind, name }) => `${kind}/${name}`,
    minLength: 1,
    maxLength: 8,
  })
  .map((sketches) => sketches.map((one) => declared({ ...one, spec: one.spec as Json })));

/** What a store would do with a plan; it goes through a file before. */
function applied(made: Plan, store: readonly LiveObject[]): readonly LiveObject[] {
  const objects = new Map(store.map((object) => [objectKey(object), object]));
  for (const { action, object, ...key } of readPlan(JSON.stringify(made)).changes) {
    const before = objects.get(objectKey(key));
    if (action === "delete") objects.delete(objectKey(key));
    else if (object !== undefined)
      objects.set(objectKey(key), {
        ...{ kind: key.kind, namespace: key.namespace, name: key.name, ...object },
        generation: (before?.generation ?? 0) + 1,
        resourceVersion: (before?.resourceVersion ?? 0) + 1,
        origin: { source: SOURCE },
      });
  }
  return [...objects.values()];
}

const shape = (objects: readonly (LiveObject | ManifestObject)[]) =>
  objects
    .map(({ kind, name, labels, annotations, spec }) => ({ kind, name, labels, annotations, spec }))
    .toSorted((a, b) => (`${a.kind}${a.name}` < `${b.kind}${b.name}` ? -1 : 1));

test("applying a plan always leaves what is declared, and planning again is all keep", () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      let store: readonly LiveObject[] = [];
      for (const desired of [a, b, a]) {
        const made = plan({ desired, live: store, inventory: store });
        assert.deepEqual(planConflicts(made, store), []);
        store = applied(made, store);
        assert.deepEqual(shape(store), shape(desired));
        const again = plan({ desired, live: store, inventory: store });
        assert.ok(
          again.changes.every(({ action }) => action === "keep"),
          planSummary(again),
        );
      }
    }),
  );
});

test("the order in which objects are given never matters, and a plan is JSON", () => {
  const shuffled = fc.tuple(set, set).chain(([a, b]) =>
    fc.record({
      a: fc.constant(a),
      b: fc.constant(b),
      desired: fc.shuffledSubarray(a, { minLength: a.length }),
      before: fc.shuffledSubarray(b, { minLength: b.length }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ a, b, desired, before }) => {
      const stored = (objects: readonly ManifestObject[]) =>
        objects.map(({ kind, name, namespace, labels, annotations, spec }) => ({
          ...{ kind, name, namespace, labels, annotations, spec },
          ...{ generation: 1, resourceVersion: 1 },
        }));
      const one = plan({ desired: a, live: stored(b), inventory: b });
      const two = plan({ desired, live: stored(before), inventory: before });
      assert.deepEqual(two, one);
      assert.equal(two.digest, one.digest);
      assert.deepEqual(JSON.parse(JSON.stringify(one)), one);
    }),
  );
});
