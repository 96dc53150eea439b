// Goal: a rollback undoes what can be undone, newest first, once, and stops where nobody knows.
// Method: real runs whose tools keep a ledger; rollbacks that fail, die and come again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BoxFunction, durableRig } from "../../testing/durable.ts";
import { rollbackRun } from "./rollback.ts";

const { signal } = new AbortController();
const spec = { outputSchema: {} };
const replies = [
  {
    action: "eval_and_complete",
    code: "await tools.box.pay({ n: 1 }); await tools.box.look({}); await tools.box.pay({ n: 2 }); try { await tools.box.pay({ n: -1 }) } catch {} 0",
    result: "",
  },
];

/** A tool whose payments can be taken back, and what was done. */
function ledger() {
  const done: string[] = [];
  const state = { isBroken: false };
  const functions: Record<string, BoxFunction> = {
    pay: {
      revert: "refund",
      run({ n }) {
        if (Number(n) < 0) throw new Error("no debts");
        done.push(`pay ${n}`);
        return { id: `p${n}` };
      },
    },
    refund: {
      run({ args, result }, { idempotencyKey }) {
        if (state.isBroken) throw new Error("the bank is closed");
        const { n } = args as { n: number };
        const { id } = result as { id: string };
        done.push(`refund ${n} ${id} ${idempotencyKey.split("/").slice(1).join("/")}`);
        return null;
      },
    },
    look: { run: () => 1 },
  };
  return { done, state, functions };
}

/** A run that has ended, and its rollback with the tools of the test. */
async function ended(more: object = {}, answers: readonly object[] = replies) {
  const { done, state, functions } = ledger();
  const rig = await durableRig({ spec: { ...spec, ...more }, replies: answers, functions });
  const result = await rig.process().run();
  const { run } = result;
  const rollback = async (
    hooks: Partial<Pick<Parameters<typeof rollbackRun>[0], "reverted">> = {},
  ) => {
    const record = await rig.journal.run(run);
    return rollbackRun({
      ...{ run, signal, agent: "tested", status: record?.status ?? "" },
      steps: await rig.journal.steps(run),
      toolbox: { tools: rig.box() },
      reverted: async (data) => void (await rig.journal.append(run, "call.reverted", data)),
      finished: () => rig.journal.rolledBack(run),
      ...hooks,
    });
  };
  return { rig, run, done, state, rollback, result };
}

const outcomes = ({ calls }: { readonly calls: readonly { outcome: string; name: string }[] }) =>
  calls.map(({ name, outcome }) => `${name} ${outcome}`);

test("calls that succeeded are undone, newest first, with their arguments and results", async () => {
  const { rig, run, done, rollback } = await ended();
  await using _ = rig;
  assert.deepEqual(outcomes(await rollback()), [
    "box.pay skipped",
    "box.pay reverted",
    "box.look skipped",
    "box.pay reverted",
  ]);
  assert.deepEqual(done, ["pay 1", "pay 2", "refund 2 p2 1.3/revert", "refund 1 p1 1.1/revert"]);
  assert.equal((await rig.journal.run(run))?.status, "rolled-back");
  assert.deepEqual(outcomes(await rollback()), [
    "box.pay skipped",
    "box.pay already",
    "box.look skipped",
    "box.pay already",
  ]);
  assert.equal(done.length, 4);
});

test("native calls are undone too", async () => {
  const calls = [1, 2].map((n) => ({ name: "pay", arguments: { n } }));
  const more = { mode: "tools", outputSchema: { type: "string" } };
  const { rig, done, rollback } = await ended(more, [{ toolCalls: calls }, { text: "done" }]);
  await using _ = rig;
  await rollback();
  assert.deepEqual(done.slice(2), ["refund 2 p2 r1.2/revert", "refund 1 p1 r1.1/revert"]);
});

test("a revert that fails stops it with the reason; the next rollback goes on from there", async () => {
  const { rig, run, done, state, rollback } = await ended();
  await using _ = rig;
  state.isBroken = true;
  const report = await rollback();
  assert.deepEqual(outcomes(report), ["box.pay skipped", "box.pay failed"]);
  assert.match(report.calls.at(-1)?.message ?? "", /box.refund failed: .*the bank is closed/);
  assert.equal((await rig.journal.run(run))?.status, "ok");
  state.isBroken = false;
  assert.equal(outcomes(await rollback()).filter((each) => each.endsWith("reverted")).length, 2);
  assert.equal(done.length, 4);
});

test("after a death between a revert and its record the revert comes again with the same key", async () => {
  const { rig, done, rollback } = await ended();
  await using _ = rig;
  await assert.rejects(
    rollback({ reverted: () => Promise.reject(new Error("the process is dead")) }),
    /dead/,
  );
  await rollback();
  assert.deepEqual(done.slice(2), [
    "refund 2 p2 1.3/revert",
    "refund 2 p2 1.3/revert",
    "refund 1 p1 1.1/revert",
  ]);
});

test("a call of which nobody knows stops it, and nothing before it is touched", async () => {
  const { rig, run, done } = await ended();
  await using _ = rig;
  const steps = await rig.journal.steps(run);
  const last = steps.findLast(
    ({ type, data }) => type === "call.result" && data.key === `${run}/1.3`,
  );
  const report = await rollbackRun({
    ...{ run, signal, agent: "tested", status: "ok", toolbox: { tools: rig.box() } },
    steps: steps.filter((step) => step !== last),
    reverted: async () => assert.fail("nothing is undone"),
    finished: async () => assert.fail("it is not finished"),
  });
  assert.deepEqual(outcomes(report), ["box.pay skipped", "box.pay failed"]);
  assert.match(report.calls.at(-1)?.message ?? "", /nobody knows whether box.pay was done/);
  assert.deepEqual(done, ["pay 1", "pay 2"]);
});

test("a run that goes on is not undone, and one that there is none of is named", async () => {
  const { rig, run } = await ended();
  await using _ = rig;
  const about = { run, signal, agent: "tested", steps: [], toolbox: { tools: [] } };
  const nothing = { reverted: async () => {}, finished: async () => {} };
  await assert.rejects(rollbackRun({ ...about, ...nothing, status: "running" }), {
    code: "LEG2105",
  });
  await assert.rejects(rig.services.rollbackRun("nowhere", signal), { code: "LEG6060" });
  assert.equal((await rig.services.rollbackRun(run, signal)).calls.length, 4);
});
