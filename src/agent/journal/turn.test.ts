// Goal: a turn whose process dies at any write of its record goes on in the next one, comes to the same, and repeats nothing silently (R01, R02).
// Method: real services over a real journal; a process dies before and after each write, another one goes on; results, conversation and effects are compared.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../lib/json.ts";
import { jsTool } from "../../testing/agent.ts";
import { type BoxFunction, type DurableRig, durableRig } from "../../testing/durable.ts";

const step = (code: string) => ({ action: "eval_and_continue", code, result: "" });
const complete = (code: string) => ({ action: "eval_and_complete", code, result: "" });
const called = (...toolCalls: object[]) => ({ toolCalls });
const call = (name: string, args: object) => ({ name, arguments: args });

const checker = jsTool(
  "checker",
  "async function check({ value }) { return value !== 'bad' || 'it is bad'; }",
  ["check"],
);

/** Effects by idempotency key, as a service would see them. */
function effects() {
  const done = new Map<string, number>();
  const times = (key: string) => done.set(key, (done.get(key) ?? 0) + 1);
  const functions: Record<string, BoxFunction> = {
    add: {
      idempotent: true,
      run: ({ n }) => Number(n) + 1,
    },
    pay: {
      run(args: JsonObject, { idempotencyKey }) {
        times(idempotencyKey);
        return { paid: args.n ?? null };
      },
    },
    ask: { approval: true, run: ({ n }) => ({ asked: n ?? null }) },
    wrong: {
      run() {
        throw new Error("it is closed");
      },
    },
  };
  return { done, functions };
}

const programs = [
  {
    name: "code with calls in parallel, clock and chance",
    spec: { outputSchema: {}, bindingScope: "turn" },
    replies: [
      step(
        "const a = await tools.box.add({ n: 1, at: Date.now(), chance: Math.random() });\nconst [b, c] = await Promise.all([tools.box.add({ n: a }), tools.box.pay({ n: Math.random() < 2 ? 7 : 0 })]);\nconsole.log(a, b);",
      ),
      step("await tools.box.wrong({})"),
      step("throw new Error('no ' + b)"),
      complete(
        "const d = await tools.box.pay({ at: Date.now() > 0 });\nconst h = await help('box.add');\n({ a, b, c, d, h: typeof h })",
      ),
    ],
    value: { a: 2, b: 3, c: { paid: 7 }, d: { paid: null }, h: "string" },
    effects: 2,
  },
  {
    name: "a call that a person approves",
    spec: { outputSchema: {} },
    replies: [complete("await Promise.all([tools.box.ask({ n: 1 }), tools.box.add({ n: 1 })])")],
    value: [{ asked: 1 }, 2],
    effects: 0,
  },
  {
    name: "an answer that is checked",
    spec: { outputSchema: {}, tools: ["checker"], answerCheck: "checker.check" },
    replies: [
      { action: "return", result: "bad" },
      { action: "return", result: "good" },
    ],
    value: "good",
    effects: 0,
  },
  {
    name: "native calls",
    spec: { mode: "tools" },
    replies: [
      called(call("add", { n: 1 }), call("pay", { n: 2 }), call("nothing", {})),
      called(call("pay", { n: 3 }), call("wrong", {})),
      { text: "done" },
    ],
    value: "done",
    effects: 2,
  },
] as const;

for (const { name, spec, replies, value, effects: expected } of programs) {
  test(`${name}: a death at any write changes nothing`, { timeout: 120_000 }, async () => {
    const { done, functions } = effects();
    await using rig = await durableRig({ spec, replies, functions, objects: [checker] });
    const approve = () => true;
    const whole = rig.process({ approve });
    const told = await whole.run({ key: "whole", conversation: "whole" });
    assert.ok(told.status === "ok", JSON.stringify(told));
    assert.deepEqual(told.value, value);
    assert.equal(done.size, expected);
    for (let at = 1; at <= whole.writes; at += 1)
      for (const isWritten of [false, true]) {
        const where = `${isWritten ? "after" : "before"} write ${at}`;
        const request = { key: where, conversation: where };
        done.clear();
        await assert.rejects(
          rig.process({ cut: { at, isWritten }, approve }).run(request),
          /the process is dead/,
        );
        const next = rig.process({ approve });
        const result = await next.run(request);
        assert.ok(result.status === "ok", `${where}: ${JSON.stringify(result)}`);
        assert.deepEqual(result.value, value, where);
        assert.deepEqual(await texts(rig, where), await texts(rig, "whole"), where);
        const asked = next.approvals.filter(({ why }) => why === "unknown");
        for (const [key, times] of done) {
          const about = asked.filter((each) => each.key.startsWith(`${key}/again/`));
          assert.ok(times === 1 || about.length === 1, `${where}: ${key} was done ${times} times`);
        }
        assert.equal(done.size, expected, where);
        assert.deepEqual(await next.run(request), result, `${where}: it is told from the record`);
      }
  });
}

async function texts({ journal }: DurableRig, conversation: string): Promise<readonly string[]> {
  const kept = await journal.conversation("uid", conversation, 1_000);
  return (kept?.messages ?? []).map(({ type, text }) => `${type}: ${text}`);
}
