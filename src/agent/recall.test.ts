// Goal: what was cut can be fetched again, and what is kept for that is bounded.
// Method: texts into a store of a few bytes, and calls as the guest makes them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecall } from "./recall.ts";

test("the handle of a text returns the text", () => {
  const recall = createRecall();
  const first = recall.keep("one");
  const second = recall.keep("two");
  assert.deepEqual(recall.answer(first), { ok: true, value: "one" });
  assert.deepEqual(recall.answer(second), { ok: true, value: "two" });
});

test("the oldest text makes room for the newest", () => {
  const recall = createRecall(10);
  const [first, second, third] = ["aaaa", "bbbb", "cccc"].map(recall.keep);
  assert.equal(recall.answer(first).ok, false);
  assert.deepEqual(recall.answer(second), { ok: true, value: "bbbb" });
  assert.deepEqual(recall.answer(third), { ok: true, value: "cccc" });
});

test("a text that is larger than the store is not kept, and the store works on", () => {
  const recall = createRecall(10);
  const large = recall.keep("x".repeat(11));
  const small = recall.keep("ok");
  assert.equal(recall.answer(large).ok, false);
  assert.deepEqual(recall.answer(small), { ok: true, value: "ok" });
});

const wrong = [
  { name: "an unknown handle", argument: "m9" },
  { name: "no handle", argument: undefined },
  { name: "an object", argument: { handle: "m7692c3ad" } },
];

for (const { name, argument } of wrong) {
  test(`${name} is refused with the handles that there are`, () => {
    const recall = createRecall();
    recall.keep("one");
    const reply = recall.answer(argument);
    assert.ok(!reply.ok);
    assert.equal(reply.error.code, "LEG2047");
    assert.equal(reply.error.hint, 'the handles are: "m7692c3ad"');
  });
}
