// Goal: the fake model server says what its script says, and keeps what it was asked.
// Method: plain requests over HTTP.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ModelServer, startModelServer } from "./model-server.ts";

async function post({ url }: ModelServer, body: object): Promise<{ status: number; text: string }> {
  const headers = { "x-test": "1" };
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const said = (content: string, stream = false) => ({
  model: "m",
  stream,
  messages: [{ role: "user", content }],
});

test("replies with when are chosen by the conversation, the others are used in order, then it says 500", async () => {
  await using server = await startModelServer([
    { text: "one" },
    { when: { contains: "who" }, text: "me" },
    { text: "two" },
  ]);
  const answers = [];
  for (const content of ["a", "who?", "b", "c"]) answers.push(await post(server, said(content)));
  assert.deepEqual(
    answers.map(({ status, text }) => JSON.parse(text).choices?.[0].message.content ?? status),
    ["one", "me", "two", 500],
  );
  assert.deepEqual(
    server.requests.map(({ path, headers, body }) => [path, headers["x-test"], body.stream]),
    Array(4).fill(["/v1/chat/completions", "1", false]),
  );
});

test("a stream begins with the role, carries usage only when asked, and ends in [DONE]", async () => {
  await using server = await startModelServer(() => ({ text: "hello, world" }));
  const plain = await post(server, said("a", true));
  const counted = await post(server, {
    ...said("a", true),
    stream_options: { include_usage: true },
  });
  assert.match(plain.text, /^data: \{.*"delta":\{"role":"assistant"/);
  assert.ok(plain.text.endsWith("data: [DONE]\n\n"));
  assert.deepEqual(
    [plain, counted].map(({ text }) => text.includes('"usage"')),
    [false, true],
  );
});

test("closing ends the requests that still wait", async () => {
  const server = await startModelServer(() => ({ delay: "1h", text: "late" }));
  const waiting = assert.rejects(post(server, said("a")));
  while (server.requests.length === 0) await new Promise(setImmediate);
  await server.close();
  await waiting;
});
