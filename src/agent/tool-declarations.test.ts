// Goal: every function of a toolbox has exactly one name that providers take, and that name leads back to it, however tools are called.
// Method: a table of toolboxes; a property over toolboxes of random names; schemas of odd forms.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FunctionSpec, ToolBinding } from "../tools/contract.ts";
import { toolDeclarations } from "./tool-declarations.ts";

const limits = { timeoutMs: 1, maxArgumentBytes: 1, maxResultBytes: 1 };

/** A tool with these functions, of which the agent may call `granted`. */
function binding(
  as: string,
  names: readonly string[],
  spec: Partial<FunctionSpec> = {},
  granted = names,
): ToolBinding {
  const made: FunctionSpec = { description: `Of ${as}.`, parameters: { type: "object" }, ...spec };
  const functions = Object.fromEntries(names.map((name) => [name, made]));
  const tool = { name: as, description: "", functions, limits, call: async () => null };
  return { as, tool, functions: granted.toSorted(), config: {} };
}

const namesOf = (tools: readonly ToolBinding[]) =>
  toolDeclarations({ tools }).declarations.map(({ name }) => name);

const rows: readonly {
  readonly name: string;
  readonly tools: readonly ToolBinding[];
  readonly want: readonly (string | RegExp)[];
}[] = [
  { name: "no tools declare nothing", tools: [], want: [] },
  {
    name: "functions have their own names, sorted",
    tools: [binding("desk", ["think", "calculate"]), binding("users", ["get_user"])],
    want: ["calculate", "get_user", "think"],
  },
  {
    name: "a name that two tools have is told apart by the tool, others keep theirs",
    tools: [binding("files", ["read", "list"]), binding("mail", ["read", "send"])],
    want: ["files__read", "list", "mail__read", "send"],
  },
  {
    name: "only what the agent may call is declared, and only that counts",
    tools: [binding("files", ["read", "list"], {}, ["list"]), binding("mail", ["read"])],
    want: ["list", "read"],
  },
  {
    name: "a name that looks like one of another tool's functions gets a hash, and so does the other",
    tools: [binding("a", ["b", "c"]), binding("d", ["b"]), binding("e", ["a__b"])],
    want: [/^a__b_[0-9a-f]{8}$/, "c", "d__b", /^e__a__b_[0-9a-f]{8}$/],
  },
  {
    name: "characters that providers do not take are replaced",
    tools: [binding("money", ["$in€"])],
    want: [/^money___in__[0-9a-f]{8}$/],
  },
  {
    name: "a name that is too long is cut",
    tools: [binding("t", ["x".repeat(65), "y".repeat(64)])],
    want: [/^t__x{52}_[0-9a-f]{8}$/, "y".repeat(64)],
  },
];

for (const { name, tools, want } of rows) {
  test(name, () => {
    const names = namesOf(tools);
    assert.equal(names.length, want.length, names.join(" "));
    for (const [index, one] of want.entries()) {
      if (typeof one === "string") assert.equal(names[index], one);
      else assert.match(names[index] ?? "", one);
    }
  });
}

const identifier = fc.stringMatching(/^[A-Za-z_$][A-Za-z0-9_$]{0,70}$/);
/** Few short names, so that many are equal, and some of any form. */
const word = fc.oneof(fc.constantFrom("a", "b", "a__b", "b__a", "a__b__a"), identifier);
const toolSets = fc.uniqueArray(fc.tuple(word, fc.uniqueArray(word, { maxLength: 5 })), {
  maxLength: 6,
  selector: ([as]) => as,
});

test("names are never equal, always taken by providers, lead back, and depend on no order", () => {
  fc.assert(
    fc.property(toolSets, (sets) => {
      const tools = sets.map(([as, names]) => binding(as, names));
      const { declarations, find } = toolDeclarations({ tools });
      const names = declarations.map(({ name }) => name);
      assert.equal(new Set(names).size, sets.flatMap(([, each]) => each).length);
      for (const name of names) assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/);
      const found = names.map((name) => find(name));
      const called = found.map((one) => `${one?.tool}.${one?.function}`).toSorted();
      const all = sets.flatMap(([as, each]) => each.map((name) => `${as}.${name}`));
      assert.deepEqual(called, all.toSorted());
      assert.deepEqual(namesOf(tools.toReversed()), names);
    }),
    { numRuns: 300 },
  );
});

test("a name that was not declared is not found", () => {
  const { find } = toolDeclarations({ tools: [binding("files", ["read"])] });
  for (const name of ["files.read", "files__read", "write", "", "constructor", "__proto__"])
    assert.equal(find(name), undefined, name);
});

test("description and parameters are those of the function, and the root is always an object with properties", () => {
  const parameters = {
    type: "object",
    properties: { path: { type: "string" } },
    required: ["path"],
    additionalProperties: false,
  };
  const tools = [binding("a", ["f"], { description: "Reads.", parameters })];
  assert.deepEqual(toolDeclarations({ tools }).declarations, [
    { name: "f", description: "Reads.", parameters },
  ]);
  for (const odd of [{}, { type: "object" }, { additionalProperties: true }]) {
    const [declared] = toolDeclarations({
      tools: [binding("a", ["f"], { parameters: odd })],
    }).declarations;
    assert.deepEqual(declared?.parameters, { ...odd, type: "object", properties: {} });
  }
});
