// Goal: a turn that is not to go on ends at once, says why, and leaves everything usable.
// Method: aborts and timeouts at each place where a turn waits; providers that fail.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createSandboxPool } from "../sandbox/pool.ts";
import { jsTool, testAgents } from "../testing/agent.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

/** Generous: a killed worker takes a second at most. */
const AT_ONCE_MS = 5_000;
const loop = { action: "eval_and_continue", code: "while (true) {}", result: "" };
const answer = { action: "return", result: "yes" };
const slowModel = { ...answer, delay: "1h" };
/** What the model says to the task that follows. */
const works = [
  { when: { lastContains: "Go on." }, action: "eval_and_continue", code: "1 + 1", result: "" },
  { when: { lastContains: "executed successfully" }, action: "done" },
];
const waiting = jsTool("waits", "async function forever() { await new Promise(() => {}); }", [
  "forever",
]);
const call = { action: "eval_and_continue", code: "await tools.waits.forever({})", result: "" };

const places = [
  { name: "in the middle of while(true){}", reply: loop, until: "legion.sandbox.eval.start" },
  { name: "while the model answers", reply: slowModel, until: "legion.llm.request.start" },
  { name: "while a tool runs", reply: call, until: "legion.tool.call.start" },
  {
    name: "while the answer is checked",
    reply: answer,
    until: "legion.tool.call.start",
    answerCheck: "waits.forever",
  },
] as const;

for (const { name, reply, until, ...rest } of places) {
  test(`an abort ${name} interrupts the turn at once, and the next turn works`, async () => {
    const spec = { tools: ["waits"], ...rest };
    const replies = [{ when: { lastContains: "Wait." }, ...reply }, ...works];
    const agent = await agents.create({ spec, objects: [waiting], replies });
    const abort = new AbortController();
    const reached = agent.next(until);
    const running = agent.run({ task: "Wait.", signal: abort.signal });
    await reached;
    const startedMs = performance.now();
    abort.abort();
    const result = await running;
    assert.ok(performance.now() - startedMs < AT_ONCE_MS);
    assert.ok(result.status === "cancel", JSON.stringify(result));
    assert.equal(result.reason, "interrupted");
    assert.equal(result.error.code, "LEG2023");
    const next = await agent.run({ task: "Go on." });
    assert.equal(next.status, "ok", JSON.stringify(next));
  });
}

test("a turn that is aborted before it begins asks no model", async () => {
  const agent = await agents.create({ replies: [answer] });
  const result = await agent.run({ signal: AbortSignal.abort() });
  assert.ok(result.status === "cancel");
  assert.equal(result.reason, "interrupted");
  assert.equal(result.iterations, 0);
  assert.equal(
    agent.events.some(({ kind }) => kind === "legion.llm.request.start"),
    false,
  );
});

test("a turn whose sandboxes are closed is terminated", async () => {
  const agent = await agents.create({
    spec: { tools: ["waits"] },
    objects: [waiting],
    replies: [call],
  });
  const own = createSandboxPool();
  const reached = agent.next("legion.tool.call.start");
  const running = agent.run({ pool: () => Promise.resolve(own) });
  await reached;
  await own.close();
  const result = await running;
  assert.ok(result.status === "cancel", JSON.stringify(result));
  assert.equal(result.reason, "terminated");
  assert.equal(result.error.code, "LEG2024");
});

test("the agent's own timeout ends the turn as timeout", async () => {
  const agent = await agents.create({ spec: { timeout: "200ms" }, replies: [loop] });
  const result = await agent.run();
  assert.ok(result.status === "cancel", JSON.stringify(result));
  assert.equal(result.reason, "timeout");
  assert.equal(result.error.message, "the turn was not finished within 200 ms");
});

test("a timeout of the caller is a timeout too", async () => {
  const agent = await agents.create({ replies: [slowModel] });
  const result = await agent.run({ signal: AbortSignal.any([AbortSignal.timeout(50)]) });
  assert.ok(result.status === "cancel");
  assert.equal(result.reason, "timeout");
  assert.equal(result.error.code, "LEG2022");
});

const outages = [
  { name: "a server error", error: { status: 500, message: "boom" } },
  { name: "a rate limit", error: { status: 429, message: "slow down" } },
  { name: "a refused key", error: { status: 401, message: "no" } },
];

for (const { name, error } of outages) {
  test(`${name} of the provider ends the turn as provider_failed and never reaches the conversation`, async () => {
    const failing = { when: { contains: " " }, error };
    const agent = await agents.create({ replies: [failing] });
    const result = await agent.run();
    assert.ok(result.status === "cancel", JSON.stringify(result));
    assert.equal(result.reason, "provider_failed");
    assert.match(result.error.code, /^LEG5/);
    assert.equal(result.retries, 0);
    assert.deepEqual(
      agent.session.messages.map(({ type }) => type),
      ["user"],
    );
  });
}
