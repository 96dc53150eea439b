// Goal: an evaluation that died anywhere goes on from its record as if nothing had happened, and asks for nothing twice.
// Method: random programs run live with a recording host, then are begun again from every prefix of their record.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Json } from "../lib/json.ts";
import type {
  Evaluation,
  EvaluationPast,
  Host,
  HostCall,
  HostReply,
  Sandbox,
  SandboxLimits,
} from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { testLimits, testSurface } from "./testing.ts";

const pool = createSandboxPool();
after(() => pool.close());

const SEED = "a seed";

type Event =
  | ({ readonly type: "call" } & EvaluationPast["calls"][number])
  | { readonly type: "answer"; readonly call: number; readonly reply: HostReply };

/** What a program is made of: `$` becomes a name of its own. A time is kept with the number of calls before it. */
const pieces = [
  "out.push(time(Date.now()), time(performance.now()));",
  "out.push(time(new Date().getTime()), Date().length, time(new Date()));",
  "for (let i = 0; i < 200; i++) out.push(time(performance.now())); out.length -= 190;",
  "out.push(Math.random());",
  "await null;",
  "out.push(await call({ at: Date.now() }));",
  "out.push(await call({ id: Math.random(), at: performance.now() }));",
  "out.push(await call());",
  "out.push(await Promise.all([call(1), call(2), call({ at: new Date() })]));",
  "out.push(await Promise.race([call('a'), call('b')]));",
  "const $ = call(Math.random()); $.then((v) => out.push(v));",
  "const $ = call('later'); await null; out.push(await $);",
  "for (let i = 0; i < 3; i++) if (Math.random() < 0.7) out.push(await call(i));",
  "await Promise.all(['x', 'y'].map(async (v) => { out.push(await call(v)); out.push(await call([v, Math.random(), Date.now()])); }));",
  "try { made += 1; await tools.web.get({ made }); } catch (error) { out.push(error.message, error.code); }",
  "console.log('after', made, Math.random());",
];

function programOf(chosen: readonly number[]): string {
  const body = chosen.map((index, at) => pieces[index]?.replaceAll("$", `held${at}`)).join("\n  ");
  return `let made = 0; const out = [];
const call = (argument) => { made += 1; return tools.files.read(argument); };
const time = (at) => ({ made, time: Number(at) });
{
  ${body}
}
out`;
}

function replyTo(name: string, call: number): HostReply {
  return name === "web.get"
    ? { ok: false, error: { name: "ToolError", message: `no page ${call}`, code: "LEG4001" } }
    : { ok: true, value: { answer: call } };
}

/** Answers in an order of its own: the next of the order as soon as it is asked for, and any other only when nothing else is left. */
function orderedHost(
  order: readonly number[],
  onCall: (name: string, argument: Json | undefined, call: HostCall) => void,
) {
  const waiting = new Map<number, () => void>();
  const given: number[] = [];
  let isDue = false;
  const answerOne = () => {
    isDue = false;
    const next = order.find((call) => !given.includes(call)) ?? Math.max(...waiting.keys());
    const answer = waiting.get(next);
    if (answer === undefined) return;
    waiting.delete(next);
    given.push(next);
    answer();
    plan();
  };
  const plan = () => {
    if (isDue || waiting.size === 0) return;
    isDue = true;
    setImmediate(answerOne);
  };
  const host: Host = (name, argument, call) => {
    onCall(name, argument, call);
    return new Promise((resolve) => {
      waiting.set(call.call, () => resolve(replyTo(name, call.call)));
      plan();
    });
  };
  return { host, given };
}

interface Live {
  readonly events: readonly Event[];
  readonly evaluation: Evaluation;
}

async function runLive(sandbox: Sandbox, code: string): Promise<Live> {
  const events: Event[] = [];
  const { host } = orderedHost([], (name, argument, { readings }) => {
    events.push({
      type: "call",
      name,
      argument: argument === undefined ? "" : JSON.stringify(argument),
      readings,
    });
  });
  const recording: Host = async (name, argument, call) => {
    const reply = await host(name, argument, call);
    events.push({ type: "answer", call: call.call, reply });
    return reply;
  };
  const evaluation = await sandbox.evaluate(code, { host: recording, seed: SEED });
  return { events, evaluation };
}

/** The record of an evaluation that died after so many of its events. */
function pastOf(events: readonly Event[], count: number): EvaluationPast {
  const kept = events.slice(0, count);
  return {
    calls: kept.filter((event) => event.type === "call"),
    answers: kept.filter((event) => event.type === "answer"),
  };
}

/** Times that were read after the last recorded call are those of today. */
function withoutLiveTimes(value: unknown, recorded: number): unknown {
  return JSON.parse(JSON.stringify(value ?? null), (_key, item) =>
    typeof item === "object" && item !== null && "time" in item && item.made >= recorded
      ? { made: item.made }
      : item,
  );
}

function outcomeOf(evaluation: Evaluation, recorded: number) {
  assert.ok(evaluation.ok, evaluation.ok ? "" : evaluation.error.message);
  const { value, logs, toolCalls, snapshot, bindings, skipped } = evaluation;
  return {
    logs,
    toolCalls,
    skipped,
    names: bindings.map(({ name }) => name),
    value: withoutLiveTimes(value, recorded),
    snapshot: withoutLiveTimes(JSON.parse(snapshot), recorded),
  };
}

async function checkCut(sandbox: Sandbox, code: string, live: Live, count: number): Promise<void> {
  const past = pastOf(live.events, count);
  const order = live.events.flatMap((event) => (event.type === "answer" ? [event.call] : []));
  const answered = new Set(past.answers.map(({ call }) => call));
  const asked: { call: number; wasBegun: boolean; readings: string }[] = [];
  const { host } = orderedHost(
    order.filter((call) => !answered.has(call)),
    (_name, _argument, { call, wasBegun, readings }) => asked.push({ call, wasBegun, readings }),
  );
  await sandbox.restore(undefined);
  const evaluation = await sandbox.evaluate(code, { host, seed: SEED, past });
  const recorded = past.calls.length;
  assert.deepEqual(outcomeOf(evaluation, recorded), outcomeOf(live.evaluation, recorded));
  const all = live.events.filter((event) => event.type === "call");
  assert.deepEqual(
    asked.map(({ call, wasBegun }) => ({ call, wasBegun })).toSorted((a, b) => a.call - b.call),
    all.flatMap((_, index) =>
      answered.has(index + 1) ? [] : [{ call: index + 1, wasBegun: index < recorded }],
    ),
  );
  for (const { call, wasBegun, readings } of asked) {
    if (wasBegun) assert.equal(readings, all[call - 1]?.readings);
  }
}

/** With the times after its last call too, nothing at all is different, however long ago it was. */
async function checkWhole(sandbox: Sandbox, code: string, live: Live): Promise<void> {
  const past = { ...pastOf(live.events, live.events.length), tail: live.evaluation.readings };
  const nobody: Host = async () => assert.fail("everything is recorded");
  await sandbox.restore(undefined);
  const again = await sandbox.evaluate(code, { host: nobody, seed: SEED, past });
  const all = Number.POSITIVE_INFINITY;
  assert.deepEqual(outcomeOf(again, all), outcomeOf(live.evaluation, all));
  assert.equal(again.readings, live.evaluation.readings);
}

const runs: Readonly<Record<SandboxLimits["isolation"], number>> = {
  shared: 12,
  worker: 3,
  process: 3,
};

for (const [isolation, numRuns] of Object.entries(runs) as [keyof typeof runs, number][]) {
  test(`from every prefix of its record a random program comes to the same end (${isolation})`, async () => {
    const limits = { ...testLimits, timeoutMs: 10_000, isolation };
    const sandbox = await pool.open(limits, testSurface);
    const program = fc
      .array(fc.nat(pieces.length - 1), { minLength: 1, maxLength: 6 })
      .map(programOf);
    await fc.assert(
      fc.asyncProperty(program, async (code) => {
        await sandbox.restore(undefined);
        const live = await runLive(sandbox, code);
        for (let count = 0; count <= live.events.length; count += 1)
          await checkCut(sandbox, code, live, count);
        await checkWhole(sandbox, code, live);
      }),
      { numRuns },
    );
    await sandbox.close();
  });
}

test("the evaluation that was begun again dies again: the two records together are its record", async () => {
  const sandbox = await pool.open({ ...testLimits, timeoutMs: 10_000 }, testSurface);
  const code = programOf([5, 13, 6, 15]);
  const live = await runLive(sandbox, code);
  const first = pastOf(live.events, 3);
  const later: Event[] = [];
  const host: Host = async (name, argument, { call, readings, wasBegun }) => {
    if (!wasBegun) later.push({ type: "call", name, argument: JSON.stringify(argument), readings });
    const reply = replyTo(name, call);
    later.push({ type: "answer", call, reply });
    return reply;
  };
  await sandbox.restore(undefined);
  const second = await sandbox.evaluate(code, { host, seed: SEED, past: first });
  const whole = pastOf(
    [
      ...first.calls.map((call) => ({ type: "call" as const, ...call })),
      ...first.answers.map((answer) => ({ type: "answer" as const, ...answer })),
      ...later,
    ],
    Number.POSITIVE_INFINITY,
  );
  await sandbox.restore(undefined);
  const nobody: Host = async () => assert.fail("everything is recorded");
  const third = await sandbox.evaluate(code, { host: nobody, seed: SEED, past: whole });
  const { length } = whole.calls;
  assert.deepEqual(outcomeOf(third, length), outcomeOf(second, length));
});
