// Goal: a turn ends in one transaction with its conversation and the answer of its message; what is no answer leaves no trace in the conversation; a new process finds all of it.
// Method: real services over a real journal and inbox; turns that end in every way; what is on disk is looked at.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { openSqliteInbox } from "../state/inbox-sqlite.ts";
import { jsTool } from "../testing/agent.ts";
import { type DurableOptions, durableRig } from "../testing/durable.ts";

const answer = { action: "return", result: "yes" };
const failing = { when: { contains: " " }, error: { status: 500, message: "boom" } };

/** A rig with a message that waits for its answer. */
async function rigWithMessage(options: DurableOptions) {
  const rig = await durableRig(options);
  const inbox = openSqliteInbox(rig.database, { clock: systemClock });
  await inbox.put({ id: "m1", uid: "uid", task: "Do it." });
  const message = { message: "m1", key: "message/m1/1", conversation: "main" };
  return { rig, inbox, message };
}

test("a turn that answers ends with its message and its conversation", async () => {
  const { rig, inbox, message } = await rigWithMessage({ replies: [answer] });
  await using _ = rig;
  const result = await rig.process().run(message);
  assert.equal(result.status, "ok");
  assert.equal(await inbox.count("uid"), 0);
  assert.deepEqual((await inbox.outcome("m1"))?.result, JSON.parse(JSON.stringify(result)));
  const kept = await rig.journal.conversation("uid", "main", 10);
  assert.deepEqual(
    kept?.messages.map(({ type }) => type),
    ["user", "assistant"],
  );
  const record = await rig.journal.run(result.run);
  assert.deepEqual(
    [record?.status, record?.message, record?.agent, record?.generation],
    ["ok", "m1", "tested", 1],
  );
  assert.equal(record?.tokens, result.usage.inputTokens + result.usage.outputTokens);
});

test("a turn that does not answer ends, and leaves the message and the conversation as they were", async () => {
  const { rig, inbox, message } = await rigWithMessage({ replies: [failing] });
  await using _ = rig;
  const result = await rig.process().run({ ...message, answers: ({ status }) => status === "ok" });
  assert.ok(result.status === "cancel" && result.reason === "provider_failed");
  assert.equal(await inbox.count("uid"), 1);
  assert.equal(await rig.journal.conversation("uid", "main", 10), undefined);
  const record = await rig.journal.run(result.run);
  assert.deepEqual([record?.status, record?.reason], ["cancel", "provider_failed"]);
});

test("a turn that the end of the process cuts short has no end, and the next process gives the message its answer", async () => {
  const slow = { ...answer, delay: "1h" };
  const { rig, inbox, message } = await rigWithMessage({ replies: [slow] });
  await using _ = rig;
  const abort = new AbortController();
  const running = rig.process().run({ ...message, signal: abort.signal });
  abort.abort(new LegionError({ code: "LEG2033", message: "the daemon ends", hint: "wait" }));
  const cut = await running;
  assert.ok(cut.status === "cancel");
  assert.equal((await rig.journal.run(cut.run))?.status, "running");
  assert.equal(await inbox.count("uid"), 1);
});

test("the next turn of a conversation reads it, in another process too, with its variables where they last", async () => {
  for (const bindingScope of ["conversation", "turn"]) {
    const replies = [
      { when: { lastContains: "First" }, action: "eval_and_complete", code: "var a = 41; 'set'" },
      { when: { lastContains: "Second" }, action: "eval_and_complete", code: "typeof a" },
    ];
    await using rig = await durableRig({ spec: { bindingScope }, replies });
    const conversation = "main";
    await rig.process().run({ key: "1", conversation, task: "First." });
    const second = await rig.process().run({ key: "2", conversation, task: "Second." });
    assert.ok(second.status === "ok", JSON.stringify(second));
    assert.equal(second.value, bindingScope === "conversation" ? "number" : "undefined");
    const kept = await rig.journal.conversation("uid", conversation, 10);
    assert.equal(kept?.messages.length, 6);
    assert.equal(kept?.turns, 2);
    assert.equal(kept?.snapshot !== undefined, bindingScope === "conversation");
  }
});

test("a run goes on under the generation and with the tools that it began with", async () => {
  const tool = (text: string) =>
    jsTool("teller", `async function tell() { return ${JSON.stringify(text)}; }`, ["tell"]);
  const replies = [{ action: "eval_and_complete", code: "await tools.teller.tell({})" }];
  const spec = { tools: ["teller"], outputSchema: {} };
  await using rig = await durableRig({ spec, replies, objects: [tool("old")] });
  await assert.rejects(rig.process({ cut: { at: 2, isWritten: true } }).run());
  const changed = { ...rig.agent, spec: { ...rig.agent.spec, tools: [], maxIterations: 1 } };
  const result = await rig.process().run({ agent: changed, generation: 2, task: "Another." });
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "old");
  assert.equal((await rig.journal.run(result.run))?.generation, 1);
});

test("a run whose record is damaged is not gone on with, and says so", async () => {
  await using rig = await durableRig({ replies: [answer] });
  await assert.rejects(rig.process({ cut: { at: 3, isWritten: false } }).run());
  const run = (await rig.journal.unfinished())[0]?.run ?? "";
  rig.database.query("UPDATE steps SET body = x'00' WHERE run = ? AND seq = 1", run);
  await assert.rejects(rig.process().run(), { code: "LEG6062" });
});

test("what cannot be written ends the turn without an end, and it goes on when it can be", async () => {
  await using rig = await durableRig({ replies: [answer] });
  await assert.rejects(rig.process({ cut: { at: 2, isWritten: false } }).run(), /dead/);
  assert.equal((await rig.journal.unfinished()).length, 1);
  const result = await rig.process().run();
  assert.equal(result.status, "ok");
  assert.equal((await rig.journal.unfinished()).length, 0);
});
