// Goal: a changed agent changes its loop between turns, a deleted one is drained, and one whose parts are missing says which.
// Method: the real supervisor, store and controller; turns are gates that the test opens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { TurnResult } from "../agent/contract.ts";
import type { RunGeneration } from "../agent/supervision.ts";
import { createSupervisor } from "../agent/supervisor/supervisor.ts";
import { systemClock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import { createSecrets } from "../security/secrets.ts";
import { openMemoryStore } from "../state/memory.ts";
import type { Resource, ResourceKey } from "../state/resource.ts";
import type { PutChange, Store, StoreChange } from "../state/store.ts";
import { supervisedState } from "../testing/supervised.ts";
import { agentReconciler, DRAIN_FINALIZER } from "./agent.ts";
import { conditionOf, isReady, statusOf } from "./conditions.ts";
import { createController } from "./controller.ts";
import { providerReconciler } from "./provider.ts";
import { routerReconciler } from "./router.ts";
import { toolReconciler } from "./tool.ts";
import { createView } from "./view.ts";

const AT = Date.UTC(2026, 0, 1);
const keyOf = (name: string, kind = "Agent"): ResourceKey => ({ kind, namespace: "default", name });

interface Turn {
  readonly agent: string;
  readonly generation: number;
  readonly task: string;
  readonly signal: AbortSignal;
  end(result?: string): void;
}

function putOf(kind: string, name: string, spec: JsonObject): PutChange {
  return {
    type: "put",
    key: keyOf(name, kind),
    labels: {},
    annotations: {},
    spec,
    manager: "test",
    ...(kind === "Agent" && { finalizers: [DRAIN_FINALIZER] }),
  };
}

const agent = (name: string, more: JsonObject = {}) =>
  putOf("Agent", name, { model: "acme/big", tools: [], terminationGracePeriod: "10s", ...more });
const clock = putOf("Tool", "clock", { type: "builtin", builtin: "now" });
const provider = (name: string) => putOf("Provider", name, { wire: "scripted" });
const router = (name: string, target: string, aliases = {}) =>
  putOf("Router", name, { tiers: [{ name: "main", targets: [target] }], aliases });
const remove = ({ key }: PutChange): StoreChange => ({ type: "delete", key });

/** Everything that keeps agents, and the turns that it began. */
async function open() {
  const store: Store = openMemoryStore({ clock: systemClock });
  const turns: Turn[] = [];
  const runGeneration: RunGeneration = ({ agent: { object, generation }, task, signal }) => {
    const { promise, resolve } = Promise.withResolvers<TurnResult>();
    const end = (result = "ok") =>
      resolve({ status: "ok", value: result } as unknown as TurnResult);
    turns.push({ agent: object.name, generation, task, signal, end });
    signal.addEventListener("abort", () =>
      resolve({ status: "cancel", reason: "interrupted" } as unknown as TurnResult),
    );
    return promise;
  };
  const state = supervisedState({ clock: systemClock, runGeneration });
  const supervisor = createSupervisor({ ...state, clock: systemClock });
  const { lifecycles } = state;
  const secrets = createSecrets({ env: { SET: "x" }, clock: systemClock });
  const abort = new AbortController();
  const errors: unknown[] = [];
  const events: string[] = [];
  const onError = (error: unknown) => errors.push(error);
  const { signal } = abort;
  const view = await createView(store, { signal, onError, place: { cwd: "/repository" } });
  const controller = createController({
    ...{ store, view, clock: systemClock, onError, signal },
    reconcilers: [
      providerReconciler(secrets),
      routerReconciler(),
      toolReconciler(),
      agentReconciler({ supervisor, secrets, lifecycles }),
    ],
    emit: (object, { reason }) => {
      events.push(`${object} ${reason}`);
      return "";
    },
    onFatal: onError,
  });
  return {
    ...{ store, view, supervisor, controller, turns, events, errors, lifecycles },
    async apply(...changes: StoreChange[]): Promise<void> {
      await view.reached((await store.write(changes, { at: AT })).version);
      await controller.idle();
    },
    async begun(count: number): Promise<Turn> {
      while (turns.length < count) await turn();
      const last = turns[count - 1];
      if (last === undefined) throw new Error("no turn began");
      return last;
    },
    async gone(key: ResourceKey): Promise<void> {
      while ((await store.read(key)) !== undefined) await turn();
      await controller.idle();
    },
    async [Symbol.asyncDispose]() {
      await controller.close();
      for (const each of turns) each.end();
      await supervisor.close(0);
      abort.abort();
      await view.done;
    },
  };
}

async function read(store: Store, name: string): Promise<Resource> {
  const resource = await store.read(keyOf(name));
  if (resource === undefined) throw new Error(`${name} is not there`);
  return resource;
}

async function said(store: Store, name: string): Promise<string> {
  const status = statusOf(await read(store, name));
  const isTrue = (["Stalled", "Reconciling"] as const).filter(
    (type) => conditionOf(status, type)?.status === "True",
  );
  const stuck = isTrue.map((type) => `${type} ${conditionOf(status, type)?.reason}`);
  const ready = conditionOf(status, "Ready");
  return [`${ready?.reason} ${ready?.observedGeneration}`, ...stuck].join(", ");
}

test("an agent runs when its tools and its model are there, and says what is missing before", async () => {
  await using opened = await open();
  const { apply, store, supervisor } = opened;
  await apply(agent("a", { tools: ["clock", { name: "clok", as: "other" }] }), clock);
  assert.equal(await said(store, "a"), "ToolMissing 1, Stalled ToolMissing");
  const { message = "" } = conditionOf(statusOf(await read(store, "a")), "Ready") ?? {};
  assert.equal(
    message,
    'The tool "clok" does not exist: apply a Tool of that name, or take it out of spec.tools. Did you mean "clock"?',
  );
  await apply(agent("a", { tools: ["clock"] }));
  assert.equal(await said(store, "a"), "ModelMissing 2, Stalled ModelMissing");
  assert.equal(supervisor.state(keyOf("a")), undefined);
  await apply(provider("acme"));
  assert.equal(await said(store, "a"), "Running 2");
  assert.equal(supervisor.state(keyOf("a"))?.generation, 2);
  await apply(remove(clock));
  assert.equal(await said(store, "a"), "ToolMissing 2, Stalled ToolMissing");
  await apply(clock);
  assert.equal(await said(store, "a"), "Running 2");
  await apply(putOf("Tool", "clock", { type: "builtin", builtin: "nov" }));
  assert.equal(await said(store, "a"), "ToolNotReady 2, Stalled ToolNotReady");
  assert.deepEqual(opened.errors, []);
});

const withKey = (name: string, variable: string) =>
  putOf("Provider", name, { wire: "openai-chat", apiKey: { valueFrom: { env: variable } } });

test("an agent runs while one target of its model can be asked, and else says what is missing for the first", async () => {
  await using opened = await open();
  const { apply, store } = opened;
  const tiers = (allowScripted: boolean) =>
    putOf("Router", "main", {
      tiers: [
        { name: "cloud", targets: ["cloud/big"] },
        { name: "stand-in", targets: ["script/none"] },
      ],
      aliases: { smart: "cloud" },
      allowScripted,
    });
  await apply(withKey("cloud", "UNSET"), withKey("keyed", "SET"), provider("script"));
  await apply(agent("direct", { model: "cloud/big" }), agent("keyed", { model: "keyed/big" }));
  await apply(agent("routed", { model: "main" }), agent("alias", { model: "smart" }), tiers(true));
  const names = ["direct", "keyed", "routed", "alias"];
  const all = () => Promise.all(names.map((name) => said(store, name)));
  const missing = "NoUsableModel 1, Stalled NoUsableModel";
  assert.deepEqual(await all(), [missing, "Running 1", "Running 1", "Running 1"]);
  const { message = "" } = conditionOf(statusOf(await read(store, "direct")), "Ready") ?? {};
  assert.equal(
    message,
    "No secret for spec.apiKey of provider/cloud: the variable UNSET is not set: set UNSET.",
  );
  await apply(tiers(false));
  assert.deepEqual(await all(), [missing, "Running 1", missing, missing]);
  await apply(withKey("cloud", "SET"));
  assert.deepEqual(
    await all(),
    names.map(() => "Running 1"),
  );
});

test("a model by alias follows the routers that come and go, and their providers", async () => {
  await using opened = await open();
  const { apply, store } = opened;
  await apply(agent("a", { model: "fast" }), agent("b", { model: "main" }), provider("acme"));
  assert.equal(await said(store, "a"), "ModelMissing 1, Stalled ModelMissing");
  const main = router("main", "acme/big", { fast: "main" });
  await apply(main);
  assert.deepEqual([await said(store, "a"), await said(store, "b")], ["Running 1", "Running 1"]);
  await apply(router("second", "acme/small", { fast: "main" }));
  assert.equal(await said(store, "a"), "ModelMissing 1, Stalled ModelMissing");
  assert.equal(await said(store, "b"), "Running 1");
  await apply(remove(router("second", "")));
  await apply(router("main", "other/big", { fast: "main" }));
  assert.equal(await said(store, "a"), "ModelMissing 1, Stalled ModelMissing");
  await apply(provider("other"));
  assert.equal(await said(store, "a"), "Running 1");
});

test("a turn keeps the generation that it began with, and Ready waits for it", async () => {
  await using opened = await open();
  const { apply, store, supervisor, begun } = opened;
  await apply(provider("acme"), agent("a"));
  const first = supervisor.ask(keyOf("a"), { task: "one" }, new AbortController().signal);
  const running = await begun(1);
  await apply(agent("a", { instructions: "Be brief." }));
  assert.equal(await said(store, "a"), "Running 1, Reconciling TurnInFlight");
  assert.equal(isReady(await read(store, "a")), false);
  assert.equal(statusOf(await read(store, "a")).observedGeneration, 2);
  assert.equal(running.signal.aborted, false);
  running.end();
  assert.equal((await first).generation, 1);
  while (!isReady(await read(store, "a"))) await turn();
  assert.equal(await said(store, "a"), "Running 2");
  const second = supervisor.ask(keyOf("a"), { task: "two" }, new AbortController().signal);
  (await begun(2)).end();
  assert.equal((await second).generation, 2);
  assert.deepEqual(
    opened.events.filter((event) => event.startsWith("Agent/")),
    ["Ready", "Reconciling", "Ready"].map((reason) => `Agent/default/a ${reason}`),
  );
});

test("turns write nothing to the store", async () => {
  await using opened = await open();
  const { apply, store, supervisor, begun, controller } = opened;
  await apply(provider("acme"), agent("a"));
  const version = await store.version();
  for (let count = 1; count <= 5; count += 1) {
    const asked = supervisor.ask(keyOf("a"), { task: "x" }, new AbortController().signal);
    (await begun(count)).end();
    await asked;
  }
  await controller.idle();
  assert.equal(await store.version(), version);
});

test("an agent does not falter while a newer generation of its tool is looked at", async () => {
  await using opened = await open();
  await opened.apply(provider("acme"), clock, agent("a", { tools: ["clock"] }));
  const told = opened.events.length;
  const version = await opened.store.version();
  await opened.apply(putOf("Tool", "clock", { ...clock.spec, description: "Tells the time." }));
  assert.deepEqual(opened.events.slice(told), ["Tool/default/clock Ready"]);
  assert.equal(await opened.store.version(), version + 2);
});

test("a broken newer generation leaves the older one running", async () => {
  await using opened = await open();
  const { apply, store, supervisor } = opened;
  await apply(provider("acme"), agent("a"));
  await apply(agent("a", { tools: ["nowhere"] }));
  assert.equal(await said(store, "a"), "ToolMissing 2, Stalled ToolMissing");
  assert.equal(supervisor.state(keyOf("a"))?.generation, 1);
  const { message = "" } = conditionOf(statusOf(await read(store, "a")), "Ready") ?? {};
  assert.match(message, /Until then generation 1 goes on running\.$/);
  await apply(agent("a"));
  assert.equal(await said(store, "a"), "Running 3");
  assert.equal(supervisor.state(keyOf("a"))?.generation, 3);
});

test("a deleted agent goes when its turn has ended, and takes no messages until then", async () => {
  await using opened = await open();
  const { apply, store, supervisor, begun, gone } = opened;
  await apply(provider("acme"), agent("a"), agent("b"));
  const asked = supervisor.ask(keyOf("a"), { task: "one" }, new AbortController().signal);
  const running = await begun(1);
  await apply(remove(agent("a")), remove(agent("b")));
  await gone(keyOf("b"));
  assert.equal(await said(store, "a"), "Draining 1, Reconciling Draining");
  await assert.rejects(supervisor.tell(keyOf("a"), { task: "late" }), { code: "LEG2031" });
  running.end("the answer");
  assert.equal((await asked).result.status, "ok");
  await gone(keyOf("a"));
  assert.deepEqual(supervisor.states(), []);
  const told = (name: string) =>
    opened.events.flatMap((event) => {
      const [object, reason] = event.split(" ");
      return object === `Agent/default/${name}` ? [reason] : [];
    });
  assert.deepEqual(told("a"), ["Ready", "Terminating", "Drained", "Deleted"]);
  assert.deepEqual(told("b"), ["Ready", "Drained", "Deleted"]);
});

test("a turn that goes on longer than the grace time of its agent is cancelled", async () => {
  await using opened = await open();
  const { apply, supervisor, begun, gone } = opened;
  await apply(provider("acme"), agent("a", { terminationGracePeriod: "20ms" }));
  const asked = supervisor.ask(keyOf("a"), { task: "one" }, new AbortController().signal);
  const running = await begun(1);
  await supervisor.tell(keyOf("a"), { task: "two" });
  await apply(remove(agent("a")));
  await gone(keyOf("a"));
  assert.equal(running.signal.aborted, true);
  assert.equal((await asked).result.status, "cancel");
  assert.deepEqual(
    opened.events.filter((event) => event.startsWith("Agent/")).slice(1),
    ["Terminating", "MessagesDropped", "Cancelled", "Deleted"].map(
      (reason) => `Agent/default/a ${reason}`,
    ),
  );
});

test("an agent that was made anew begins when the loop of its namesake has ended", async () => {
  await using opened = await open();
  const { apply, store, supervisor, begun } = opened;
  await apply(provider("acme"), { ...agent("a"), finalizers: [] });
  const asked = supervisor.ask(keyOf("a"), { task: "old" }, new AbortController().signal);
  const running = await begun(1);
  const old = supervisor.state(keyOf("a"))?.uid;
  await apply(remove(agent("a")), agent("a"));
  const { uid } = await read(store, "a");
  assert.notEqual(uid, old);
  assert.equal(await said(store, "a"), "Draining 1, Reconciling Draining");
  running.end();
  await asked;
  while (!isReady(await read(store, "a"))) await turn();
  assert.equal(supervisor.state(keyOf("a"))?.uid, uid);
});

test("the loop of an agent that went without a finalizer is drained too", async () => {
  await using opened = await open();
  const { apply, supervisor } = opened;
  await apply(provider("acme"), { ...agent("a"), finalizers: [] });
  await apply(remove(agent("a")));
  while (supervisor.states().length > 0) await turn();
});

test("1,000 agents become Ready in few writes", async () => {
  await using opened = await open();
  const agents = Array.from({ length: 1_000 }, (_, index) =>
    agent(`a${index}`, { tools: ["clock"] }),
  );
  await opened.apply(provider("acme"), clock, ...agents);
  assert.ok((await opened.store.list({ kind: "Agent" })).every(isReady));
  assert.equal(opened.supervisor.states().length, 1_000);
});

const why = { reason: "a look at its answers", actor: "pat" };

test("a paused agent is Ready and says so, a stopped one is Stalled, and both run again", async () => {
  await using opened = await open();
  const { apply, store, supervisor, controller } = opened;
  await apply(provider("acme"), agent("a"));
  const moved = async (to: "running" | "paused" | "stopped") => {
    await supervisor.move(keyOf("a"), to, why);
    await controller.idle();
    return said(store, "a");
  };
  assert.equal(await moved("paused"), "Paused 1");
  assert.equal(isReady(await read(store, "a")), true);
  const { message = "" } = conditionOf(statusOf(await read(store, "a")), "Ready") ?? {};
  assert.match(message, /paused by pat: a look at its answers.*legion resume agent\/a/);
  assert.equal(await moved("stopped"), "Stopped 1, Stalled Stopped");
  assert.equal(await moved("running"), "Running 1");
});

test("a terminated agent has its grave, and a deleted one with what it was", async () => {
  await using opened = await open();
  const { apply, store, supervisor, controller, lifecycles, gone } = opened;
  await apply(provider("acme"), agent("a"), agent("b"));
  const [a, b] = [await read(store, "a"), await read(store, "b")];
  await supervisor.move(keyOf("a"), "terminated", why);
  await controller.idle();
  assert.equal(await said(store, "a"), "Terminated 1, Stalled Terminated");
  assert.equal((await lifecycles.grave(a.uid))?.reason, why.reason);
  await apply(remove(agent("a")), remove(agent("b")));
  await gone(keyOf("a"));
  await gone(keyOf("b"));
  const graves = await Promise.all([a, b].map(({ uid }) => lifecycles.grave(uid)));
  assert.deepEqual(
    graves.map((grave) => [grave?.name, grave?.reason, grave?.object.spec]),
    [
      ["a", why.reason, a.spec],
      ["b", "deleted", b.spec],
    ],
  );
  assert.equal(await lifecycles.read(a.uid), undefined);
  assert.deepEqual(opened.errors, []);
});
