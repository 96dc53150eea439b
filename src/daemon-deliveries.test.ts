// Goal: what a watcher tells its agent waits for an agent that takes nothing for now, and is given up when that would be for ever.
// Method: a supervisor that refuses as the one of agents does; what becomes of each delivery.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incoming, Told } from "./agent/supervision.ts";
import { beingDeleted, noLoop, notTaken } from "./agent/supervisor/answers.ts";
import { createDeliver } from "./daemon-deliveries.ts";
import type { ResourceKey } from "./state/resource.ts";
import { watcherKey, watcherObject } from "./testing/watchers.ts";
import type { Delivery } from "./watch/contract.ts";

const operator = { kind: "Agent", namespace: "default", name: "operator" };
const other = { ...operator, name: "other" };
const trigger = "when status >= 500";

/** Makes one delivery; `told` is what the supervisor was told. */
async function delivered(kind: "wake" | "message", tell: () => Promise<Told>) {
  const told: [ResourceKey, Incoming][] = [];
  const deliver = createDeliver({
    supervisor: {
      tell: async (key, message) => {
        told.push([key, message]);
        return await tell();
      },
    },
    services: { callTool: () => assert.fail("no tool is called") },
    view: {
      get: () => ({}) as never,
      object: () => watcherObject("shop", { trigger }) as never,
      within: () => assert.fail("nothing else is looked at"),
    },
    states: { read: async () => undefined, write: async () => {} },
  });
  const action = kind === "wake" ? { kind } : { kind, name: "other" };
  const delivery: Delivery = {
    ...{ id: "watcher/uid-shop/7", watcher: watcherKey("shop"), action, text: "down", fires: [] },
  };
  return { ...(await deliver(delivery)), told };
}

const lifecycle = { reason: "", actor: "me" } as const;
const stopped = () => notTaken(operator, { ...lifecycle, state: "stopped" });
const terminated = () => notTaken(operator, { ...lifecycle, state: "terminated" });

const refusals = [
  [
    "a wake waits until its agent, with which the watcher rests, is resumed",
    "wake",
    stopped,
    "retry",
  ],
  ["a message to another agent that is stopped is given up", "message", stopped, "failed"],
  [
    "a wake waits for an agent that is deleted and may come again",
    "wake",
    () => beingDeleted(operator),
    "retry",
  ],
  ["and for one that is only coming", "wake", () => noLoop(operator), "retry"],
  ["a wake of an agent that is terminated is given up", "wake", terminated, "failed"],
] as const;

for (const [says, kind, refusal, type] of refusals)
  test(says, async () => {
    const end = await delivered(kind, async () => {
      throw refusal() ?? new Error("there is no refusal");
    });
    assert.equal(end.type, type);
  });

test("an agent is told once under the id of the delivery, in the conversation of the watcher", async () => {
  const { type, told } = await delivered("wake", async () => ({ message: "1", queued: 1 }));
  assert.equal(type, "done");
  const [[key, message] = []] = told;
  assert.deepEqual(key, operator);
  assert.equal(message?.dedupeKey, "watcher/uid-shop/7");
  const { told: toOther } = await delivered("message", async () => ({ message: "1", queued: 1 }));
  assert.deepEqual(toOther[0]?.[0], other);
});

test("what an agent has no room for by its policy is given up, and says how to make room", async () => {
  const end = await delivered("wake", async () => ({
    message: "1",
    queued: 1,
    dropped: "overflow",
  }));
  assert.ok(end.type === "failed" && end.error.code === "LEG2705");
});
