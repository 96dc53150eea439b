// Goal: a conversation keeps the newest messages, never more than it may, never a result without its call, and always the task at hand.
// Method: random turns of both modes into a log, looked at after each message; many turns, with the memory they take.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSession, type Message } from "../session.ts";
import { createMessageLog } from "./messages.ts";

const at = "2026-01-01T00:00:00.000Z";
const message = (type: Message["type"], text: string, more: Partial<Message> = {}): Message => ({
  ...{ type, text, at },
  ...more,
});

/** A step: an answer of code, or so many native calls with their results. */
const steps = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 });
const turns = fc.array(steps, { minLength: 1, maxLength: 20 });

/** The messages of a turn, one after the other. */
function* turnOf(number: number, calls: readonly number[]): Generator<Message> {
  yield message("user", `task ${number}`);
  for (const [step, count] of calls.entries()) {
    const ids = Array.from({ length: count }, (_, index) => `${number}.${step}.${index}`);
    const toolCalls = ids.map((id) => ({ id, name: "f", arguments: "{}" }));
    if (count === 0) {
      yield message("assistant", "{}");
      yield message("eval_result", "ok");
      continue;
    }
    yield message("assistant", "", { toolCalls });
    for (const toolCallId of ids) yield message("tool_result", "ok", { toolCallId });
  }
  yield message("assistant", "done");
}

test("the log is bounded, whole and has the task, whatever comes", () => {
  fc.assert(
    fc.property(turns, fc.integer({ min: 8, max: 40 }), (all, most) => {
      const log = createMessageLog([], most);
      for (const [number, calls] of all.entries()) {
        log.begin();
        const said: Message[] = [];
        for (const each of turnOf(number, calls)) {
          log.append(each);
          said.push(each);
          assert.ok(log.messages.length <= most, `${log.messages.length} of ${most}`);
          assert.deepEqual(log.added, said);
          assert.equal(log.messages.at(-1), each);
          assert.ok(log.messages.some(({ text }) => text === `task ${number}`));
          resultsHaveCalls(log.messages);
        }
        assert.equal(log.messages[0]?.type, "user");
      }
    }),
  );
});

function resultsHaveCalls(messages: readonly Message[]): void {
  const called = new Set<string>();
  for (const { type, toolCalls = [], toolCallId = "" } of messages) {
    for (const { id } of toolCalls) called.add(id);
    if (type === "tool_result") assert.ok(called.has(toolCallId), `${toolCallId} has no call`);
  }
}

test("a turn that is taken back leaves the log as it was, also what it had pushed out", () => {
  fc.assert(
    fc.property(turns, steps, fc.integer({ min: 8, max: 40 }), (all, last, most) => {
      const log = createMessageLog([], most);
      for (const [number, calls] of all.entries()) {
        log.begin();
        for (const each of turnOf(number, calls)) log.append(each);
      }
      const before = [...log.messages];
      log.begin();
      for (const each of turnOf(all.length, last)) log.append(each);
      log.abandon();
      assert.deepEqual(log.messages, before);
      assert.deepEqual(log.added, []);
    }),
  );
});

test("without a bound nothing is dropped", () => {
  const log = createMessageLog();
  for (let number = 0; number < 1_000; number += 1) log.append(message("user", `${number}`));
  assert.equal(log.messages.length, 1_000);
});

test("a session does not grow with its turns", () => {
  const session = createSession({ maxMessages: 50 });
  let number = 0;
  const run = (count: number) => {
    for (const end = number + count; number < end; number += 1) {
      session.begin();
      for (const each of turnOf(number, [0, 2, 0]))
        session.append({ ...each, text: "x".repeat(2_000) });
    }
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  run(500);
  const before = run(100);
  const after = run(2_000);
  assert.ok(session.messages.length <= 50);
  assert.equal(session.added.length, 9);
  // Each turn says 20 kB: a log that kept them would hold 40 MB more.
  assert.ok(after - before < 20_000_000, `${after - before} bytes more`);
});
