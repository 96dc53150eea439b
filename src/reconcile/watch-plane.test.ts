// Goal: what runs shows in the objects and in a watch of them without a write, never oftener than once a second for each; what people do with it is checked first.
// Method: the real plane of a daemon over a memory store, on time that the test moves; states are set by the test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LegionError } from "../lib/errors.ts";
import { openMemoryStore } from "../state/memory.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { StoreChange } from "../state/store.ts";
import { applyOf, desired } from "../testing/desired.ts";
import { manualTime } from "../testing/manual-timers.ts";
import { watchingDaemon } from "../testing/watching-daemon.ts";
import type { ObjectEvent, ObjectQuery } from "./contract.ts";
import { createObjectPlane } from "./plane.ts";

const NOW = Date.UTC(2026, 0, 1);
const at = (kind: string, name: string): ResourceKey => ({ kind, namespace: "default", name });
const W = at("Watcher", "w");
const C = at("Cron", "c");
const poll = { type: "command", command: ["true"], agent: "a", trigger: "when exit != 0" };

const declared = [
  desired("a"),
  desired("w", poll, { kind: "Watcher", labels: { team: "x" } }),
  desired("v", poll, { kind: "Watcher" }),
  desired("c", { schedule: "@daily", agent: "a", task: "Tidy." }, { kind: "Cron" }),
];

async function open(phase: "running" | "draining" = "running") {
  const time = manualTime(NOW);
  const store = openMemoryStore({ clock: time.clock });
  const objects = createObjectPlane({ store, clock: time.clock, idle: false });
  const daemon = await watchingDaemon({ store, objects, ...time, phase: () => phase });
  await objects.apply(applyOf(declared));
  await daemon.ensureAll();
  return Object.assign(daemon, { time, store, objects });
}

/** Collects the events of a watch; `come` resolves when there are so many. */
async function follow({ plane }: Awaited<ReturnType<typeof open>>, query: ObjectQuery) {
  const stop = new AbortController();
  const events: ObjectEvent[] = [];
  let news = Promise.withResolvers<void>();
  const { version } = await plane.list({});
  const done = (async () => {
    for await (const event of plane.watch(version, query, stop.signal)) {
      events.push(event);
      news.resolve();
      news = Promise.withResolvers();
    }
  })();
  await turn();
  return {
    version,
    events,
    async come(amount: number) {
      while (events.length < amount) await news.promise;
      return events;
    },
    /** What a tick of everything that only waits for promises brings. */
    async still() {
      for (let ticks = 0; ticks < 5; ticks += 1) await turn();
      return events.length;
    },
    async end() {
      stop.abort();
      await done;
    },
  };
}

async function refused(work: Promise<unknown>, code: string): Promise<LegionError> {
  const error = await work.then(
    () => assert.fail(`expected ${code}`),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof LegionError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

test("objects show how they stand, without the uid that they have already, and the store has none of it", async () => {
  await using opened = await open();
  const { plane, store, watching, ticking } = opened;
  watching.set(W, { state: "firing", value: 503, polls: 7 });
  ticking.set(C, { state: "running", running: 1 });
  const watcher = await plane.read(W);
  assert.deepEqual(watcher?.status.watch, {
    ...{ generation: 1, state: "firing", value: 503, polls: 7 },
    ...{ since: "2026-01-01T00:00:00.000Z", skipped: 0, fires: 0, suppressed: {} },
    ...{ errors: 0, pending: 0 },
  });
  const { items } = await plane.list({ kind: "Cron" });
  assert.deepEqual(
    items.map(({ status }) => status.cron),
    [{ generation: 1, state: "running", runs: 0, running: 1, queued: 0 }],
  );
  assert.deepEqual((await store.read(W))?.status, {});
  // One of the same name that was made anew meanwhile stands as nothing yet.
  watching.set(W, { uid: "another" });
  assert.equal((await plane.read(W))?.status.watch, undefined);
});

test("a watch tells what stands otherwise at once, then at most once a second, at the version of the store", async () => {
  await using opened = await open();
  const { watching, time } = opened;
  const watch = await follow(opened, { kind: "Watcher" });
  watching.set(W, { state: "pending", polls: 1 });
  const [first] = await watch.come(1);
  assert.equal(first?.type, "modified");
  assert.equal(first.version, watch.version);
  assert.ok(first.object.metadata.resourceVersion <= watch.version);
  for (let polls = 2; polls < 100; polls += 1) {
    watching.set(W, { polls, state: "firing" });
    time.advance(10);
    await watch.still();
  }
  assert.equal(await watch.still(), 1);
  time.advance(20);
  await watch.come(2);
  const told = watch.events.map(({ object }) => object.status.watch as { polls: number });
  assert.deepEqual(
    told.map(({ polls }) => polls),
    [1, 99],
  );
  // One that is told of does not hold back another.
  watching.set(at("Watcher", "v"), { state: "idle" });
  await watch.come(3);
  assert.equal(watch.events[2]?.object.metadata.name, "v");
  time.advance(5_000);
  assert.equal(await watch.still(), 3);
  await watch.end();
});

test("what changed between a list and the watch that goes on from it is told", async () => {
  await using opened = await open();
  const { plane, watching, time } = opened;
  watching.set(at("Watcher", "v"), { polls: 1 });
  time.advance(2_001);
  const { version } = await plane.list({});
  watching.set(W, { state: "firing" });
  time.advance(500);
  const stop = new AbortController();
  for await (const event of plane.watch(version, { kind: "Watcher" }, stop.signal)) {
    assert.equal(event.object.metadata.name, "w");
    assert.equal((event.object.status.watch as { state: string }).state, "firing");
    break;
  }
});

test("a change of the store is told with how the object stands, and counts as telling it", async () => {
  await using opened = await open();
  const { plane, watching, time } = opened;
  const watch = await follow(opened, {});
  watching.set(W, { polls: 1 });
  await watch.come(1);
  time.advance(400);
  watching.set(W, { polls: 2 });
  await plane.edit(W, { labels: { team: "y" }, overwrite: true, manager: "m" });
  await watch.come(2);
  const [, edited] = watch.events;
  assert.equal(edited?.version, watch.version + 1);
  assert.deepEqual(edited.object.metadata.labels, { team: "y" });
  assert.equal((edited.object.status.watch as { polls: number }).polls, 2);
  time.advance(999);
  assert.equal(await watch.still(), 2);
  watching.set(W, { polls: 3 });
  time.advance(1);
  await watch.come(3);
  assert.equal(watch.events[2]?.version, watch.version + 1);
  await watch.end();
});

test("what does not match the query is told neither from the store nor from what runs", async () => {
  await using opened = await open();
  const { watching, ticking } = opened;
  const queries: ObjectQuery[] = [
    { kind: "Agent" },
    { kind: "Watcher", name: "v" },
    { kind: "Watcher", selector: "team=z" },
    { namespace: "other" },
  ];
  const watches = [];
  for (const query of queries) watches.push(await follow(opened, query));
  const matching = await follow(opened, { selector: "team=x" });
  watching.set(W, { polls: 1 });
  ticking.set(C, { state: "running" });
  await matching.come(1);
  for (const watch of watches) assert.equal(await watch.still(), 0);
  assert.equal(await matching.still(), 1);
  for (const watch of [...watches, matching]) await watch.end();
});

test("a reader that leaves in the middle leaves nothing behind", async () => {
  await using opened = await open();
  const { plane, watching, time } = opened;
  const { version } = await plane.list({});
  const reading = (async () => {
    for await (const { object } of plane.watch(version, {}, new AbortController().signal))
      return object.metadata.name;
    return undefined;
  })();
  await turn();
  watching.set(W, { polls: 1 });
  assert.equal(await reading, "w");
  watching.set(W, { polls: 2 });
  assert.deepEqual(time.pending(), []);
});

test("a deleted watcher is told as deleted, and nothing of it after that", async () => {
  await using opened = await open();
  const { plane, objects, watching } = opened;
  const watch = await follow(opened, { kind: "Watcher", name: "w" });
  await plane.delete([W]);
  await watch.come(1);
  assert.notEqual(watch.events[0]?.object.metadata.deletionTimestamp, undefined);
  const { store } = opened;
  const finalizer = "legion.dev/watch";
  await store.write([{ type: "finalize", key: W, finalizer }], { at: NOW });
  await watch.come(2);
  assert.equal(watch.events[1]?.type, "deleted");
  assert.equal(await objects.read(W), undefined);
  watching.set(W, { polls: 9 });
  opened.time.advance(2_000);
  assert.equal(await watch.still(), 2);
  await watch.end();
});

const moments: readonly (readonly [until: string, says: RegExp])[] = [
  ["soon", /"soon" is not a moment/],
  ["2025-12-31T23:59:59Z", /would end at 2025-12-31T23:59:59\.000Z, which is over/],
  ["2026-01-01T00:00:00Z", /which is over/],
  ["2027-01-01T00:00:01Z", /which is more than 365 days/],
];
for (const [until, says] of moments) {
  test(`a silence until ${until} is refused`, async () => {
    await using opened = await open();
    const wanted = { watcher: W, until, reason: "", by: "me" };
    const error = await refused(opened.plane.silence(wanted), "LEG7301");
    assert.match(error.message, says);
    assert.deepEqual(await opened.plane.silences(), []);
  });
}

test("a silence is kept in UTC, replaced, listed, and ended by its id or its watcher", async () => {
  await using opened = await open();
  const { plane } = opened;
  const wanted = { watcher: W, reason: "deploy", by: "me", until: "2026-01-01T03:00:00+01:00" };
  const kept = await plane.silence(wanted);
  assert.equal(kept.until, "2026-01-01T02:00:00.000Z");
  assert.deepEqual(await plane.silences(), [kept]);
  assert.deepEqual(await plane.unsilence({ id: "none" }), { removed: false });
  assert.deepEqual(await plane.unsilence({}), { removed: false });
  assert.deepEqual(await plane.unsilence({ id: kept.id }), { removed: true });
  await plane.silence(wanted);
  assert.deepEqual(await plane.unsilence({ watcher: W }), { removed: true });
  assert.deepEqual(await plane.silences(), []);
});

test("whoever names a watcher or a cron that is not there is told which one was meant", async () => {
  await using opened = await open();
  const { plane } = opened;
  const wanted = { watcher: at("Watcher", "wv"), until: "2026-01-02", reason: "", by: "me" };
  const calls = [
    plane.explainTrigger(at("Watcher", "wx")),
    plane.silence(wanted),
    plane.unsilence({ watcher: at("Watcher", "x") }),
    plane.cronTicks(at("Cron", "d")),
    plane.triggerCron(at("Cron", "cc")),
    plane.resumeCron(at("Cron", "d")),
  ];
  for (const call of calls) await refused(call, "LEG6030");
  // A name is of one kind only.
  await refused(plane.explainTrigger(at("Watcher", "c")), "LEG6030");
});

test("crons are run, their history is cut, and only a pause can be resumed", async () => {
  await using opened = await open();
  const { plane, ticking } = opened;
  for (let runs = 0; runs < 30; runs += 1)
    assert.equal((await plane.triggerCron(C)).state, "started");
  assert.equal((await plane.cronTicks(C)).length, 20);
  assert.equal((await plane.cronTicks(C, 25)).length, 25);
  await refused(plane.resumeCron(C), "LEG7303");
  ticking.set(C, { state: "paused", reason: "it failed" });
  const resumed = await plane.resumeCron(C);
  assert.equal((resumed.status.cron as { state: string }).state, "waiting");
});

test("what nothing was begun for yet says where the reason is told", async () => {
  await using opened = await open();
  const { plane, objects } = opened;
  await objects.apply(applyOf([...declared, desired("n", poll, { kind: "Watcher" })]));
  const error = await refused(plane.explainTrigger(at("Watcher", "n")), "LEG7300");
  assert.equal(error.hint, "legion describe watcher/n tells why");
  const late = desired("late", { schedule: "@daily", agent: "a", task: "x" }, { kind: "Cron" });
  await objects.apply(applyOf([...declared, late]));
  await refused(plane.triggerCron(at("Cron", "late")), "LEG7302");
  assert.deepEqual(await plane.cronTicks(at("Cron", "late")), []);
});

test("a daemon that ends begins no run", async () => {
  await using opened = await open("draining");
  await refused(opened.plane.triggerCron(C), "LEG8004");
});

test("the status of the daemon notes watchers that see nothing, and is well with them", async () => {
  await using opened = await open();
  const { plane, watching } = opened;
  const error = { code: "LEG2750", message: "the connection was refused" };
  watching.set(W, { state: "error", error });
  watching.set(at("Watcher", "v"), { state: "no_data" });
  const notes = (await plane.status()).problems.filter(({ isNote }) => isNote === true);
  assert.deepEqual(
    notes.map(({ subject, reason, message }) => [subject, reason, message]),
    [
      [
        "watcher/v",
        "NoData",
        "its condition has no value (what its condition names was not there), so it cannot fire; next: legion explain trigger v",
      ],
      [
        "watcher/w",
        "Error",
        "its condition has no value (the connection was refused), so it cannot fire; next: legion explain trigger w",
      ],
    ],
  );
});

test("what people let rest is a note, and much that sees nothing is counted", async () => {
  await using opened = await open();
  const { plane, store, objects, watching, ensureAll } = opened;
  const many = Array.from({ length: 23 }, (_, index) =>
    desired(`x${index}`, poll, { kind: "Watcher" }),
  );
  await objects.apply(applyOf([...declared, ...many]));
  await ensureAll();
  for (const { key } of watching.watchers.states()) watching.set(key, { state: "no_data" });
  const said = (key: ResourceKey, reason: string): StoreChange => ({
    ...{ type: "status", key },
    status: { conditions: [{ ...rests, reason }] },
  });
  const statuses = [
    said(W, "Suspended"),
    said(at("Watcher", "v"), "AgentStopped"),
    said(C, "Paused"),
  ];
  const { version } = await store.write(statuses, { at: NOW });
  assert.equal(version, await store.version());
  await plane.explainTrigger(W);
  const { problems } = await plane.status();
  const notes = problems.filter(({ isNote }) => isNote === true);
  const reasonOf = (subject: string) => notes.find((note) => note.subject === subject)?.reason;
  assert.deepEqual(["watcher/w", "watcher/v", "cron/c"].map(reasonOf), [
    "Suspended",
    "AgentStopped",
    "Paused",
  ]);
  const blind = notes.filter(({ reason }) => reason === "NoData");
  assert.equal(blind.length, 21);
  assert.equal(blind.at(-1)?.subject, "5 more watchers");
});

const rests = {
  ...{ type: "Ready", status: "False", message: "It rests.", observedGeneration: 1 },
  lastTransitionTime: "2026-01-01T00:00:00.000Z",
};
