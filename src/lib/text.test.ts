// Goal: cutting by bytes never splits a character and never exceeds the limit; suggestions are near.
// Method: random texts through both cutters; a table of misspelt names.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { suggest } from "./suggest.ts";
import { byteLength, count, headBytes, tailBytes } from "./text.ts";

test("head and tail never exceed the limit, and are a prefix and a suffix of whole characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.nat(80), (text, maxBytes) => {
      const [head, tail] = [headBytes(text, maxBytes), tailBytes(text, maxBytes)];
      assert.ok(byteLength(head) <= maxBytes && byteLength(tail) <= maxBytes);
      assert.ok(text.startsWith(head) && text.endsWith(tail));
      assert.ok(head.isWellFormed() && tail.isWellFormed());
      if (byteLength(text) <= maxBytes) assert.ok(head === text && tail === text);
      else
        assert.ok(
          byteLength(head) > maxBytes - 4 && byteLength(tail) > maxBytes - 4,
          "at most one character short",
        );
    }),
  );
});

const names = ["model", "tools", "maxRetries", "maxIterations", "kv", "run", "kind", "openai-chat"];
const misspelt: [name: string, want: string | undefined][] = [
  ["modle", "model"],
  ["Model", "model"],
  ["maxIteration", "maxIterations"],
  ["kw", "kv"],
  ["rnu", "run"],
  ["kidn", "kind"],
  ["metadata", undefined],
  ["openai", "openai-chat"],
  ["maxIters", "maxIterations"],
  ["maxRetry", "maxRetries"],
  ["max", "maxRetries"],
  ["OpenAI", "openai-chat"],
  ["to", undefined],
  ["temperature", undefined],
  ["", undefined],
];

for (const [name, want] of misspelt) {
  test(`"${name}" suggests ${want ?? "nothing"}`, () => assert.equal(suggest(name, names), want));
}

test("counts agree with their noun", () => {
  assert.deepEqual(
    [count(1, "tool"), count(2, "tool"), count(0, "entry", "entries")],
    ["1 tool", "2 tools", "0 entries"],
  );
});
