// Goal: what a tick is said to have come to is what its message came to, whatever happens to the agent, the process and the disk in between (R09, R18).
// Method: the jobs of a daemon over a real supervisor with an inbox and ticks in one database; turns end when the test says so, and a process that dies is another supervisor over the same rows.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, test } from "node:test";
import type { CronJob, JobEnd } from "./cron/contract.ts";
import { type CronJobsOptions, createCronJobs } from "./daemon-crons.ts";
import { LegionError } from "./lib/errors.ts";
import type { CronSpec } from "./manifest/generated/cron.ts";
import type { ManifestObject } from "./manifest/objects.ts";
import { openDatabase } from "./state/database.ts";
import type { Inbox } from "./state/inbox.ts";
import { openSqliteInbox } from "./state/inbox-sqlite.ts";
import type { ResourceKey } from "./state/resource.ts";
import { openSqliteTicks } from "./state/ticks-sqlite.ts";
import { cronObject } from "./testing/crons.ts";
import { manualTime } from "./testing/manual-timers.ts";
import { quiet, supervisorRig } from "./testing/supervised.ts";
import { agentObject } from "./testing/turns.ts";
import type { ToolReply } from "./tools/contract.ts";

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const agent: ResourceKey = { kind: "Agent", namespace: "default", name: "a" };
const cron: ResourceKey = { kind: "Cron", namespace: "default", name: "c" };
const why = { reason: "a test", actor: "me" };
const DAY_MS = 24 * 60 * 60 * 1_000;

const ids = ["01KDVDNA00TJ7Q2ZK5R6V8XW9Y", "01KDVDNA01TJ7Q2ZK5R6V8XW9Y"] as const;

/** Processes, one after the other, over one database. */
async function place() {
  const resources = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), "legion-cron-jobs-"));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const database = await openDatabase(folder);
  resources.defer(() => database.close());
  const time = manualTime();
  const ticks = openSqliteTicks(database, time);
  await ticks.keep({ uid: "cron", decidedMs: 0 });
  const kept = openSqliteInbox(database, time);
  const calls: PromiseWithResolvers<ToolReply>[] = [];
  const callTool = () => {
    const call = Promise.withResolvers<ToolReply>();
    calls.push(call);
    return call.promise;
  };
  const state: { trouble: boolean; resource?: object } = { trouble: false };
  const inbox: Inbox = {
    ...kept,
    put: async (message) => (state.trouble ? Promise.reject(diskFull()) : kept.put(message)),
    finish: async (...ended) =>
      state.trouble ? Promise.reject(diskFull()) : kept.finish(...ended),
  };
  const open = (spec: Partial<ManifestObject<"Agent">["spec"]> = {}, more: object = {}) => {
    const rig = supervisorRig(object, { ...time, inbox, ...more });
    rig.ensure("a", 1, spec);
    const view = { within: () => ({ get: () => undefined }), get: () => state.resource };
    const jobs = createCronJobs({
      ...{ supervisor: rig.supervisor, ticks, timers: time.timers },
      ...({ services: { callTool }, view } as unknown as Pick<
        CronJobsOptions,
        "services" | "view"
      >),
    });
    resources.defer(() => jobs.close(0));
    return { ...rig, jobs };
  };
  return {
    open,
    ticks,
    calls,
    state,
    inbox,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function diskFull(): LegionError {
  return new LegionError({ code: "LEG6003", message: "the disk is full", hint: "make room" });
}

/** A job of the tick of that number, and how it came to its end. */
function jobOf(index: 0 | 1, more: Partial<CronJob> = {}, spec: Partial<CronSpec> = {}): CronJob {
  return {
    ...{ cron, id: ids[index], count: 1, isResumed: false, task: "Work." },
    claim: { uid: "cron", atMs: index + 1, by: "schedule" },
    object: cronObject({ agent: "a", ...spec }),
    signal: new AbortController().signal,
    ...more,
  };
}

/** Ends that have come so far. */
function seen(promise: Promise<JobEnd>): { end?: JobEnd } {
  const found: { end?: JobEnd } = {};
  void promise.then((end) => {
    found.end = end;
  });
  return found;
}

async function restarted(
  {
    supervisor,
    turns,
    time,
  }: Pick<ReturnType<typeof supervisorRig>, "supervisor" | "turns" | "time">,
  interrupted?: number,
): Promise<void> {
  const closed = supervisor.close(0);
  time.advance(0);
  await quiet();
  if (interrupted !== undefined) turns.begun[interrupted]?.interrupt();
  await closed;
}

test("the agent is full with the very turn that goes on with the tick: the tick comes to what that comes to", async () => {
  await using rows = await place();
  const spec = { maxConcurrentSessions: 1, overflow: "drop" } as const;
  const before = rows.open(spec);
  await before.jobs.start(jobOf(0)).begun;
  await before.turns.at(0);
  await restarted(before, 0);
  const after = rows.open(spec);
  const turn = await after.turns.at(0);
  const { begun, ended: end } = after.jobs.start(jobOf(0, { isResumed: true }));
  assert.equal(await begun, undefined);
  const known = seen(end);
  await quiet();
  assert.equal(known.end, undefined);
  turn.answer();
  assert.deepEqual(await end, { type: "ok" });
  assert.deepEqual(after.notices, []);
});

test("an agent that is stopped keeps the message of a tick over a restart, and so does the tick", async () => {
  await using rows = await place();
  const lifecycles = new Map<string, object>();
  const more = {
    lifecycles: {
      read: async (uid: string) => lifecycles.get(uid),
      set: async (kept: { readonly uid: string }) => {
        lifecycles.set(kept.uid, kept);
        return kept;
      },
    },
  };
  const before = rows.open({}, more);
  await before.supervisor.move(agent, "paused", why);
  await before.jobs.start(jobOf(0)).begun;
  await before.supervisor.move(agent, "stopped", why);
  await restarted(before);
  const after = rows.open({}, more);
  const { ended } = after.jobs.start(jobOf(0, { isResumed: true }));
  const known = seen(ended);
  await quiet();
  assert.equal(after.supervisor.state(agent)?.lifecycle.state, "stopped");
  assert.equal(known.end, undefined);
  await after.supervisor.move(agent, "running", why);
  (await after.turns.at(0)).answer();
  assert.deepEqual(await ended, { type: "ok" });
});

test("a tick whose message was taken back while the agent is stopped is cancelled, not failed", async () => {
  await using rows = await place();
  const { jobs, supervisor, turns } = rows.open();
  await supervisor.move(agent, "paused", why);
  const cancelling = new AbortController();
  const { begun, ended } = jobs.start(jobOf(0, { signal: cancelling.signal }));
  await begun;
  await supervisor.move(agent, "stopped", why);
  cancelling.abort();
  assert.equal((await ended).type, "cancelled");
  await supervisor.move(agent, "running", why);
  await quiet();
  assert.equal(turns.begun.length, 0);
});

test("a newer trigger took the place of the message: the tick was cancelled, and nothing failed", async () => {
  await using rows = await place();
  const { jobs, turns } = rows.open({ maxConcurrentSessions: 1, overflow: "coalesce" });
  const spec = { conversation: "other" };
  await jobs.start(jobOf(0)).begun;
  await turns.at(0);
  await quiet();
  const { begun, ended } = jobs.start(jobOf(1, {}, spec));
  await begun;
  const third = {
    claim: { uid: "cron", atMs: 3, by: "schedule" },
    id: ids[0].replace("00T", "03T"),
  };
  await jobs.start(jobOf(1, third as Partial<CronJob>, spec)).begun;
  const end = await ended;
  assert.equal(end.type === "cancelled" && end.error.code, "LEG2079");
});

test("a moment waits for an agent that is coming, and not for one that is not there", async () => {
  await using rows = await place();
  const { jobs, supervisor, turns, time, ensure } = rows.open();
  await supervisor.drain(agent, 0);
  const lost = await jobs.start(jobOf(0)).ended;
  assert.equal(lost.type === "failed" && lost.error.code, "LEG2030");
  rows.state.resource = {};
  const { begun, ended } = jobs.start(jobOf(0));
  time.advance(20_000);
  await quiet();
  ensure("a", 2);
  assert.equal(await begun, undefined);
  (await turns.at(0)).answer();
  assert.deepEqual(await ended, { type: "ok" });
  await supervisor.drain(agent, 0);
  const late = jobs.start(jobOf(1)).ended;
  await quiet();
  time.advance(30_000);
  const end = await late;
  assert.equal(end.type === "failed" && end.error.code, "LEG2030");
});

test("a job that is cancelled before it is kept is not kept", async () => {
  await using rows = await place();
  const { jobs, turns } = rows.open();
  const reason = new LegionError({ code: "LEG2783", message: "replaced", hint: "none" });
  const { begun, ended } = jobs.start(jobOf(0, { signal: AbortSignal.abort(reason) }));
  assert.deepEqual([(await begun)?.type, (await ended).type], ["cancelled", "cancelled"]);
  await quiet();
  assert.deepEqual([turns.begun.length, (await rows.ticks.list("cron")).length], [0, 0]);
});

test("a full disk between the message and its answer fails no tick, and a cancellation is tried again", async () => {
  await using rows = await place();
  const { jobs, supervisor, turns, time } = rows.open();
  await supervisor.move(agent, "paused", why);
  await jobs.start(jobOf(0)).begun;
  const resumed = jobs.start(jobOf(0, { isResumed: true }));
  const known = seen(resumed.ended);
  rows.state.trouble = true;
  const cancelling = new AbortController();
  const again = jobs.start(jobOf(0, { isResumed: true, signal: cancelling.signal }));
  await quiet();
  cancelling.abort();
  await quiet();
  assert.equal(known.end, undefined);
  rows.state.trouble = false;
  for (let second = 0; second < 3; second += 1) {
    time.advance(1_000);
    await quiet();
  }
  assert.equal((await again.ended).type, "cancelled");
  assert.equal((await resumed.ended).type, "cancelled");
  assert.equal(turns.begun.length, 0);
});

test("the outcome of a tick that went on is forgotten after a day: it says so and sends nothing again", async () => {
  await using rows = await place();
  const before = rows.open();
  const { begun, ended } = before.jobs.start(jobOf(0));
  await begun;
  (await before.turns.at(0)).answer();
  await ended;
  before.time.advance(2 * DAY_MS);
  await before.supervisor.tell(agent, { task: "another" });
  (await before.turns.at(1)).answer();
  await quiet();
  await restarted(before);
  const after = rows.open();
  const end = await after.jobs.start(jobOf(0, { isResumed: true })).ended;
  assert.equal(end.type === "failed" && end.error.code, "LEG2790");
  await quiet();
  assert.equal(after.turns.begun.length, 0);
});

test("once the process ends, calls that run may end, and nothing new is begun", async () => {
  await using rows = await place();
  const { jobs, turns } = rows.open();
  const call = { agent: undefined, task: undefined, tool: "shop.count" } as unknown as CronSpec;
  const running = jobs.start(jobOf(0, {}, call));
  await running.begun;
  const closed = jobs.close(60_000);
  const late = [jobs.start(jobOf(1)), jobs.start(jobOf(1, {}, call))];
  for (const { begun, ended } of late)
    assert.deepEqual([await begun, await ended], [{ type: "closing" }, { type: "closing" }]);
  rows.calls[0]?.resolve({ ok: true, value: 1 });
  assert.deepEqual(await running.ended, { type: "ok" });
  await closed;
  assert.deepEqual([turns.begun.length, rows.calls.length], [0, 1]);
  assert.deepEqual(
    (await rows.ticks.list("cron")).map(({ atMs }) => atMs),
    [1],
  );
});
