// Goal: the wire says exactly what came back, however it came, and lets go of the connection as it should.
// Method: a model server on 127.0.0.1 that misbehaves as a row says; short times in place of the usual ones.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import type { ErrorCode } from "../../lib/codes.ts";
import { ask, chatEndpoint, hello } from "../../testing/chat-client.ts";
import type { ModelReply } from "../../testing/model-reply.ts";
import { startModelServer } from "../../testing/model-server.ts";
import { openaiChat } from "./openai-chat.ts";

const answers: readonly { readonly name: string; readonly reply: ModelReply }[] = [
  { name: "plain text", reply: { text: "Hello, world. It is a fine day." } },
  {
    name: "text with characters of two, three and four bytes",
    reply: { text: "é — 日本語 🎉 done" },
  },
  {
    name: "reasoning before the text",
    reply: { reasoning: "The user greets me, so I greet back.", text: "Hi." },
  },
  {
    name: "two tool calls",
    reply: { toolCalls: [{ name: "read", arguments: { path: "a.txt" } }, { name: "list" }] },
  },
  {
    name: "text and a tool call",
    reply: { text: "I look.", toolCalls: [{ name: "read", arguments: { path: "ü" } }] },
  },
  {
    name: "an answer cut at the limit of tokens",
    reply: { text: "Once upon a", finish: "length" },
  },
  { name: "an answer stopped by a filter", reply: { text: "Well", finish: "content_filter" } },
  {
    name: "cached and reasoning tokens",
    reply: {
      text: "ok",
      usage: {
        inputTokens: 900,
        outputTokens: 70,
        cacheReadTokens: 512,
        cacheWriteTokens: 64,
        reasoningTokens: 60,
      },
    },
  },
  {
    name: "an action of the agent protocol",
    reply: { action: "return", thought: "easy", result: { lines: [1, 2] } },
  },
  { name: "a refusal", reply: { refusal: "I cannot help with that." } },
];

for (const { name, reply } of answers) {
  test(`${name}: streamed, in single bytes and in one piece are the same`, async () => {
    await using server = await startModelServer((_, index) =>
      index === 1 ? { ...reply, fault: { kind: "drip", bytes: 1, everyMs: 0 } } : reply,
    );
    const streamed = await ask(chatEndpoint(server.url));
    const dripped = await ask(chatEndpoint(server.url));
    const whole = await ask(chatEndpoint(server.url, { stream: false }));
    assert.deepEqual(streamed, whole);
    assert.deepEqual(dripped, whole);
    assert.equal(whole.done === undefined, reply.refusal !== undefined);
    if (reply.refusal !== undefined) assert.equal(whole.error?.outcome, "refused");
    if (reply.text !== undefined) assert.equal(whole.text, reply.text);
    assert.equal(whole.toolCalls.length, reply.toolCalls?.length ?? 0);
  });
}

const sse = "text/event-stream";
const chunk = (delta: object, finish: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] });

const oddStreams: readonly {
  readonly name: string;
  readonly body: string;
  readonly contentType?: string;
  readonly text: string;
  readonly finish?: string;
}[] = [
  {
    name: "line ends of CR LF",
    body: `data: ${chunk({ content: "hi" })}\r\n\r\ndata: ${chunk({}, "stop")}\r\n\r\ndata: [DONE]\r\n\r\n`,
    text: "hi",
  },
  {
    name: "line ends of CR",
    body: `data: ${chunk({ content: "hi" })}\r\rdata: ${chunk({}, "stop")}\r\r`,
    text: "hi",
  },
  {
    name: "a byte order mark",
    body: `\ufeffdata: ${chunk({ content: "hi" }, "stop")}\n\n`,
    text: "hi",
  },
  {
    name: "no space after data:",
    body: `data:${chunk({ content: "hi" }, "stop")}\n\ndata:[DONE]\n\n`,
    text: "hi",
  },
  {
    name: "comments between the chunks",
    body: `: ping\n\ndata: ${chunk({ content: "h" })}\n\n: ping\n\ndata: ${chunk({ content: "i" }, "stop")}\n\n`,
    text: "hi",
  },
  { name: "no [DONE]", body: `data: ${chunk({ content: "hi" }, "stop")}\n\n`, text: "hi" },
  {
    name: "no blank line at the end",
    body: `data: ${chunk({ content: "hi" }, "stop")}`,
    text: "hi",
  },
  {
    name: "[DONE] and no finish reason",
    body: `data: ${chunk({ content: "hi" })}\n\ndata: [DONE]\n\n`,
    text: "hi",
    finish: "other",
  },
  {
    name: "empty data",
    body: `data:\n\ndata: ${chunk({ content: "hi" }, "stop")}\n\n`,
    text: "hi",
  },
  {
    name: "a second choice",
    body: `data: ${chunk({ content: "hi" }, "stop")}\n\ndata: {"choices":[{"index":1,"delta":{"content":"no"}}]}\n\n`,
    text: "hi",
  },
  {
    name: "no content type",
    contentType: "",
    body: `data: ${chunk({ content: "hi" }, "stop")}\n\n`,
    text: "hi",
  },
  {
    name: "an unknown finish reason",
    body: `data: ${chunk({ content: "hi" }, "novel")}\n\n`,
    text: "hi",
    finish: "other",
  },
  {
    name: "one JSON value in place of a stream",
    contentType: "application/json",
    body: '{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}',
    text: "hi",
  },
  {
    name: "one JSON value that calls itself a stream",
    body: '{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}',
    text: "hi",
  },
];

for (const { name, body, contentType = sse, text, finish = "stop" } of oddStreams) {
  test(`a stream with ${name} is understood`, async () => {
    await using server = await startModelServer([{ body, contentType }]);
    const result = await ask(chatEndpoint(server.url));
    assert.deepEqual([result.error, result.text, result.done?.finish], [undefined, text, finish]);
  });
}

test("calls that all have the index 0 are told apart by their ids", async () => {
  const call = (id: string, given: string) =>
    chunk({ tool_calls: [{ index: 0, id, function: { name: "read", arguments: given } }] });
  await using server = await startModelServer([
    {
      body: `data: ${call("a", "{}")}\n\ndata: ${call("b", "[]")}\n\ndata: ${chunk({}, "tool_calls")}\n\n`,
      contentType: sse,
    },
  ]);
  const { toolCalls } = await ask(chatEndpoint(server.url));
  assert.deepEqual(toolCalls, [
    { id: "a", name: "read", arguments: "{}" },
    { id: "b", name: "read", arguments: "[]" },
  ]);
});

test("pieces of parallel calls that come mixed are put together by their index", async () => {
  const piece = (index: number, given: string, more: object = {}) =>
    chunk({ tool_calls: [{ index, ...more, function: { arguments: given } }] });
  const begun = (index: number, id: string, name: string) =>
    chunk({ tool_calls: [{ index, id, function: { name, arguments: "" } }] });
  const chunks = [
    begun(0, "a", "read"),
    begun(1, "b", "list"),
    ...[piece(0, '{"p":'), piece(1, '{"q":'), piece(0, "1}"), piece(1, "2}")],
    chunk({}, "tool_calls"),
  ];
  const body = chunks.map((data) => `data: ${data}\n\n`).join("");
  await using server = await startModelServer([{ body, contentType: sse }]);
  const { toolCalls, done } = await ask(chatEndpoint(server.url));
  assert.deepEqual(toolCalls, [
    { id: "a", name: "read", arguments: '{"p":1}' },
    { id: "b", name: "list", arguments: '{"q":2}' },
  ]);
  assert.equal(done?.finish, "tool_calls");
});

const unanswered: readonly {
  readonly name: string;
  /** The base URL, from that of a server that runs no longer, or that still does. */
  readonly of: (url: string) => string;
  readonly runs?: boolean;
  readonly code: ErrorCode;
  readonly says: RegExp;
}[] = [
  {
    name: "a port that nothing listens on is not reachable",
    of: (url) => url,
    code: "LEG5011",
    says: /^nothing accepts connections there \(ECONNREFUSED\)$/,
  },
  {
    name: "a port that fetch refuses is not allowed",
    of: () => "http://127.0.0.1:9/v1",
    code: "LEG5017",
    says: /^fetch refuses to connect to this port \(bad port\)$/,
  },
  {
    name: "a host name without an address is not found",
    of: () => "http://legion.invalid/v1",
    code: "LEG5010",
    says: /^the name of the host has no address \((ENOTFOUND|EAI_AGAIN)\)$/,
  },
  {
    name: "TLS with a server that does not speak it fails as TLS",
    of: (url) => url.replace("http:", "https:"),
    runs: true,
    code: "LEG5012",
    says: /^TLS failed \(\w+\)$/,
  },
];

for (const { name, of, runs = false, code, says } of unanswered) {
  test(`R17: ${name}`, async () => {
    await using server = await startModelServer([]);
    const url = of(server.url);
    if (!runs) await server.close();
    const { error } = await ask(chatEndpoint(url));
    assert.deepEqual([error?.outcome, error?.code], ["connection", code]);
    const [before, after = ""] = (error?.message ?? "").split(" did not answer: ");
    assert.equal(before, `provider test at ${new URL(url).host}`);
    assert.match(after, says);
  });
}

test("R17: a server that answers with something else than HTTP is malformed", async () => {
  const server = createServer((socket) => {
    socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.6\r\n"));
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { error } = await ask(
    chatEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`),
  );
  server.close();
  assert.deepEqual([error?.outcome, error?.code], ["malformed", "LEG5020"]);
});

const retryHeaders: readonly {
  readonly name: string;
  readonly headers: Record<string, string>;
  readonly want: number | undefined;
}[] = [
  { name: "seconds", headers: { "retry-after": "7" }, want: 7_000 },
  { name: "parts of a second", headers: { "retry-after": "0.25" }, want: 250 },
  { name: "milliseconds", headers: { "retry-after-ms": "120", "retry-after": "1" }, want: 120 },
  { name: "a date", headers: { "retry-after": "Thu, 01 Jan 2026 00:00:20 GMT" }, want: 20_000 },
  { name: "a date gone by", headers: { "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, want: 0 },
  { name: "garbage", headers: { "retry-after": "soon" }, want: undefined },
  { name: "a negative number", headers: { "retry-after": "-5" }, want: undefined },
  { name: "nothing", headers: {}, want: undefined },
];

for (const { name, headers, want } of retryHeaders) {
  test(`R15: Retry-After of ${name} is ${want === undefined ? "ignored" : `${want} ms`}`, async () => {
    await using server = await startModelServer([{ error: { status: 429 }, headers }]);
    const { error } = await ask(chatEndpoint(server.url));
    assert.equal(error?.retryAfterMs, want);
  });
}

test("an abort before and in the middle of an answer ends it at once, and the server sees it", async () => {
  await using server = await startModelServer(() => ({
    text: "Hello, world",
    fault: { kind: "stall", afterBytes: 500 },
  }));
  assert.equal(
    (await ask(chatEndpoint(server.url), hello, AbortSignal.abort())).error?.outcome,
    "aborted",
  );
  const controller = new AbortController();
  const events = openaiChat(hello, chatEndpoint(server.url), controller.signal);
  assert.equal((await events.next()).value?.type, "text");
  controller.abort();
  const last = (await Array.fromAsync(events)).at(-1);
  assert.equal(last?.type === "error" && last.error.code, "LEG5040");
});

test("leaving the loop early cancels the request", async () => {
  const closed = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on("error", () => undefined).on("close", () => closed.resolve());
    socket.once("data", () =>
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: ${sse}\r\n\r\ndata: ${chunk({ content: "hi" })}\n\n`,
      ),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const events = openaiChat(
    hello,
    chatEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`),
    new AbortController().signal,
  );
  for await (const event of events) {
    assert.equal(event.type, "text");
    break;
  }
  await closed.promise;
  server.close();
});

test("answers one after the other share their connections", async () => {
  await using server = await startModelServer(() => ({ text: "Hello" }));
  for (const stream of [true, false, true, true, true, false, false, true]) {
    assert.equal((await ask(chatEndpoint(server.url, { stream }))).text, "Hello");
  }
  // Fetch itself takes a second one before it finds the first one free.
  assert.ok(server.connections <= 2, `${server.connections} connections`);
});

test("R14: a gigabyte is neither read nor kept", async () => {
  const piece = `data: ${chunk({ content: "x".repeat(64_000) })}\n\n`;
  await using server = await startModelServer(() => ({
    body: "",
    contentType: sse,
    fault: { kind: "endless", text: piece, everyMs: 0 },
  }));
  const before = process.memoryUsage().rss;
  const { error } = await ask(chatEndpoint(server.url, { maxResponseBytes: 8 * 1024 * 1024 }));
  assert.equal(error?.code, "LEG5021");
  assert.ok(process.memoryUsage().rss - before < 50 * 1024 * 1024);
});
