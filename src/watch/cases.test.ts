// Goal: a replay does what a running watcher does, and every difference between what came and what was expected is told, once.
// Method: tables of polls and expectations against the real machine; random polls for what never happens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileTrigger } from "../trigger/trigger.ts";
import {
  actionText,
  type Difference,
  differences,
  type Expectation,
  type Replayed,
  type ReplayPoll,
  replay,
} from "./cases.ts";

const START_MS = Date.UTC(2026, 0, 1);

function run(trigger: string, polls: readonly ReplayPoll[], recovery?: string) {
  const options = { source: "httpPoll", ...(recovery !== undefined && { recovery }) } as const;
  const { machine, errors, recoveryErrors } = compileTrigger(trigger, options);
  assert.deepEqual([...errors, ...recoveryErrors], []);
  assert.ok(machine);
  return replay(machine, polls, START_MS);
}

/** Polls half a minute apart. */
function statuses(...codes: readonly number[]): readonly ReplayPoll[] {
  return codes.map((status, index) => ({ offsetMs: index * 30_000, sample: { status, ok: true } }));
}

/** What was told, in order: fires as their number, recoveries as UP. */
function tellings(replayed: readonly Replayed[]): string {
  return replayed
    .flatMap(({ outcome, recovery }) => [
      ...(outcome.fire === undefined ? [] : ["DOWN"]),
      ...(recovery === undefined ? [] : [recovery.map(actionText).join(" ")]),
    ])
    .join(" ");
}

const recoveries: readonly {
  readonly name: string;
  readonly trigger: string;
  readonly statuses: readonly number[];
  readonly told: string;
}[] = [
  {
    name: "the end of firing is told after a fire",
    trigger: "status >= 500",
    statuses: [200, 503, 200],
    told: 'DOWN wake "up 200"',
  },
  {
    name: "the end of firing is not told when a gate held the fire back",
    trigger: "status >= 500 cooldown 10m",
    statuses: [503, 200, 503, 200],
    told: 'DOWN wake "up 200"',
  },
  {
    name: "several fires of one time of firing have one end",
    trigger: "status >= 500 every poll",
    statuses: [503, 503, 503, 200, 200],
    told: 'DOWN DOWN DOWN wake "up 200"',
  },
  {
    name: "a silent fire has no end that is told",
    trigger: "status >= 500 then silent",
    statuses: [503, 200],
    told: "DOWN",
  },
  {
    name: "each time of firing has its own end",
    trigger: "status >= 500",
    statuses: [503, 200, 503, 201],
    told: 'DOWN wake "up 200" DOWN wake "up 201"',
  },
];

for (const { name, trigger, statuses: codes, told } of recoveries) {
  test(name, () => {
    assert.equal(tellings(run(trigger, statuses(...codes), 'wake "up {{status}}"')), told);
  });
}

test("without a recovery nothing is told at the end", () => {
  assert.equal(tellings(run("status >= 500", statuses(503, 200))), "DOWN");
});

test("an end is never told without a fire since the last one", () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const clauses = ["", "for 2 polls", "cooldown 2m", "once", "at most 2 per 5m", "keep 1m"];
  for (let round = 0; round < 300; round += 1) {
    const clause = clauses[round % clauses.length] ?? "";
    const codes = Array.from({ length: 40 }, () => (random() < 0.5 ? 200 : 503));
    let isTold = false;
    for (const { outcome, recovery } of run(
      `status >= 500 ${clause}`,
      statuses(...codes),
      "wake",
    )) {
      if (recovery !== undefined) assert.ok(isTold, `${clause}: ${codes.join(" ")}`);
      if (recovery !== undefined) isTold = false;
      if (outcome.fire !== undefined) isTold = true;
    }
  }
});

test("other watchers fire where the poll says so", () => {
  const [sample] = statuses(503);
  assert.ok(sample);
  const trigger = "status >= 500 unless firing(network)";
  const held = run(trigger, [{ ...sample, firing: ["network"] }])[0]?.outcome;
  assert.equal(held?.suppressed?.gate, "unless");
  assert.ok(run(trigger, [{ ...sample, firing: ["other"] }])[0]?.outcome.fire);
});

const trigger = 'status >= 500 for 2 polls cooldown 10m then wake "down {{status}}"';
const recovery = 'wake "up"';
/** pending at 30s, fires at 60s, ends at 90s, is held back at 150s. */
const polls = [200, 503, 503, 200, 503, 503, 200];

const compared: readonly {
  readonly name: string;
  readonly expected: readonly Expectation[];
  readonly told: readonly (readonly [at: number, expected: string, actual: string])[];
}[] = [
  {
    name: "all that came was expected",
    expected: [
      { offsetMs: 30_000, state: "pending", value: true },
      { offsetMs: 60_000, fire: "edge", wake: "down 503", actions: ['wake "down 503"'] },
      { offsetMs: 90_000, recovered: true, wake: "up", state: "idle", fire: false },
      { offsetMs: 150_000, suppressed: "cooldown", recovered: false },
    ],
    told: [],
  },
  {
    name: "fires and recoveries that nobody expects",
    expected: [],
    told: [
      [60_000, "nothing", 'fire edge, wake "down 503"'],
      [90_000, "nothing", 'recovered, wake "up"'],
    ],
  },
  {
    name: "a state alone does not expect the fire of its poll",
    expected: [
      { offsetMs: 60_000, state: "firing" },
      { offsetMs: 90_000, wake: true },
    ],
    told: [[60_000, "nothing", 'fire edge, wake "down 503"']],
  },
  {
    name: "every field that differs, and no other",
    expected: [
      { offsetMs: 60_000, fire: "poll", wake: "down 500", state: "firing", suppressed: "once" },
      { offsetMs: 90_000, recovered: false, actions: [], value: "missing" },
      { offsetMs: 120_000, fire: true, wake: true, error: "no type", recovered: true },
    ],
    told: [
      [
        60_000,
        'fire poll, wake "down 500", a fire held back by once',
        'fire edge, wake "down 503", none held back',
      ],
      [90_000, "not recovered, no action, value missing", 'recovered, wake "up", value false'],
      [
        120_000,
        'a fire, recovered, a wake, an error with "no type"',
        "no fire (state pending), not recovered, no wake, no error",
      ],
    ],
  },
  {
    name: "a moment without a poll",
    expected: [
      { offsetMs: 60_000, fire: true },
      { offsetMs: 61_000, fire: true },
      { offsetMs: 90_000, recovered: true },
    ],
    told: [[61_000, "a poll", "no poll at that moment"]],
  },
];

for (const { name, expected, told } of compared) {
  test(`differences: ${name}`, () => {
    const found = differences(run(trigger, statuses(...polls), recovery), expected);
    const shown = found.map((each: Difference) => [each.offsetMs, each.expected, each.actual]);
    assert.deepEqual(shown, told);
  });
}

test("an error of the data is told and can be expected", () => {
  const sample = { body: { count: "many" } };
  const replayed = run("body.count > 3", [{ offsetMs: 0, sample }]);
  assert.equal(replayed[0]?.outcome.state, "error");
  const wanted = { offsetMs: 0, state: "error", value: "error", error: "string" };
  assert.deepEqual(differences(replayed, [wanted]), []);
});
