// Goal: whole turns of agents that give work to others: their code, their budgets, their record, and what is left after a crash.
// Method: real services, sandboxes and journal; the models are scripts, and what stops a process stops the turn in its middle.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LegionError } from "../../lib/errors.ts";
import {
  type ScriptedAgent,
  type TeamServices,
  teamServices,
} from "../../testing/team-services.ts";
import type { TurnResult } from "../contract.ts";
import { endOrphans } from "./orphans.ts";

let folder: string;
let opened = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-teams-"));
});
after(() => rm(folder, { recursive: true, force: true }));

type Agents = Readonly<Record<string, ScriptedAgent>>;

const complete = (code: string) => ({ action: "eval_and_complete", code, result: "" });
const step = (code: string) => ({ action: "eval_and_continue", code, result: "" });
const answer = (result: unknown) => ({ action: "return", result });
const always = (reply: object) => [{ when: { contains: " " }, ...reply }];
const team = { agents: ["writer", "critic"] };
const writer: ScriptedAgent = { replies: always(answer("a draft")) };
const critic: ScriptedAgent = {
  replies: [
    { when: { contains: "a draft" }, ...answer({ grade: 2 }) },
    { when: { contains: " " }, ...answer({ grade: 0 }) },
  ],
};

function open(agents: Agents, at?: string): Promise<TeamServices> {
  opened += 1;
  return teamServices(at ?? join(folder, String(opened)), agents);
}

/** The runs on record as `agent status`, oldest first. */
async function runsOf({ journal }: TeamServices): Promise<string[]> {
  return (await journal.runs()).map(({ agent, status }) => `${agent} ${status}`).reverse();
}

test("then, pipeline and parallel with closures of the model's code", async () => {
  const code = `const weights = { a: 1, b: 10 };
    const graded = await agents.parallel(Object.keys(weights).map((row) => async (agents) => {
      const { grade } = await agents.then(agents.call("writer", "Write " + row), "critic", (draft) => "Grade: " + draft);
      return grade * weights[row];
    }));
    const piped = await agents.pipeline([{ agent: "writer", task: "Write." }, { agent: "critic", task: (text) => "Rate " + text }, ({ grade }) => grade]);
    ({ graded, piped })`;
  await using tested = await open({
    lead: { spec: team, replies: [complete(code)] },
    writer,
    critic,
  });
  const result = await tested.run("lead");
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.deepEqual(result.value, { graded: [2, 20], piped: 2 });
  const runs = await tested.journal.runs({ parent: result.run });
  assert.equal(runs.length, 6);
  const parents = tested.events.flatMap(({ kind, data }) =>
    kind === "legion.agent.started" ? [data.parent] : [],
  );
  assert.deepEqual(parents, [undefined, ...runs.map(() => result.run)]);
  assert.ok(runs.every(({ key }) => key?.startsWith(`call/${result.run}/${result.run}/1.`)));
});

test("a started agent remembers across evaluations, and is forgotten with the turn", async () => {
  const remembering: ScriptedAgent = {
    replies: [
      { when: { step: 1 }, ...answer("first") },
      { when: { contains: "first" }, ...answer("I remember") },
    ],
  };
  const replies = [
    step('const w = await agents.start("writer"); await agents.tell(w, "one")'),
    complete('[await agents.tell(w, "two"), (await agents.messages(w)).length]'),
  ];
  await using tested = await open({ lead: { spec: team, replies }, writer: remembering, critic });
  const result = await tested.run("lead");
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.deepEqual(result.value, ["I remember", 4]);
  assert.deepEqual(await tested.journal.conversations("uid-writer"), []);
});

test("an agent in mode tools calls others natively", async () => {
  const replies = [
    { toolCalls: [{ name: "call", arguments: { agent: "writer", task: "Write." } }] },
    { when: { contains: "a draft" }, text: "It wrote: a draft" },
  ];
  const spec = { ...team, mode: "tools", outputSchema: { type: "string" } };
  await using tested = await open({ lead: { spec, replies }, writer, critic });
  const result = await tested.run("lead");
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "It wrote: a draft");
});

test("a sub-agent that spends the budget of its team ends in its middle, its parent is told, and the turn ends", async () => {
  const greedy: ScriptedAgent = { replies: always(step("1")), spec: { maxIterations: 50 } };
  const seen = step(
    'const end = await agents.call("writer", "Go on."); [end.reason, end.error.message]',
  );
  const spec = { ...team, budget: { team: { requests: 4 } } };
  await using tested = await open({
    lead: { spec, replies: [seen, answer("x")] },
    writer: greedy,
    critic,
  });
  const result = await tested.run("lead");
  assert.ok(result.status === "cancel", JSON.stringify(result));
  assert.deepEqual([result.reason, result.error.code], ["budget_exceeded", "LEG2096"]);
  const told = tested.events.find(
    ({ kind, data }) =>
      kind === "legion.agent.message.added" &&
      data.type === "eval_result" &&
      data.text.includes("budget_exceeded"),
  );
  assert.match(
    JSON.stringify(told?.data),
    /is spent: 4 of 4 requests to models with the agents below it/,
  );
  const [child] = await tested.journal.runs({ parent: result.run });
  assert.deepEqual([child?.status, child?.reason], ["cancel", "budget_exceeded"]);
});

test("a sub-agent over its own budget ends alone", async () => {
  const spec = { budget: { run: { requests: 2 } }, maxIterations: 50 };
  const greedy: ScriptedAgent = { replies: always(step("1")), spec };
  const code = '(await agents.call("writer", "Go on.")).reason';
  await using tested = await open({
    lead: { spec: team, replies: [complete(code)] },
    writer: greedy,
    critic,
  });
  const result = await tested.run("lead");
  assert.equal(result.status === "ok" && result.value, "budget_exceeded");
});

/** Three levels: lead calls middle, which calls the writer, whose model takes an hour. */
const deep: Agents = {
  lead: { spec: { agents: ["middle"] }, replies: [complete('await agents.call("middle", "1")')] },
  middle: { spec: { agents: ["writer"] }, replies: [complete('await agents.call("writer", "2")')] },
  writer: { replies: [{ ...answer("late"), delay: "1h" }] },
};

/** Resolves when the writer waits for its model. */
async function writing({ events }: TeamServices): Promise<void> {
  while (
    !events.some(({ agent, kind }) => agent === "writer" && kind === "legion.llm.request.start")
  )
    await new Promise(setImmediate);
}

test("R44: a parent that is interrupted leaves nothing behind on three levels", async () => {
  await using tested = await open(deep);
  const controller = new AbortController();
  const ended = tested.run("lead", { signal: controller.signal });
  await writing(tested);
  controller.abort();
  const result = await ended;
  assert.equal(result.status === "cancel" && result.reason, "interrupted");
  assert.deepEqual(await tested.journal.unfinished(), []);
  assert.deepEqual(await runsOf(tested), ["lead cancel", "middle cancel", "writer cancel"]);
  const order = tested.events
    .filter(({ kind }) => kind === "legion.agent.stopped")
    .map(({ agent }) => agent);
  assert.deepEqual(order, ["writer", "middle", "lead"]);
});

test("one run of a sub-agent is cancelled with those below it, and its parent goes on", async () => {
  const code =
    'const { reason, error } = await agents.call("middle", "1"); [reason, error.message]';
  const lead = { ...deep.lead, replies: [complete(code)] };
  await using tested = await open({ ...deep, lead });
  const ended = tested.run("lead");
  await writing(tested);
  const runs = await tested.journal.runs({ agent: "middle" });
  const reason = new LegionError({ code: "LEG2023", message: "a person did", hint: "ask them" });
  assert.equal(await tested.teams.cancelRun(runs[0]?.run ?? "", reason), true);
  const result = await ended;
  assert.deepEqual(result.status === "ok" && result.value, ["interrupted", "a person did"]);
  assert.deepEqual(await runsOf(tested), ["lead ok", "middle cancel", "writer cancel"]);
  assert.equal(await tested.teams.cancelRun(runs[0]?.run ?? "", reason), false);
});

test("a process that ends leaves all three runs, and the next one goes on with each", async () => {
  const at = join(folder, "handed-on");
  const key = "message/m1/1";
  {
    await using first = await open(deep, at);
    const controller = new AbortController();
    const ended = first.run("lead", { key, signal: controller.signal });
    await writing(first);
    controller.abort(
      new LegionError({ code: "LEG2033", message: "the daemon ends", hint: "start it" }),
    );
    await ended;
    assert.deepEqual(await runsOf(first), ["lead running", "middle running", "writer running"]);
  }
  await using second = await open({ ...deep, writer: { replies: [answer("in time")] } }, at);
  const result = await second.run("lead", { key });
  assert.deepEqual([result.status, result.status === "ok" && result.value], ["ok", "in time"]);
  assert.deepEqual(await runsOf(second), ["lead ok", "middle ok", "writer ok"]);
});

test("runs whose parent has ended are ended when a daemon starts, those of a parent that goes on are not", async () => {
  await using tested = await open({ lead: writer });
  const { journal } = tested;
  const begin = (run: string, parent?: string, conversation = "") =>
    journal.begin(
      {
        run,
        uid: "uid-writer",
        agent: "writer",
        generation: 1,
        conversation,
        ...(parent && { parent }),
      },
      { task: "x" },
    );
  await begin("1-alive");
  await begin("2-child", "1-alive");
  await begin("3-over");
  await begin("4-orphan", "3-over", "team/3-over/1.1");
  await begin("5-below", "4-orphan");
  await journal.end("3-over", { data: {}, status: "ok", tokens: 0 });
  assert.equal(await endOrphans(journal), 2);
  const left = (await journal.unfinished()).map(({ run }) => run);
  assert.deepEqual(left, ["1-alive", "2-child"]);
  assert.equal(await endOrphans(journal), 0);
});

test("a turn that goes on with its next delivery finds the agents that it had started, with what they know and have to do", async () => {
  const at = join(folder, "suspended");
  const begun = step(
    'const writer = await agents.start("writer"); await agents.tell(writer, "It is blue."); await agents.cast(writer, "Be slow."); writer',
  );
  const finished = complete('const said = await agents.tell(writer, "Which one?"); said');
  const replies = [
    { when: { lastContains: "It is blue." }, ...answer("noted") },
    { when: { lastContains: "Which one?", contains: "It is blue." }, ...answer("blue") },
  ];
  const lead = { spec: { agents: ["writer"], bindingScope: "turn" } };
  const slow = { when: { lastContains: "Be slow." }, ...answer("done") };
  const request = {
    message: "m",
    key: "message/m/1",
    answers: ({ status }: TurnResult) => status === "ok",
  };
  {
    await using first = await open(
      {
        lead: { ...lead, replies: [begun, { error: { status: 400, message: "down" } }] },
        writer: { replies: [...replies, { ...slow, delay: "1h" }] },
      },
      at,
    );
    const { status } = await first.run("lead", request);
    assert.equal(status, "cancel");
    assert.deepEqual(await runsOf(first), ["lead running", "writer ok", "writer running"]);
  }
  await using second = await open(
    { lead: { ...lead, replies: [begun, finished] }, writer: { replies: [...replies, slow] } },
    at,
  );
  const result = await second.run("lead", request);
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "blue");
  assert.deepEqual(await runsOf(second), ["lead ok", "writer ok", "writer ok", "writer ok"]);
});

test("the budget of a team goes on where it was, in requests and calls too", async () => {
  const at = join(folder, "budget");
  const begun = step('const one = await agents.call("writer", "Write."); one');
  const again = complete('const two = await agents.call("writer", "Write more."); two');
  const spec = { agents: ["writer"], budget: { team: { requests: 3 } } };
  const key = { message: "m", key: "message/m/1" };
  const request = { ...key, answers: ({ status }: TurnResult) => status === "ok" };
  {
    const replies = [begun, { error: { status: 400, message: "down" } }];
    await using first = await open({ lead: { spec, replies }, writer }, at);
    assert.equal((await first.run("lead", request)).status, "cancel");
  }
  await using second = await open({ lead: { spec, replies: [begun, again] }, writer }, at);
  const result = await second.run("lead", request);
  assert.ok(result.status === "ok", JSON.stringify(result));
  const { reason } = result.value as { reason?: string };
  assert.equal(reason, "budget_exceeded", "two requests before, and the one that led to this call");
});
