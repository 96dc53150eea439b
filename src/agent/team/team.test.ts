// Goal: an agent gives work only to agents that it may, within the limits of all above it, and they end with it: the last one first.
// Method: the verbs over turns that the test ends by hand, in time that stands still.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { LegionError } from "../../lib/errors.ts";
import { type TeamSpecs, teamAgents, testTeam } from "../../testing/team.ts";
import type { TeamOptions } from "./team.ts";

async function open(specs: TeamSpecs, more: Partial<TeamOptions> = {}) {
  return testTeam(await teamAgents({ ...specs }), "lead", more);
}

const pair: TeamSpecs = {
  lead: { agents: ["writer", "critic"] },
  writer: {},
  critic: {},
  stranger: {},
};

test("call runs one task under the key of the call, and gives the answer", async () => {
  const team = await open(pair);
  const called = team.do("call", { agent: "writer", task: "Write." }, { vault: { user: "u1" } });
  await settled();
  const [child] = team.children;
  const { task, key, conversation, vault, parent, agent } = child?.request ?? assert.fail();
  assert.deepEqual([task, key, conversation], ["Write.", "call/root/root/1.1", undefined]);
  assert.deepEqual([vault, parent.run, agent.uid], [{ user: "u1" }, "root", "uid-writer"]);
  child?.answer("a text");
  assert.equal(await called, "a text");
});

const refused = [
  {
    name: "one that spec.agents does not list",
    agent: "stranger",
    hint: /use one of: writer, critic/,
  },
  { name: "a misspelt one", agent: "writr", hint: /did you mean "writer"\?/ },
] as const;

for (const verb of ["call", "start", "parallel"] as const) {
  for (const { name, agent, hint } of refused) {
    test(`${verb} refuses ${name}`, async () => {
      const team = await open(pair);
      const args = { agent, task: "x" };
      await assert.rejects(
        team.do(
          verb,
          verb === "parallel" ? { tasks: [{ agent: "writer", task: "x" }, args] } : args,
        ),
        (error) => {
          assert.ok(error instanceof LegionError);
          assert.deepEqual([error.code, error.valid], ["LEG2090", ["writer", "critic"]]);
          assert.match(error.hint, hint);
          return true;
        },
      );
      assert.equal(team.children.length, 0, "none of a list is begun");
    });
  }
}

test("an agent that has been deleted since is said to be gone", async () => {
  const team = await open(pair, { agentOf: () => undefined });
  await assert.rejects(team.do("call", { agent: "writer", task: "x" }), { code: "LEG2090" });
});

test("a cancel is a value with its reason, and the code and next step", async () => {
  const team = await open(pair);
  const called = team.do("call", { agent: "writer", task: "x" });
  await settled();
  const error = { code: "LEG2020", message: "not in 3 iterations", hint: "raise it" } as const;
  team.children[0]?.cancel("reached_max_iterations", error);
  assert.deepEqual(await called, { status: "cancel", reason: "reached_max_iterations", error });
});

test("a turn that cannot begin is a cancel too", async () => {
  const broken = new LegionError({ code: "LEG4001", message: "no tool", hint: "add it" });
  const team = await open(pair, { runChild: () => Promise.reject(broken) });
  assert.deepEqual(await team.do("call", { agent: "writer", task: "x" }), {
    status: "cancel",
    reason: "terminated",
    error: broken.toJSON(),
  });
});

test("the same call made again while it runs is the same run", async () => {
  const team = await open(pair);
  const call = { key: "root/2.1" };
  const both = [1, 2].map(() => team.do("call", { agent: "writer", task: "x" }, call));
  await settled();
  assert.equal(team.children.length, 1);
  team.children[0]?.answer("once");
  assert.deepEqual(await Promise.all(both), ["once", "once"]);
});

test("depth: each agent above counts its own levels", async () => {
  const ring = { agents: ["lead", "writer"] };
  const team = await open({
    lead: { ...ring, team: { maxDepth: 2 } },
    writer: { ...ring, team: { maxDepth: 9 } },
  });
  const call = { key: "k", signal: new AbortController().signal };
  void team.do("call", { agent: "writer", task: "1" });
  await settled();
  const second = team.below(team.children[0] ?? assert.fail());
  const { verbs } = await import("./verbs.ts");
  void verbs.call(second, { agent: "writer", task: "2" }, call);
  await settled();
  const third = team.below(team.children[1] ?? assert.fail());
  await assert.rejects(verbs.call(third, { agent: "lead", task: "3" }, call), {
    code: "LEG2091",
    message: 'agent "lead" may have 2 levels of agents below it, and this would be one more',
  });
});

test("count: runs of all levels together, and the smaller limit of who starts them", async () => {
  const specs = {
    lead: { agents: ["writer"], team: { maxRuns: 3 } },
    writer: { agents: ["writer"], team: { maxRuns: 1 } },
  };
  const team = await open(specs);
  const { verbs } = await import("./verbs.ts");
  void team.do("call", { agent: "writer", task: "1" });
  await settled();
  const below = team.below(team.children[0] ?? assert.fail());
  const call = (key: string) => ({ key, signal: new AbortController().signal });
  void verbs.call(below, { agent: "writer", task: "2" }, call("a"));
  await assert.rejects(verbs.call(below, { agent: "writer", task: "3" }, call("b")), {
    code: "LEG2092",
    message: /agent "writer" has started 1 run of/,
  });
  void team.do("call", { agent: "writer", task: "4" });
  await assert.rejects(team.do("call", { agent: "writer", task: "5" }), {
    code: "LEG2092",
    message: /agent "lead" has started 3 runs of/,
  });
});

test("concurrency: no more run at once, and who waits for agents of its own leaves them its place", async () => {
  const specs = {
    lead: { agents: ["writer"], team: { concurrency: 1 } },
    writer: { agents: ["writer"] },
  };
  const team = await open(specs);
  const first = team.do("call", { agent: "writer", task: "first" });
  const second = team.do("call", { agent: "writer", task: "second" });
  await settled();
  assert.equal(team.children.length, 1, "the second waits");
  const below = team.below(team.children[0] ?? assert.fail());
  const { verbs } = await import("./verbs.ts");
  const call = { key: "a", signal: new AbortController().signal };
  const inner = verbs.call(below, { agent: "writer", task: "inner" }, call);
  await settled();
  const tasks = () => team.children.map(({ request }) => request.task);
  // The place that the first one leaves goes to who waits longest; the inner one has it next.
  assert.deepEqual(tasks(), ["first", "second"]);
  team.children[1]?.answer("2");
  assert.equal(await second, "2");
  await settled();
  assert.deepEqual(tasks(), ["first", "second", "inner"]);
  team.children[2]?.answer("i");
  assert.equal(await inner, "i");
  team.children[0]?.answer("1");
  assert.equal(await first, "1");
});

test("a started agent has one conversation, its messages come one after the other, and cast waits for nothing", async () => {
  const team = await open(pair);
  const { id } = (await team.do("start", { agent: "writer" })) as { id: string };
  assert.equal(id, "writer/1.1");
  assert.equal(await team.do("cast", { id, task: "one" }), null);
  const told = team.do("tell", { id, task: "two" });
  await settled();
  assert.deepEqual(
    team.children.map(({ request }) => request.task),
    ["one"],
  );
  team.children[0]?.answer("first");
  await settled();
  const [one, two] = team.children.map(({ request }) => request);
  assert.equal(one?.conversation, "team/root/1.1");
  assert.ok(one?.session !== undefined && one.session === two?.session);
  team.children[1]?.answer("second");
  assert.equal(await told, "second");
});

test("start with a task gives the first answer too", async () => {
  const team = await open(pair);
  const started = team.do("start", { agent: "writer", task: "Begin." });
  await settled();
  team.children[0]?.answer("begun");
  assert.deepEqual(await started, { id: "writer/1.1", result: "begun" });
});

test("ids that were not given, or were stopped, are refused with those that there are", async () => {
  const team = await open(pair);
  const { id } = (await team.do("start", { agent: "writer" })) as { id: string };
  await assert.rejects(team.do("tell", { id: "writer/9.9", task: "x" }), {
    code: "LEG2095",
    hint: `use one of: ${id}`,
  });
  assert.equal(await team.do("stop", { id }), true);
  await assert.rejects(team.do("cast", { id, task: "x" }), { code: "LEG2095" });
});

test("stopping a started agent ends its turn and what waits for it", async () => {
  const forgotten: string[] = [];
  const forget = async (_: unknown, conversation: string) => void forgotten.push(conversation);
  const team = await open(pair, { forget });
  const { id } = (await team.do("start", { agent: "writer" })) as { id: string };
  const told = ["a", "b"].map((task) => team.do("tell", { id, task }));
  await settled();
  await team.do("stop", { id });
  const reasons = (await Promise.all(told)).map(
    (value) => (value as { error: { code: string } }).error.code,
  );
  assert.deepEqual(reasons, ["LEG2098", "LEG2098"]);
  assert.equal(team.children.length, 1, "the second was never begun");
  assert.deepEqual(forgotten, ["team/root/1.1"]);
});

test("a hundred messages may wait for one agent", async () => {
  const team = await open({ ...pair, lead: { agents: ["writer"], team: { maxRuns: 1000 } } });
  const { id } = (await team.do("start", { agent: "writer" })) as { id: string };
  for (let count = 0; count < 100; count += 1) await team.do("cast", { id, task: "x" });
  await assert.rejects(team.do("cast", { id, task: "x" }), { code: "LEG2099" });
});

test("parallel gives the answers in order; a cancel ends the others and is the result", async () => {
  const team = await open(pair);
  const tasks = ["a", "b", "c"].map((task) => ({ agent: "writer", task }));
  const good = team.do("parallel", { tasks });
  await settled();
  for (const child of team.children.toReversed()) child.answer(child.request.task);
  assert.deepEqual(await good, ["a", "b", "c"]);
  const bad = team.do("parallel", { tasks });
  await settled();
  team.children[4]?.cancel("reached_max_retries");
  assert.equal(((await bad) as { reason: string }).reason, "reached_max_retries");
  assert.deepEqual(team.stops, ["writer", "writer"]);
  assert.equal((team.children[3]?.reason as LegionError).code, "LEG2093");
});

test("parallel keeps to its own concurrency and to its time", async () => {
  const team = await open(pair);
  const tasks = ["a", "b", "c"].map((task) => ({ agent: "writer", task }));
  const result = team.do("parallel", { tasks, concurrency: 2, timeout: "30s" });
  await settled();
  assert.equal(team.children.length, 2);
  team.children[0]?.answer("a");
  await settled();
  assert.equal(team.children.length, 3);
  team.time.advance(30_000);
  const { reason, error } = (await result) as {
    reason: string;
    error: { code: string; message: string };
  };
  assert.deepEqual([reason, error.code], ["timeout", "LEG2022"]);
  assert.match(error.message, /within 30\.0 s/);
  assert.deepEqual(team.stops.length, 2);
  assert.deepEqual(team.time.pending(), [], "no timer is left");
});

test("calls in a group end together, those that come later too", async () => {
  const team = await open(pair);
  const group = (await team.do("group", { timeout: "5s" })) as string;
  const calls = ["a", "b"].map((task) => team.do("call", { agent: "writer", task, group }));
  const wait = team.do("wait", { id: group });
  await settled();
  team.time.advance(5_000);
  const ends = (await Promise.all([...calls, wait])) as { reason: string }[];
  assert.deepEqual(
    ends.map(({ reason }) => reason),
    ["timeout", "timeout", "timeout"],
  );
  const late = (await team.do("call", { agent: "writer", task: "late", group })) as {
    reason: string;
  };
  assert.equal(late.reason, "timeout");
  assert.equal(team.children.length, 2);
});

test("R44: with a parent its agents end, on three levels, the last one first", async () => {
  const ring = { agents: ["a", "b", "c", "d"], team: { maxDepth: 3 } };
  const team = await open({ lead: ring, a: ring, b: ring, c: ring, d: ring });
  const { verbs } = await import("./verbs.ts");
  const signal = new AbortController().signal;
  void team.do("call", { agent: "a", task: "1" });
  await settled();
  const second = team.below(team.children[0] ?? assert.fail());
  void verbs.call(second, { agent: "b", task: "2" }, { key: "x", signal });
  await settled();
  const third = team.below(team.children[1] ?? assert.fail());
  void verbs.call(third, { agent: "c", task: "3" }, { key: "y", signal });
  void team.do("call", { agent: "d", task: "4" });
  await settled();
  await team.team.close();
  assert.deepEqual(team.stops, ["d", "c", "b", "a"]);
  const codes = team.children.map(({ reason }) => (reason as LegionError).code);
  assert.deepEqual(codes, ["LEG2094", "LEG2094", "LEG2094", "LEG2094"]);
  await assert.rejects(team.do("call", { agent: "a", task: "after the end" }), { code: "LEG2094" });
});

test("R44: one that does not end is left as cancelled after 2 s, on record too", async () => {
  const abandoned: unknown[] = [];
  const abandon = async (key: string, { status }: { status: string }) =>
    void abandoned.push([key, status]);
  const team = await open(pair, { abandon });
  for (const agent of ["writer", "critic"]) void team.do("call", { agent, task: "x" });
  await settled();
  for (const child of team.children) child.isObedient = false;
  const closed = team.team.close();
  for (let count = 0; count < 2; count += 1) {
    await settled();
    team.time.advance(2_000);
  }
  await closed;
  assert.deepEqual(team.stops, ["critic", "writer"]);
  assert.deepEqual(abandoned, [
    ["call/root/root/1.2", "cancel"],
    ["call/root/root/1.1", "cancel"],
  ]);
});

test("a process that ends tells the agents so, and leaves their runs and conversations to the next one", async () => {
  const kept: string[] = [];
  const keep = async (what: unknown) => void kept.push(String(what));
  const team = await open(pair, { abandon: keep, forget: keep });
  const { id } = (await team.do("start", { agent: "writer" })) as { id: string };
  void team.do("tell", { id, task: "x" });
  await settled();
  const child = team.children[0] ?? assert.fail();
  child.isObedient = false;
  team.turn.abort(new LegionError({ code: "LEG2033", message: "it ends", hint: "start it" }));
  const closed = team.team.close();
  await settled();
  team.time.advance(2_000);
  await closed;
  assert.equal((child.reason as LegionError).code, "LEG2033");
  assert.deepEqual(kept, []);
});

test("a call that nobody waits for any more ends its agent, and leaves started ones alone", async () => {
  const team = await open(pair);
  const evaluation = new AbortController();
  const { signal } = evaluation;
  const { id } = (await team.do("start", { agent: "critic" }, { signal })) as { id: string };
  await team.do("cast", { id, task: "goes on" }, { signal });
  void team.do("call", { agent: "writer", task: "1" }, { signal });
  void team.do("parallel", { tasks: [{ agent: "writer", task: "2" }] }, { signal });
  await settled();
  evaluation.abort();
  await settled();
  assert.deepEqual(team.stops, ["writer", "writer"]);
  assert.equal((team.children[1]?.reason as LegionError).code, "LEG2098");
});

test("a turn that is being ended hears nothing of the ends of its agents", async () => {
  const team = await open(pair);
  const called = team.do("call", { agent: "writer", task: "x" });
  await settled();
  await team.team.close();
  const first = await Promise.race([called, settled("nothing")]);
  assert.equal(first, "nothing");
});

test("after a crash the agents that were started are known again, casts go on, and runs count", async () => {
  const past = {
    started: [{ id: "writer/1.1", name: "writer" }],
    casts: [{ id: "writer/1.1", task: "go on", key: "root/1.2" }],
    runs: 2,
    spent: { tokens: 0, requests: 0, toolCalls: 0 },
  };
  const team = await open(
    { ...pair, lead: { agents: ["writer"], team: { maxRuns: 3 } } },
    { past },
  );
  await settled();
  const [child] = team.children;
  assert.deepEqual([child?.request.key, child?.request.task], ["call/root/root/1.2", "go on"]);
  assert.equal(child?.request.conversation, "team/root/1.1");
  await assert.rejects(team.do("call", { agent: "writer", task: "x" }), { code: "LEG2092" });
});
