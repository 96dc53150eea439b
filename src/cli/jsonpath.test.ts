// Goal: templates mean what they mean in kubectl, what is missing prints nothing, and a fault is shown where it is.
// Method: a table of templates over one value; faults are held against the column of their caret.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LegionError } from "../lib/errors.ts";
import { parseColumns, parsePath, parseTemplate } from "./jsonpath.ts";

const value = {
  kind: "List",
  items: [
    {
      metadata: { name: "a", labels: { "k8s.io/team": "docs", tier: "gold" } },
      spec: { model: "m1", tools: ["x", "y"] },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    },
    { metadata: { name: "b" }, spec: { model: null, n: 2 }, status: {} },
  ],
};

const rows: readonly (readonly [template: string, printed: string])[] = [
  ["{.items[*].metadata.name}", "a b"],
  ['{.items[*].metadata.name}{"\\n"}', "a b\n"],
  ["{.kind}: {.items[0].metadata.name}", "List: a"],
  ["{$.kind}", "List"],
  ["{@.kind}", "List"],
  [".items[1].metadata.name", "b"],
  ["items[0].spec.model", "m1"],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.spec.model}{"\\n"}{end}', "a\tm1\nb\t\n"],
  ["{range .items[*]}{.metadata.name}{$.kind} {end}", "aList bList "],
  ["{range .items[*]}{range .spec.tools[*]}{@},{end}{end}", "x,y,"],
  ['{.items[?(@.metadata.name=="b")].spec.n}', "2"],
  ["{.items[?@.metadata.name=='a'].spec.model}", "m1"],
  ['{.items[0].status.conditions[?(@.type=="Ready")].status}', "True"],
  ["{.items[0].metadata.labels.k8s\\.io/team}", "docs"],
  ["{.items[0].metadata.labels['k8s.io/team']}", "docs"],
  ["{.items[-1].metadata.name}", "b"],
  ["{.items[0].spec.tools}", '["x","y"]'],
  ["{.items[0].spec.tools[0,1]}", "x y"],
  ["{..model}", "m1 "],
  ["before{.nope.deeper[3]}after", "beforeafter"],
  ["{range .nope[*]}x{end}", ""],
  ["{'it is } here'}", "it is } here"],
];

for (const [template, printed] of rows) {
  test(`template ${template}`, () => {
    assert.equal(parseTemplate(template)(value), printed);
  });
}

const faults: readonly (readonly [template: string, column: number, reason: RegExp])[] = [
  ["{.items[*", 0, /brace is not closed/],
  ["{.items[0}", 9, /bracket/],
  ["x{range .items[*]}y", 2, /has no \{end\}/],
  ["{.kind}{end}", 8, /no \{range\}/],
  ["{}", 1, /no path/],
  ["{.a b}", 4, /found 'b'/],
  ["no path", 3, /found 'p'/],
  ["{.items[?(@.x=]}", 13, /./],
];

for (const [template, column, reason] of faults) {
  test(`the fault in ${template} is shown at column ${column}`, () => {
    assert.throws(
      () => parseTemplate(template),
      (error) => {
        assert.ok(error instanceof LegionError);
        const [message = "", line = "", caret = ""] = error.message.split("\n");
        assert.equal(error.code, "LEG7012");
        assert.match(message, reason);
        assert.equal(line, `  ${template}`);
        assert.equal(caret.indexOf("^") - 2, column);
        return true;
      },
    );
  });
}

test("never: a template of any text ends in anything but text or LEG7012", () => {
  const text = fc.stringMatching(/^[{}.[\]$@*?()'"=a-c0-2 \\]{0,24}$/);
  fc.assert(
    fc.property(text, (template) => {
      try {
        assert.equal(typeof parseTemplate(template)(value), "string");
      } catch (error) {
        assert.ok(error instanceof LegionError, String(error));
        assert.equal(error.code, "LEG7012");
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a path gives values as data, with or without braces", () => {
  assert.deepEqual(parsePath("{.items[*].spec.n}")(value), [2]);
  assert.deepEqual(parsePath(".items[0].spec.tools")(value), [["x", "y"]]);
});

test("custom columns: a comma within brackets belongs to its path", () => {
  const columns = parseColumns("NAME:.metadata.name,T:.spec.tools[0,1],L:{.metadata.labels.tier}");
  assert.deepEqual(
    columns.map(({ title, value: print }) => [title, print(value.items[0])]),
    [
      ["NAME", "a"],
      ["T", "x y"],
      ["L", "gold"],
    ],
  );
  for (const wrong of ["NAME", "NAME:", ":.metadata.name", ""]) {
    assert.throws(() => parseColumns(wrong), { code: "LEG7013" }, wrong);
  }
});
