// Goal: appliers own the fields that they send: what one no longer sends goes, what another owns stays, and a dispute is told.
// Method: tables of applies over one object by several managers; properties over random objects.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json, JsonObject } from "../lib/json.ts";
import {
  type FieldConflict,
  fieldConflictError,
  forgetManager,
  type ManagedFields,
  mergeManaged,
} from "./managed.ts";
import { parts } from "./managed-values.ts";
import type { Managers } from "./resource.ts";

type Live = ManagedFields & { readonly managers: Managers };

const fields = (spec: JsonObject, labels: Record<string, string> = {}): ManagedFields => ({
  spec,
  labels,
  annotations: {},
});

function applied(live: Live | undefined, desired: ManagedFields, manager = "me", force = false) {
  const result = mergeManaged(live, desired, manager, { force });
  assert.equal(result.conflicts, undefined, JSON.stringify(result.conflicts));
  return { ...result.merged, managers: result.managers };
}

/** One apply: by whom, what, and whether with force. */
type Apply = readonly [manager: string, spec: JsonObject, force?: "force"];

const named = (...items: readonly (string | readonly [string, Json])[]): Json =>
  items.map((item) => {
    return typeof item === "string" ? { name: item } : { name: item[0], value: item[1] };
  });

const rows: readonly {
  readonly name: string;
  readonly applies: readonly Apply[];
  readonly spec: JsonObject;
  readonly managers?: Managers;
}[] = [
  {
    name: "the first apply owns each leaf it sends",
    applies: [["me", { a: { b: 1, c: [1, 2] }, d: {} }]],
    spec: { a: { b: 1, c: [1, 2] }, d: {} },
    managers: { me: ["/annotations", "/labels", "/spec/a/b", "/spec/a/c", "/spec/d"] },
  },
  {
    name: "a field that is no longer sent goes, and so does the map that it leaves empty",
    applies: [
      ["me", { a: 1, deep: { x: { y: 1 } } }],
      ["me", { a: 1 }],
    ],
    spec: { a: 1 },
  },
  {
    name: "a map that somebody sent empty stays when its last field goes",
    applies: [
      ["you", { deep: {} }],
      ["me", { deep: { x: 1 } }],
      ["me", {}],
    ],
    spec: { deep: {} },
  },
  {
    name: "the fields of another manager stay",
    applies: [
      ["you", { scale: 3, deep: { yours: 1 } }],
      ["me", { a: 1, deep: { mine: 1 } }],
      ["me", { a: 1 }],
    ],
    spec: { scale: 3, deep: { yours: 1 }, a: 1 },
    managers: {
      you: ["/annotations", "/labels", "/spec/deep/yours", "/spec/scale"],
      me: ["/annotations", "/labels", "/spec/a"],
    },
  },
  {
    name: "the same value is owned by both, and goes with the last of them",
    applies: [
      ["you", { a: 1, b: 1 }],
      ["me", { a: 1, b: 1 }],
      ["you", { b: 1 }],
      ["me", {}],
    ],
    spec: { b: 1 },
  },
  {
    name: "force takes a field over, whole subtrees too",
    applies: [
      ["you", { a: 1, deep: { x: 1, y: 2 } }],
      ["me", { a: 2, deep: "text" }, "force"],
      ["you", {}],
    ],
    spec: { a: 2, deep: "text" },
  },
  {
    name: "what was taken by force is not the former owner's any more",
    applies: [
      ["you", { a: 1, deep: { x: 1, y: 2 } }],
      ["me", { a: 2, deep: "text" }, "force"],
    ],
    spec: { a: 2, deep: "text" },
    managers: {
      you: ["/annotations", "/labels"],
      me: ["/annotations", "/labels", "/spec/a", "/spec/deep"],
    },
  },
  {
    name: "a list without names is one value",
    applies: [
      ["me", { list: [1, 2, 3] }],
      ["me", { list: [3] }],
    ],
    spec: { list: [3] },
  },
  {
    name: "a list with names merges by name, and each manager's items go with it",
    applies: [
      ["you", { env: named(["A", 1], ["B", 2]) }],
      ["me", { env: named(["C", 3], ["A", 1]) }],
      ["you", { env: named(["B", 2]) }],
    ],
    spec: { env: named(["C", 3], ["A", 1], ["B", 2]) },
  },
  {
    name: "the order of a list with names is its only manager's",
    applies: [
      ["me", { env: named("a", "b", "c") }],
      ["me", { env: named("c", "new", "a") }],
    ],
    spec: { env: named("c", "new", "a") },
  },
  {
    name: "two managers in one list do not turn its order back and forth",
    applies: [
      ["you", { env: named("b") }],
      ["me", { env: named("a") }],
      ["you", { env: named("b") }],
      ["me", { env: named("a") }],
    ],
    spec: { env: named("b", "a") },
  },
  {
    name: "a new item comes where its manager has it, and the items of others stay in order",
    applies: [
      ["you", { env: named("a", "c") }],
      ["me", { env: named("first", "a", "second") }],
    ],
    spec: { env: named("first", "a", "second", "c") },
  },
  {
    name: "names that come twice make a list one value",
    applies: [
      ["me", { env: named("a", "a") }],
      ["me", { env: named("b", "b") }],
    ],
    spec: { env: named("b", "b") },
    managers: { me: ["/annotations", "/labels", "/spec/env"] },
  },
  {
    name: "a list, a map and a text of the same manager may take each other's place",
    applies: [
      ["me", { x: named("a"), y: { z: 1 }, t: "t" }],
      ["me", { x: { a: 1 }, y: [], t: named("a") }],
    ],
    spec: { x: { a: 1 }, y: [], t: named("a") },
    managers: {
      me: ["/annotations", "/labels", "/spec/t/name=a/name", "/spec/x/a", "/spec/y"],
    },
  },
  {
    name: "keys with slashes and tildes, and keys that JavaScript gives a meaning",
    applies: [
      ["me", JSON.parse('{"a/b":1,"c~d":1,"__proto__":{"x":1},"constructor":{"y":1}}')],
      ["me", JSON.parse('{"c~d":1,"__proto__":{"x":2}}')],
    ],
    spec: JSON.parse('{"c~d":1,"__proto__":{"x":2}}'),
    managers: { me: ["/annotations", "/labels", "/spec/__proto__/x", "/spec/c~0d"] },
  },
];

for (const { name, applies, spec, managers } of rows) {
  test(name, () => {
    let live: Live | undefined;
    for (const [manager, desired, force] of applies) {
      live = applied(live, fields(desired), manager, force !== undefined);
    }
    assert.equal(JSON.stringify(live?.spec), JSON.stringify(spec));
    if (managers !== undefined) assert.deepEqual(live?.managers, managers);
  });
}

const disputes: readonly {
  readonly name: string;
  readonly yours: JsonObject;
  readonly mine: JsonObject;
  readonly pointers: readonly string[];
}[] = [
  {
    name: "another value of a field",
    yours: { a: 1, b: 1 },
    mine: { a: 2, b: 1 },
    pointers: ["/spec/a"],
  },
  {
    name: "a value in place of a map",
    yours: { m: { x: 1, y: 1 } },
    mine: { m: 1 },
    pointers: ["/spec/m/x", "/spec/m/y"],
  },
  {
    name: "a map in place of a value",
    yours: { m: 1 },
    mine: { m: { x: 1 } },
    pointers: ["/spec/m"],
  },
  { name: "another list", yours: { l: [1] }, mine: { l: [1, 2] }, pointers: ["/spec/l"] },
  {
    name: "an item of a list with names",
    yours: { l: named(["a", 1], ["b", 1]) },
    mine: { l: named(["b", 2]) },
    pointers: ["/spec/l/name=b/value"],
  },
];

for (const { name, yours, mine, pointers } of disputes) {
  test(`a conflict: ${name}`, () => {
    const live = applied(undefined, fields(yours), "you");
    const { conflicts } = mergeManaged(live, fields(mine), "me", { force: false });
    const want: FieldConflict[] = pointers.map((pointer) => ({ pointer, manager: "you" }));
    assert.deepEqual(conflicts, want);
    assert.deepEqual(applied(live, fields(mine), "me", true).spec, {
      ...yours,
      ...mine,
      ...(name.startsWith("an item") && { l: named(["a", 1], ["b", 2]) }),
    });
  });
}

test("fields that nobody owns are taken without a dispute, and those of one who gave up", () => {
  const live = applied(undefined, fields({ a: 1 }, { team: "x" }), "you");
  const unowned = { ...live, managers: forgetManager(live.managers, "you") };
  const { spec, labels } = applied(unowned, fields({ a: 2 }, { team: "y" }));
  assert.deepEqual([spec, labels], [{ a: 2 }, { team: "y" }]);
});

test("the error names the fields and their managers", () => {
  const conflicts = Array.from({ length: 7 }, (_, at) => ({
    pointer: `/spec/${at}`,
    manager: "cli",
  }));
  const key = { kind: "Agent", namespace: "default", name: "a" };
  const { code, message, exitCode } = fieldConflictError(key, conflicts);
  assert.deepEqual([code, exitCode], ["LEG6026", 3]);
  assert.match(
    message,
    /^7 fields of agent\/a belong to another manager: \/spec\/0 \(cli\), .* and 2 more$/,
  );
  const one = fieldConflictError({ ...key, namespace: "team" }, conflicts.slice(0, 1));
  assert.match(one.message, /^1 field of agent\/a \(namespace team\) belongs to another manager/);
});

const name = fc.constantFrom("a", "b", "c", "__proto__");
const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(0, 1, "x", null, true),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 3 }),
    fc
      .uniqueArray(fc.tuple(name, tie("value")), { maxLength: 3, selector: ([key]) => key })
      .map((items) => items.map(([key, value]) => ({ name: key, value }))),
  ),
}));
const spec = fc
  .dictionary(name, json, { maxKeys: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

/** Lists with names in the order of the names: who forces an apply last decides on their order. */
function unordered(value: Json): Json {
  const list = parts(value, "").map(({ key, value: child }) => [key, unordered(child)] as const);
  if (list.length === 0) return value;
  return Array.isArray(value)
    ? list.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
    : Object.fromEntries(list);
}

test("always: one manager alone gets exactly what it sends, so A, B, A is A", () => {
  fc.assert(
    fc.property(spec, spec, (a, b) => {
      const first = applied(undefined, fields(a));
      const second = applied(first, fields(b));
      assert.deepEqual(second.spec, b);
      assert.deepEqual(applied(second, fields(a)), first);
    }),
    { numRuns: 2_000 },
  );
});

test("always: the same apply again changes nothing, also after another manager's", () => {
  fc.assert(
    fc.property(spec, spec, (a, b) => {
      const mine = applied(undefined, fields(a));
      const both = applied(mine, fields(b), "you", true);
      const again = applied(both, fields(b), "you");
      assert.equal(JSON.stringify(again), JSON.stringify(both));
      const back = applied(both, fields(a), "me", true);
      assert.equal(JSON.stringify(applied(back, fields(a))), JSON.stringify(back));
    }),
    { numRuns: 2_000 },
  );
});

test("never: an apply without force changes a field that another owns", () => {
  fc.assert(
    fc.property(spec, spec, (a, b) => {
      const live = applied(undefined, fields(a), "you");
      const result = mergeManaged(live, fields(b), "me", { force: false });
      if (result.conflicts !== undefined) return;
      // What I added goes with me, so all that is left is theirs, as it was.
      const left = applied({ ...result.merged, managers: result.managers }, fields({}), "me");
      assert.deepEqual(unordered(left.spec), unordered(a));
    }),
    { numRuns: 2_000 },
  );
});
