// Goal: what can be done with agents goes over the wire whole, in both directions, and every answer has the form that its route says.
// Method: each method of the agents half through the real client and server to a recording half; raw requests for forms and refusals.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "../lib/schema.ts";
import type { AgentsPlane } from "../reconcile/agents-contract.ts";
import { agentAnswers, recordingAgents, sampleRun } from "../testing/agents-half.ts";
import { rawRequest, serveTestPlane } from "../testing/api-server.ts";
import { requireDaemon } from "./client.ts";
import { routes } from "./routes.ts";

const ada = { kind: "Agent", namespace: "team a", name: "ada" };
const why = { reason: "too loud", actor: "test" };
const signal = new AbortController().signal;
const message = {
  ...{ namespace: "default", name: "ada", task: "Grüße\n", id: "01KD00000000000000000000M1" },
  ...{ from: "test", conversation: "grün", dedupeKey: "k", vault: { user: { id: 7 } } },
};

const cases: { readonly [M in keyof AgentsPlane]: readonly Parameters<AgentsPlane[M]>[] } = {
  ask: [[message, signal]],
  tell: [[message], [{ namespace: "default", name: "ada", task: "x" }]],
  move: [
    [ada, "paused", why],
    [ada, "terminated", { reason: "", actor: "test" }],
  ],
  stopAll: [[why]],
  scale: [[ada, 5, "test"]],
  interrupt: [[ada, "a/b?c#d"]],
  conversations: [[ada]],
  messages: [[ada, "a/b ü", 7]],
  endConversation: [[ada, "a/b%2F"]],
  deadLetters: [[ada]],
  redrive: [[ada, ["01KD00000000000000000000D1"]]],
  runs: [[{}], [{ uid: "u", agent: "ada", status: "rolled-back", parent: "p", limit: 3 }]],
  runDetail: [["01KD/../x"]],
  cancelRun: [["R1"]],
  resumeRun: [["R1"]],
  rollbackRun: [["R1"]],
  replayRun: [["R1"]],
  questions: [[{}], [{ state: "all", agent: "ada" }]],
  decide: [
    ["Q1", { type: "answer", answer: { amount: [1, null, "x"] }, by: "ada" }],
    ["Q1", { type: "answer", answer: null, by: "ada" }],
    ["Q1", { type: "approve", by: "ada" }],
    ["Q1", { type: "deny", by: "ada", reason: "no" }],
  ],
  graves: [[]],
  restore: [["team-a/old", "test"]],
};

test("every method of the agents half goes over the wire with all its arguments, and its answer comes back", async () => {
  const { plane, calls } = recordingAgents();
  await using served = await serveTestPlane({ plane });
  const client = await requireDaemon({ stateFolder: served.folder });
  for (const [method, lists] of Object.entries(cases)) {
    for (const args of lists) {
      const call = client[method as keyof AgentsPlane] as (...args: unknown[]) => Promise<unknown>;
      const answer = await call(...args);
      assert.deepEqual(answer, agentAnswers[method as keyof AgentsPlane], method);
      const told = args.filter((each: unknown) => !(each instanceof AbortSignal));
      assert.deepEqual(calls.at(-1), { method, args: told }, method);
    }
  }
});

test("what may be left out is left out on the other side too", async () => {
  const { plane, calls } = recordingAgents();
  await using served = await serveTestPlane({ plane });
  const client = await requireDaemon({ stateFolder: served.folder });
  await client.interrupt(ada);
  await client.deadLetters();
  await client.redrive(ada);
  await client.messages(ada, "main");
  assert.deepEqual(
    calls.map(({ args }) => args.filter((each) => each !== undefined)),
    [[ada], [], [ada], [ada, "main"]],
  );
});

const parts: Record<string, string> = {
  ...{ namespace: "default", name: "ada", conversation: "main", run: sampleRun.run },
  question: "Q1",
};
const bodies: Record<string, unknown> = {
  move: { to: "paused", ...why },
  "stop-all": why,
  scale: { replicas: 2, manager: "test" },
  decision: { type: "approve", by: "ada" },
  restore: { grave: "old", manager: "test" },
  messages: { task: "x", vault: { a: 1 } },
};
const agentRoutes = routes.filter(({ permission }) => /^(agents|questions)/.test(permission));
const pathOf = (path: string) => path.replace(/:(\w+)/g, (_, name: string) => parts[name] ?? "");
const host = { host: "localhost", "content-type": "application/json" };

for (const { method, path, body, answers } of agentRoutes) {
  test(`${method} ${path} answers in the form that it says`, async () => {
    const { plane } = recordingAgents();
    await using served = await serveTestPlane({ plane });
    const sent = body && JSON.stringify(bodies[path.split("/").at(-1) ?? ""] ?? {});
    const { status, text } = await rawRequest(served.server, {
      ...{ method, path: pathOf(path), headers: host, ...(sent !== undefined && { body: sent }) },
    });
    const answer = answers[status];
    assert.ok(answer, `${status} ${text}`);
    const check = await compileSchema(answer.schema);
    const lines = answer.as === "json" ? [text] : text.trim().split("\n");
    assert.ok(lines.length > 0);
    for (const line of lines) assert.deepEqual(check(JSON.parse(line)), [], line);
  });
}

const refused = [
  { what: "another state", path: "move", body: { to: "asleep", ...why } },
  { what: "a move without an actor", path: "move", body: { to: "paused", reason: "" } },
  { what: "no replicas", path: "scale", body: { replicas: 0, manager: "m" } },
  { what: "too many replicas", path: "scale", body: { replicas: 101, manager: "m" } },
  { what: "a field that there is none of", path: "interrupt", body: { conversations: "x" } },
  { what: "an id that is no text", path: "redrive", body: { ids: [1] } },
  { what: "a vault that is no object", path: "messages", body: { task: "x", vault: "secret" } },
  { what: "a message without a task", path: "messages", body: {} },
];
for (const { what, path, body } of refused) {
  test(`${what} is refused before anything is done`, async () => {
    const { plane, calls } = recordingAgents();
    await using served = await serveTestPlane({ plane });
    const answer = await rawRequest(served.server, {
      ...{ method: "POST", path: `/v1/agents/default/ada/${path}`, headers: host },
      body: JSON.stringify(body),
    });
    assert.equal(answer.status, 400, answer.text);
    assert.doesNotMatch(answer.text, /secret/);
    assert.deepEqual(calls, []);
  });
}

test("a decision that is none of the three is refused", async () => {
  const { plane, calls } = recordingAgents();
  await using served = await serveTestPlane({ plane });
  const path = "/v1/questions/Q1/decision";
  for (const body of [
    { type: "answer", by: "a" },
    { type: "approve" },
    { type: "approve", by: "a", answer: 1 },
    { type: "maybe", by: "a" },
  ]) {
    const sent = { method: "POST", path, headers: host, body: JSON.stringify(body) };
    const { status, text } = await rawRequest(served.server, sent);
    assert.equal(status, 400, text);
  }
  assert.deepEqual(calls, []);
});

test("S07: who may do what with agents is a table", () => {
  const permissions = Object.fromEntries(
    agentRoutes.map(({ method, path, permission }) => [
      `${method} ${path.replace("/v1/", "").replace("agents/:namespace/:name", "AGENT")}`,
      permission,
    ]),
  );
  assert.deepEqual(permissions, {
    "POST AGENT/messages": "agents.message",
    "POST AGENT/interrupt": "agents.message",
    "GET AGENT/conversations": "agents.read",
    "GET AGENT/conversations/:conversation/messages": "agents.read",
    "GET dead-letters": "agents.read",
    "GET graves": "agents.read",
    "GET runs": "agents.read",
    "GET runs/:run": "agents.read",
    "POST runs/:run/replay": "agents.read",
    "GET questions": "agents.read",
    "POST questions/:question/decision": "questions.decide",
    "POST AGENT/move": "agents.control",
    "POST stop-all": "agents.control",
    "DELETE AGENT/conversations/:conversation": "agents.control",
    "POST AGENT/redrive": "agents.control",
    "POST runs/:run/cancel": "agents.control",
    "POST runs/:run/resume": "agents.control",
    "POST runs/:run/rollback": "agents.control",
  });
});
