// Goal: every field of every kind has a reload class, every row names a field, and what no row knows restarts.
// Method: walk the properties of every schema and hold them against the table, in both directions; tables of pointers.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import { kindNames } from "./kinds.ts";
import { type ReloadClass, reloadClassOf, reloadRows, strongestOf } from "./reload-class.ts";

/** The rows of a kind that could be forgotten: each path that holds a value of its own. `**` is a map that takes any field. */
function fieldsOf(schema: FieldSchema, path = ""): readonly string[] {
  const below = (name: string) => (path === "" ? name : `${path}/${name}`);
  const { properties, items, additionalProperties: other } = schema;
  const inner = [
    ...Object.entries(properties ?? {}).flatMap(([name, field]) => fieldsOf(field, below(name))),
    ...(items === undefined ? [] : fieldsOf(items, below("*"))),
    ...(typeof other === "object" ? fieldsOf(other, below("*")) : []),
    ...(other === true ? [below("**")] : []),
  ];
  const types = [schema.type ?? []].flat();
  const isValue = types.length === 0 || types.some((type) => type !== "object" && type !== "array");
  return isValue || inner.length === 0 || types.length > 1 ? [path, ...inner] : inner;
}

for (const kind of kindNames) {
  test(`every field of ${kind} has exactly one row, and every row a field`, () => {
    const rows = Object.values(reloadRows[kind]).flat();
    assert.equal(new Set(rows).size, rows.length, "a row stands twice");
    const ours = rows.filter((row) => row !== "origin/source").toSorted();
    assert.deepEqual(ours, [...new Set(fieldsOf(schemas[kind]))].toSorted());
  });
}

const rows: readonly { name: string; kind: string; pointer: string; want: ReloadClass }[] = [
  {
    name: "a prompt waits for the next turn",
    kind: "Agent",
    pointer: "/spec/instructions",
    want: "next-turn",
  },
  {
    name: "one tool of a list waits for the next turn",
    kind: "Agent",
    pointer: "/spec/tools/3",
    want: "next-turn",
  },
  {
    name: "a whole list has the class of its items",
    kind: "Agent",
    pointer: "/spec/tools",
    want: "next-turn",
  },
  {
    name: "a whole map has the class of its fields",
    kind: "Agent",
    pointer: "/spec/sandbox",
    want: "next-turn",
  },
  { name: "deep in a free map", kind: "Tool", pointer: "/spec/config/a/b/0", want: "next-turn" },
  {
    name: "a router is read at each decision",
    kind: "Router",
    pointer: "/spec/tiers/0/targets/1/weight",
    want: "live",
  },
  {
    name: "a key is read at each request",
    kind: "Provider",
    pointer: "/spec/apiKey/valueFrom/0/env",
    want: "live",
  },
  { name: "labels are live", kind: "Agent", pointer: "/metadata/labels/team", want: "live" },
  {
    name: "a label with a slash is live",
    kind: "Tool",
    pointer: "/metadata/labels/a.dev~1team",
    want: "live",
  },
  {
    name: "a name is who the object is",
    kind: "Agent",
    pointer: "/metadata/name",
    want: "restart",
  },
  {
    name: "metadata as a whole has its strongest field's class",
    kind: "Agent",
    pointer: "/metadata",
    want: "restart",
  },
  { name: "an unknown field restarts", kind: "Agent", pointer: "/spec/unknown", want: "restart" },
  {
    name: "below a known value is unknown",
    kind: "Agent",
    pointer: "/spec/model/x",
    want: "restart",
  },
  {
    name: "a field of an unknown kind restarts",
    kind: "Robot",
    pointer: "/spec/model",
    want: "restart",
  },
  {
    name: "a kind named like a property of objects",
    kind: "constructor",
    pointer: "/spec",
    want: "restart",
  },
];

for (const { name, kind, pointer, want } of rows) {
  test(name, () => assert.equal(reloadClassOf(kind, pointer), want));
}

test("the strongest class wins, and nothing is live", () => {
  assert.equal(strongestOf(["live", "restart", "next-turn"]), "restart");
  assert.equal(strongestOf(["next-turn", "live"]), "next-turn");
  assert.equal(strongestOf([]), "live");
});
