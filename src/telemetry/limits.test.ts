// Goal: an event carries a short answer whole and of a long one the beginning.
// Method: answers around the limit.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../lib/json.ts";
import type { LegionEvent } from "./events.ts";
import { VALUE_CHARS_MAX, withinLimits } from "./limits.ts";

const stopped = (value: Json): LegionEvent => ({
  ...{ id: "1", at: "2026-01-01T00:00:00.000Z", agent: "a", run: "r" },
  kind: "legion.agent.stopped",
  data: { status: "ok", iterations: 1, durationMs: 1, value },
});
const dataOf = (value: Json) => {
  const { kind, data } = withinLimits(stopped(value));
  assert.ok(kind === "legion.agent.stopped");
  return data;
};

test("a short answer stays as it is, whatever its type", () => {
  const longest = "x".repeat(VALUE_CHARS_MAX);
  for (const value of [null, 0, "", { list: [1, "two"] }, longest]) {
    assert.deepEqual(dataOf(value), stopped(value).data);
  }
});

test("of a long answer the beginning of its text is kept, and that it was cut", () => {
  const text = dataOf("x".repeat(VALUE_CHARS_MAX + 1));
  assert.deepEqual([text.value, text.isValueCut], ["x".repeat(VALUE_CHARS_MAX), true]);
  const list = dataOf(Array.from({ length: VALUE_CHARS_MAX }, () => 1));
  assert.equal(String(list.value).slice(0, 5), "[1,1,");
  assert.deepEqual([String(list.value).length, list.isValueCut], [VALUE_CHARS_MAX, true]);
});

test("no pair of surrogates is torn apart", () => {
  const { value } = dataOf(`x${"😀".repeat(VALUE_CHARS_MAX)}`);
  assert.ok(String(value).isWellFormed());
});
