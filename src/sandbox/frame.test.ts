// Goal: a code frame points at the place, whatever the line holds.
// Method: a table of texts and positions with the frame that is wanted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeFrame, positionAt } from "./frame.ts";

const rows = [
  {
    name: "one line",
    text: "foo.bar",
    position: { line: 1, column: 5 },
    want: "> 1 | foo.bar\n    |     ^",
  },
  {
    name: "two lines of context on each side",
    text: "1\n2\n3\n4\n5\n6",
    position: { line: 4, column: 1 },
    want: "  2 | 2\n  3 | 3\n> 4 | 4\n    | ^\n  5 | 5\n  6 | 6",
  },
  {
    name: "numbers are aligned",
    text: Array.from({ length: 11 }, (_, index) => `line${index + 1}`).join("\n"),
    position: { line: 9, column: 2 },
    want: "   7 | line7\n   8 | line8\n>  9 | line9\n     |  ^\n  10 | line10\n  11 | line11",
  },
  {
    name: "tabs count as one",
    text: "\tx",
    position: { line: 1, column: 2 },
    want: "> 1 |  x\n    |  ^",
  },
];

for (const { name, text, position, want } of rows) {
  test(name, () => assert.equal(codeFrame(text, position), want));
}

test("a long line is cut around the place", () => {
  const text = `${"a".repeat(5000)}X${"b".repeat(5000)}`;
  const [line = "", caret = ""] = codeFrame(text, { line: 1, column: 5001 }).split("\n");
  assert.ok(line.length < 140);
  assert.equal(line[caret.indexOf("^")], "X");
});

test("line and column count from one", () => {
  assert.deepEqual(positionAt("ab\ncd", 0), { line: 1, column: 1 });
  assert.deepEqual(positionAt("ab\ncd", 4), { line: 2, column: 2 });
});
