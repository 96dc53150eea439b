// Goal: selectors are read as kubectl reads them, mean what they say, and a wrong one points at its fault.
// Method: tables of texts; a property test that a printed selector is read back as it was.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LegionError } from "../lib/errors.ts";
import { type LabelRequirement, parseSelector, printSelector, selects } from "./selector.ts";

const meanings: readonly { text: string; takes: readonly object[]; leaves: readonly object[] }[] = [
  { text: "", takes: [{}, { a: "b" }], leaves: [] },
  { text: "a=b", takes: [{ a: "b" }], leaves: [{}, { a: "c" }] },
  { text: "a==b", takes: [{ a: "b" }], leaves: [{}, { a: "c" }] },
  { text: " a = b ", takes: [{ a: "b" }], leaves: [{}] },
  { text: "a!=b", takes: [{}, { a: "c" }], leaves: [{ a: "b" }] },
  { text: "a in (x, y)", takes: [{ a: "x" }, { a: "y" }], leaves: [{}, { a: "z" }] },
  { text: "a notin (x,y)", takes: [{}, { a: "z" }], leaves: [{ a: "x" }, { a: "y" }] },
  { text: "a", takes: [{ a: "" }, { a: "x" }], leaves: [{}] },
  { text: "!a", takes: [{}], leaves: [{ a: "" }] },
  { text: "a=", takes: [{ a: "" }], leaves: [{}, { a: "x" }] },
  { text: "in in (in)", takes: [{ in: "in" }], leaves: [{}] },
  {
    text: "team=core,legion.dev/tier in (gold,silver),!draft",
    takes: [{ team: "core", "legion.dev/tier": "gold" }],
    leaves: [
      { team: "core", "legion.dev/tier": "gold", draft: "yes" },
      { team: "web", "legion.dev/tier": "gold" },
      { team: "core" },
    ],
  },
];

for (const { text, takes, leaves } of meanings) {
  test(`the selector "${text}" takes what it says`, () => {
    const selector = parseSelector(text);
    for (const labels of takes)
      assert.ok(selects(selector, labels as Record<string, string>), JSON.stringify(labels));
    for (const labels of leaves)
      assert.ok(!selects(selector, labels as Record<string, string>), JSON.stringify(labels));
  });
}

const wrong: readonly { text: string; at: number; message: RegExp }[] = [
  { text: "team in core", at: 9, message: /values in parentheses/ },
  { text: "a in (x,y", at: 10, message: /closing parenthesis is missing, it ends there/ },
  { text: "a=b c=d", at: 5, message: /a comma between two conditions/ },
  { text: "a=b,", at: 5, message: /a condition behind the comma/ },
  { text: ",a", at: 1, message: /the name of a label/ },
  { text: "a > 1", at: 3, message: /=, !=, in, notin or a comma/ },
  { text: "a=b=c", at: 4, message: /a comma between/ },
  { text: "-a", at: 1, message: /the name of a label/ },
  { text: "a=-b", at: 3, message: /the value of a label/ },
  { text: "!", at: 2, message: /the name of a label/ },
  { text: "a=x y", at: 5, message: /a comma/ },
  { text: `a=${"x".repeat(64)}`, at: 3, message: /the value of a label/ },
  { text: "a=ä", at: 3, message: /the value of a label/ },
];

for (const { text, at, message } of wrong) {
  test(`the selector "${text.slice(0, 20)}" is refused at character ${at}`, () => {
    assert.throws(
      () => parseSelector(text),
      (error) => {
        assert.ok(error instanceof LegionError);
        assert.equal(error.code, "LEG7040");
        assert.match(error.message, message);
        const [, quoted, caret] = error.message.split("\n");
        assert.equal(quoted, `  ${text}`);
        assert.equal(caret?.indexOf("^"), 2 + at - 1);
        return true;
      },
    );
  });
}

test("a selector that is printed is read back as it was", () => {
  const letters = (extra: string) => [...`abzAZ09${extra}`];
  const word = (extra: string, least: number) =>
    fc
      .array(fc.constantFrom(...letters(extra)), { minLength: least, maxLength: 12 })
      .map((characters) => characters.join(""));
  const label = fc
    .oneof(word("-_./", 1), fc.constantFrom("in", "notin"))
    .filter((text) => /^[A-Za-z0-9](.*[A-Za-z0-9])?$/.test(text));
  const value = word("-_.", 0).filter((text) => /^([A-Za-z0-9](.*[A-Za-z0-9])?)?$/.test(text));
  const condition: fc.Arbitrary<LabelRequirement> = fc.oneof(
    fc.record(
      { label, operator: fc.constantFrom("exists" as const, "absent" as const) },
      { noNullPrototype: true },
    ),
    fc.record(
      {
        label,
        operator: fc.constantFrom("in" as const, "notIn" as const),
        values: fc.array(value, { minLength: 1, maxLength: 4 }),
      },
      { noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(fc.array(condition, { maxLength: 5 }), (selector) => {
      assert.deepEqual(parseSelector(printSelector(selector)), selector);
    }),
  );
});

test("any text is either read or refused with LEG7040", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      try {
        const selector = parseSelector(text);
        assert.deepEqual(parseSelector(printSelector(selector)), selector);
      } catch (error) {
        assert.equal((error as LegionError).code, "LEG7040");
      }
    }),
  );
});
