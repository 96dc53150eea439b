// Goal: patterns of schemas match as JavaScript's do, and none can take the process for itself.
// Method: a table beside native RegExp; the patterns that hang a native one, against a bound of time that is far off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { linearPattern } from "./patterns.ts";

const patterns = [
  "^[a-z]+$",
  "\\d{2,4}",
  "^(?:a|b)*c?$",
  "[\\u00e9\\w]+@",
  "^\\p{L}+$",
  "a.c",
  "^$",
  "\\bx\\b",
  "[^/]+/.+",
];
const texts = [
  "",
  "abc",
  "2026",
  "ababc",
  "é@",
  "Ωmega",
  "a\nc",
  "x",
  "a x b",
  "openai/gpt",
  "ABC",
  "12345",
];

for (const source of patterns) {
  test(`${source} matches what a native RegExp matches`, () => {
    const [linear, native] = [linearPattern(source), new RegExp(source, "u")];
    for (const text of texts)
      assert.equal(linear.test(text), native.test(text), JSON.stringify(text));
  });
}

for (const source of ["^(\\w+\\s?)*$", "^(a+)+$", "(x+x+)+y", "^(.*a){20}$"]) {
  test(`${source} ends on a text that hangs a native RegExp`, () => {
    const startedAt = performance.now();
    linearPattern(source).test(`${"a".repeat(5_000)}x${"x".repeat(5_000)}!`);
    assert.ok(performance.now() - startedAt < 5_000);
  });
}

for (const source of ["[a-z", "(?=a)b", "(a)\\1", "(?<!x)y"]) {
  test(`${source} is refused`, () => assert.throws(() => linearPattern(source)));
}
