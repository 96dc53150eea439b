// Goal: every turn is on record with its message and what it came to, also one that could not begin.
// Method: real services on an agent that answers by script; events are looked at.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import type { Json } from "../lib/json.ts";
import { loadManifests } from "../manifest/load.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import { createServices } from "./services.ts";

const object = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: "legion.dev/v1", kind, metadata: { name }, spec });

/** One turn of an agent that answers with this value; what is on record of its begin and its end. */
async function recorded(value: Json, changed: { readonly tools?: string[] } = {}) {
  const reply = { when: { contains: " " }, action: "return", result: value };
  const agentSpec = { description: "Helps.", model: "script/it", outputSchema: {}, tools: [] };
  const objects = [
    object("Provider", "script", { wire: "scripted", replies: [reply] }),
    object("Agent", "a", agentSpec),
  ];
  const place = { cwd: import.meta.dirname, env: {} };
  const set = await loadManifests([{ text: objects.join("\n---\n"), filename: "m.yaml" }], place);
  const agent = set.get("Agent", "a");
  assert.ok(agent !== undefined, JSON.stringify(set.diagnostics));
  const events: LegionEvent[] = [];
  await using services = createServices({
    ...place,
    stateFolder: import.meta.dirname,
    clock: systemClock,
    keyValue: () => Promise.reject(new Error("nothing is kept here")),
    objectsOf: () => set,
    secretFiles: () => [],
    publish: (event) => events.push(event),
  });
  const turn = { ...agent, spec: { ...agent.spec, ...changed } };
  const request = { agent: turn, task: "Do it.", run: "r", message: "m1", attempt: 2 };
  const { signal } = new AbortController();
  const failure = await services.runTurn({ ...request, signal }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const [first, last] = [events[0], events.at(-1)];
  assert.ok(first?.kind === "legion.agent.started" && last?.kind === "legion.agent.stopped");
  assert.equal(last.causedBy, first.id);
  return { started: first.data, stopped: last.data, failure };
}

test("the message, the attempt and the answer are on record", async () => {
  const { started, stopped } = await recorded({ list: [1] });
  assert.deepEqual(started, { task: "Do it.", message: "m1", attempt: 2 });
  assert.deepEqual([stopped.message, stopped.value], ["m1", { list: [1] }]);
});

test("of a long answer the beginning is on record", async () => {
  const { stopped } = await recorded("word ".repeat(10_000));
  assert.deepEqual([String(stopped.value).length, stopped.isValueCut], [16_384, true]);
});

test("a turn whose tools cannot be built is on record with the reason", async () => {
  const { started, stopped, failure } = await recorded("x", { tools: ["nowhere"] });
  assert.ok(failure instanceof Error);
  assert.equal(started.message, "m1");
  assert.deepEqual(
    [stopped.status, stopped.message, stopped.error?.code],
    ["cancel", "m1", "LEG4001"],
  );
});
