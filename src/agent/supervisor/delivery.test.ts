// Goal: every message ends with an answer or among the dead letters, duplicates have one effect, and the order of each sender is kept (R10, R11, R12).
// Method: the supervisor over the real inbox in memory, with turns that the test ends itself and time that it lets pass.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { LegionError } from "../../lib/errors.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { MESSAGES_PER_AGENT_MAX } from "../../state/inbox.ts";
import type { RunRecord } from "../../state/journal.ts";
import type { ResourceKey } from "../../state/resource.ts";
import { quiet, supervisorRig, until } from "../../testing/supervised.ts";
import { agentObject, cancelOf, echo } from "../../testing/turns.ts";
import type { CancelReason, TurnResult } from "../contract.ts";
import type { RunGeneration } from "../supervision.ts";
import { isAnswer, isCutShort, isFault, isIdle, staysOpen } from "./delivery.ts";
import { runFor } from "./runs.ts";
import type { SupervisorOptions } from "./supervisor.ts";

const REDELIVERY_MS = 60_000;
const DELIVERIES_MAX = 30;

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const a: ResourceKey = { kind: "Agent", namespace: "default", name: "a" };
const never = new AbortController().signal;
const why = { reason: "a test", actor: "me" };
const rig = (options: Partial<SupervisorOptions> = {}) => supervisorRig(object, options);

const shutdown = new LegionError({ code: "LEG2033", message: "", hint: "" });
const deletion = new LegionError({ code: "LEG2031", message: "", hint: "" });

const ends: readonly [CancelReason, "answer" | "again", "answer" | "again"][] = [
  // What it is for a message that nobody waits for, and after the process has ended the turn.
  ["reached_max_iterations", "answer", "answer"],
  ["reached_max_retries", "answer", "answer"],
  ["budget_exceeded", "answer", "answer"],
  ["timeout", "answer", "answer"],
  ["rate_limited", "again", "answer"],
  ["provider_failed", "again", "answer"],
  ["terminated", "again", "again"],
  ["interrupted", "answer", "again"],
];

for (const [reason, toldTo, afterShutdown] of ends) {
  test(`${reason}: ${toldTo} when nobody waits, answer when somebody does, ${afterShutdown} when the process ends`, () => {
    const result = cancelOf(
      { agent: { object }, run: "r" } as Parameters<RunGeneration>[0],
      reason,
    );
    const aborted = (cause: Error) => AbortSignal.abort(cause);
    const told = (signal: AbortSignal, isAwaited = false) =>
      isAnswer(result, { signal, isAwaited }) ? "answer" : "again";
    assert.equal(told(never), toldTo);
    assert.equal(told(never, true), "answer");
    assert.equal(told(aborted(deletion)), "answer");
    assert.equal(told(aborted(shutdown), true), afterShutdown);
    assert.equal(isCutShort(result, aborted(shutdown)), afterShutdown === "again");
    assert.equal(isFault(result, never), reason === "terminated");
    assert.equal(isFault(result, aborted(deletion)), false);
  });
}

test("R11: a message that no provider answers is delivered again, 30 times, and is a dead letter then", async () => {
  const { supervisor, turns, ensure, time, notices } = rig();
  ensure();
  const { message } = await supervisor.tell(a, { task: "one" });
  for (let delivery = 0; delivery < DELIVERIES_MAX; delivery += 1) {
    const turn = await turns.at(delivery);
    assert.equal(turn.key, `message/${message}/${delivery + 1}`);
    assert.equal(turn.attempt, 1, "a delivery that failed is no process that died");
    turn.cancel("provider_failed");
    await quiet();
    time.advance(REDELIVERY_MS - 1);
    await quiet();
    assert.equal(turns.begun.length, delivery + 1, "not before its time");
    time.advance(1);
  }
  await quiet();
  assert.equal(turns.begun.length, DELIVERIES_MAX);
  const [letter] = await supervisor.dead(a);
  assert.deepEqual([letter?.id, letter?.delivery], [message, DELIVERIES_MAX]);
  assert.match(letter?.cause ?? "", /LEG5001: it ended as provider_failed/);
  assert.deepEqual((await supervisor.dead()).length, 1);
  assert.match(notices.join(), /DeadLetter/);
  assert.equal(supervisor.state(a)?.queued, 0);

  assert.equal(await supervisor.redrive(a), 1);
  const again = await turns.at(DELIVERIES_MAX);
  assert.equal(again.task, "one");
  assert.ok(!turns.begun.slice(0, -1).some(({ key }) => key === again.key), "it is another run");
  again.answer();
  await until(supervisor, () => supervisor.state(a)?.phase === "idle");
  assert.deepEqual([await supervisor.dead(a), await supervisor.redrive(a)], [[], 0]);
});

test("only the letters that are named are put back", async () => {
  const { supervisor, ensure, state } = rig({ runGeneration: echo() });
  ensure();
  for (const id of ["x", "y"]) {
    await state.inbox.put({ id, uid: "uid-a", task: id });
    await state.inbox.bury(id, "a test");
  }
  assert.equal(await supervisor.redrive(a, ["y"]), 1);
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  assert.equal((await state.inbox.outcome("y"))?.result.value, "y");
  assert.deepEqual(
    (await supervisor.dead(a)).map(({ id }) => id),
    ["x"],
  );
});

test("a paused agent uses up no deliveries and keeps its mail", async () => {
  const { supervisor, turns, ensure, time } = rig();
  ensure();
  await supervisor.tell(a, { task: "one" });
  (await turns.at(0)).cancel("provider_failed");
  await quiet();
  await supervisor.move(a, "paused", why);
  await supervisor.tell(a, { task: "two", from: "other" });
  for (let period = 0; period < DELIVERIES_MAX + 5; period += 1) {
    time.advance(REDELIVERY_MS);
    await quiet();
  }
  assert.deepEqual([turns.begun.length, supervisor.state(a)?.queued], [1, 2]);
  await supervisor.move(a, "running", why);
  const next = await turns.at(1);
  assert.deepEqual([next.task, next.key.endsWith("/2")], ["one", true]);
  next.answer();
  (await turns.at(2)).answer();
  await until(supervisor, () => supervisor.state(a)?.queued === 0);
  assert.deepEqual(await supervisor.dead(a), []);
});

test("R12: a message that is put off holds back those of its sender, and no others", async () => {
  const { supervisor, turns, ensure, time } = rig();
  ensure();
  await supervisor.tell(a, { task: "mine 1", from: "me" });
  await supervisor.tell(a, { task: "mine 2", from: "me" });
  await supervisor.tell(a, { task: "yours 1", from: "you" });
  (await turns.at(0)).cancel("provider_failed");
  const other = await turns.at(1);
  assert.equal(other.task, "yours 1");
  other.answer();
  await quiet();
  await supervisor.tell(a, { task: "mine 3", from: "me" });
  await supervisor.tell(a, { task: "yours 2", from: "you" });
  (await turns.at(2)).answer();
  await quiet();
  time.advance(REDELIVERY_MS);
  for (const at of [3, 4, 5]) (await turns.at(at)).answer();
  await until(supervisor, () => supervisor.state(a)?.queued === 0);
  assert.deepEqual(
    turns.begun.map(({ task }) => task),
    ["mine 1", "yours 1", "yours 2", "mine 1", "mine 2", "mine 3"],
  );
});

test("R10: messages of one key have one effect, and whoever asks gets the outcome of the first", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  ensure();
  const incoming = { task: "pay", dedupeKey: "invoice-7" };
  const first = await supervisor.tell(a, incoming);
  const copies = await Promise.all([1, 2, 3].map(() => supervisor.tell(a, incoming)));
  assert.ok(copies.every(({ message }) => message === first.message));
  const waiting = supervisor.ask(a, incoming, never);
  await quiet();
  (await turns.at(0)).answer("paid");
  const late = await supervisor.ask(a, incoming, never);
  const outcomes = [await waiting, late];
  assert.ok(outcomes.every(({ message }) => message === first.message));
  assert.deepEqual(
    outcomes.map(({ result }) => result.status === "ok" && result.value),
    ["paid", "paid"],
  );
  await quiet();
  assert.equal(turns.begun.length, 1);
  assert.equal((await inbox.outcome(first.message))?.duplicates, 5);
});

test("whoever asks for a dead letter again hears that it is one", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure("a", 1, { inbox: { redeliveryDelay: "60s", maxDeliveries: 1 } });
  const incoming = { task: "pay", dedupeKey: "invoice-7" };
  await supervisor.tell(a, incoming);
  (await turns.at(0)).cancel("provider_failed");
  await quiet();
  const { result } = await supervisor.ask(a, incoming, never);
  assert.equal(result.status === "cancel" && result.error.code, "LEG2077");
});

test("whoever waits hears of a provider that is down at once", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure();
  const asked = supervisor.ask(a, { task: "one" }, never);
  (await turns.at(0)).cancel("provider_failed");
  const { result } = await asked;
  assert.equal(result.status === "cancel" && result.reason, "provider_failed");
  assert.equal(supervisor.state(a)?.queued, 0);
});

test("a body of just IDLE is not delivered", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  ensure();
  assert.equal((await supervisor.tell(a, { task: " IDLE\n" })).dropped, "idle");
  const { result } = await supervisor.ask(a, { task: "IDLE" }, never);
  assert.equal(result.status === "ok" && result.value, "IDLE");
  assert.deepEqual([turns.begun.length, await inbox.count("uid-a")], [0, 0]);
  assert.deepEqual(["IDLE", "IDLE.", "idle", "I am IDLE"].map(isIdle), [true, false, false, false]);
});

test("a message that is sent twice keeps the vault that came first; that of another duplicate is forgotten", async () => {
  const { supervisor, turns, ensure, state } = rig();
  ensure();
  await supervisor.move(a, "paused", why);
  const first = { task: "one", dedupeKey: "k", vault: { user: "u-7" } };
  await supervisor.tell(a, { ...first, id: "m" });
  await supervisor.tell(a, { ...first, id: "m", vault: { user: "u-8" } });
  await supervisor.tell(a, { ...first, id: "n" });
  assert.equal(await state.vaults.read("message/n"), undefined);
  await supervisor.move(a, "running", why);
  const turn = await turns.at(0);
  assert.deepEqual(turn.vault, first.vault);
  turn.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  await supervisor.tell(a, { ...first, id: "m" });
  assert.equal(await state.vaults.read("message/m"), undefined);
});

test("the vault of a message is for its turn, and is forgotten with it", async () => {
  const { supervisor, turns, ensure, state } = rig();
  ensure();
  const vault = { user: "u-7" };
  const { message } = await supervisor.tell(a, { task: "one", vault });
  const turn = await turns.at(0);
  assert.deepEqual(turn.vault, vault);
  assert.deepEqual(await state.vaults.read(`message/${message}`), vault);
  turn.answer();
  await until(supervisor, () => supervisor.state(a)?.phase === "idle");
  assert.equal(await state.vaults.read(`message/${message}`), undefined);
});

test("a run that an earlier process left is gone on with under its own id", async () => {
  const first = rig();
  first.ensure();
  await first.supervisor.tell(a, { task: "one" });
  const cut = await first.turns.at(0);
  const closed = first.supervisor.close(0);
  await quiet();
  first.time.advance(1);
  await quiet();
  cut.interrupt();
  await closed;
  const next = rig({ inbox: first.inbox, journal: first.state.journal });
  next.ensure();
  const again = await next.turns.at(0);
  assert.deepEqual([again.key, again.run], [cut.key, cut.run]);
  assert.equal(next.supervisor.state(a)?.turn?.run, cut.run);
  again.answer();
});

test("R04: the message of a run in quarantine is a dead letter, and begins anew when it is put back", async () => {
  const { supervisor, turns, ensure, inbox, state } = rig();
  await inbox.put({ id: "m", uid: "uid-a", task: "one" });
  await inbox.begin("m");
  // As a process does that ends in an orderly way.
  await inbox.release("m");
  const left = { uid: "uid-a", agent: "a", generation: 1, conversation: "main", startedAt: "" };
  const record = { ...left, run: "R", key: "message/m/1", steps: 3, tokens: 0 };
  state.runs.set("message/m/1", { ...record, status: "quarantined" });
  ensure();
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  assert.match((await supervisor.dead(a))[0]?.cause ?? "", /the record of run R is damaged/);
  assert.equal(turns.begun.length, 0);
  // The inbox takes the key from the run when it puts the letter back.
  state.runs.delete("message/m/1");
  await supervisor.redrive(a);
  assert.equal((await turns.at(0)).key, "message/m/1");
});

for (const code of ["LEG2100", "LEG2106", "LEG6062", "LEG6063"] as const) {
  test(`a run that nobody can go on with (${code}) is not done again: its message is a dead letter at once`, async () => {
    const { supervisor, turns, ensure, notices } = rig();
    ensure();
    await supervisor.tell(a, { task: "one" });
    await supervisor.tell(a, { task: "two" });
    (await turns.at(0)).reject(new LegionError({ code, message: "it is lost", hint: "" }));
    (await turns.at(1)).answer();
    await until(supervisor, () => supervisor.state(a)?.turns === 2);
    const letters = await supervisor.dead(a);
    assert.deepEqual(
      letters.map(({ task, cause }) => [task, cause]),
      [["one", `${code}: it is lost`]],
    );
    // It is no fault of the agent: nothing is held back.
    assert.deepEqual(
      notices.map((notice) => notice.split(":")[0]),
      ["DeadLetter"],
    );
  });
}

test("a run without an answer stays open where it has called tools, and only there", () => {
  const turn = { agent: { object }, run: "r" } as Parameters<RunGeneration>[0];
  const failed = cancelOf(turn, "provider_failed");
  assert.equal(staysOpen(failed), false);
  assert.equal(staysOpen({ ...failed, toolCalls: 1 }), true);
  const error = { code: "LEG2100", message: "", hint: "" } as const;
  assert.equal(
    staysOpen({ ...cancelOf(turn, "terminated"), toolCalls: 1, error } as TurnResult),
    false,
  );
});

test("a delivery goes on with the run of an earlier one that has no end", async () => {
  const record = { run: "R", generation: 3, status: "running" } as RunRecord;
  const runs = new Map([["message/m/1", record]]);
  const journal = { runOfKey: async (key: string) => runs.get(key) };
  const found = { key: "message/m/1", run: "R", generation: 3 };
  assert.deepEqual(await runFor(journal, { id: "m", delivery: 3 }), found);
  runs.set("message/m/1", { ...record, status: "cancel" });
  assert.deepEqual(await runFor(journal, { id: "m", delivery: 3 }), { key: "message/m/3" });
  assert.deepEqual(await runFor(journal, { id: "m", delivery: 1 }), { key: "message/m/1/2" });
});

/** A rig with a message that waits for its next delivery, and its run that has no end yet. */
async function withOpenRun() {
  const made = rig();
  made.ensure();
  const { message } = await made.supervisor.tell(a, { task: "one" });
  (await made.turns.at(0)).cancel("provider_failed");
  await until(made.supervisor, () => made.supervisor.state(a)?.turns === 1);
  const key = `message/${message}/1`;
  const { runs } = made.state;
  const record = runs.get(key);
  assert.ok(record);
  runs.set(key, { ...record, status: "running" });
  return { ...made, message, run: record.run, status: () => runs.get(key)?.status };
}

test("one who waits patiently gets the answer of a later delivery, and hears of a dead letter", async () => {
  const { supervisor, turns, time, ensure } = rig();
  ensure("a", 1, { inbox: { redeliveryDelay: "60s", maxDeliveries: 2 } });
  const patient = (task: string) => supervisor.ask(a, { task, from: task, isPatient: true }, never);
  const [first, second] = [patient("one"), patient("two")];
  (await turns.at(0)).cancel("provider_failed");
  (await turns.at(1)).cancel("provider_failed");
  await until(supervisor, () => supervisor.state(a)?.turns === 2);
  time.advance(REDELIVERY_MS);
  (await turns.at(2)).answer();
  assert.equal((await first).result.status, "ok");
  (await turns.at(3)).cancel("provider_failed");
  const { result } = await second;
  assert.equal(result.status === "cancel" && result.error.code, "LEG2077");
});

test("a message is taken back in its turn, while it waits, and between two deliveries", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure();
  const [first, second] = [
    supervisor.ask(a, { task: "one" }, never),
    supervisor.ask(a, { task: "two" }, never),
  ];
  const turn = await turns.at(0);
  const waiting = await supervisor.tell(a, { task: "three" });
  assert.equal(await supervisor.cancelMessage(a, "main", waiting.message), true);
  assert.equal(await supervisor.cancelMessage(a, "main", waiting.message), false);
  assert.equal(supervisor.state(a)?.queued, 1);
  const { message } = supervisor.state(a)?.turn ?? {};
  assert.equal(await supervisor.cancelMessage(a, "main", message ?? ""), true);
  assert.equal(turn.signal.aborted, true);
  turn.interrupt();
  assert.equal((await first).result.status, "cancel");
  (await turns.at(1)).answer();
  assert.equal((await second).result.status, "ok");
  assert.equal(turns.begun.length, 2);
  assert.equal(await supervisor.cancelMessage({ ...a, name: "nobody" }, "main", "x"), false);
  const open = await withOpenRun();
  assert.equal(await open.supervisor.cancelMessage(a, "main", open.message), true);
  assert.equal(open.status(), "cancel");
});

test("the run of a message that waits can be cancelled, and is not delivered again", async () => {
  const { supervisor, inbox, turns, time, message, run, status } = await withOpenRun();
  assert.equal(await supervisor.cancelRun(run), true);
  assert.equal(status(), "cancel");
  assert.equal((await inbox.outcome(message))?.result.reason, "interrupted");
  assert.equal(supervisor.state(a)?.queued, 0);
  assert.equal(await supervisor.cancelRun(run), false);
  time.advance(REDELIVERY_MS);
  await quiet();
  assert.equal(turns.begun.length, 1);
});

test("the run of a message that is dropped ends with it", async () => {
  const { supervisor, status } = await withOpenRun();
  await supervisor.endConversation(a, "main");
  assert.equal(status(), "cancel");
});

test("a conversation that cannot be read keeps its messages, and counts as no fault", async () => {
  const damaged = new LegionError({ code: "LEG6064", message: "damaged", hint: "" });
  const { supervisor, turns, ensure, notices } = rig({ sessionOf: () => Promise.reject(damaged) });
  ensure();
  await supervisor.tell(a, { task: "one" });
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  await quiet();
  assert.deepEqual([supervisor.state(a)?.queued, turns.begun.length, notices], [1, 0, []]);
});

test("a run that ended without an answer can be had again, once", async () => {
  const { supervisor, turns, ensure, state } = rig();
  ensure();
  const { message } = await supervisor.tell(a, { task: "one", conversation: "c-1" });
  const turn = await turns.at(0);
  await assert.rejects(supervisor.resumeRun(turn.run), { code: "LEG2076", message: /not ended/ });
  turn.cancel("reached_max_iterations");
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  const resumed = await Promise.all([1, 2].map(() => supervisor.resumeRun(turn.run)));
  assert.notEqual(resumed[0]?.message, message);
  assert.equal(resumed[1]?.message, resumed[0]?.message);
  const again = await turns.at(1);
  assert.deepEqual([again.task, again.conversation], ["one", "c-1"]);
  again.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 2);
  const [, answered] = [...state.runs.values()];
  await assert.rejects(supervisor.resumeRun(answered?.run ?? ""), /it has answered/);
  await assert.rejects(supervisor.resumeRun("nothing"), { code: "LEG2076" });
});

test("what is above the limit of an inbox is refused and leaves nothing behind", async () => {
  const { supervisor, ensure, state, turns } = rig();
  ensure();
  const asks = Array.from({ length: MESSAGES_PER_AGENT_MAX }, (_, at) => `${at}`);
  await Promise.all(asks.map((task) => supervisor.tell(a, { task })));
  await assert.rejects(supervisor.tell(a, { task: "x" }), { code: "LEG2032" });
  assert.equal(await state.inbox.count("uid-a"), MESSAGES_PER_AGENT_MAX);
  (await turns.at(0)).answer();
});
