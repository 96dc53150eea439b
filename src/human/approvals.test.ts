// Goal: an approval is good for the one call that a person saw, in its run, until it runs out, and for nothing else.
// Method: calls ask for approval, people decide or do not, processes end in between; then the same or another call asks again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalHash } from "../lib/hash.ts";
import { type TestPeople, testPeople } from "../testing/people.ts";
import type { CallApproval, CallDecision } from "./contract.ts";

const HOUR_MS = 3_600_000;
const yes = { type: "approve", by: "ada" } as const;

/** Asks, and decides as told. */
async function decided(
  desk: TestPeople,
  decision: Parameters<TestPeople["people"]["decide"]>[1],
  request?: Partial<CallApproval>,
): Promise<CallDecision> {
  const deciding = desk.approve(request);
  await desk.people.decide((await desk.opened()).id, decision);
  return deciding;
}

function refused(decision: CallDecision, code: string, message: RegExp): void {
  assert.ok(!decision.approved);
  assert.equal(decision.error.code, code, decision.error.message);
  assert.match(decision.error.message, message);
  assert.notEqual(decision.error.hint, "");
}

test("people see the call, and their yes lets it be made", async (t) => {
  const desk = await testPeople(t);
  const argument = { to: "a@b.c", lines: [1, 2] };
  const deciding = desk.approve({ argument });
  const question = await desk.opened();
  assert.equal(question.type, "approval");
  assert.equal(question.text, "may mail.send be called?");
  assert.deepEqual(question.call, { name: "mail.send", argument, hash: canonicalHash(argument) });
  await desk.people.decide(question.id, yes);
  assert.deepEqual(await deciding, { approved: true });
  assert.deepEqual(
    desk.events.map(({ kind }) => kind),
    ["legion.human.input_required", "legion.human.input_received"],
  );
});

test("a no has its reason and who said it", async (t) => {
  const desk = await testPeople(t);
  const no = { type: "deny", by: "ada", reason: "wrong address" } as const;
  refused(await decided(desk, no), "LEG2062", /mail\.send was not approved: ada denied it: wrong/);
  refused(await desk.approve(), "LEG2062", /ada denied it/);
});

test("no decision in time is a no, also when the call is made again", async (t) => {
  const desk = await testPeople(t);
  const deciding = desk.approve({ timeoutMs: HOUR_MS });
  await desk.opened();
  desk.time.advance(HOUR_MS);
  refused(await deciding, "LEG2062", /nobody decided in time/);
  refused(await desk.approve(), "LEG2062", /nobody decided in time/);
});

test("people are asked once for one call, also after a restart", async (t) => {
  const desk = await testPeople(t);
  assert.deepEqual(await decided(desk, yes), { approved: true });
  const next = await desk.restart();
  assert.deepEqual(await next.approve(), { approved: true });
  assert.equal((await next.questions.list({ state: "all" })).length, 1);
});

test("an approval that comes before anyone waits is good", async (t) => {
  const desk = await testPeople(t);
  const ended = assert.rejects(desk.approve(), { code: "LEG2067" });
  const { id } = await desk.opened();
  const next = await desk.restart();
  await ended;
  await next.people.decide(id, yes);
  assert.deepEqual(await next.approve(), { approved: true });
});

test("an approval that was not used before it ran out is none any more", async (t) => {
  const desk = await testPeople(t);
  assert.deepEqual(await decided(desk, yes, { timeoutMs: HOUR_MS }), { approved: true });
  const next = await desk.restart();
  next.time.advance(HOUR_MS + 1);
  refused(await next.approve(), "LEG2062", /ran out before it was used/);
});

test("R08: a yes counts although the wall clock went ten years forth while it was waited for", async (t) => {
  const desk = await testPeople(t);
  const deciding = desk.approve();
  const { id } = await desk.opened();
  desk.jump(87_600 * HOUR_MS);
  await desk.people.decide(id, yes);
  assert.deepEqual(await deciding, { approved: true });
});

const others: readonly { name: string; change: Partial<CallApproval>; message: RegExp }[] = [
  {
    name: "other arguments",
    change: { argument: { to: "x@y.z" } },
    message: /its arguments differ/,
  },
  { name: "one more argument", change: { argument: { to: "a@b.c", cc: "" } }, message: /differ/ },
  { name: "another function", change: { name: "mail.sendAll" }, message: /another question/ },
  { name: "another run", change: { run: "run-2" }, message: /another run/ },
];

for (const { name, change, message } of others) {
  test(`an approval is not good for ${name}, before or after the decision, and nobody is asked`, async (t) => {
    const desk = await testPeople(t);
    const deciding = desk.approve();
    const { id } = await desk.opened();
    refused(await desk.approve(change), "LEG2065", message);
    await desk.people.decide(id, yes);
    assert.deepEqual(await deciding, { approved: true });
    refused(await desk.approve(change), "LEG2065", message);
    assert.equal((await desk.questions.list({ state: "all" })).length, 1);
  });
}

test("the order of the arguments makes no other call", async (t) => {
  const desk = await testPeople(t);
  await decided(desk, yes, { argument: { a: 1, b: { c: 2, d: 3 } } });
  assert.deepEqual(await desk.approve({ argument: { b: { d: 3, c: 2 }, a: 1 } }), {
    approved: true,
  });
});

test("arguments that differ in a secret alone are other arguments", async (t) => {
  const redact = (text: string) => text.replaceAll(/hunter\d/g, "[redacted]");
  const desk = await testPeople(t, { redact });
  await decided(desk, yes, { argument: { password: "hunter1" } });
  refused(await desk.approve({ argument: { password: "hunter2" } }), "LEG2065", /arguments differ/);
});

test("a question and an approval of the same call are two", async (t) => {
  const desk = await testPeople(t);
  const asking = desk.ask({ key: "run-1/1.1" });
  const { id } = await desk.opened();
  await desk.people.decide(id, { type: "answer", answer: "yes", by: "ada" });
  assert.equal(await asking, "yes");
  assert.deepEqual(await decided(desk, yes, { key: "run-1/1.1" }), { approved: true });
});

test("R02: a call of which nobody knows says so to people, and its yes is good for that attempt only", async (t) => {
  const desk = await testPeople(t);
  const first = { why: "unknown", key: "run-1/1.1/again/1" } as const;
  const deciding = desk.approve(first);
  const question = await desk.opened();
  assert.match(question.text, /nobody knows whether mail\.send was done/);
  await desk.people.decide(question.id, yes);
  assert.deepEqual(await deciding, { approved: true });
  const next = await desk.restart();
  assert.deepEqual(await next.approve(first), { approved: true });
  const again = next.approve({ ...first, key: "run-1/1.1/again/2" });
  const second = await next.opened();
  assert.notEqual(second.id, question.id);
  await next.people.decide(second.id, { type: "deny", by: "ada" });
  refused(await again, "LEG2062", /denied/);
});

test("a yes in the last minute that a restart leaves is good for a minute", async (t) => {
  const desk = await testPeople(t);
  const ended = assert.rejects(desk.approve({ timeoutMs: HOUR_MS }), { code: "LEG2067" });
  const { id } = await desk.opened();
  desk.jump(5 * HOUR_MS);
  const next = await desk.restart();
  await ended;
  await next.people.decide(id, yes);
  next.time.advance(60_000);
  assert.deepEqual(await next.approve(), { approved: true });
  next.time.advance(1);
  refused(await next.approve(), "LEG2062", /ran out before it was used/);
});

test("that the run was cut short is neither a yes nor a no", async (t) => {
  const desk = await testPeople(t);
  const stop = new AbortController();
  const deciding = assert.rejects(desk.approve({ signal: stop.signal }), { code: "LEG2067" });
  await desk.opened();
  stop.abort();
  await deciding;
  const again = assert.rejects(desk.approve(), { code: "LEG2067" });
  await new Promise(setImmediate);
  await desk.people.withdraw("run-1");
  await again;
});

test("too many at once is a no for the call, not the end of its run", async (t) => {
  const desk = await testPeople(t);
  const all = Array.from({ length: 40 }, (_, index) => desk.approve({ key: `k${index}` }));
  await desk.opened();
  for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
  for (const { id } of await desk.people.pending()) await desk.people.decide(id, yes);
  const decisions = await Promise.all(all);
  assert.equal(decisions.filter(({ approved }) => approved).length, 32);
  for (const decision of decisions.filter(({ approved }) => !approved)) {
    refused(decision, "LEG2066", /waits for 32 answers/);
  }
});
