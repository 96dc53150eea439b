// Goal: every way in which a provider misbehaves ends in one error that names it for what it is, in time.
// Method: a model server on 127.0.0.1 that misbehaves as a row says; short times in place of the usual ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../lib/codes.ts";
import { ask, chatEndpoint } from "../../testing/chat-client.ts";
import type { ModelReply } from "../../testing/model-reply.ts";
import { startModelServer } from "../../testing/model-server.ts";
import type { Outcome } from "../contract.ts";
import type { ChatEndpoint } from "./openai-chat.ts";

const sse = "text/event-stream";
const chunk = (delta: object, finish: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] });

interface FaultRow {
  readonly name: string;
  readonly reply: ModelReply;
  readonly outcome: Outcome;
  readonly code: ErrorCode;
  readonly says?: RegExp;
  readonly endpoint?: Partial<ChatEndpoint>;
}

const times = { firstByteMs: 150, idleMs: 150, totalMs: 600 };
const half = '{"choices":[{"index":0,"message":{"role":"assistant","content":"hal';

const faults: readonly FaultRow[] = [
  {
    name: "R14: a web page under 200",
    reply: { body: "<html><script>x()</script><h1>Sign in</h1></html>", contentType: "text/html" },
    outcome: "malformed",
    code: "LEG5020",
    says: /web page: "Sign in"/,
  },
  {
    name: "R14: a web page that calls itself a stream",
    reply: { body: "<html>Sign in</html>", contentType: sse },
    outcome: "malformed",
    code: "LEG5020",
    says: /web page/,
  },
  {
    name: "R14: an empty body",
    reply: { body: "" },
    outcome: "malformed",
    code: "LEG5020",
    says: /is empty/,
  },
  {
    name: "R14: an empty stream",
    reply: { body: "", contentType: sse },
    outcome: "malformed",
    code: "LEG5020",
    says: /is empty/,
  },
  {
    name: "R14: bytes that are not UTF-8",
    reply: { body: Buffer.from([0x7b, 0x22, 0xff, 0xfe]) },
    outcome: "malformed",
    code: "LEG5020",
    says: /not valid UTF-8/,
  },
  {
    name: "R14: a stream that ends within a character",
    reply: {
      body: Buffer.concat([Buffer.from("data: "), Buffer.from([0xe2, 0x82])]),
      contentType: sse,
    },
    outcome: "malformed",
    code: "LEG5020",
    says: /not valid UTF-8/,
  },
  {
    name: "R14: half a JSON value",
    reply: { body: half },
    outcome: "malformed",
    code: "LEG5020",
    says: /is not JSON/,
  },
  {
    name: "R14: half a JSON value in a chunk",
    reply: { body: `data: ${half}\n\ndata: [DONE]\n\n`, contentType: sse },
    outcome: "malformed",
    code: "LEG5020",
    says: /not JSON/,
  },
  {
    name: "R14: a chunk that is not an object",
    reply: { body: "data: 7\n\n", contentType: sse },
    outcome: "malformed",
    code: "LEG5020",
  },
  {
    name: "R14: JSON without an answer",
    reply: { body: '{"detail":"ready"}' },
    outcome: "malformed",
    code: "LEG5020",
    says: /no answer: "\{"detail":"ready"\}"/,
  },
  {
    name: "R14: a stream that ends at once",
    reply: { body: "data: [DONE]\n\n", contentType: sse },
    outcome: "malformed",
    code: "LEG5020",
  },
  {
    name: "R14: a body above the cap",
    reply: { text: "x".repeat(200_000) },
    outcome: "malformed",
    code: "LEG5021",
    says: /larger than 100 KiB/,
    endpoint: { maxResponseBytes: 102_400 },
  },
  {
    name: "R14: a stream of content that never ends",
    reply: {
      body: "",
      contentType: sse,
      fault: { kind: "endless", text: `data: ${chunk({ content: "on and on " })}\n\n`, everyMs: 1 },
    },
    outcome: "malformed",
    code: "LEG5021",
    endpoint: { maxResponseBytes: 4_096, stream: true },
  },
  {
    name: "R14: a slow stream of content that never ends",
    reply: {
      body: "",
      contentType: sse,
      fault: { kind: "endless", text: `data: ${chunk({ content: "on" })}\n\n`, everyMs: 20 },
    },
    outcome: "timeout",
    code: "LEG5016",
    says: /within 600 ms/,
  },
  {
    name: "R14: a stream of keep-alive comments that never ends",
    reply: {
      body: "",
      contentType: sse,
      fault: { kind: "endless", text: ": still here\n\n", everyMs: 20 },
    },
    outcome: "timeout",
    code: "LEG5015",
    says: /no content for 150 ms/,
  },
  {
    name: "R14: empty chunks that never end",
    reply: {
      body: "",
      contentType: sse,
      fault: { kind: "endless", text: `data: ${chunk({ content: "" })}\n\n`, everyMs: 20 },
    },
    outcome: "timeout",
    code: "LEG5015",
  },
  {
    name: "R14: a body that comes one byte in a long time",
    reply: { text: "slow", fault: { kind: "drip", bytes: 1, everyMs: 100 } },
    outcome: "timeout",
    code: "LEG5015",
  },
  {
    name: "a stream that stops in its middle",
    reply: { text: "Hello, world", fault: { kind: "stall", afterBytes: 500 } },
    outcome: "timeout",
    code: "LEG5015",
  },
  {
    name: "spaces that keep an answer waiting",
    reply: {
      body: " ",
      contentType: "application/json",
      fault: { kind: "endless", text: " ", everyMs: 20 },
    },
    outcome: "timeout",
    code: "LEG5015",
  },
  {
    name: "R17: a server that accepts and never answers",
    reply: { fault: { kind: "silence" } },
    outcome: "timeout",
    code: "LEG5014",
    says: /begin to respond within 150 ms/,
  },
  {
    name: "R17: a connection that is reset",
    reply: { fault: { kind: "reset" } },
    outcome: "connection",
    code: "LEG5013",
  },
  {
    name: "R17: a connection that is lost in the middle",
    reply: { text: "Hello, world", fault: { kind: "cut", afterBytes: 400 } },
    outcome: "connection",
    code: "LEG5013",
  },
  {
    name: "R15: 408",
    reply: { error: { status: 408 } },
    outcome: "overloaded",
    code: "LEG5034",
    says: /answered 408 Request Timeout/,
  },
  { name: "R15: 425", reply: { error: { status: 425 } }, outcome: "overloaded", code: "LEG5034" },
  {
    name: "R15: 429",
    reply: { error: { status: 429, message: "slow down. See https://example.com/billing" } },
    outcome: "rate_limited",
    code: "LEG5033",
    says: /slow down/,
  },
  {
    name: "429 for an empty account",
    reply: {
      status: 429,
      body: '{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}',
    },
    outcome: "billing",
    code: "LEG5031",
  },
  {
    name: "R15: 500",
    reply: { error: { status: 500, message: "boom" } },
    outcome: "server_error",
    code: "LEG5035",
    says: /answered 500 Internal Server Error for model model-1: boom/,
  },
  { name: "R15: 503", reply: { error: { status: 503 } }, outcome: "overloaded", code: "LEG5034" },
  {
    name: "a 502 with a web page",
    reply: {
      status: 502,
      body: "<html><body><h1>Bad  Gateway</h1></body></html>",
      contentType: "text/html",
    },
    outcome: "server_error",
    code: "LEG5035",
    says: /: Bad Gateway$/,
  },
  {
    name: "400",
    reply: { error: { status: 400, message: "unknown parameter" } },
    outcome: "invalid_request",
    code: "LEG5036",
  },
  {
    name: "400 for a long conversation",
    reply: {
      status: 400,
      body: '{"error":{"message":"too long","code":"context_length_exceeded"}}',
    },
    outcome: "context_overflow",
    code: "LEG5037",
  },
  {
    name: "400 for a long conversation, in words only",
    reply: {
      status: 400,
      body: '{"message":"This model\'s maximum context length is 8192 tokens."}',
    },
    outcome: "context_overflow",
    code: "LEG5037",
  },
  {
    name: "400 by a policy",
    reply: { status: 400, body: '{"error":{"message":"filtered","code":"content_filter"}}' },
    outcome: "refused",
    code: "LEG5038",
  },
  {
    name: "400 for output that fits no tool",
    reply: {
      status: 400,
      body: '{"error":{"message":"Failed to call a function","code":"tool_use_failed"}}',
    },
    outcome: "malformed",
    code: "LEG5039",
  },
  { name: "401", reply: { error: { status: 401 } }, outcome: "unauthorised", code: "LEG5030" },
  { name: "402", reply: { error: { status: 402 } }, outcome: "billing", code: "LEG5031" },
  { name: "403", reply: { error: { status: 403 } }, outcome: "unauthorised", code: "LEG5030" },
  { name: "404", reply: { error: { status: 404 } }, outcome: "model_missing", code: "LEG5032" },
  { name: "413", reply: { error: { status: 413 } }, outcome: "context_overflow", code: "LEG5037" },
  {
    name: "422 in the words of another server",
    reply: { status: 422, body: '{"detail":"temperature: too hot"}' },
    outcome: "invalid_request",
    code: "LEG5036",
    says: /temperature: too hot/,
  },
  {
    name: "an error as a list",
    reply: { status: 400, body: '[{"error":{"message":"bad key name"}}]' },
    outcome: "invalid_request",
    code: "LEG5036",
    says: /bad key name/,
  },
  {
    name: "a JSON error under 200",
    reply: { body: '{"error":{"message":"no capacity","code":502}}' },
    outcome: "server_error",
    code: "LEG5035",
    says: /no capacity/,
  },
  {
    name: "a JSON error as text under 200",
    reply: { body: '{"error":"model is loading"}' },
    outcome: "server_error",
    code: "LEG5035",
    says: /reported an error for model model-1: model is loading/,
  },
  {
    name: "an error in the middle of a stream",
    reply: {
      body: `data: ${chunk({ content: "Hel" })}\n\ndata: {"error":{"message":"worker died","type":"overloaded_error"}}\n\n`,
      contentType: sse,
    },
    outcome: "overloaded",
    code: "LEG5034",
  },
  {
    name: "an event named error",
    reply: {
      body: `data: ${chunk({ content: "Hel" })}\n\nevent: error\ndata: {"message":"worker died"}\n\n`,
      contentType: sse,
    },
    outcome: "server_error",
    code: "LEG5035",
    says: /worker died/,
  },
  {
    name: "a finish reason of error",
    reply: { body: `data: ${chunk({ content: "Hel" }, "error")}\n\n`, contentType: sse },
    outcome: "server_error",
    code: "LEG5035",
  },
  {
    name: "a stream that ends without a finish",
    reply: { body: `data: ${chunk({ content: "Hel" })}\n\n`, contentType: sse },
    outcome: "connection",
    code: "LEG5013",
    says: /before the answer was whole/,
  },
  {
    name: "S27: a redirect",
    reply: {
      status: 307,
      headers: { location: "https://elsewhere.example/v1?token=abc" },
      body: "",
    },
    outcome: "malformed",
    code: "LEG5022",
    says: /points to https:\/\/elsewhere\.example$/,
  },
];

for (const { name, reply, outcome, code, says = /test/, endpoint = {} } of faults) {
  test(`${name} is ${outcome}, ${code}`, async () => {
    await using server = await startModelServer([reply]);
    const startedMs = performance.now();
    const { error, done, toolCalls } = await ask(
      chatEndpoint(server.url, { timeouts: times, ...endpoint }),
    );
    assert.equal(done, undefined);
    assert.deepEqual(toolCalls, []);
    assert.deepEqual([error?.outcome, error?.code], [outcome, code], error?.message);
    assert.match(error?.message ?? "", says);
    assert.match(error?.message ?? "", /^[^\n]*[^.\n]$/, "one sentence without a full stop");
    assert.ok(performance.now() - startedMs < 3_000);
    assert.equal(server.requests.length, 1);
  });
}
