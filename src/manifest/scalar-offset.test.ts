// Goal: a place in a string's value is found in the text of the manifest, however the string is written.
// Method: a table of scalars, each with a mark in its value and in its text; a property test that writes arbitrary strings in every style.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isMap, isScalar, parseDocument, type Scalar, stringify } from "yaml";
import { offsetInScalar } from "./scalar-offset.ts";

function scalarOf(text: string): Scalar.Parsed {
  const { contents } = parseDocument(text);
  assert.ok(isMap(contents));
  const node = contents.items[0]?.value;
  assert.ok(isScalar(node));
  return node as Scalar.Parsed;
}

const rows = [
  { name: "a plain one", text: "a: one MARK two" },
  { name: "a plain one of several lines", text: "a: one\n  two\n\n  three MARK" },
  { name: "one in single quotes", text: "a: 'it''s ''it'' MARK'" },
  { name: "one in single quotes of several lines", text: "a: 'one\n\n\n  two '' MARK'" },
  { name: "one in double quotes", text: 'a: "tab \\t quote \\" \\x41 \\u00e9 \\U0001F600 MARK"' },
  {
    name: "one in double quotes of several lines",
    text: 'a: "one \\\n    two\n  three\n\n  MARK"',
  },
  { name: "a literal one", text: "a: |\n  one\n\n    two\n  three MARK\n" },
  { name: "a literal one with a comment and its own indentation", text: "a: |2- # c\n    MARK\n" },
  { name: "a literal one with line ends of Windows", text: "a: |\r\n  one\r\n  MARK\r\n" },
  { name: "a folded one", text: "a: >-\n  one\n  two\n\n    three\n  MARK\n" },
  { name: "one with an anchor", text: "a: &b |\n  one\n  MARK\n" },
  { name: "a repeated line", text: "a: |\n  }\n  }\n  }MARK\n" },
];

for (const { name, text } of rows) {
  test(`${name} is walked to the mark`, () => {
    const scalar = scalarOf(text);
    const offset = String(scalar.value).indexOf("MARK");
    assert.equal(offsetInScalar(text, scalar, offset), text.indexOf("MARK"));
  });
}

test("every letter of every string is found where it stands", () => {
  const styles = [
    "PLAIN",
    "QUOTE_SINGLE",
    "QUOTE_DOUBLE",
    "BLOCK_LITERAL",
    "BLOCK_FOLDED",
  ] as const;
  const unit = fc.constantFrom("a", "b", "Z", "'", '"', "\\", " ", "\n", "é", "😀", "}");
  const value = fc.string({ unit, minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(value, fc.constantFrom(...styles), (letters, defaultStringType) => {
      const text = stringify({ a: letters }, { defaultStringType, lineWidth: 20 });
      const scalar = scalarOf(text);
      // Strings of nothing but space do not come back from every style.
      fc.pre(scalar.value === letters);
      for (const [offset, letter] of [...letters.split("")].entries()) {
        if (!/[abZé}]/.test(letter)) continue;
        assert.equal(text[offsetInScalar(text, scalar, offset)], letter, `${offset} of ${text}`);
      }
    }),
  );
});
