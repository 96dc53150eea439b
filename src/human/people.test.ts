// Goal: a question waits for people as long as it says, outlives the process, and is decided once.
// Method: People over questions in a store, with time that passes when it is told to; a restart is a second People over the same store.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LegionError } from "../lib/errors.ts";
import type { Questions } from "../state/questions.ts";
import { type TestPeople, testPeople } from "../testing/people.ts";
import { WAITING_MAX } from "./asked-questions.ts";
import type { Decision } from "./contract.ts";

const HOUR_MS = 3_600_000;

const answer = (value: string): Decision => ({ type: "answer", answer: value, by: "ada" });

const fails = (promise: Promise<unknown>, code: string, message: RegExp = /./) =>
  assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof LegionError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(`${error.message} - ${error.hint}`, message);
    return true;
  });

const diskFull = new LegionError({
  code: "LEG6002",
  message: "the disk is full",
  hint: "free some",
});

/** Lets everything that is ready happen. */
const settled = async () => {
  for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
};

test("an answer ends the waiting, and is told of", async (t) => {
  const desk = await testPeople(t);
  const asking = desk.ask({ choices: ["left", "right"] });
  const question = await desk.opened();
  desk.time.advance(5_000);
  const decided = await desk.people.decide(question.id, answer("LEFT"));
  assert.equal(await asking, "left");
  assert.deepEqual([decided.state, decided.by, decided.uid], ["answered", "ada", "uid-1"]);
  const expiresAt = new Date(question.expiresAtMs).toISOString();
  assert.deepEqual(desk.events, [
    {
      kind: "legion.human.input_required",
      run: "run-1",
      data: {
        question: question.id,
        type: "question",
        text: "which one?",
        choices: ["left", "right"],
        expiresAt,
      },
    },
    {
      kind: "legion.human.input_received",
      run: "run-1",
      data: { question: question.id, state: "answered", by: "ada", durationMs: 5_000 },
    },
  ]);
});

test("a wrong answer leaves it open", async (t) => {
  const desk = await testPeople(t);
  const asking = desk.ask({ schema: { type: "integer" } });
  const { id } = await desk.opened();
  await fails(desk.people.decide(id, answer("many")), "LEG2064", /must be an integer/);
  assert.equal((await desk.people.pending()).length, 1);
  await desk.people.decide(id, answer("7"));
  assert.equal(await asking, 7);
});

test("a schema that is none is the fault of whoever asks", async (t) => {
  const desk = await testPeople(t);
  await fails(desk.ask({ schema: { type: "nothing" } }), "LEG1090");
  assert.deepEqual(await desk.people.pending(), []);
});

test("nobody answers: the call hears of it when the time is over, and not before", async (t) => {
  const desk = await testPeople(t);
  const asking = fails(desk.ask({ timeoutMs: 90_000 }), "LEG2061", /within 1 m 30 s/);
  const { id } = await desk.opened();
  desk.time.advance(89_999);
  assert.equal((await desk.people.pending()).length, 1);
  desk.time.advance(1);
  await asking;
  const stored = await desk.questions.read(id);
  assert.deepEqual([stored?.state, stored?.by], ["expired", "timeout"]);
  await fails(desk.people.decide(id, answer("late")), "LEG6071");
});

test("a time that is longer than a timer can be is kept to", async (t) => {
  const desk = await testPeople(t);
  const days = 40 * 24 * HOUR_MS;
  const asking = fails(desk.ask({ timeoutMs: days }), "LEG2061");
  await desk.opened();
  assert.ok(desk.time.pending().every((ms) => ms < 2 ** 31));
  desk.time.advance(days - 1);
  await settled();
  assert.equal((await desk.people.pending()).length, 1);
  desk.time.advance(1);
  await asking;
});

test("a store that cannot write when the time is over is tried again, with a warning", async (t) => {
  const { questions, time, people } = await testPeople(t);
  await people.close();
  let failures = 1;
  const failing: Questions = {
    ...questions,
    decide: (id, decision) => {
      failures -= 1;
      return failures < 0 ? questions.decide(id, decision) : Promise.reject(diskFull);
    },
  };
  const desk = await testPeople(t, { questions: failing, time });
  const asking = fails(desk.ask(), "LEG2061");
  const { id } = await desk.opened();
  time.advance(HOUR_MS);
  await settled();
  assert.deepEqual(desk.warnings, [{ id, error: diskFull.toJSON() }]);
  assert.equal((await desk.people.pending()).length, 1);
  time.advance(60_000);
  await asking;
});

test("a question that is not in the store any more is not waited for", async (t) => {
  const { questions, time } = await testPeople(t);
  let isLost = false;
  const losing: Questions = {
    ...questions,
    read: async (id) => (isLost ? undefined : questions.read(id)),
    withdraw: async () => {
      isLost = true;
    },
  };
  const desk = await testPeople(t, { questions: losing, time });
  const asking = fails(desk.ask(), "LEG2067");
  await desk.opened();
  await desk.people.withdraw("run-1");
  await asking;
});

test("what was decided is not decided again", async (t) => {
  const desk = await testPeople(t);
  const asking = desk.ask();
  const { id } = await desk.opened();
  await desk.people.decide(id, answer("first"));
  await fails(desk.people.decide(id, answer("second")), "LEG6071");
  await fails(desk.people.decide(id, { type: "approve", by: "ada" }), "LEG6071");
  assert.equal(await asking, "first");
});

test("a question takes no approval, and an approval no answer", async (t) => {
  const desk = await testPeople(t);
  const stop = new AbortController();
  const asking = fails(desk.ask({ signal: stop.signal }), "LEG2067");
  const { id } = await desk.opened();
  for (const decision of [{ type: "approve" }, { type: "deny" }] as const) {
    await fails(
      desk.people.decide(id, { ...decision, by: "ada" }),
      "LEG2063",
      /is a question.*legion respond/,
    );
  }
  stop.abort();
  await asking;
  await desk.people.withdraw("run-1");
  const deciding = desk.approve();
  const approval = await desk.opened();
  await fails(
    desk.people.decide(approval.id, answer("yes")),
    "LEG2063",
    /is an approval.*legion approve .* or legion deny/,
  );
  await desk.people.decide(approval.id, { type: "approve", by: "ada" });
  assert.deepEqual(await deciding, { approved: true });
});

test("the beginning or end of an id will do where it is the only one", async (t) => {
  const desk = await testPeople(t);
  const first = desk.ask({ key: "a" });
  const { id } = await desk.opened();
  const second = desk.ask({ key: "b" });
  await settled();
  await fails(desk.people.decide(id.slice(0, 4), answer("x")), "LEG6070", /write more of the id/);
  await fails(desk.people.decide("nothing", answer("x")), "LEG6070", /legion get questions/);
  await fails(desk.people.decide("", answer("x")), "LEG6070");
  await desk.people.decide(id.slice(-6).toLowerCase(), answer("x"));
  assert.equal(await first, "x");
  await desk.people.decide((await desk.opened()).id, answer("y"));
  assert.equal(await second, "y");
});

test("after a restart the same call finds its question, still open", async (t) => {
  const desk = await testPeople(t);
  const ended = fails(desk.ask(), "LEG2067");
  const { id } = await desk.opened();
  const next = await desk.restart();
  await ended;
  const asking = next.ask();
  await settled();
  assert.deepEqual(
    (await next.people.pending()).map((open) => open.id),
    [id],
  );
  await next.people.decide(id, answer("here"));
  assert.equal(await asking, "here");
  assert.deepEqual(
    next.events.map(({ kind }) => kind),
    ["legion.human.input_received"],
  );
});

test("an answer that comes before anyone waits is kept", async (t) => {
  const desk = await testPeople(t);
  const ended = fails(desk.ask(), "LEG2067");
  const { id } = await desk.opened();
  const next = await desk.restart();
  await ended;
  await next.people.decide(id, answer("early"));
  assert.equal(await next.ask(), "early");
  const third = await next.restart();
  third.time.advance(24 * HOUR_MS);
  assert.equal(await third.ask(), "early", "an answer does not run out");
});

test("the time of a question goes on over a restart, also when its run does not come back", async (t) => {
  const desk = await testPeople(t);
  const ended = fails(desk.ask({ timeoutMs: HOUR_MS }), "LEG2067");
  const { id } = await desk.opened();
  desk.time.advance(HOUR_MS / 2);
  const next = await desk.restart();
  await ended;
  next.time.advance(HOUR_MS / 2 - 1);
  await settled();
  assert.equal((await next.questions.read(id))?.state, "pending");
  next.time.advance(1);
  await settled();
  assert.equal((await next.questions.read(id))?.state, "expired");
  await fails(next.ask({ timeoutMs: HOUR_MS }), "LEG2061");
});

for (const [name, ms] of [
  ["an hour forth", HOUR_MS],
  ["ten years forth", 87_600 * HOUR_MS],
  ["an hour back", -HOUR_MS],
] as const) {
  test(`R08: the wall clock goes ${name} while it waits: nothing runs out, nor later than it should`, async (t) => {
    const desk = await testPeople(t);
    const asking = fails(desk.ask({ timeoutMs: 2 * HOUR_MS }), "LEG2061");
    await desk.opened();
    desk.jump(ms);
    desk.time.advance(2 * HOUR_MS - 1);
    await settled();
    assert.equal((await desk.people.pending()).length, 1);
    desk.time.advance(1);
    await asking;
  });
}

test("R08: a clock that was set forth while no process ran leaves a minute", async (t) => {
  const desk = await testPeople(t);
  const ended = fails(desk.ask(), "LEG2067");
  await desk.opened();
  desk.jump(87_600 * HOUR_MS);
  const next = await desk.restart();
  await ended;
  next.time.advance(59_999);
  await settled();
  assert.equal((await next.people.pending()).length, 1);
  next.time.advance(1);
  await settled();
  assert.deepEqual(await next.people.pending(), []);
});

test("R08: a clock that was set back while no process ran gives the whole time again, and no more", async (t) => {
  const desk = await testPeople(t);
  const ended = fails(desk.ask({ timeoutMs: HOUR_MS }), "LEG2067");
  await desk.opened();
  desk.jump(-87_600 * HOUR_MS);
  const next = await desk.restart();
  await ended;
  next.time.advance(HOUR_MS - 1);
  await settled();
  assert.equal((await next.people.pending()).length, 1);
  next.time.advance(1);
  await settled();
  assert.deepEqual(await next.people.pending(), []);
});

test("who stops waiting leaves the question open, and the end of its run closes it", async (t) => {
  const desk = await testPeople(t);
  const stop = new AbortController();
  const asking = fails(desk.ask({ signal: stop.signal }), "LEG2067");
  const other = desk.ask({ run: "run-2", key: "run-2/1.1" });
  await desk.opened();
  stop.abort();
  await asking;
  await fails(desk.ask({ signal: stop.signal }), "LEG2067");
  await fails(desk.ask({ signal: stop.signal, key: "never asked" }), "LEG2067");
  await settled();
  assert.equal((await desk.people.pending()).length, 2);
  await desk.people.withdraw("run-1");
  const [left, ...others] = await desk.people.pending();
  assert.deepEqual([left?.run, others.length], ["run-2", 0]);
  await desk.people.decide(left?.id ?? "", answer("still here"));
  assert.equal(await other, "still here");
});

test("the end of a run ends the waiting for its questions", async (t) => {
  const desk = await testPeople(t);
  const asking = fails(desk.ask(), "LEG2067");
  await desk.opened();
  await desk.people.withdraw("run-1");
  await asking;
});

test("a run waits for a limited number of answers", async (t) => {
  const desk = await testPeople(t);
  const asking = Array.from({ length: WAITING_MAX }, (_, index) => desk.ask({ key: `k${index}` }));
  await fails(desk.ask({ key: "one more" }), "LEG2066", new RegExp(`${WAITING_MAX} answers`));
  const other = desk.ask({ key: "of another", run: "run-2" });
  await settled();
  const open = await desk.people.pending();
  assert.equal(open.length, WAITING_MAX + 1);
  for (const { id } of open) await desk.people.decide(id, answer("ok"));
  await Promise.all([...asking, other]);
  const again = desk.ask({ key: "one more" });
  await desk.people.decide((await desk.opened()).id, answer("now"));
  assert.equal(await again, "now");
});

test("nothing is waited for after the end", async (t) => {
  const desk = await testPeople(t);
  const asking = fails(desk.ask(), "LEG2067");
  await desk.opened();
  await desk.people.close();
  await asking;
  await fails(desk.ask({ key: "later" }), "LEG2067");
  assert.deepEqual(desk.time.pending(), []);
});

test("no known secret reaches people, the disk, events or the answer", async (t) => {
  const desk = await testPeople(t, { redact: (text) => text.replaceAll("hunter2", "[redacted]") });
  const asking = desk.ask({
    question: "is hunter2 right?",
    choices: ["hunter2", "no"],
    schema: { type: "string", description: "not hunter2" },
  });
  const { id } = await desk.opened();
  await desk.people.decide(id, answer("no"));
  await asking;
  const open = desk.ask({ key: "open" });
  await desk.people.decide((await desk.opened()).id, answer("it is hunter2"));
  assert.equal(await open, "it is [redacted]");
  const deciding = desk.approve({ argument: { password: "hunter2" } });
  const { id: approval } = await desk.opened();
  await desk.people.decide(approval, { type: "deny", by: "ada", reason: "hunter2 is bad" });
  const kept = JSON.stringify([
    await desk.questions.list({ state: "all" }),
    desk.events,
    await deciding,
  ]);
  assert.ok(!kept.includes("hunter2"), kept);
  assert.equal(kept.split("[redacted]").length > 5, true);
});

/** What may happen to a question, at random. */
const moves = fc.array(
  fc.constantFrom("answer", "answer", "wrong", "approve", "expire", "withdraw", "ask again"),
  { minLength: 1, maxLength: 12 },
);

test("property: however many decide at once, it is decided once, and all who wait hear the same", async (t) => {
  const shared = await testPeople(t);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(moves, async (steps) => {
      round += 1;
      const { questions, time } = shared;
      const desk = await testPeople(t, { questions, time });
      const key = `run-1/${round}.1`;
      const outcomes = [outcome(desk, key)];
      const again = () => void outcomes.push(outcome(desk, key));
      const { id } = await desk.opened();
      const decisions = steps.map((step, index) => move(desk, id, step, index, again));
      const won = (await Promise.all(decisions)).filter(Boolean);
      await settled();
      desk.time.advance(2 * HOUR_MS);
      const [first, ...others] = await Promise.all(outcomes);
      for (const other of others) assert.equal(other, first);
      const received = desk.events.filter(({ kind }) => kind.endsWith("input_received"));
      assert.equal(received.length, 1);
      assert.ok(won.length <= 1);
      if (won.length === 1) assert.equal(first, won[0]);
      await desk.people.close();
    }),
    { numRuns: 100 },
  );
});

async function outcome(desk: TestPeople, key: string): Promise<string> {
  return desk.ask({ key, choices: Array.from({ length: 12 }, (_, n) => `a${n}`) }).then(
    (value) => String(value),
    (error: LegionError) => error.code,
  );
}

/** The answer that was kept, or nothing. */
async function move(
  desk: TestPeople,
  id: string,
  step: string,
  index: number,
  again: () => void,
): Promise<string | undefined> {
  if (step === "expire") desk.time.advance(HOUR_MS);
  if (step === "withdraw") await desk.people.withdraw("run-1");
  if (step === "ask again") again();
  if (!["answer", "wrong", "approve"].includes(step)) return undefined;
  const decision: Decision =
    step === "approve"
      ? { type: "approve", by: "p" }
      : answer(step === "wrong" ? "b" : `a${index}`);
  return desk.people.decide(id, decision).then(
    (decided) => String(decided.answer),
    (error: LegionError) => {
      assert.ok(["LEG6071", "LEG2064", "LEG2063"].includes(error.code), error.message);
      return undefined;
    },
  );
}
