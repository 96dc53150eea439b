// Goal: a message never has more bytes than allowed, and says exactly how many are left out.
// Method: a table of texts, and a property test over arbitrary Unicode texts and limits.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byteLength } from "../lib/text.ts";
import { MESSAGE_BYTES_MIN, truncate } from "./truncate.ts";

const rows = [
  { name: "a short text stays whole", text: "short", maxBytes: 200, want: /^short$/ },
  {
    name: "a text of exactly the limit stays whole",
    text: "x".repeat(200),
    maxBytes: 200,
    want: /^x{200}$/,
  },
  {
    name: "a text one byte over the limit keeps head and tail",
    text: `head${"x".repeat(193)}tail`,
    maxBytes: 200,
    want: /^headx*\n\[\.\.\. truncated \d+ bytes \.\.\.\]\nx*tail$/,
  },
  {
    name: "with a handle it says how to get the whole",
    text: "x".repeat(1000),
    maxBytes: 300,
    handle: "m1",
    want: /\n\[\.\.\. truncated \d+ bytes \.\.\.\] await recall\("m1"\) returns the whole text\n/,
  },
  {
    name: "a character of four bytes is never split",
    text: "😀".repeat(500),
    maxBytes: 333,
    want: /^(😀)+\n\[.*\]\n(😀)+$/u,
  },
  {
    name: "infinity cuts nothing",
    text: "x".repeat(1e6),
    maxBytes: Number.POSITIVE_INFINITY,
    want: /^x{1000000}$/,
  },
];

for (const { name, text, maxBytes, handle, want } of rows) {
  test(name, () => assert.match(truncate(text, maxBytes, handle), want));
}

test("never over the limit, and head, tail and the number of bytes left out always add up", () => {
  const texts = fc.string({ unit: "binary", minLength: 0, maxLength: 2000 });
  const limits = fc.integer({ min: MESSAGE_BYTES_MIN, max: 3000 });
  fc.assert(
    fc.property(
      texts,
      limits,
      fc.option(fc.constant("m12"), { nil: undefined }),
      (text, maxBytes, handle) => {
        const cut = truncate(text, maxBytes, handle);
        assert.ok(byteLength(cut) <= maxBytes);
        if (byteLength(text) <= maxBytes) return assert.equal(cut, text);
        const parts = /^(.*)\n\[\.\.\. truncated (\d+) bytes \.\.\.\][^\n]*\n(.*)$/su.exec(cut);
        const [, head = "", left = "", tail = ""] = parts ?? [];
        assert.ok(parts !== null && text.startsWith(head) && text.endsWith(tail));
        assert.equal(Number(left), byteLength(text) - byteLength(head) - byteLength(tail));
      },
    ),
  );
});
