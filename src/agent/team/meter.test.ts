// Goal: a turn spends no more than its budgets allow, those of every team it is in count at once, and turns beyond the rate do not begin.
// Method: tables of limits and spendings over a clock that the test moves; a property over random spendings in a tree.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { manualClock } from "../../lib/clock.ts";
import type { Budget } from "../../manifest/generated/agent.ts";
import type { RunRecord } from "../../state/journal.ts";
import { createMeter, type MeterOptions, type TeamMeter } from "./meter.ts";
import { createLedger, createLedgers } from "./meter-ledger.ts";

type Limits = { readonly [K in keyof Budget]?: Partial<Budget[K]> };

function budget({ run = {}, team = {}, agent = {} }: Limits = {}): Budget {
  return { run, team, agent: { per: "24h", ...agent } };
}

const clock = manualClock();

function meter(limits: Limits, more: Partial<MeterOptions> = {}): TeamMeter {
  return createMeter({ agent: "a", run: "r1", clock, spec: { budget: budget(limits) }, ...more });
}

const rows = [
  { limits: {}, spent: { tokens: 1e9, requests: 1e6, toolCalls: 1e6 }, refused: [] },
  { limits: { run: { tokens: 10 } }, spent: { tokens: 9 }, refused: [] },
  { limits: { run: { tokens: 10 } }, spent: { tokens: 10 }, refused: ["request", "call"] },
  { limits: { run: { requests: 2 } }, spent: { requests: 2 }, refused: ["request"] },
  { limits: { run: { toolCalls: 2 } }, spent: { toolCalls: 2 }, refused: ["call"] },
  { limits: { team: { tokens: 10 } }, spent: { tokens: 11 }, refused: ["request", "call"] },
  { limits: { team: { requests: 1 } }, spent: { requests: 1 }, refused: ["request"] },
  { limits: { team: { toolCalls: 1 } }, spent: { toolCalls: 1 }, refused: ["call"] },
] as const;

for (const { limits, spent, refused } of rows) {
  test(`${JSON.stringify(limits)} after ${JSON.stringify(spent)} refuses ${refused.join(" and ") || "nothing"}`, () => {
    const tested = meter(limits);
    tested.spend(spent);
    const got = (["request", "call"] as const).filter((what) => tested.refuse(what) !== undefined);
    assert.deepEqual(got, refused);
  });
}

test("the refusal names the limit, what was spent and where to raise it", () => {
  const tested = meter({ run: { tokens: 1000 } });
  tested.spend({ tokens: 600 });
  assert.equal(tested.refuse("request"), undefined);
  tested.spend({ tokens: 600 });
  assert.deepEqual(tested.refuse("call"), {
    reason: "budget_exceeded",
    error: {
      code: "LEG2096",
      message: 'the budget of agent "a" is spent: 1200 of 1000 tokens in one turn',
      hint: 'raise spec.budget.run.tokens of agent "a", or give it less to do',
    },
  });
});

test("what a turn below spends is spent above at once, and the refusal names whose limit it is", () => {
  const root = meter({ team: { tokens: 100 } }, { agent: "lead" });
  const middle = meter({ team: { tokens: 1000 } }, { agent: "middle", above: root });
  const leaf = meter({}, { agent: "leaf", above: middle });
  const other = meter({}, { agent: "other", above: root });
  leaf.spend({ tokens: 100 });
  assert.match(
    other.refuse("request")?.error.message ?? "",
    /of agent "lead" is spent: 100 of 100/,
  );
  assert.match(leaf.refuse("call")?.error.hint ?? "", /spec.budget.team.tokens of agent "lead"/);
  assert.equal(root.refuse("request")?.reason, "budget_exceeded");
});

test("a budget of one turn does not count the agents below it", () => {
  const root = meter({ run: { tokens: 10 } });
  meter({}, { above: root }).spend({ tokens: 50 });
  assert.equal(root.refuse("request"), undefined);
});

test("what a team had spent before its process died counts", () => {
  const root = meter({ team: { tokens: 10 } }, { teamSpent: { tokens: 4 } });
  assert.equal(root.refuse("request"), undefined);
  meter({}, { above: root, teamSpent: { tokens: 6 } });
  assert.equal(root.refuse("request")?.reason, "budget_exceeded");
});

test("property: a team has spent the sum of what all in it have, and refuses exactly from its limit on", () => {
  const spendings = fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 0, max: 50 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(spendings, fc.integer({ min: 1, max: 500 }), (list, limit) => {
      const root = meter({ team: { tokens: limit } });
      const left = meter({}, { above: root });
      const meters = [
        root,
        left,
        meter({}, { above: left }),
        meter({}, { above: left }),
        meter({}, { above: root }),
      ];
      let sum = 0;
      for (const [index, tokens] of list) {
        meters[index]?.spend({ tokens });
        sum += tokens;
        for (const each of meters) assert.equal(each.refuse("request") !== undefined, sum >= limit);
      }
    }),
  );
});

test("the agent's budget counts all its turns within the time, also two at once", () => {
  const time = manualClock();
  const ledger = createLedger(time);
  const limits = { agent: { tokens: 100, per: "1h" } };
  const [first, second] = ["r1", "r2"].map((run) => meter(limits, { ledger, clock: time, run }));
  first?.spend({ tokens: 60 });
  time.advance(30 * 60_000);
  second?.spend({ tokens: 40 });
  const refusal = first?.refuse("call");
  assert.match(refusal?.error.message ?? "", /100 of 100 tokens within 1h, in all its turns/);
  time.advance(31 * 60_000);
  assert.equal(first?.refuse("call"), undefined, "the first 60 are an hour ago");
});

test("turns above the rate are refused until the time has passed, and refused ones do not count", () => {
  const time = manualClock();
  const ledger = createLedger(time);
  const spec = { budget: budget(), rateLimit: { turns: 2, per: "1m" } };
  const begin = (run: string) => createMeter({ agent: "a", run, spec, clock: time, ledger });
  assert.equal(begin("r1").refuse("request"), undefined);
  time.advance(20_000);
  assert.equal(begin("r2").refuse("request"), undefined);
  const refused = begin("r3").refuse("request");
  assert.deepEqual([refused?.reason, refused?.error.code], ["rate_limited", "LEG2097"]);
  assert.match(refused?.error.message ?? "", /has begun 2 turns within 1 m 00 s/);
  assert.match(
    refused?.error.hint ?? "",
    /send it again in 40\.0 s, or raise spec.rateLimit.turns/,
  );
  assert.equal(begin("r1").refuse("request"), undefined, "one that goes on is not counted again");
  time.advance(41_000);
  const late = begin("r4");
  assert.equal(late.refuse("request"), undefined);
  assert.equal(late.refuse("call"), undefined, "a turn that has begun is not asked again");
});

test("turns of the agent's budget are refused as its budget", () => {
  const ledger = createLedger(clock);
  const limits = { agent: { turns: 1 } };
  assert.equal(meter(limits, { ledger, run: "r1" }).refuse("request"), undefined);
  const refusal = meter(limits, { ledger, run: "r2" }).refuse("request");
  assert.deepEqual([refusal?.reason, refusal?.error.code], ["budget_exceeded", "LEG2096"]);
});

const record = (run: string, agoMs: number, more: Partial<RunRecord>): RunRecord => {
  const startedAt = new Date(clock.now() - agoMs).toISOString();
  const of = { uid: "u", agent: "a", generation: 1, conversation: "main" };
  return { run, ...of, status: "ok", startedAt, steps: 5, tokens: 10, ...more };
};

test("after a restart the runs on record count: not the refused, and not the one that begins", async () => {
  const runs = [
    record("new", 0, { status: "running", steps: 1, tokens: 0 }),
    record("goes-on", 5, { status: "running", tokens: 0 }),
    record("refused", 10, { status: "cancel", reason: "rate_limited", tokens: 0 }),
    record("done", 20, {}),
    record("old", 3_600_000, {}),
  ];
  const asked: string[] = [];
  const ledgers = createLedgers(clock, async (uid) => {
    asked.push(uid);
    return runs;
  });
  const ledger = await ledgers.of("u");
  assert.equal(await ledgers.of("u"), ledger);
  assert.deepEqual(asked, ["u"], "the record is read once");
  const sinceMs = clock.now() - 60_000;
  assert.deepEqual([ledger.turns(sinceMs), ledger.tokens(sinceMs)], [2, 10]);
  assert.deepEqual(["new", "goes-on"].map(ledger.hasBegun), [false, true]);
});

test("a run that is gone on with in the same process counts once against the budget of its agent", () => {
  const limits = { agent: { tokens: 100, per: "1h" } };
  const ledger = createLedger(clock);
  meter(limits, { ledger }).spend({ tokens: 60 });
  const again = meter(limits, { ledger });
  again.spend({ tokens: 60 });
  assert.equal(again.refuse("request"), undefined);
  again.spend({ tokens: 40 });
  assert.equal(again.refuse("request")?.error.code, "LEG2096");
});

test("a ledger of many spendings stays small and exact", () => {
  const time = manualClock();
  const ledger = createLedger(time);
  for (let count = 0; count < 25_000; count += 1) {
    ledger.spend(1);
    time.advance(1_000);
  }
  assert.equal(ledger.tokens(Number.NEGATIVE_INFINITY), 25_000);
});
