// Goal: whatever a server sends, the wire never throws and always ends in exactly one done or error.
// Method: good responses with random damage, and random bytes, over HTTP; `ask` checks the end of each.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ask, chatEndpoint } from "../../testing/chat-client.ts";
import { type ModelReply, renderReply } from "../../testing/model-reply.ts";
import { startModelServer } from "../../testing/model-server.ts";

const good: ModelReply = {
  text: "Hello, wörld.",
  reasoning: "hm",
  toolCalls: [{ name: "read", arguments: { path: "a" } }],
};
const contentTypes = ["text/event-stream", "application/json", "text/html", "", "text/plain"];
const junk = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc
    .constantFrom(
      "null",
      '"',
      "{",
      "}",
      "[]",
      "\n\n",
      "data: ",
      "data: [DONE]\n\n",
      "\r",
      ": x\n",
      "1e999",
      '{"choices":null}',
      '"__proto__":{}',
    )
    .map((text) => Buffer.from(text)),
);

for (const stream of [true, false]) {
  test(`a damaged ${stream ? "stream" : "answer"} always ends in one done or error`, async () => {
    const { body } = renderReply(good, { model: "m", stream, includeUsage: true });
    let sent: ModelReply = good;
    await using server = await startModelServer(() => sent);
    const endpoint = chatEndpoint(server.url, { stream });
    let errors = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(body.length),
        fc.nat(40),
        junk,
        fc.constantFrom(...contentTypes),
        fc.integer({ min: 1, max: 500 }),
        async (at, removed, put, contentType, bytes) => {
          const damaged = Buffer.concat([body.subarray(0, at), put, body.subarray(at + removed)]);
          sent = { body: damaged, contentType, fault: { kind: "drip", bytes, everyMs: 0 } };
          errors += (await ask(endpoint)).error === undefined ? 0 : 1;
        },
      ),
      { numRuns: 150 },
    );
    assert.ok(errors > 0 && errors < 150, `${errors} of 150 were errors`);
  });
}

test("random JSON always ends in one done or error", async () => {
  let body = "";
  await using server = await startModelServer(() => ({ body, contentType: "application/json" }));
  const piece = fc.jsonValue({ maxDepth: 2 });
  const choice = fc.record(
    {
      index: fc.constantFrom(0, 1, "0", null),
      message: fc.oneof(
        piece,
        fc.record({ content: piece, tool_calls: piece, reasoning: piece, refusal: piece }),
      ),
      finish_reason: piece,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        piece,
        fc.record(
          { choices: fc.oneof(piece, fc.array(choice)), usage: piece, error: piece, model: piece },
          { requiredKeys: [] },
        ),
      ),
      async (value) => {
        body = JSON.stringify(value);
        await ask(chatEndpoint(server.url));
      },
    ),
    { numRuns: 150 },
  );
});
