// Goal: wrapped text fits its width on a terminal, in every script, and loses nothing.
// Method: properties over random text with wide characters, and a few lines that can be read.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import stringWidth from "string-width";
import { forTerminal } from "../lib/text.ts";
import { wrapText } from "./wrap-text.ts";

test("it breaks at spaces, and within a word that is wider than a line", () => {
  assert.deepEqual(wrapText("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrapText("a\nb", 7), ["a", "b"]);
  assert.deepEqual(wrapText("日本語日本語", 5), ["日本", "語日", "本語"]);
  assert.deepEqual(wrapText("", 5), [""]);
});

test("always: each line fits, and all that is not a space is kept", () => {
  const text = fc.array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 30 }),
      fc.constantFrom(" ", "\n", "日本語", "👩‍👩‍👧"),
    ),
  );
  fc.assert(
    fc.property(text, fc.integer({ min: 8, max: 40 }), (parts, width) => {
      const whole = parts.join(" ");
      const lines = wrapText(whole, width);
      for (const line of lines) assert.ok(stringWidth(line) <= width, JSON.stringify(line));
      assert.equal(lines.join("").replaceAll(/\s/g, ""), forTerminal(whole).replaceAll(/\s/g, ""));
    }),
  );
});
