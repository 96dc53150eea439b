// Goal: what is sent of a conversation is always something that providers take: each call has one result behind it, and without
// functions there are neither.
// Method: a table of conversations; a property over random ones, cut anywhere as a crash or a limit would.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ChatMessage } from "../router/contract.ts";
import { chatMessages } from "./chat-messages.ts";
import type { Message } from "./session.ts";

const at = "2026-01-01T00:00:00.000Z";
const user = (text: string): Message => ({ type: "user", at, text });
const calls = (text: string, ...ids: readonly string[]): Message => ({
  ...{ type: "assistant", at, text },
  toolCalls: ids.map((id) => ({ id, name: "read", arguments: `{"id":"${id}"}` })),
});
const result = (toolCallId: string, text: string): Message => ({
  ...{ type: "tool_result", at, text, toolCallId },
});
const said = (messages: readonly Message[], mode: "code" | "tools") =>
  chatMessages("prompt", messages, mode).map(({ role, content, toolCalls, toolCallId }) => [
    role,
    content,
    ...(toolCalls === undefined ? [] : [toolCalls.map(({ id }) => id).join(" ")]),
    ...(toolCallId === undefined ? [] : [toolCallId]),
  ]);

const missing = "Error: no result, the turn ended before the call was answered";

const rows: readonly {
  readonly name: string;
  readonly mode?: "code";
  readonly messages: readonly Message[];
  readonly want: readonly (readonly string[])[];
}[] = [
  {
    name: "mode code: everything that is not the model's is the user's",
    mode: "code",
    messages: [
      user("go"),
      { type: "assistant", at, text: "{}" },
      { type: "eval_result", at, text: "1" },
      { type: "error", at, text: "no" },
    ],
    want: [
      ["user", "go"],
      ["assistant", "{}"],
      ["user", "1"],
      ["user", "no"],
    ],
  },
  {
    name: "mode tools: calls and their results",
    messages: [user("go"), calls("I look.", "a", "b"), result("a", "1"), result("b", "2")],
    want: [
      ["user", "go"],
      ["assistant", "I look.", "a b"],
      ["tool", "1", "a"],
      ["tool", "2", "b"],
    ],
  },
  {
    name: "results stand in the order of the calls",
    messages: [calls("", "a", "b"), result("b", "2"), result("a", "1")],
    want: [
      ["assistant", "", "a b"],
      ["tool", "1", "a"],
      ["tool", "2", "b"],
    ],
  },
  {
    name: "a call without a result gets one, also when the next message is the user's",
    messages: [calls("", "a", "b"), result("a", "1"), user("and?")],
    want: [
      ["assistant", "", "a b"],
      ["tool", "1", "a"],
      ["tool", missing, "b"],
      ["user", "and?"],
    ],
  },
  {
    name: "the same id may come again later",
    messages: [calls("", "a"), result("a", "1"), calls("", "a"), result("a", "2")],
    want: [
      ["assistant", "", "a"],
      ["tool", "1", "a"],
      ["assistant", "", "a"],
      ["tool", "2", "a"],
    ],
  },
  {
    name: "a result whose call is gone is text of the user",
    messages: [result("a", "1"), user("and?")],
    want: [
      ["user", "Result of a call:\n1"],
      ["user", "and?"],
    ],
  },
  {
    name: "mode code after mode tools: calls and results are told in words",
    mode: "code",
    messages: [user("go"), calls("I look.", "a"), result("a", "1"), calls("", "b")],
    want: [
      ["user", "go"],
      ["assistant", 'I look.\nCalled read({"id":"a"})'],
      ["user", "Result of a call:\n1"],
      ["assistant", 'Called read({"id":"b"})'],
    ],
  },
];

for (const { name, mode = "tools", messages, want } of rows) {
  test(name, () => {
    assert.deepEqual(said(messages, mode), [["system", "prompt"], ...want]);
  });
}

const id = fc.constantFrom("a", "b", "c");
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.constant(user("go")),
  fc.uniqueArray(id, { maxLength: 3 }).map((ids) => calls("", ...ids)),
  id.map((one) => result(one, "1")),
  fc.constant<Message>({ type: "error", at, text: "no" }),
);

test("whatever is left of a conversation, each call is followed by its one result, and no result comes without a call", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 12 }), (messages) => {
      const rest: ChatMessage[] = chatMessages("prompt", messages, "tools").slice(1);
      while (rest.length > 0) {
        const [message] = rest.splice(0, 1);
        assert.notEqual(message?.role, "tool");
        const ids = (message?.toolCalls ?? []).map((call) => call.id);
        const results = rest.splice(0, ids.length);
        assert.deepEqual(
          results.map(({ role, toolCallId }) => [role, toolCallId]),
          ids.map((one) => ["tool", one]),
        );
      }
      const inCode = chatMessages("prompt", messages, "code");
      assert.equal(inCode.length, messages.length + 1);
      for (const { role, toolCalls } of inCode) {
        assert.notEqual(role, "tool");
        assert.equal(toolCalls, undefined);
      }
    }),
    { numRuns: 300 },
  );
});
