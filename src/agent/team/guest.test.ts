// Goal: `agents` in an agent's code takes functions, hands results on, and ends what is not needed any more.
// Method: the prelude in real sandboxes, its calls answered by a team whose agents do as their task says.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import type { JsonObject } from "../../lib/json.ts";
import type { EvaluationPast, Host, HostReply } from "../../sandbox/contract.ts";
import { createSandboxPool } from "../../sandbox/pool.ts";
import { resultOf, testLimits } from "../../sandbox/testing.ts";
import { teamAgents, testTeam } from "../../testing/team.ts";
import { teamBinding } from "./binding.ts";

const pool = createSandboxPool();
after(() => pool.close());

const lead = { agents: ["writer", "critic"], team: { maxRuns: 200, concurrency: 3 } };
const agentOf = await teamAgents({ lead, writer: {}, critic: {} });

interface Ran {
  readonly value: unknown;
  /** Tasks that were begun, in order. */
  readonly tasks: readonly string[];
  readonly stops: readonly string[];
  readonly calls: EvaluationPast["calls"];
  readonly answers: EvaluationPast["answers"];
}

/** Runs code; agents answer `writer: task`, but for tasks that say what else they do: `fail` is cancelled, `hang` does not end by itself. */
async function run(code: string, past?: EvaluationPast, seed = "s"): Promise<Ran> {
  const tested = testTeam(agentOf, "lead");
  const calls: EvaluationPast["calls"][number][] = [];
  const answers: { call: number; reply: HostReply }[] = [];
  const binding = teamBinding(tested.team);
  const context = { config: {}, agent: "lead", run: "root", vault: {} };
  const answer = async (): Promise<void> => {
    for (const child of tested.children) {
      const { task } = child.request;
      if (task.startsWith("fail")) child.cancel("reached_max_retries");
      else if (!task.startsWith("hang")) child.answer(`${child.name}: ${task}`);
    }
  };
  const host: Host = async (name, argument, { call, readings, signal }) => {
    calls.push({ name, argument: JSON.stringify(argument), readings });
    const idempotencyKey = `root/1.${call}`;
    const [, verb = ""] = name.split(".");
    try {
      const asked = binding.tool.call(verb, argument as JsonObject, {
        ...context,
        idempotencyKey,
        signal,
      });
      asked.catch(() => {});
      for (let count = 0; count < 3; count += 1) {
        await settled();
        await answer();
        if (verb === "wait") tested.time.advance(1_000);
      }
      const reply = { ok: true, value: await asked } as const;
      answers.push({ call, reply });
      return reply;
    } catch (error) {
      const { name: kind, message } = error as Error;
      return { ok: false, error: { name: kind, message } };
    }
  };
  const { functions: names, prelude } = binding;
  const surface = { tools: { agents: names }, functions: [], ...(prelude && { prelude }) };
  const sandbox = await pool.open({ ...testLimits, timeoutMs: 5_000 }, surface);
  try {
    const evaluation = await sandbox.evaluate(code, { host, seed, ...(past && { past }) });
    const value = resultOf(evaluation);
    const tasks = tested.children.map(({ request }) => request.task);
    return { value, tasks, stops: tested.stops, calls, answers };
  } finally {
    await sandbox.close();
  }
}

const cases: readonly { name: string; code: string; value: unknown; tasks?: readonly string[] }[] =
  [
    {
      name: "call gives the answer",
      code: 'await agents.call("writer", "a")',
      value: "writer: a",
    },
    {
      name: "a task may be a function, a promise or data",
      code: 'const n = 2; [await agents.call("writer", () => `n is ${n}`), await agents.call("writer", Promise.resolve("p")), await agents.call("writer", { n })]',
      value: ["writer: n is 2", "writer: p", 'writer: {"n":2}'],
    },
    {
      name: "a cancel is a value that says why",
      code: 'const { status, reason, error } = await agents.call("writer", "fail"); [status, reason, error.code]',
      value: ["cancel", "reached_max_retries", "LEG2023"],
    },
    {
      name: "start, tell, cast, messages and stop go by the id or by what start gave",
      code: 'const w = await agents.start("writer"); const a = await agents.tell(w, "x"); const b = await agents.cast(w.id, "y"); const m = await agents.messages(w); [w, a, b, m, await agents.stop(w)]',
      value: [{ id: "writer/1.1" }, "writer: x", null, [], true],
      tasks: ["x", "y"],
    },
    {
      name: "start with a task has its answer",
      code: '(await agents.start("writer", "x")).result',
      value: "writer: x",
    },
    {
      name: "parallel of tasks, whose texts may be functions",
      code: 'await agents.parallel([{ agent: "writer", task: "a" }, { agent: "critic", task: () => "b" }])',
      value: ["writer: a", "critic: b"],
    },
    {
      name: "parallel of functions that compute, call and call again",
      code: `const rows = ["a", "b"];
      await agents.parallel(rows.map((row) => async (agents) => {
        const draft = await agents.call("writer", row);
        return (await agents.call("critic", draft)).toUpperCase();
      }), { concurrency: 1 })`,
      value: ["CRITIC: WRITER: A", "CRITIC: WRITER: B"],
      tasks: ["a", "writer: a", "b", "writer: b"],
    },
    {
      name: "parallel: the first cancel is the result, and the others end",
      code: '(await agents.parallel([() => agents.call("writer", "hang"), { agent: "critic", task: "fail" }, async () => 1])).reason',
      value: "reached_max_retries",
      tasks: ["hang", "fail"],
    },
    {
      name: "parallel: its time ends what still runs",
      code: 'const end = await agents.parallel([() => agents.call("writer", "hang"), async () => 1], { timeout: 1000 }); [end.reason, end.error.code]',
      value: ["timeout", "LEG2022"],
    },
    {
      name: "parallel in parallel ends with the outer one",
      code: '(await agents.parallel([(agents) => agents.parallel([(agents) => agents.call("writer", "hang 1"), { agent: "writer", task: "hang 2" }]), { agent: "critic", task: "fail" }])).reason',
      value: "reached_max_retries",
    },
    {
      name: "parallel: an error of a function is an error of the code",
      code: 'try { await agents.parallel([async () => { throw new Error("mine"); }, { agent: "writer", task: "hang" }]) } catch (error) { error.message }',
      value: "mine",
    },
    {
      name: "nothing in parallel is an empty list",
      code: "await agents.parallel([])",
      value: [],
    },
    {
      name: "pipeline: a text has the answer before beneath it, a function gets it",
      code: 'await agents.pipeline([{ agent: "writer", task: "a" }, (text) => text.length, { agent: "critic", task: (n) => `rate ${n}` }])',
      value: "critic: rate 9",
      tasks: ["a", "rate 9"],
    },
    {
      name: "pipeline: plain texts",
      code: 'await agents.pipeline([{ agent: "writer", task: "a" }, { agent: "critic", task: "Rate." }])',
      value: "critic: Rate.\n\nThe result of the step before:\nwriter: a",
    },
    {
      name: "pipeline: a cancel ends it",
      code: '(await agents.pipeline([{ agent: "writer", task: "fail" }, () => "not reached"])).status',
      value: "cancel",
    },
    {
      name: "then hands an answer on, from a promise too",
      code: 'const suffix = "!"; await agents.then(agents.call("writer", "a"), "critic", (text) => text + suffix)',
      value: "critic: writer: a!",
    },
    {
      name: "then without a task gives the answer itself",
      code: 'await agents.then("b", "critic")',
      value: "critic: b",
    },
    {
      name: "then passes a cancel on",
      code: '(await agents.then(agents.call("writer", "fail"), "critic", () => "x")).status',
      value: "cancel",
      tasks: ["fail"],
    },
    {
      name: "awaiting agents itself does not hang",
      code: 'await agents; "on"',
      value: "on",
    },
  ];

for (const { name, code, value, tasks } of cases) {
  test(name, async () => {
    const ran = await run(code);
    assert.deepEqual(ran.value, value);
    if (tasks !== undefined) assert.deepEqual(ran.tasks, tasks);
  });
}

test("those that are stopped are those that still ran", async () => {
  const { stops } = await run(
    'await agents.parallel([() => agents.call("writer", "hang"), { agent: "critic", task: "fail" }])',
  );
  assert.deepEqual(stops, ["writer"]);
});

test("mistakes say what would be right", async () => {
  const code = (text: string) => `try { await ${text} } catch (error) { error.message }`;
  assert.match(
    String((await run(code('agents.parallel("a")'))).value),
    /agents\.parallel takes a list/,
  );
  assert.match(String((await run(code('agents.call("nobody", "a")'))).value), /no agent "nobody"/);
});

test("begun again from every place of its record, the code does the same", async () => {
  const code = `const rows = ["a", "b", "c"];
    const texts = await agents.parallel(rows.map((row) => async (agents) => {
      const draft = await agents.call("writer", row);
      return agents.call("critic", draft);
    }), { concurrency: 2, timeout: "1h" });
    await agents.then(texts, "writer", (list) => list.join("+"))`;
  const whole = await run(code);
  for (let known = 0; known <= whole.answers.length; known += 1) {
    const answers = whole.answers.slice(0, known);
    const begun = Math.max(0, ...answers.map(({ call }) => call));
    const past = { calls: whole.calls.slice(0, begun), answers };
    assert.deepEqual((await run(code, past)).value, whole.value, `after ${known} answers`);
  }
});
