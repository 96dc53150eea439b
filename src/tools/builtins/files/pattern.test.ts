// Goal: patterns match what people expect of globs, and none is slow.
// Method: a table of patterns and paths; node's own matcher as the peer for random ones; patterns that hang backtracking matchers.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { compilePattern } from "./pattern.ts";

const rows: { pattern: string; matches: string[]; not: string[] }[] = [
  { pattern: "*.ts", matches: ["a.ts", ".ts", "a.b.ts"], not: ["a/b.ts", "a.tsx", "ts"] },
  { pattern: "**/*.ts", matches: ["a.ts", "a/b.ts", "a/b/c.ts"], not: ["a.js", "a.ts/b"] },
  { pattern: "src/**", matches: ["src/a", "src/a/b"], not: ["lib/a", "srca"] },
  { pattern: "a/**/b", matches: ["a/b", "a/x/b", "a/x/y/b"], not: ["b", "a/b/c"] },
  { pattern: "**/a/**/b/*", matches: ["a/b/c", "x/a/y/b/z"], not: ["a/b", "b/a/c"] },
  { pattern: "a?c", matches: ["abc", "a😀c"], not: ["ac", "a/c", "abbc"] },
  { pattern: "[a-c]x", matches: ["ax", "cx"], not: ["dx", "x"] },
  { pattern: "[!a-c]x", matches: ["dx"], not: ["ax", "x"] },
  { pattern: "[]]x", matches: ["]x"], not: ["x"] },
  { pattern: "[ab", matches: ["[ab"], not: ["a"] },
  { pattern: "*.{ts,js}", matches: ["a.ts", "a.js"], not: ["a.{ts,js}", "a.tsx"] },
  { pattern: "{a,b{c,d}}/e", matches: ["a/e", "bc/e", "bd/e"], not: ["b/e"] },
  { pattern: "{a}", matches: ["{a}"], not: ["a"] },
  { pattern: "a{b", matches: ["a{b"], not: ["ab"] },
  { pattern: "\\*.ts", matches: ["*.ts"], not: ["a.ts"] },
  { pattern: "./src//a", matches: ["src/a"], not: ["a"] },
  { pattern: "a.b", matches: ["a.b"], not: ["axb"] },
  { pattern: "(a|b)+", matches: ["(a|b)+"], not: ["a", "ab"] },
];

for (const { pattern, matches, not } of rows) {
  test(`${pattern} matches ${matches.join(" ")} and not ${not.join(" ")}`, () => {
    const compiled = compilePattern(pattern);
    assert.deepEqual(
      matches.filter((each) => !compiled.matches(each)),
      [],
    );
    assert.deepEqual(
      not.filter((each) => compiled.matches(each)),
      [],
    );
  });
}

test("random patterns match as node's own matcher does", () => {
  const part = fc
    .string({ minLength: 1, maxLength: 4, unit: fc.constantFrom("a", "b", "*", "?") })
    .filter((text) => !text.includes("**"));
  const pattern = fc
    .array(fc.oneof(part, fc.constant("**")), { minLength: 1, maxLength: 4 })
    .filter((parts) => parts.at(-1) !== "**");
  const name = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b") });
  fc.assert(
    fc.property(pattern, fc.array(name, { minLength: 1, maxLength: 4 }), (parts, names) => {
      const [text, file] = [parts.join("/"), names.join("/")];
      assert.equal(
        compilePattern(text).matches(file),
        path.matchesGlob(file, text),
        `${text} on ${file}`,
      );
    }),
    { numRuns: 500 },
  );
});

test("patterns that hang backtracking matchers are done in no time", () => {
  const file = `${"a".repeat(250)}/`.repeat(16) + "a".repeat(250);
  for (const pattern of [
    `${"a*".repeat(100)}b`,
    `${"**/a*a*a*a*b/".repeat(20)}c`,
    "{a,{a,{a,a}}}*".repeat(3),
    `${"*".repeat(900)}b`,
  ]) {
    const started = process.cpuUsage();
    assert.equal(compilePattern(pattern).matches(file), false);
    const { user } = process.cpuUsage(started);
    assert.ok(user < 5_000_000, `${pattern.slice(0, 20)} took ${user / 1000} ms`);
  }
});

const facts = [
  { pattern: "src/lib/*.ts", prefix: "src/lib", depthMax: 3 },
  { pattern: "src/a.ts", prefix: "src", depthMax: 2 },
  { pattern: "*.ts", prefix: "", depthMax: 1 },
  { pattern: "src/**/x", prefix: "src", depthMax: Number.POSITIVE_INFINITY },
  { pattern: "{src,lib}/*.ts", prefix: "", depthMax: 2 },
];
for (const { pattern, prefix, depthMax } of facts) {
  test(`${pattern} is looked for below "${prefix}", ${depthMax} levels deep`, () => {
    const compiled = compilePattern(pattern);
    assert.deepEqual([compiled.prefix, compiled.depthMax], [prefix, depthMax]);
  });
}

for (const pattern of ["../x", "a/../../x", "{..,a}/x", "a".repeat(2_000), "{a,b}".repeat(10)]) {
  test(`${pattern.slice(0, 20)} is refused`, () => {
    assert.throws(() => compilePattern(pattern), { code: "LEG4026" });
  });
}
