// Goal: a scripted provider gives the same conversation every time, whatever was asked of it before.
// Method: tables of replies and conversations; conversations played step by step through the wire.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ScriptedReply } from "../../manifest/generated/provider.ts";
import { heard } from "../../testing/chat-client.ts";
import type { ChatMessage, ModelRequest, Outcome } from "../contract.ts";
import { scripted } from "./scripted.ts";

const endpoint = (replies: readonly ScriptedReply[]) => ({
  provider: "demo",
  model: "script",
  stream: true,
  replies,
});
const ask = async (
  replies: readonly ScriptedReply[],
  messages: readonly ChatMessage[],
  signal = new AbortController().signal,
  request: Partial<ModelRequest> = {},
) => heard(await Array.fromAsync(scripted({ messages, ...request }, endpoint(replies), signal)));

/** What the replies say to one user message after the other; each answer becomes part of the conversation. */
async function play(replies: readonly ScriptedReply[], said: readonly string[]): Promise<string[]> {
  const messages: ChatMessage[] = [{ role: "system", content: "You help." }];
  const answers: string[] = [];
  for (const content of said) {
    messages.push({ role: "user", content });
    const { text, error } = await ask(replies, messages);
    answers.push(error === undefined ? text : error.outcome);
    if (error === undefined) messages.push({ role: "assistant", content: text });
  }
  return answers;
}

const rows: readonly {
  readonly name: string;
  readonly replies: readonly ScriptedReply[];
  readonly said: readonly string[];
  readonly want: readonly string[];
}[] = [
  {
    name: "replies are used once each, in order",
    replies: [{ text: "1" }, { text: "2" }],
    said: ["a", "b", "c"],
    want: ["1", "2", "invalid_request"],
  },
  {
    name: "a reply whose condition holds comes first and takes none of the others",
    replies: [{ text: "1" }, { when: { lastContains: "who" }, text: "me" }, { text: "2" }],
    said: ["who?", "a", "who?", "b"],
    want: ["me", "1", "me", "2"],
  },
  {
    name: "the first condition that holds counts",
    replies: [
      { when: { contains: "a" }, text: "A" },
      { when: { contains: "b" }, text: "B" },
    ],
    said: ["b", "ab"],
    want: ["B", "A"],
  },
  {
    name: "contains looks at the whole conversation, from then on",
    replies: [{ text: "1" }, { text: "2" }, { when: { contains: "magic" }, text: "M" }],
    said: ["a", "magic", "b"],
    want: ["1", "M", "M"],
  },
  {
    name: "lastContains looks at the newest message only",
    replies: [{ text: "1" }, { when: { lastContains: "magic" }, text: "M" }],
    said: ["magic", "a"],
    want: ["M", "1"],
  },
  {
    name: "step counts the replies of the conversation",
    replies: [{ when: { step: 2 }, text: "second" }, { text: "1" }, { text: "2" }],
    said: ["a", "b", "c"],
    want: ["1", "second", "2"],
  },
  {
    name: "every field of a condition must hold",
    replies: [
      { when: { step: 2, lastContains: "x" }, text: "both" },
      { text: "1" },
      { text: "2" },
      { text: "3" },
    ],
    said: ["x", "a", "x"],
    want: ["1", "2", "3"],
  },
  {
    name: "an action is written as the JSON of the protocol",
    replies: [
      { action: "eval_and_complete", thought: "t", code: "1+1" },
      { action: "return", result: { a: [1] } },
    ],
    said: ["a", "b"],
    want: [
      '{"thought":"t","action":"eval_and_complete","code":"1+1","result":null}',
      '{"action":"return","code":"","result":{"a":[1]}}',
    ],
  },
];

for (const { name, replies, said, want } of rows) {
  test(name, async () => {
    assert.deepEqual(await play(replies, said), want);
    assert.deepEqual(await play(replies, said), want, "the second conversation is like the first");
  });
}

test("the reply never depends on what was asked before: conversations may be interleaved", async () => {
  const replies: readonly ScriptedReply[] = [
    { text: "1" },
    { text: "2" },
    { text: "3" },
    { when: { lastContains: "!" }, text: "!" },
  ];
  const conversation = fc.array(fc.constantFrom("a", "b!"), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(conversation, conversation, async (first, second) => {
      const apart = [await play(replies, first), await play(replies, second)];
      assert.deepEqual(await Promise.all([play(replies, first), play(replies, second)]), apart);
    }),
    { numRuns: 50 },
  );
});

test("tool calls have ids that are unique in the conversation, and tokens are estimated", async () => {
  const replies: readonly ScriptedReply[] = [
    { toolCalls: [{ name: "read", arguments: { path: "a" } }] },
    { text: "12345", reasoning: "because", toolCalls: [{ name: "list" }] },
  ];
  const first = await ask(replies, [{ role: "user", content: "12345678" }]);
  assert.deepEqual(first.toolCalls, [{ id: "call_1", name: "read", arguments: '{"path":"a"}' }]);
  assert.deepEqual(
    [first.done?.finish, first.done?.usage.inputTokens, first.done?.usage.outputTokens],
    ["tool_calls", 2, 4],
  );
  const second = await ask(replies, [
    { role: "user", content: "12345678" },
    { role: "assistant", content: "", toolCalls: first.toolCalls },
    { role: "tool", content: "x", toolCallId: "call_1" },
  ]);
  assert.deepEqual(second.toolCalls, [{ id: "call_2", name: "list", arguments: "{}" }]);
  assert.deepEqual(
    [second.text, second.reasoning, second.done?.usage.reasoningTokens],
    ["12345", "because", 2],
  );
});

test("replies with calls are chosen by the step and by the newest result", async () => {
  const replies: readonly ScriptedReply[] = [
    { when: { lastContains: "Error" }, text: "It failed." },
    { when: { step: 1 }, toolCalls: [{ name: "read" }, { name: "list" }] },
    { text: "It worked." },
  ];
  const user: ChatMessage = { role: "user", content: "go" };
  const { toolCalls } = await ask(replies, [user]);
  assert.deepEqual(
    toolCalls.map(({ id, name }) => [id, name]),
    [
      ["call_1", "read"],
      ["call_2", "list"],
    ],
  );
  const after = async (result: string) => {
    const called: ChatMessage = { role: "assistant", content: "", toolCalls };
    const results = ["ok", result].map(
      (content, index): ChatMessage => ({ role: "tool", content, toolCallId: `call_${index + 1}` }),
    );
    return (await ask(replies, [user, called, ...results])).text;
  };
  assert.equal(await after("ok"), "It worked.");
  assert.equal(await after("Error: gone"), "It failed.");
});

test("the error without a reply left says how many there are", async () => {
  const { error } = await ask(
    [{ when: { contains: "z" }, text: "z" }],
    [{ role: "user", content: "a" }],
  );
  assert.deepEqual([error?.code, error?.outcome], ["LEG5060", "invalid_request"]);
  assert.match(
    error?.message ?? "",
    /demo has no scripted reply left: it has 1 reply, and none fits/,
  );
});

const statuses: readonly { readonly status: number; readonly want: Outcome }[] = [
  { status: 401, want: "unauthorised" },
  { status: 404, want: "model_missing" },
  { status: 429, want: "rate_limited" },
  { status: 500, want: "server_error" },
  { status: 503, want: "overloaded" },
];

for (const { status, want } of statuses) {
  test(`an error of status ${status} is ${want}, as over HTTP`, async () => {
    const { error } = await ask(
      [{ error: { status, message: "no" } }],
      [{ role: "user", content: "a" }],
    );
    assert.deepEqual([error?.outcome, error?.status], [want, status]);
    assert.match(error?.message ?? "", /demo answered \d+ .*: no$/);
  });
}

test("a delay ends when the caller stops", async () => {
  const controller = new AbortController();
  const asked = ask(
    [{ delay: "1h", text: "late" }],
    [{ role: "user", content: "a" }],
    controller.signal,
  );
  setImmediate(() => controller.abort());
  assert.equal((await asked).error?.outcome, "aborted");
  assert.equal(
    (await ask([{ delay: "1ms", text: "soon" }], [{ role: "user", content: "a" }])).text,
    "soon",
  );
});
