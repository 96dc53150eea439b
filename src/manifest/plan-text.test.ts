// Goal: a plan and a diff can be read on 80 columns, show where long values differ, and never show a key.
// Method: whole texts compared, and a property: what a diff adds and removes leads from one text to the other.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Json } from "../lib/json.ts";
import type { Declaration, FieldChange, Plan } from "./plan-contract.ts";
import { objectDiff } from "./plan-diff.ts";
import { diffLines } from "./plan-diff-lines.ts";
import { planText } from "./plan-text.ts";

const key = { kind: "Agent", namespace: "default", name: "a" };

function updated(fields: readonly FieldChange[], notes: readonly string[] = []): Plan {
  const change = { ...key, action: "update", class: "live", fields, notes } as const;
  return { planVersion: 1, source: "s", changes: [change], base: {}, digest: "" };
}

function declaration(spec: Json, more: Partial<Declaration> = {}): Declaration {
  return { ...key, labels: {}, annotations: {}, spec, ...more };
}

test("two long values are cut to where they differ", () => {
  const before = `${"Read the files first ".repeat(20)}Then answer.`;
  const after = `${"Read the files first ".repeat(20)}Then ask.`;
  const field = { pointer: "/spec/instructions", before, after, class: "next-turn" } as const;
  const lines = planText(updated([field])).split("\n");
  assert.deepEqual(lines.slice(1, 4), [
    "    ~ /spec/instructions:",
    '      - ...t Then answer."',
    '      + ...t Then ask."',
  ]);
});

test("no line is longer than 80 columns, whatever the values", () => {
  const text = fc.string({ unit: "grapheme-ascii", maxLength: 300 });
  fc.assert(
    fc.property(text, text, text, (before, after, note) => {
      const field = { pointer: "/spec/description", before, after, class: "live" } as const;
      const words = note.replaceAll(/\S{60,}/g, "word");
      for (const line of planText(updated([field], [words])).split("\n"))
        assert.ok(line.length <= 80, line);
    }),
  );
});

test("what is more than a screen can show is counted", () => {
  const fields = Array.from({ length: 25 }, (_, index) => ({
    pointer: `/spec/config/${index}`,
    after: index,
    class: "live" as const,
  }));
  assert.match(planText(updated(fields)), /\/19: 19\n {4}and 5 more fields\n/);
});

test("something that looks like a key is shown in neither", () => {
  const secret = `sk-${"a1".repeat(20)}`;
  const text = planText(updated([{ pointer: "/spec/x", after: secret, class: "live" }]));
  const diff = objectDiff(undefined, declaration({ x: secret }));
  for (const shown of [text, diff]) assert.ok(!shown.includes(secret) && shown.includes("***"));
});

test("the diff of an object is unified, as YAML, with three lines around", () => {
  const spec = { description: "x", model: "smart", tools: ["a", "b"], timeout: "10m" };
  const diff = objectDiff(declaration(spec), declaration({ ...spec, model: "fast" }));
  assert.equal(
    diff,
    `--- live/agent/a
+++ declared/agent/a
@@ -5,7 +5,7 @@
   namespace: default
 spec:
   description: x
-  model: smart
+  model: fast
   timeout: 10m
   tools:
     - a
`,
  );
});

test("an object that is made or removed is compared with nothing", () => {
  const made = objectDiff(undefined, declaration({ a: 1 })).split("\n");
  assert.deepEqual(made.slice(0, 3), ["--- /dev/null", "+++ declared/agent/a", "@@ -0,0 +1,7 @@"]);
  const gone = objectDiff(declaration({ a: 1 }), undefined).split("\n");
  assert.deepEqual(gone.slice(0, 3), ["--- live/agent/a", "+++ /dev/null", "@@ -1,7 +0,0 @@"]);
});

test("equal objects have no diff, in whatever order their fields stand", () => {
  assert.equal(objectDiff(declaration({ a: 1, b: 2 }), declaration({ b: 2, a: 1 })), "");
  assert.equal(objectDiff(undefined, undefined), "");
});

test("a diff always leads from one text to the other, and is never longer than both", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const diff = diffLines(before, after);
      const side = (sign: string) =>
        diff.filter((line) => line.sign !== sign).map(({ text }) => text);
      assert.deepEqual(side("+"), before);
      assert.deepEqual(side("-"), after);
    }),
  );
});

test("texts too long to compare line by line are removed and added whole", () => {
  const many = (mark: string) => Array.from({ length: 1_500 }, (_, index) => `${mark}${index}`);
  const diff = diffLines(["same", ...many("a")], ["same", ...many("b")]);
  assert.equal(diff.length, 3_001);
  assert.equal(diff[0]?.sign, " ");
});
