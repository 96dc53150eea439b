// Goal: a call is made once, with leave where leave is needed, and nobody is told that something was done when nobody knows (R02).
// Method: processes that die in the middle of calls, people who say yes and no, turns that are ended from outside; real services, journal and sandbox.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LegionError } from "../../lib/errors.ts";
import { type BoxFunction, type DurableOptions, durableRig } from "../../testing/durable.ts";
import type { Meter } from "../contract.ts";

const complete = (code: string) => ({ action: "eval_and_complete", code, result: "" });
const caught = (call: string) =>
  complete(
    `try { await ${call} } catch (error) { ({ code: error.code, message: error.message }) }`,
  );
const anything = { outputSchema: {} };

/** A rig with one function that counts. */
async function rigWith(about: Partial<BoxFunction>, more: Partial<DurableOptions> = {}) {
  const keys: string[] = [];
  const go: BoxFunction = {
    run(_args, { idempotencyKey }) {
      keys.push(idempotencyKey);
      return "done";
    },
    ...about,
  };
  const replies = [caught("tools.box.go({ n: 1 })")];
  const rig = await durableRig({ spec: anything, replies, functions: { go }, ...more });
  return { rig, keys };
}

/** The write after which a call has begun, and before which its reply is not on record: begin, answer, evaluation, call. */
const CALL_BEGUN = 4;
const afterCall = { at: CALL_BEGUN + 1, isWritten: false };

test("a call of an idempotent function is made again with the same key", async () => {
  const { rig, keys } = await rigWith({ idempotent: true });
  await using _ = rig;
  await assert.rejects(rig.process({ cut: afterCall }).run());
  const next = rig.process();
  const result = await next.run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "done");
  assert.deepEqual(keys, [`${result.run}/1.1`, `${result.run}/1.1`]);
  assert.deepEqual(next.approvals, []);
});

test("of any other nobody knows, and a no is an error that says so, also on record", async () => {
  const { rig, keys } = await rigWith({});
  await using _ = rig;
  await assert.rejects(rig.process({ cut: afterCall }).run());
  const next = rig.process({ approve: () => false });
  const result = await next.run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  const { code, message } = result.value as { code: string; message: string };
  assert.equal(code, "LEG2101");
  assert.match(message, /nobody knows whether box.go was done/);
  assert.equal(keys.length, 1);
  assert.deepEqual(
    next.approvals.map(({ name, argument, why, key }) => ({ name, argument, why, key })),
    [{ name: "box.go", argument: { n: 1 }, why: "unknown", key: `${result.run}/1.1/again/1` }],
  );
  const steps = await rig.journal.steps(result.run);
  const reply = steps.find(({ type }) => type === "call.result");
  assert.equal(reply?.data.isUnknown, true);
});

test("each attempt of which nobody knows is asked about anew", async () => {
  const { rig, keys } = await rigWith({});
  await using _ = rig;
  const approve = () => true;
  await assert.rejects(rig.process({ cut: afterCall }).run());
  // begin, call approved, reply: dies before the reply is written.
  const second = rig.process({ cut: { at: 3, isWritten: false }, approve });
  await assert.rejects(second.run());
  const third = rig.process({ approve });
  const result = await third.run();
  assert.equal(result.status, "ok");
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  const asked = [...second.approvals, ...third.approvals].map(({ key }) => key.split("/").at(-1));
  assert.deepEqual(asked, ["1", "2"]);
});

const leaves = [
  { name: "its tool says so", about: { approval: true } },
  { name: "the agent names it", about: {}, spec: { ...anything, approvals: ["box.go"] } },
  {
    name: "the agent names all of its tool",
    about: {},
    spec: { ...anything, approvals: ["box.*"] },
  },
];

for (const { name, about, spec = anything } of leaves) {
  test(`a call needs leave when ${name}: yes makes it, no is an error, and each is asked once`, async () => {
    for (const isApproved of [true, false]) {
      const { rig, keys } = await rigWith(about, { spec });
      await using _ = rig;
      const only = rig.process({ approve: () => isApproved });
      const result = await only.run();
      assert.ok(result.status === "ok", JSON.stringify(result));
      if (isApproved) assert.equal(result.value, "done");
      else assert.equal((result.value as { code: string }).code, "LEG2062");
      assert.equal(keys.length, isApproved ? 1 : 0);
      const [asked] = only.approvals;
      assert.equal(only.approvals.length, 1);
      assert.deepEqual(
        [asked?.why, asked?.key, asked?.agent, asked?.uid, asked?.timeoutMs],
        ["required", `${result.run}/1.1`, "tested", "uid", 3_600_000],
      );
    }
  });
}

test("a wait for leave survives the process, and the call had not begun", async () => {
  const { rig, keys } = await rigWith({ approval: true });
  await using _ = rig;
  const abort = new AbortController();
  const asked = Promise.withResolvers<void>();
  const first = rig.process({
    approve: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const running = first.run({ signal: abort.signal });
  await asked.promise;
  abort.abort(new LegionError({ code: "LEG2033", message: "the daemon ends", hint: "wait" }));
  const cut = await Promise.race([running, patience()]);
  assert.ok(cut?.status === "cancel" && cut.error.code === "LEG2033", JSON.stringify(cut));
  assert.equal((await rig.journal.unfinished()).length, 1);
  const next = rig.process({ approve: () => true });
  const result = await next.run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.run, cut.run);
  assert.equal(keys.length, 1);
  assert.deepEqual(
    next.approvals.map(({ why, key }) => ({ why, key })),
    [{ why: "required", key: `${result.run}/1.1` }],
  );
});

/** A person who is still asked does not keep a process from ending. */
function patience(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, 10_000, undefined).unref());
}

test("a call that the end of the process stops has no reply on record, and comes again", async () => {
  const begun = Promise.withResolvers<void>();
  let times = 0;
  const { rig } = await rigWith({
    idempotent: true,
    run() {
      times += 1;
      begun.resolve();
      return times === 1 ? new Promise(() => {}) : "done";
    },
  });
  await using _ = rig;
  const abort = new AbortController();
  const running = rig.process().run({ signal: abort.signal });
  await begun.promise;
  abort.abort(new LegionError({ code: "LEG2033", message: "the daemon ends", hint: "wait" }));
  const cut = await running;
  assert.ok(cut.status === "cancel");
  const types = (await rig.journal.steps(cut.run)).map(({ type }) => type);
  assert.deepEqual(types, ["turn.started", "model.response", "eval.started", "call.started"]);
  const result = await rig.process().run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "done");
});

test("the clocks stand still while people are waited for", async () => {
  const spec = { ...anything, timeout: "3s", sandbox: { timeout: "1s" } };
  const slow = () => new Promise<string>((resolve) => setTimeout(resolve, 4_000, "answered"));
  const { rig } = await rigWith({ waits: true, run: slow }, { spec });
  await using _ = rig;
  const result = await rig.process().run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "answered");
});

test("a call that the meter refuses is not made, and ends the turn", async () => {
  const { rig, keys } = await rigWith({});
  await using _ = rig;
  const error = { code: "LEG2022", message: "too much", hint: "spend less" } as const;
  const spent: object[] = [];
  const meter: Meter = {
    refuse: (what) => (what === "call" ? { reason: "budget_exceeded", error } : undefined),
    spend: (each) => spent.push(each),
  };
  const result = await rig.process({ meter }).run();
  assert.ok(result.status === "cancel", JSON.stringify(result));
  assert.deepEqual([result.reason, result.error, keys.length], ["budget_exceeded", error, 0]);
  assert.equal(spent.length, 1);
});

test("what is served from the record is spent again, so that a budget holds over restarts", async () => {
  const { rig } = await rigWith({ idempotent: true });
  await using _ = rig;
  const totals = { tokens: 0, requests: 0, toolCalls: 0 };
  const meter: Meter = {
    refuse: () => undefined,
    spend({ tokens = 0, requests = 0, toolCalls = 0 }) {
      totals.tokens += tokens;
      totals.requests += requests;
      totals.toolCalls += toolCalls;
    },
  };
  const cut = { at: CALL_BEGUN + 2, isWritten: true };
  await assert.rejects(rig.process({ cut }).run());
  const result = await rig.process({ meter }).run();
  assert.equal(totals.tokens, result.usage.inputTokens + result.usage.outputTokens);
  assert.deepEqual([totals.requests, totals.toolCalls], [1, 1]);
});

const others = [
  {
    name: "other code",
    at: 2,
    step: { eval: 1, code: "other()", seed: "s" },
    says: /step 3 is an evaluation of `other\(\)`, and now it is an evaluation of `try/,
  },
  {
    name: "one more evaluation after its end",
    at: 5,
    step: { eval: 2, code: "more()", seed: "s" },
    says: /step 6 is an evaluation of `more\(\)`, and now it is the end of the turn/,
  },
];

for (const { name, at, step, says } of others) {
  test(`a turn whose record has ${name} ends and says so, and makes no call`, async () => {
    const { rig, keys } = await rigWith({ idempotent: true });
    await using _ = rig;
    await assert.rejects(rig.process({ cut: { at, isWritten: true } }).run());
    const before = keys.length;
    const run = (await rig.journal.unfinished())[0]?.run ?? "";
    await rig.journal.append(run, "eval.started", step);
    const result = await rig.process().run();
    assert.ok(result.status === "cancel", JSON.stringify(result));
    assert.deepEqual([result.reason, result.error.code], ["terminated", "LEG2100"]);
    assert.match(result.error.message, says);
    assert.equal(keys.length, before);
    assert.equal((await rig.journal.run(run))?.status, "cancel");
  });
}

test("code that makes other calls than its record ends the turn", async () => {
  const { rig, keys } = await rigWith({});
  await using _ = rig;
  await assert.rejects(rig.process({ cut: { at: 3, isWritten: true } }).run());
  const run = (await rig.journal.unfinished())[0]?.run ?? "";
  const call = { key: `${run}/1.1`, eval: 1, call: 1, name: "box.go", argument: { n: 2 } };
  await rig.journal.append(run, "call.started", { ...call, readings: "" });
  const result = await rig.process({ approve: () => true }).run();
  assert.ok(result.status === "cancel", JSON.stringify(result));
  assert.deepEqual([result.reason, result.error.code], ["terminated", "LEG2100"]);
  assert.equal(keys.length, 0);
});
