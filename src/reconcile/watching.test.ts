// Goal: watchers and crons run as their newest generation says, say in one word why not, and are not written to for what changes with every look or tick.
// Method: the real controller and reconcilers over a real store; what looks and what ticks is set by the test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Supervisor } from "../agent/supervision.ts";
import type { ErrorCode } from "../lib/codes.ts";
import { LegionError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import { withDefaults } from "../manifest/defaults.ts";
import type { Kind } from "../manifest/objects.ts";
import type { LifecycleState } from "../state/lifecycles.ts";
import { openMemoryStore } from "../state/memory.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { PutChange, StoreChange } from "../state/store.ts";
import { manualTime } from "../testing/manual-timers.ts";
import { fakeCrons, fakeWatchers } from "../testing/watching-half.ts";
import { conditionOf, statusOf } from "./conditions.ts";
import { createController } from "./controller.ts";
import { cronReconciler } from "./cron.ts";
import { finalizersOf } from "./deletions.ts";
import { toolReconciler } from "./tool.ts";
import { createView } from "./view.ts";
import { watcherReconciler } from "./watcher.ts";

const AT = Date.UTC(2026, 0, 1);
const at = (kind: string, name: string): ResourceKey => ({ kind, namespace: "default", name });
const W = at("Watcher", "w");
const C = at("Cron", "c");

const poll = {
  ...{ type: "httpPoll", url: "https://example.com/", agent: "ada" },
  trigger: 'when status >= 500 then wake "it answers {{status}}"',
};
const daily = { schedule: "@daily", agent: "ada", task: "Tidy up." };

/** Loops of agents as a supervisor tells of them. */
function fakeLoops() {
  const states = new Map<string, LifecycleState>();
  const listeners = new Set<(key: ResourceKey) => void>();
  return {
    supervisor: {
      state: (key: ResourceKey) => {
        const state = states.get(keyText(key));
        return state && { lifecycle: { state } };
      },
      onChange(listener: (key: ResourceKey) => void) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    } as unknown as Supervisor,
    move(name: string, state: LifecycleState) {
      states.set(keyText(at("Agent", name)), state);
      for (const listener of listeners) listener(at("Agent", name));
    },
  };
}

async function open() {
  const time = manualTime(AT);
  const store = openMemoryStore({ clock: time.clock });
  const abort = new AbortController();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const view = await createView(store, { signal: abort.signal, onError, place: { cwd: "/" } });
  const [loops, watching, ticking] = [fakeLoops(), fakeWatchers(), fakeCrons()];
  const controller = createController({
    ...{ store, view, ...time, onError, signal: abort.signal },
    reconcilers: [
      toolReconciler(),
      watcherReconciler({ watchers: watching.watchers, supervisor: loops.supervisor }),
      cronReconciler({ crons: ticking.crons }),
    ],
    emit: () => "",
    onFatal: onError,
  });
  const put = (kind: Kind, name: string, spec: JsonObject): PutChange => ({
    ...{ type: "put", key: at(kind, name), labels: {}, annotations: {}, manager: "test" },
    spec: withDefaults(kind, { kind, spec }).spec as JsonObject,
    finalizers: finalizersOf[kind] ?? [],
  });
  const settle = async () => {
    await turn();
    await controller.idle();
  };
  const write = async (...changes: StoreChange[]) => {
    await view.reached((await store.write(changes, { at: AT })).version);
    await settle();
  };
  return {
    ...{ store, time, loops, watching, ticking, settle, errors, write, put },
    apply: (kind: Kind, name: string, spec: JsonObject) => write(put(kind, name, spec)),
    remove: (key: ResourceKey) => write({ type: "delete", key }),
    async said(key: ResourceKey): Promise<string> {
      const resource = await store.read(key);
      if (resource === undefined) return "gone";
      const status = statusOf(resource);
      const ready = conditionOf(status, "Ready");
      const isStalled = conditionOf(status, "Stalled")?.status === "True";
      const word = isStalled ? "stalled" : ready?.status === "True" ? "ready" : "waiting";
      return `${word} ${ready?.reason}: ${ready?.message}`;
    },
    async [Symbol.asyncDispose]() {
      await controller.close();
      abort.abort();
      await view.done;
      assert.deepEqual(errors, []);
    },
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** An agent without a reconciler of its own: that it is there is enough. */
const withAda = (opened: Opened) => opened.apply("Agent", "ada", { description: "Helps." });

test("a watcher looks once its agent is there, and each new generation is handed on", async () => {
  await using opened = await open();
  const { apply, said, watching } = opened;
  await apply("Agent", "ado", { description: "Near." });
  await apply("Watcher", "w", poll);
  assert.equal(
    await said(W),
    'stalled AgentMissing: The agent "ada" of spec.agent does not exist: apply an Agent of that name, or name another. Did you mean "ado"?',
  );
  assert.deepEqual(watching.calls, []);
  await withAda(opened);
  assert.equal(await said(W), "ready Watching: It looks every 30s.");
  await apply("Watcher", "w", { ...poll, interval: "5s" });
  assert.equal(await said(W), "ready Watching: It looks every 5s.");
  assert.deepEqual(watching.calls, ["ensure w 1", "ensure w 2"]);
});

const needs: readonly {
  readonly name: string;
  readonly spec: JsonObject;
  readonly says: RegExp;
}[] = [
  {
    name: "the target of a message",
    spec: { ...poll, trigger: "when not ok then message:bob" },
    says: /^stalled AgentMissing: The agent "bob" of spec\.trigger does not exist/,
  },
  {
    name: "the tool of an action, by its function",
    spec: { ...poll, trigger: "when not ok then tool:pager.page" },
    says: /^stalled ToolMissing: The tool "pager" of spec\.trigger does not exist: apply a Tool/,
  },
  {
    name: "the target of a recovery",
    spec: { ...poll, recovery: "message:carol" },
    says: /^stalled AgentMissing: The agent "carol" of spec\.recovery does not exist/,
  },
  {
    name: "the tool that looks",
    spec: { type: "custom", tool: "shop.stock", agent: "ada", trigger: "when value == 0" },
    says: /^stalled ToolMissing: The tool "shop" of spec\.tool does not exist/,
  },
];

for (const { name, spec, says } of needs) {
  test(`a watcher does not begin to look without ${name}`, async () => {
    await using opened = await open();
    await withAda(opened);
    await opened.apply("Watcher", "w", spec);
    assert.match(await opened.said(W), says);
    assert.deepEqual(opened.watching.calls, []);
  });
}

test("a tool that is applied later, and one that cannot be used, are followed", async () => {
  await using opened = await open();
  const { apply, said, watching } = opened;
  await withAda(opened);
  await apply("Watcher", "w", { ...poll, trigger: "when not ok then tool:pager.set" });
  await apply("Tool", "pager", { type: "module", module: "./none.mjs", functions: {} });
  assert.match(await said(W), /^stalled ToolNotReady: The tool "pager" cannot be used/);
  await apply("Tool", "pager", { type: "builtin", builtin: "kv" });
  assert.match(await said(W), /^ready Watching/);
  assert.deepEqual(watching.calls, ["ensure w 1"]);
});

test("what is to hold a watcher back does not keep it from looking when it is missing", async () => {
  await using opened = await open();
  const { apply, remove, said, watching } = opened;
  await withAda(opened);
  const held = { ...poll, trigger: "when not ok unless firing(other) then wake" };
  await apply("Watcher", "w", held);
  assert.match(
    await said(W),
    /^stalled WatcherMissing: The watcher "other" .*Until then nothing holds it back\.$/,
  );
  assert.deepEqual(watching.calls, ["ensure w 1"]);
  await apply("Watcher", "other", poll);
  assert.match(await said(W), /^ready Watching/);
  await remove(at("Watcher", "other"));
  assert.match(await said(W), /^stalled WatcherMissing/);
});

test("what a generation lacks leaves the one before it at work, and says so", async () => {
  await using opened = await open();
  const { apply, said, watching } = opened;
  await withAda(opened);
  await apply("Watcher", "w", poll);
  await apply("Watcher", "w", { ...poll, agent: "bob" });
  assert.match(
    await said(W),
    /^stalled AgentMissing: .* Until then generation 1 goes on looking\.$/,
  );
  assert.deepEqual(watching.calls, ["ensure w 1"]);
});

test("a watcher whose agent is deleted goes on looking, and says so", async () => {
  await using opened = await open();
  await withAda(opened);
  await opened.apply("Watcher", "w", poll);
  await opened.write({ type: "delete", key: at("Agent", "ada") });
  assert.match(await opened.said(W), /^stalled AgentMissing: .* Until then it goes on looking\.$/);
});

test("a source that cannot be built says why, and is tried again by itself", async () => {
  await using opened = await open();
  const { apply, said, watching, time, settle } = opened;
  await withAda(opened);
  watching.failing = new LegionError({
    code: "LEG6030",
    message: "the variable TOKEN is not set",
    hint: "set it",
  });
  await apply("Watcher", "w", poll);
  assert.equal(await said(W), "stalled SourceFailed: The variable TOKEN is not set: set it.");
  watching.failing = undefined;
  time.advance(59_000);
  await settle();
  assert.match(await said(W), /^stalled/);
  time.advance(1_000);
  await settle();
  assert.match(await said(W), /^ready Watching/);
});

test("a trigger that does not fit, and a store that cannot be read, are told apart from a source", async () => {
  await using opened = await open();
  const { apply, said, watching, errors } = opened;
  await withAda(opened);
  const failing = (code: ErrorCode) =>
    new LegionError({ code, message: "it does not go", hint: "look" });
  watching.failing = failing("LEG2700");
  await apply("Watcher", "w", poll);
  assert.equal(await said(W), "stalled TriggerFailed: It does not go: look.");
  watching.failing = failing("LEG6003");
  await apply("Watcher", "w", { ...poll, interval: "1s" });
  assert.match(await said(W), /^waiting ReconcileError: It does not go: look\. It is tried again/);
  assert.equal(errors.splice(0).length, 1);
});

test("a suspended watcher is handed on and waits", async () => {
  await using opened = await open();
  await withAda(opened);
  await opened.apply("Watcher", "w", { ...poll, suspend: true });
  assert.match(await opened.said(W), /^waiting Suspended: spec\.suspend is true/);
  await opened.apply("Watcher", "w", poll);
  assert.match(await opened.said(W), /^ready Watching/);
  assert.deepEqual(opened.watching.calls, ["ensure w 1", "ensure w 2"]);
});

test("a watcher is suspended also when its agent is not there any more", async () => {
  await using opened = await open();
  const { apply, remove, said, watching } = opened;
  await withAda(opened);
  await apply("Watcher", "w", poll);
  await remove(at("Agent", "ada"));
  await apply("Watcher", "w", { ...poll, suspend: true });
  assert.match(await said(W), /^waiting Suspended: spec\.suspend is true/);
  assert.deepEqual(watching.calls, ["ensure w 1", "ensure w 2"]);
});

test("a watcher rests while its agent is stopped, and is told of each state of an agent once", async () => {
  await using opened = await open();
  const { loops, watching, settle, said } = opened;
  await withAda(opened);
  await opened.apply("Watcher", "w", poll);
  loops.move("ada", "running");
  loops.move("ada", "running");
  loops.move("ada", "stopped");
  await settle();
  assert.equal(
    await said(W),
    'waiting AgentStopped: It rests, as the agent "ada" is stopped. Next: legion resume agent/ada',
  );
  loops.move("ada", "running");
  await settle();
  assert.match(await said(W), /^ready Watching/);
  loops.move("ada", "paused");
  await settle();
  assert.match(await said(W), /^ready Watching/);
  loops.move("ada", "terminated");
  await settle();
  assert.equal(await said(W), 'waiting AgentStopped: It rests, as the agent "ada" is terminated.');
  assert.equal(watching.agentsTold.length, 5);
});

test("a deleted watcher is forgotten before it goes, and the next one of its name is another", async () => {
  await using opened = await open();
  const { store, watching } = opened;
  await withAda(opened);
  await opened.apply("Watcher", "w", poll);
  const { uid } = (await store.read(W)) ?? {};
  await opened.remove(W);
  assert.equal(await opened.said(W), "gone");
  assert.equal(watching.calls.at(-1), `remove w ${uid}`);
  await opened.apply("Watcher", "w", poll);
  assert.match(await opened.said(W), /^ready/);
  assert.notEqual(watching.watchers.state(W)?.uid, uid);
});

test("R18: what changes with every look or tick writes no status", async () => {
  await using opened = await open();
  const { store, watching, ticking, settle } = opened;
  await withAda(opened);
  await opened.apply("Watcher", "w", poll);
  await opened.apply("Cron", "c", daily);
  const before = await store.version();
  for (let polls = 1; polls <= 1_000; polls += 1) {
    watching.set(W, { state: polls % 2 === 0 ? "idle" : "firing", polls, value: polls });
    ticking.set(C, { state: polls % 2 === 0 ? "waiting" : "running", runs: polls });
  }
  await settle();
  assert.equal(await store.version(), before);
});

test("a cron says that it is scheduled, pauses and ends as its state does", async () => {
  await using opened = await open();
  const { said, ticking, settle } = opened;
  await opened.apply("Cron", "c", daily);
  assert.match(await said(C), /^stalled AgentMissing: The agent "ada" of spec\.agent/);
  await withAda(opened);
  assert.equal(await said(C), "ready Scheduled: Its schedule is @daily (UTC).");
  ticking.set(C, { state: "paused", reason: "the run of 2026-01-01 failed" });
  await settle();
  assert.equal(
    await said(C),
    "waiting Paused: It pauses: the run of 2026-01-01 failed. Next: legion cron resume c",
  );
  await ticking.crons.resume(C);
  await settle();
  assert.match(await said(C), /^ready Scheduled/);
  ticking.set(C, { state: "ended", reason: "it has run 3 times" });
  await settle();
  assert.equal(await said(C), "ready Ended: No moment comes any more: it has run 3 times.");
  await opened.apply("Cron", "c", { ...daily, suspend: true });
  assert.match(await said(C), /^waiting Suspended/);
  assert.deepEqual(ticking.calls, [
    "ensure c 1",
    "ensure c 1",
    "ensure c 1",
    "ensure c 1",
    "ensure c 2",
  ]);
});

test("a cron whose schedule is not understood is stalled, and the one before goes on", async () => {
  await using opened = await open();
  await withAda(opened);
  await opened.apply("Cron", "c", daily);
  opened.ticking.failing = new LegionError({
    ...{ code: "LEG2784", message: "the zone is unknown", hint: "write UTC" },
  });
  await opened.apply("Cron", "c", { ...daily, timezone: "Mars/Olympus" });
  assert.equal(
    await opened.said(C),
    "stalled ScheduleFailed: The zone is unknown: write UTC. Until then generation 1 goes on running.",
  );
});

test("a cron of a tool follows the tool, and is forgotten when it is deleted", async () => {
  await using opened = await open();
  const { said, ticking, store } = opened;
  await opened.apply("Cron", "c", { schedule: "every 90s", tool: "kv.list" });
  assert.match(await said(C), /^stalled ToolMissing: The tool "kv" of spec\.tool does not exist/);
  await opened.apply("Tool", "kv", { type: "builtin", builtin: "kv" });
  assert.equal(await said(C), "ready Scheduled: Its schedule is every 90s (UTC).");
  const { uid } = (await store.read(C)) ?? {};
  await opened.remove(C);
  assert.equal(await said(C), "gone");
  assert.equal(ticking.calls.at(-1), `remove c ${uid}`);
});
