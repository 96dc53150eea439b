// Goal: an edit while the model answers never changes the turn that runs: it ends under its own prompt, and the next one has the new prompt and the old conversation.
// Method: the fake model server with a reply that comes slowly, the real router, sandbox and turn, and the real supervisor over SQLite.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { openDatabase } from "../../state/database.ts";
import { openSqliteInbox } from "../../state/inbox-sqlite.ts";
import { testAgents } from "../../testing/agent.ts";
import { type Script, startModelServer } from "../../testing/model-server.ts";
import { supervisedState } from "../../testing/supervised.ts";
import { agentObject } from "../../testing/turns.ts";
import type { AgentGeneration } from "../supervision.ts";
import { createSupervisor } from "./supervisor.ts";

const never = new AbortController().signal;
const agents = testAgents();
let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-supervised-"));
});
after(async () => {
  await agents[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const provider = (url: string) => ({
  apiVersion: "legion.dev/v1",
  kind: "Provider",
  metadata: { name: "server" },
  spec: { wire: "openai-chat", baseUrl: url, stream: true },
});

/** An agent "tested" whose turns are real, under supervision. */
async function supervised(script: Script) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startModelServer(script));
  folders += 1;
  const database = await openDatabase(path.join(root, `${folders}`));
  stack.defer(() => database.close());
  const inbox = openSqliteInbox(database, { clock: systemClock });
  const agent = await agents.create({
    spec: { model: "server/m-1", bindingScope: "conversation" },
    objects: [provider(server.url)],
  });
  const supervisor = createSupervisor({
    clock: systemClock,
    ...supervisedState({
      inbox,
      clock: systemClock,
      runGeneration: ({ agent: { object, generation }, ...turn }) =>
        agent.run({ ...turn, agent: object, generation }),
    }),
  });
  stack.defer(() => supervisor.close(0));
  const object = await agentObject("tested");
  const generationOf = (generation: number): AgentGeneration => ({
    uid: "uid-tested",
    generation,
    createdAt: new Date(0).toISOString(),
    object: {
      ...object,
      spec: { ...agent.spec, instructions: `These are instructions ${generation}.` },
    },
  });
  const key = { kind: "Agent", namespace: "default", name: "tested" };
  const requests = () =>
    server.requests.map(({ body }) => {
      const messages = body.messages as { role: string; content: string }[];
      return {
        system: messages[0]?.content ?? "",
        said: messages.slice(1).map(({ content }) => content),
      };
    });
  return { supervisor, agent, generationOf, key, requests, inbox, stack };
}

const slowly = { kind: "drip", bytes: 40, everyMs: 2 } as const;

test("an edit during the stream is for the next turn; conversation and variables stay", async () => {
  const { supervisor, agent, generationOf, key, requests, stack } = await supervised([
    { action: "eval_and_continue", code: "const n = 20 + 1;\nn", result: "", fault: slowly },
    { action: "return", code: "", result: "first", fault: slowly },
    { action: "eval_and_complete", code: "`n is ${n}`", result: "" },
  ]);
  await using _ = stack;
  supervisor.ensure(generationOf(1));
  const streaming = agent.next("legion.llm.delta");
  const first = supervisor.ask(key, { task: "What is 20 + 1?" }, never);
  await streaming;
  assert.equal(supervisor.ensure(generationOf(2)).turn?.generation, 1);
  const ended = await first;
  assert.ok(ended.result.status === "ok", JSON.stringify(ended.result));
  assert.deepEqual([ended.generation, ended.result.value], [1, "first"]);
  const second = await supervisor.ask(key, { task: "And now?" }, never);
  assert.ok(second.result.status === "ok", JSON.stringify(second.result));
  assert.deepEqual([second.generation, second.result.value], [2, "n is 21"]);
  const [one, two, three, ...more] = requests();
  assert.deepEqual(more, []);
  for (const request of [one, two]) {
    assert.match(request?.system ?? "", /instructions 1\./);
    assert.doesNotMatch(request?.system ?? "", /instructions 2\./);
  }
  assert.match(three?.system ?? "", /instructions 2\./);
  assert.doesNotMatch(three?.system ?? "", /instructions 1\./);
  assert.deepEqual(three?.said.slice(0, two?.said.length), two?.said);
  assert.equal(three?.said.at(-1), "And now?");
  const generations = agent.events.flatMap(({ kind, data }) =>
    kind === "legion.agent.started" ? [data.generation] : [],
  );
  assert.deepEqual(generations, [1, 2]);
});

test("a real turn that hangs is ended by the deletion of its agent, and says why", async () => {
  const stalled = {
    action: "done",
    code: "",
    result: "",
    fault: { kind: "stall", afterBytes: 30 },
  } as const;
  const { supervisor, agent, generationOf, key, stack } = await supervised(() => stalled);
  await using _ = stack;
  supervisor.ensure(generationOf(1));
  const asked = agent.next("legion.llm.request.start");
  const outcome = supervisor.ask(key, { task: "Do it." }, never);
  await asked;
  assert.deepEqual(await supervisor.drain(key, 20), { isCancelled: true, dropped: 0 });
  const { result } = await outcome;
  assert.ok(result.status === "cancel");
  assert.deepEqual([result.reason, result.error.code], ["interrupted", "LEG2031"]);
  assert.equal(result.iterations, 1, "the figures are those of the turn");
});

test("a real turn that the process ends keeps its message", async () => {
  const stalled = {
    action: "done",
    code: "",
    result: "",
    fault: { kind: "stall", afterBytes: 30 },
  } as const;
  const { supervisor, agent, generationOf, key, inbox, stack } = await supervised(() => stalled);
  await using _ = stack;
  supervisor.ensure(generationOf(1));
  const asked = agent.next("legion.llm.request.start");
  const refused = assert.rejects(supervisor.ask(key, { task: "Do it." }, never), {
    code: "LEG2033",
  });
  await asked;
  await supervisor.close(20);
  await refused;
  const kept = await inbox.next("uid-tested", "main", Date.now());
  assert.deepEqual([kept?.task, kept?.attempts], ["Do it.", 0]);
});
