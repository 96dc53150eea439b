// Goal: pasted text is one message, however its bytes come, and typed keys are left alone.
// Method: a paste between typed lines, cut into two chunks at every place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASTED_BREAK, pasteText } from "./pasted-input.ts";

const typed = "hello\r\x1b[200~one\ntwo\r\nthree\x1b[201~ end\r";
const wanted = `hello\rone${PASTED_BREAK}two${PASTED_BREAK}three end\r`;

test("a paste is one line wherever it is cut", () => {
  for (let at = 0; at <= typed.length; at += 1) {
    // A line break that is cut in two is two breaks: terminals send one character for it.
    if (typed.slice(at - 1, at + 1) === "\r\n") continue;
    // A lone Escape is a key: terminals do not send a mark in such pieces.
    if (typed[at - 1] === "\x1b") continue;
    const text = pasteText();
    assert.equal(text(typed.slice(0, at)) + text(typed.slice(at)), wanted, `cut at ${at}`);
  }
});

test("keys that begin like a mark come at once", () => {
  const text = pasteText();
  assert.equal(text("\x1b"), "\x1b");
  assert.equal(text("\x1b[A"), "\x1b[A");
});
