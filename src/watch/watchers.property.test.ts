// Goal: over whatever a source says and however often the process dies: no end of firing is told without a fire, no fire twice, none above `at most`, and no look overlaps another (R18, R19).
// Method: random sources, deliveries, silences and kills on time that passes when it is told to; invariants over all that was delivered.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ManualTime, manualTime } from "../testing/manual-timers.ts";
import {
  memoryWatching,
  type TestWatchers,
  testWatchers,
  watcherKey,
} from "../testing/watchers.ts";
import type { Sample } from "../trigger/samples.ts";
import type { Delivery } from "./contract.ts";

const gone = { code: "LEG2030", message: "there is no agent", hint: "apply one" } as const;
const busy = { code: "LEG2071", message: "the agent is stopped", hint: "resume it" } as const;

type Step =
  | { readonly do: "look"; readonly sample: Sample; readonly times: number }
  | { readonly do: "slow"; readonly ms: number }
  | { readonly do: "silence"; readonly ms: number }
  | { readonly do: "kill" }
  | { readonly do: "reload"; readonly interval: number }
  | { readonly do: "deliver"; readonly how: "done" | "retry" | "failed" | "never" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("look" as const),
      sample: fc.constantFrom({ status: 500 }, { status: 200 }, {}, { ok: false }, { status: "x" }),
      times: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("slow" as const), ms: fc.nat(6_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("silence" as const), ms: fc.nat(20_000) }) },
  { weight: 1, arbitrary: fc.constant({ do: "kill" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reload" as const),
      interval: fc.constantFrom(500, 1_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("deliver" as const),
      how: fc.constantFrom(
        "done" as const,
        "done" as const,
        "retry" as const,
        "failed" as const,
        "never" as const,
      ),
    }),
  },
);

const triggers = [
  "when status >= 500",
  "when status >= 500 for 2 polls repeat 5s",
  "when status >= 500 keep 3s cooldown 5s",
  "when status >= 500 clear when status < 300 for 2 polls at most 2 per 20s",
  "when status >= 500 missing fire",
  "when not ok or status >= 500 every poll at most 3 per 10s",
];

interface Told {
  readonly delivery: Delivery;
  readonly how: string;
}

/** Lets one watcher live through the steps; every attempt at a delivery comes back, in order. */
async function lived(trigger: string, groupWait: string, plan: readonly Step[]): Promise<Told[]> {
  const attempts: Told[] = [];
  let time: ManualTime = manualTime();
  const states = memoryWatching({ now: () => time.clock.now(), monotonic: () => 0 });
  let spec = { trigger, groupWait, recovery: 'wake "again"', interval: "1s", timeout: "2s" };
  let how: Extract<Step, { readonly do: "deliver" }>["how"] = "done";
  let sample: Sample = { status: 200 };
  let slowMs = 0;
  let generation = 1;
  const start = async (): Promise<TestWatchers> => {
    const t = testWatchers({ time, states });
    t.deliver = (delivery) => {
      attempts.push({ delivery, how });
      if (how === "never") return new Promise(() => undefined);
      if (how === "done") return Promise.resolve({ type: how });
      return Promise.resolve({ type: how, error: how === "retry" ? busy : gone });
    };
    t.sees.shop = () => {
      const seen = sample;
      if (slowMs === 0) return seen;
      const { promise, resolve } = Promise.withResolvers<Sample>();
      t.time.timers.after(slowMs, () => resolve(seen));
      return promise;
    };
    await t.ensure("shop", spec, generation);
    return t;
  };
  let t = await start();
  for (const step of plan) {
    if (step.do === "look") {
      sample = step.sample;
      await t.advance(step.times * 1_000);
    } else if (step.do === "slow") slowMs = step.ms;
    else if (step.do === "silence") {
      const until = new Date(time.clock.now() + step.ms + 1).toISOString();
      await t.watchers.silence({ watcher: watcherKey("shop"), until, reason: "r", by: "ann" });
    } else if (step.do === "reload") {
      generation += 1;
      spec = { ...spec, interval: `${step.interval}ms` };
      await t.ensure("shop", spec, generation);
    } else if (step.do === "deliver") how = step.how;
    else {
      // What is killed runs no more: its timers belong to a time that stands still.
      time = manualTime(time.clock.now() + 500);
      t = await start();
    }
    assert.ok((t.overlaps.shop ?? 0) <= 1, "two looks at once");
  }
  // At the end all is well, and a delivery that hangs has died with its process.
  how = "done";
  slowMs = 0;
  sample = { status: 200 };
  time = manualTime(time.clock.now() + 500);
  t = await start();
  await t.advance(200_000);
  assert.equal(t.state("shop").pending, 0, "all is told at the end");
  return attempts;
}

test("UP is never told without a DOWN, each is told once, and in order, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...triggers),
      fc.constantFrom("0s", "0s", "3s"),
      fc.array(steps, { maxLength: 40 }),
      async (trigger, groupWait, plan) => {
        const attempts = await lived(trigger, groupWait, plan);
        const told = new Map<string, Delivery>();
        let isDown = false;
        for (const { delivery, how } of attempts) {
          const known = told.get(delivery.id);
          // A second attempt says the same: whoever takes both takes one.
          if (known !== undefined) {
            assert.deepEqual(delivery, known);
            continue;
          }
          if (how === "done" || how === "never") {
            const isUp = delivery.fires.length === 0;
            assert.ok(!isUp || isDown, "an end without a beginning");
            isDown = !isUp;
            told.set(delivery.id, delivery);
          }
        }
        const numbers = [...told.keys()].map((id) => Number(id.split("/").at(-1)));
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        );
      },
    ),
    { numRuns: 150 },
  );
});

test("R18: a source that flaps at each of 600 looks a minute, the most there are, fires at most as declared, and what is held back is counted", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 5, max: 60 }),
      fc.array(fc.boolean(), { minLength: 10, maxLength: 50 }),
      async (most, seconds, flaps) => {
        const t = testWatchers();
        t.sees.shop = (look) => ({ status: flaps[look % flaps.length] === true ? 500 : 200 });
        await t.ensure("shop", {
          trigger: `when status >= 500 at most ${most} per ${seconds}s`,
          interval: "100ms",
        });
        await t.advance(180_000);
        const at = t.deliveries.flatMap(({ fires }) => fires.map((fire) => Date.parse(fire.at)));
        for (const from of at) {
          const within = at.filter((moment) => moment >= from && moment < from + seconds * 1_000);
          assert.ok(within.length <= most, `${within.length} fires in ${seconds} s`);
        }
        const { fires, suppressed, polls } = t.state("shop");
        assert.equal(fires, t.deliveries.length);
        let edges = 0;
        let before = false;
        for (let look = 1; look <= polls; look += 1) {
          const isTrue = flaps[look % flaps.length] === true;
          if (isTrue && !before) edges += 1;
          before = isTrue;
        }
        const held = suppressed["at most"] ?? 0;
        assert.ok(fires + held >= edges, `${edges} edges, ${fires} fires, ${held} held back`);
        const told = t.events.filter(({ reason }) => reason === "Suppressed").length;
        assert.equal(told, held);
      },
    ),
    { numRuns: 15 },
  );
});
