// Goal: watchers look on time and never twice at once, act once for what their triggers say, and hold back what gates and silences close.
// Method: scripted sources on time that passes when it is told to; what was delivered, told and shown is compared.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LegionError } from "../lib/errors.ts";
import { manualTime } from "../testing/manual-timers.ts";
import {
  memoryWatching,
  scriptedSchema,
  type TestWatchers,
  testWatchers,
  watcherKey,
  watcherObject,
} from "../testing/watchers.ts";
import { VALUE_SHOWN_MAX } from "./contract.ts";
import { spreadMs } from "./schedule.ts";
import { createWatchers, type WatchersDeps } from "./watchers.ts";

const down = { status: 500 };
const up = { status: 200 };
const operator = { kind: "Agent", namespace: "default", name: "operator" };

function reasons({ events }: TestWatchers): string[] {
  return events.map(({ reason }) => reason);
}

test("a fire wakes with its text and values, and the end of it is told once", async () => {
  const t = testWatchers();
  t.sees.shop = (look) => (look > 3 && look < 8 ? down : up);
  await t.ensure("shop", {
    trigger:
      'when status >= 500 for 2 polls then wake "answers {{status}}", tool:pager.call {"n": status}',
    recovery: 'wake "answers again"',
  });
  await t.advance(15_000);
  assert.deepEqual(
    t.deliveries.map(({ id, action, fires }) => [id, action, fires.map(({ values }) => values)]),
    [
      ["watcher/uid-shop/1", { kind: "wake", text: "answers 500" }, [{ status: 500 }]],
      [
        "watcher/uid-shop/2",
        { kind: "tool", name: "pager.call", argument: { n: 500 } },
        [{ status: 500 }],
      ],
      ["watcher/uid-shop/3", { kind: "wake", text: "answers again" }, []],
    ],
  );
  assert.deepEqual(reasons(t), ["Fired", "Recovered"]);
  const { state, fires, polls, pending } = t.state("shop");
  assert.deepEqual(
    { state, fires, polls, pending },
    { state: "idle", fires: 1, polls: 15, pending: 0 },
  );
});

test("R19: a look that overruns its interval is never doubled, and the moments that it takes are counted as skipped", async () => {
  const t = testWatchers();
  const waits: (() => void)[] = [];
  t.sees.slow = () => new Promise((resolve) => waits.push(() => resolve(up)));
  await t.ensure("slow", { trigger: "when status >= 500", timeout: "1m" });
  await t.advance(spreadMs("uid-slow", 1_000) + 4_500);
  waits.shift()?.();
  await t.advance(1_000);
  const { polls, skipped, latencyMs } = t.state("slow");
  assert.equal(t.overlaps.slow, 1);
  assert.equal(polls, 1);
  assert.equal(skipped, 4, "of five moments the first was looked at");
  assert.ok(latencyMs !== undefined && latencyMs === 4_500, `${latencyMs}`);
  assert.equal(waits.length, 1, "the next look came with the next moment");
});

test("R19: a source that does not end is left behind, is an error, and is not looked at again before it lets go", async () => {
  const t = testWatchers();
  const waits: (() => void)[] = [];
  t.sees.stuck = (look) =>
    look === 1 ? new Promise((resolve) => waits.push(() => resolve(down))) : up;
  await t.ensure("stuck", { trigger: "when not ok then wake", timeout: "2s" });
  await t.advance(10_000);
  assert.equal(t.state("stuck").error?.code, "LEG2702");
  assert.equal(t.state("stuck").state, "firing", "conditions can say not ok");
  assert.equal(t.overlaps.stuck, 1);
  waits.shift()?.();
  await t.advance(1_000);
  const { state, value, error, polls, skipped } = t.state("stuck");
  assert.deepEqual(
    { state, value, error, polls },
    { state: "idle", value: undefined, error: undefined, polls: 2 },
  );
  assert.ok(skipped >= 8);
});

test("a timeout aborts the look, and what the source then says is taken", async () => {
  const t = testWatchers();
  t.sees.late = (_, signal) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () =>
        resolve({ ok: false, error: { code: "timeout", message: String(signal.reason.name) } }),
      );
    });
  await t.ensure("late", { trigger: "when status >= 500", timeout: "300ms" });
  await t.advance(1_200);
  assert.deepEqual(t.state("late").error, { code: "timeout", message: "TimeoutError" });
  assert.equal(t.state("late").latencyMs, 300);
});

test("an error is told when it changes, and when it is over", async () => {
  const t = testWatchers();
  const failed = (message: string) => ({ ok: false, error: { code: "refused", message } });
  t.sees.shop = (look) =>
    look < 4 ? failed(`after ${look * 17} ms`) : look < 6 ? failed("no route") : up;
  await t.ensure("shop", { trigger: "when status >= 500" });
  await t.advance(8_000);
  assert.deepEqual(reasons(t), ["LookFailed", "LookFailed", "LooksAgain"]);
  t.sees.shop = { status: "high" };
  await t.advance(3_000);
  assert.deepEqual(reasons(t).slice(3), ["ConditionFailed"]);
  assert.equal(t.state("shop").errors, 3);
  assert.equal(t.state("shop").error?.code, "LEG2701");
});

test("a gate that holds a fire back is counted and told; nothing is told of the end of what was not told", async () => {
  const t = testWatchers();
  t.sees.shop = (look) => (look % 2 === 0 ? down : up);
  await t.ensure("shop", {
    trigger: "when status >= 500 cooldown 1h",
    recovery: 'wake "answers again"',
  });
  await t.advance(10_000);
  assert.deepEqual(
    t.deliveries.map(({ action, fires }) => [action.kind, fires.length]),
    [
      ["wake", 1],
      ["wake", 0],
    ],
  );
  assert.deepEqual(t.state("shop").suppressed, { cooldown: 4 });
  assert.equal(reasons(t).filter((reason) => reason === "Suppressed").length, 4);
});

test("a silence holds back what comes after the gates: counted, told by an event, and no recovery follows", async () => {
  const t = testWatchers();
  t.sees.shop = (look) => (look > 2 && look < 6 ? down : up);
  await t.ensure("shop", { trigger: "when status >= 500", recovery: 'wake "answers again"' });
  const until = new Date(t.time.clock.now() + 60_000).toISOString();
  const wanted = { watcher: watcherKey("shop"), until, reason: "deploy", by: "ann" };
  const silence = await t.watchers.silence(wanted);
  assert.equal(t.state("shop").silencedUntil, until);
  await t.advance(10_000);
  assert.equal(t.deliveries.length, 0);
  assert.deepEqual(t.state("shop").suppressed, { silenced: 1 });
  assert.equal(t.state("shop").fires, 1);
  assert.deepEqual(reasons(t), ["Silenced", "Fired", "Suppressed", "Recovered"]);
  assert.deepEqual(t.watchers.silences(), [silence]);
  assert.equal(await t.watchers.unsilence(silence.id), true);
  assert.equal(await t.watchers.unsilence(silence.id), false);
  assert.equal(t.state("shop").silencedUntil, undefined);
  await assert.rejects(
    t.watchers.silence({ ...wanted, until: new Date(t.time.clock.now()).toISOString() }),
    (error: LegionError) => error.code === "LEG2703",
  );
});

test("a silence ends by itself, and a later one takes its place", async () => {
  const t = testWatchers();
  t.sees.shop = down;
  await t.ensure("shop", { trigger: "when status >= 500 every poll" });
  for (const seconds of [100, 3]) {
    const until = new Date(t.time.clock.now() + seconds * 1_000).toISOString();
    await t.watchers.silence({ watcher: watcherKey("shop"), until, reason: "r", by: "ann" });
  }
  assert.equal(t.watchers.silences().length, 1);
  await t.advance(6_000);
  assert.equal(t.deliveries.length, 3);
  assert.deepEqual(t.watchers.silences(), []);
});

test("unless firing asks the other watcher of the namespace at that moment; one that rests does not hold back", async () => {
  const t = testWatchers();
  t.sees.network = down;
  t.sees.shop = (look) => (look % 2 === 0 ? down : up);
  await t.ensure("network", { trigger: "when status >= 500 then silent", interval: "500ms" });
  await t.ensure("shop", { trigger: "when status >= 500 unless firing(network)" });
  await t.advance(10_000);
  assert.equal(t.deliveries.length, 0);
  assert.ok((t.state("shop").suppressed.unless ?? 0) >= 4);
  await t.ensure("network", { trigger: "when status >= 500 then silent", suspend: true }, 2);
  await t.advance(3_000);
  assert.ok(t.deliveries.length > 0);
});

test("a silent action is a fire of which nothing is told, nor of its end", async () => {
  const t = testWatchers();
  t.sees.shop = (look) => (look > 2 && look < 6 ? down : up);
  await t.ensure("shop", { trigger: "when status >= 500 then silent", recovery: "wake" });
  await t.advance(10_000);
  assert.equal(t.state("shop").fires, 1);
  assert.equal(t.deliveries.length, 0);
});

const rests: readonly {
  readonly says: string;
  readonly rest: (t: TestWatchers) => Promise<unknown> | unknown;
  readonly go: (t: TestWatchers) => Promise<unknown> | unknown;
}[] = [
  {
    says: "its manifest suspends it",
    rest: (t) => t.ensure("shop", { trigger, suspend: true }, 2),
    go: (t) => t.ensure("shop", { trigger }, 3),
  },
  ...(["stopped", "terminated"] as const).map((state) => ({
    says: `its agent is ${state}`,
    rest: (t: TestWatchers) => {
      t.agents.set("operator", state);
      t.watchers.agentChanged(operator);
    },
    go: (t: TestWatchers) => {
      t.agents.set("operator", "running");
      t.watchers.agentChanged(operator);
    },
  })),
];
const trigger = "when status >= 500 for 5m";

for (const { says, rest, go } of rests) {
  test(`a watcher rests while ${says}, keeps how it stood, and the rest does not satisfy a for`, async () => {
    const t = testWatchers();
    t.sees.shop = down;
    await t.ensure("shop", { trigger });
    await t.advance(240_000);
    assert.equal(t.state("shop").state, "pending");
    const { polls } = t.state("shop");
    await rest(t);
    assert.equal(t.state("shop").state, "suspended");
    await t.advance(3 * 3_600_000);
    assert.equal(t.state("shop").polls, polls, "nothing is looked at");
    await go(t);
    assert.equal(t.state("shop").state, "pending");
    await t.advance(5_000);
    assert.equal(
      t.state("shop").state,
      "pending",
      "three hours in which nobody looked do not count",
    );
    await t.advance(60_000);
    assert.equal(t.state("shop").state, "firing", "the four minutes before do");
  });
}

test("a paused agent does not stop its watcher", async () => {
  const t = testWatchers();
  t.agents.set("operator", "paused");
  t.sees.shop = up;
  await t.ensure("shop", { trigger });
  await t.advance(5_000);
  assert.equal(t.state("shop").polls, 5);
});

test("what an agent that rests missed while a look went on is not taken", async () => {
  const t = testWatchers();
  const waits: (() => void)[] = [];
  t.sees.shop = () => new Promise((resolve) => waits.push(() => resolve(down)));
  await t.ensure("shop", { trigger: "when status >= 500" });
  await t.advance(1_500);
  await t.ensure("shop", { trigger: "when status >= 500", suspend: true }, 2);
  waits.shift()?.();
  await t.advance(1_500);
  assert.equal(t.state("shop").polls, 0);
  assert.equal(t.deliveries.length, 0);
});

const reloads: readonly {
  readonly says: string;
  readonly spec: Parameters<TestWatchers["ensure"]>[1];
  readonly isReset: boolean;
}[] = [
  { says: "another interval", spec: { trigger: forPolls(), interval: "2s" }, isReset: false },
  { says: "another recovery", spec: { trigger: forPolls(), recovery: "wake" }, isReset: false },
  { says: "another agent", spec: { trigger: forPolls(), agent: "other" }, isReset: false },
  { says: "another trigger", spec: { trigger: `${forPolls()} cooldown 1m` }, isReset: true },
  { says: "another zone", spec: { trigger: forPolls(), timezone: "Europe/Oslo" }, isReset: true },
];

function forPolls(): string {
  return "when status >= 500 for 6 polls";
}

for (const { says, spec, isReset } of reloads) {
  test(`a hot reload with ${says} ${isReset ? "begins anew" : "keeps for"}`, async () => {
    const t = testWatchers();
    t.sees.shop = down;
    await t.ensure("shop", { trigger: forPolls() });
    await t.advance(4_000);
    assert.equal(t.state("shop").polls, 4);
    const { polls, generation } = await t.ensure("shop", spec, 2);
    assert.deepEqual({ polls, generation }, { polls: isReset ? 0 : 4, generation: 2 });
    assert.deepEqual(reasons(t), isReset ? ["HistoryReset"] : []);
    await t.advance(says === "another interval" ? 4_000 : 2_000);
    assert.equal(t.state("shop").state, isReset ? "pending" : "firing");
  });
}

test("another result schema of the tool begins anew, also for the same generation", async () => {
  const t = testWatchers();
  t.sees.shop = down;
  await t.ensure("shop", { trigger: forPolls() });
  await t.advance(4_000);
  t.schema = { type: "object", properties: { status: { type: "integer" }, more: {} } };
  const { polls } = await t.ensure("shop", { trigger: forPolls() });
  assert.equal(polls, 0);
  assert.deepEqual(reasons(t), ["HistoryReset"]);
});

test("the same generation again changes nothing, also not the moments of its looks", async () => {
  const t = testWatchers();
  let looks = 0;
  t.sees.shop = () => {
    looks += 1;
    return up;
  };
  for (let time = 0; time < 20; time += 1) {
    await t.ensure("shop", { trigger: forPolls() });
    await t.advance(500);
  }
  assert.equal(looks, 10);
});

test("a generation that cannot be built is refused with why, and the one before goes on", async () => {
  const t = testWatchers();
  t.sees.shop = up;
  await t.ensure("shop", { trigger: forPolls() });
  await assert.rejects(
    t.ensure("shop", { trigger: "when statsu >= 500" }, 2),
    (error: LegionError) => {
      assert.ok(error instanceof LegionError);
      assert.equal(error.code, "LEG2700");
      assert.match(error.message, /^the trigger of the watcher shop cannot be used: E401 /);
      return true;
    },
  );
  await t.advance(3_000);
  assert.deepEqual([t.state("shop").generation, t.state("shop").polls], [1, 3]);
});

test("deliveries come in order, wait for each other, and are tried again ever later with the same id", async () => {
  const t = testWatchers();
  const refused = { code: "LEG2071", message: "the agent is stopped", hint: "resume it" } as const;
  const at: number[] = [];
  let isOpen = false;
  t.deliver = async () => {
    at.push(Math.round((t.time.clock.monotonic() - (at[0] ?? t.time.clock.monotonic())) / 1_000));
    if (at.length === 1) at[0] = t.time.clock.monotonic();
    return isOpen ? { type: "done" } : { type: "retry", error: refused };
  };
  t.sees.shop = (look) => (look === 2 || look === 5 ? down : up);
  await t.ensure("shop", { trigger: "when status >= 500", recovery: "wake" });
  await t.advance(70_000);
  assert.deepEqual(at.slice(1), [1, 3, 7, 15, 31, 63]);
  assert.deepEqual(new Set(t.deliveries.map(({ id }) => id)), new Set(["watcher/uid-shop/1"]));
  assert.equal(t.state("shop").pending, 4);
  assert.equal(reasons(t).filter((reason) => reason === "DeliveryWaits").length, 1);
  isOpen = true;
  t.deliveries.length = 0;
  await t.advance(60_000);
  assert.deepEqual(
    t.deliveries.map(({ id }) => id.split("/").at(-1)),
    ["1", "2", "3", "4"],
  );
  assert.equal(t.state("shop").pending, 0);
});

test("a delivery that fails for good is told and given up, and its recovery is not told", async () => {
  const t = testWatchers();
  const error = { code: "LEG2030", message: "there is no agent", hint: "apply one" } as const;
  t.deliver = async () => ({ type: "failed", error });
  t.sees.shop = (look) => (look === 2 ? down : up);
  await t.ensure("shop", { trigger: "when status >= 500", recovery: "wake" });
  await t.advance(10_000);
  assert.equal(t.deliveries.length, 1);
  assert.deepEqual(reasons(t), ["Fired", "DeliveryFailed", "Recovered"]);
});

test("a recovery that waits behind a fire which then fails is dropped", async () => {
  const t = testWatchers();
  const error = { code: "LEG2030", message: "there is no agent", hint: "apply one" } as const;
  t.deliver = async () =>
    t.deliveries.length < 4 ? { type: "retry", error } : { type: "failed", error };
  t.sees.shop = (look) => (look === 2 ? down : up);
  await t.ensure("shop", { trigger: "when status >= 500", recovery: "wake" });
  await t.advance(30_000);
  assert.deepEqual(new Set(t.deliveries.map(({ id }) => id)), new Set(["watcher/uid-shop/1"]));
  assert.equal(reasons(t).at(-1), "RecoveryDropped");
  assert.equal(t.state("shop").pending, 0);
});

test("what waits is bounded: newer ones are dropped, with one event", async () => {
  const t = testWatchers();
  t.deliver = () => new Promise(() => undefined);
  t.sees.shop = down;
  await t.ensure("shop", { trigger: "when status >= 500 every poll" });
  await t.advance(130_000);
  assert.equal(t.state("shop").pending, 100);
  assert.equal(t.state("shop").fires, 130);
  assert.equal(reasons(t).filter((reason) => reason === "DeliveryDropped").length, 1);
});

test("a state shows a value cut, and secrets are in nothing that is told or shown", async () => {
  const secret = "sesame-4711";
  const t = testWatchers({ redact: (text) => text.replaceAll(secret, "[redacted]") });
  const body = { note: `token ${secret} ${"x".repeat(500)}`, [secret]: 1 };
  t.sees.shop = { status: 500, name: secret, body, value: body };
  await t.ensure("shop", {
    trigger: `when status >= 500 and size(body) > 0 then wake "see {{body}}", tool:a.b {"name": name}`,
  });
  await t.advance(2_000);
  const { value } = t.state("shop");
  assert.ok(typeof value === "string" && value.length <= VALUE_SHOWN_MAX, String(value));
  const everything = [
    t.deliveries,
    t.events,
    t.watchers.states(),
    t.watchers.explain(watcherKey("shop")),
  ];
  assert.match(JSON.stringify(everything), /redacted/);
  assert.doesNotMatch(JSON.stringify(everything), /sesame/);
});

test("the tree of a trigger shows no part of a secret where it cuts a value", async () => {
  const secret = "sesame-4711-open-the-door";
  const t = testWatchers({ redact: (text) => text.replaceAll(secret, "[redacted]") });
  t.sees.shop = { body: `${"x".repeat(70)}${secret}` };
  await t.ensure("shop", { trigger: "when size(body) > 0" });
  await t.advance(2_000);
  const tree = JSON.stringify(t.watchers.explain(watcherKey("shop")));
  assert.match(tree, /xxx/);
  assert.doesNotMatch(tree, /sesame/);
});

/** Watchers whose sources are made, or refused, by the test. */
function withSources(createSource: WatchersDeps["createSource"]) {
  const { clock, timers, advance } = manualTime();
  const watchers = createWatchers({
    ...{
      clock,
      timers,
      createSource,
      states: memoryWatching(clock),
      schemaOf: () => scriptedSchema,
    },
    deliver: async () => ({ type: "done" }),
    ...{ agentState: () => undefined, emit: () => "", onError: () => {} },
  });
  return { watchers, advance };
}

test("a watcher that is to rest does so although its new source cannot be made", async () => {
  const { watchers, advance } = withSources(async ({ spec }) => {
    if (spec.url !== undefined)
      throw new LegionError({ code: "LEG2750", message: "there is no such file", hint: "" });
    return { poll: async () => up };
  });
  const object = watcherObject("shop", { trigger: "when status >= 500" });
  const spec = { ...object.spec, suspend: true, url: "https://shop.example.com" };
  await watchers.ensure({ uid: "uid-shop", generation: 1, object });
  advance(10_000);
  const suspended = { ...object, spec, specHash: "another" };
  await assert.rejects(watchers.ensure({ uid: "uid-shop", generation: 2, object: suspended }), {
    code: "LEG2750",
  });
  const { state, generation } = watchers.state(watcherKey("shop")) ?? {};
  assert.deepEqual([state, generation], ["suspended", 1]);
});

test("a manifest that moved to another folder is looked at from there", async () => {
  const sources: string[] = [];
  const object = watcherObject("log", { trigger: "when status >= 500", path: "app.log" });
  const moved = { ...object, source: { ...object.source, file: "/manifests/below/log.yaml" } };
  const { watchers } = withSources(async ({ source }) => {
    sources.push(source.file);
    return { poll: async () => up };
  });
  for (const each of [object, object, moved, moved])
    await watchers.ensure({ uid: "uid-log", generation: 1, object: each });
  assert.deepEqual(sources, [object.source.file, moved.source.file]);
});

test("listeners hear of what people want to see at once, and of values alone once a second", async () => {
  const t = testWatchers();
  t.sees.shop = (look) => ({ ...up, value: look });
  await t.ensure("shop", { trigger: "when status >= 500", interval: "100ms" });
  await t.advance(1_000);
  let heard = 0;
  const end = t.watchers.onChange(() => {
    heard += 1;
  });
  await t.advance(10_000);
  assert.ok(heard >= 9 && heard <= 10, `${heard} of 100 values`);
  heard = 0;
  t.sees.shop = { ...up, value: 7 };
  await t.advance(10_000);
  assert.ok(heard <= 1, "nothing changes");
  t.sees.shop = down;
  await t.advance(100);
  assert.ok(heard >= 1, "it fires");
  end();
  heard = 0;
  t.sees.shop = up;
  await t.advance(1_000);
  assert.equal(heard, 0);
});

test("a watcher that was removed is forgotten with all of it; another of the name begins anew", async () => {
  const t = testWatchers();
  t.deliver = async () => ({
    type: "retry",
    error: { code: "LEG2071", message: "stopped", hint: "resume" },
  });
  t.sees.shop = down;
  await t.ensure("shop", { trigger: "when status >= 500" });
  await t.advance(3_000);
  const until = new Date(t.time.clock.now() + 60_000).toISOString();
  await t.watchers.silence({ watcher: watcherKey("shop"), until, reason: "r", by: "ann" });
  await t.watchers.remove(watcherKey("shop"), "uid-shop");
  assert.equal(t.watchers.state(watcherKey("shop")), undefined);
  assert.deepEqual(t.watchers.silences(), []);
  t.deliveries.length = 0;
  await t.advance(300_000);
  assert.equal(t.deliveries.length, 0, "nothing is tried again");
  const state = await t.ensure("shop", { trigger: "when status >= 500" });
  assert.deepEqual([state.state, state.polls, state.pending], ["new", 0, 0]);
});

test("another uid under a key is another watcher", async () => {
  const t = testWatchers();
  t.sees.shop = down;
  await t.ensure("shop", { trigger: "when status >= 500" });
  await t.advance(3_000);
  const object = watcherObject("shop", { trigger: "when status >= 500" });
  const state = await t.watchers.ensure({ uid: "uid-2", generation: 1, object });
  assert.deepEqual([state.uid, state.state, state.fires], ["uid-2", "new", 0]);
  await t.advance(2_000);
  assert.equal(t.deliveries.at(-1)?.id, "watcher/uid-2/1");
});

test("prev is the value of the look before", async () => {
  const t = testWatchers();
  t.sees.shop = (look) => {
    const sample = look === 4 ? down : up;
    return { ...sample, value: sample };
  };
  await t.ensure("shop", { trigger: "when prev.status == 200 and status == 500" });
  await t.advance(6_000);
  assert.equal(t.state("shop").fires, 1);
});

for (const wallMs of [3_600_000, -3_600_000, 10 * 365 * 86_400_000]) {
  test(`R08: with the wall clock stepped by ${wallMs / 3_600_000} h looks come on time, and for is neither over sooner nor later`, async () => {
    const t = testWatchers();
    t.sees.shop = down;
    await t.ensure("shop", { trigger: "when status >= 500 for 5m" });
    await t.advance(120_000);
    t.stepWall(wallMs);
    await t.advance(175_000);
    assert.equal(t.state("shop").state, "pending");
    assert.equal(t.state("shop").polls, 295);
    await t.advance(10_000);
    assert.equal(t.state("shop").state, "firing");
    assert.equal(t.deliveries.length, 1);
  });
}
