// Goal: every code of the language has a page whose wrong example is refused with that code and whose right one is taken.
// Method: the examples of all pages go through the checker; the bounds on pages are those that the checker has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isProblemCode, problemAdvice, problemPage } from "./problem-pages.ts";
import { type ProblemCode, problemTitles } from "./problems.ts";
import { checkTrigger } from "./trigger.ts";

const codes = Object.keys(problemTitles) as readonly ProblemCode[];
/** A text that breaks one of these is too long to be shown. */
const withoutExample: ReadonlySet<string> = new Set(["E304", "E305", "E306", "E307"]);

for (const code of codes) {
  test(`the page of ${code} is true`, () => {
    const { title, fix, example } = problemPage(code);
    assert.equal(title, problemTitles[code]);
    assert.match(fix, /^[A-Za-z].*\.$/);
    assert.equal(example === undefined, withoutExample.has(code));
    if (example === undefined) return;
    const { source = "httpPoll" } = problemAdvice[code];
    const refused = checkTrigger(example.wrong, { source });
    assert.equal(refused.errors[0]?.code, code, JSON.stringify(refused.errors));
    assert.deepEqual(checkTrigger(example.right, { source }).errors, []);
  });
}

test("nothing else is a code of the language", () => {
  assert.deepEqual(["E401", "E400", "LEG1115", "toString"].map(isProblemCode), [
    true,
    false,
    false,
    false,
  ]);
});
