// Goal: of a reply that streams in, a person sees exactly the text that is meant for people, and never a half character.
// Method: cut whole replies at every place; what is shown only grows, and is the answer in the end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { spokenText } from "./spoken-text.ts";

const cases: readonly { readonly title: string; readonly reply: string; readonly said: string }[] =
  [
    { title: "plain text", reply: "Hello, Ada.", said: "Hello, Ada." },
    {
      title: "an answer",
      reply: JSON.stringify({ action: "return", code: "", result: "Hello, Ada." }),
      said: "Hello, Ada.",
    },
    {
      title: "an answer with escapes",
      reply: '{"action":"return","code":"","result":"a \\"b\\"\\n\\u00e9 \\\\ \\ud83d\\ude00"}',
      said: 'a "b"\né \\ 😀',
    },
    {
      title: "code is not for people",
      reply: JSON.stringify({ action: "eval_and_continue", code: "1 + 1", result: "no" }),
      said: "",
    },
    {
      title: "a result that is no text comes whole, later",
      reply: JSON.stringify({ action: "return", code: "", result: { a: 1 } }),
      said: "",
    },
  ];

for (const { title, reply, said } of cases) {
  test(`what is said: ${title}`, () => {
    let before = "";
    for (let end = 0; end <= reply.length; end += 1) {
      const now = spokenText(reply.slice(0, end));
      assert.ok(now.startsWith(before), `${before} then ${now}`);
      before = now;
    }
    assert.equal(before, said);
  });
}
