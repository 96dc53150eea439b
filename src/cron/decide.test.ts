// Goal: which moments of a cron run, and which went by, is decided once and in bounded time (R08, R09).
// Method: tables of what was decided, what the time is, and what comes of it; properties over random schedules and jitters.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseSchedule, type Schedule } from "../lib/schedules.ts";
import { type Due, dueAt, dueOf, LATE_MS, type Moments, overlapOf, WAITING_MAX } from "./decide.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIDNIGHT = Date.UTC(2026, 0, 10);

function scheduleOf(text: string): Schedule {
  const read = parseSchedule(text, "UTC");
  assert.ok("schedule" in read);
  return read.schedule;
}

const always = { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
const momentsOf = (text: string, about: Partial<Moments> = {}): Moments => ({
  ...{ schedule: scheduleOf(text), name: "default/c", jitterMs: 0, ...always },
  ...about,
});

/** `05:00`, `05:00 catchup`; `10x 04:00` for what was missed. */
function textOf({ ticks, missed }: Due): string[] {
  const at = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  const all = ticks.map(({ atMs, by }) => at(atMs) + (by === "catchup" ? " catchup" : ""));
  if (missed === undefined) return all;
  return [`${missed.isMore ? ">" : ""}${missed.count}x ${at(missed.lastMs)}`, ...all];
}

describe("what is due of an hourly cron", () => {
  const hourly = momentsOf("0 * * * *");
  const minutes = (hour: number, minute: number) => MIDNIGHT + hour * HOUR_MS + minute * 60_000;
  const rows: readonly (readonly [
    why: string,
    policy: { catchup: "none" | "last" | "all"; catchupMax?: number; windowMs?: number },
    decidedMs: number,
    nowMs: number,
    expected: readonly string[],
  ])[] = [
    ["nothing yet", { catchup: "all" }, minutes(1, 0), minutes(1, 59), []],
    ["a moment", { catchup: "none" }, minutes(1, 0), minutes(2, 0), ["02:00"]],
    ["a minute late is in time", { catchup: "none" }, minutes(1, 0), minutes(2, 1), ["02:00"]],
    ["decided already", { catchup: "all" }, minutes(2, 0), minutes(2, 0), []],
    ["a clock that was set back", { catchup: "all" }, minutes(5, 0), minutes(3, 0), []],
    ["none of three", { catchup: "none" }, minutes(1, 0), minutes(4, 30), ["3x 04:00"]],
    [
      "the last of three",
      { catchup: "last" },
      minutes(1, 0),
      minutes(4, 30),
      ["2x 03:00", "04:00 catchup"],
    ],
    [
      "all of three",
      { catchup: "all" },
      minutes(1, 0),
      minutes(4, 30),
      ["02:00 catchup", "03:00 catchup", "04:00 catchup"],
    ],
    [
      "the newest two",
      { catchup: "all", catchupMax: 2 },
      minutes(1, 0),
      minutes(4, 30),
      ["1x 02:00", "03:00 catchup", "04:00 catchup"],
    ],
    [
      "those within the window",
      { catchup: "all", windowMs: 2 * HOUR_MS },
      minutes(1, 0),
      minutes(4, 30),
      ["1x 02:00", "03:00 catchup", "04:00 catchup"],
    ],
    [
      "exactly as old as the window",
      { catchup: "all", windowMs: 90 * 60_000 },
      minutes(1, 0),
      minutes(4, 30),
      ["1x 02:00", "03:00 catchup", "04:00 catchup"],
    ],
    [
      "the last is too old",
      { catchup: "last", windowMs: HOUR_MS / 4 },
      minutes(1, 0),
      minutes(4, 30),
      ["3x 04:00"],
    ],
    [
      "the late ones and that of now",
      { catchup: "last" },
      minutes(1, 0),
      minutes(4, 0),
      ["1x 02:00", "03:00 catchup", "04:00"],
    ],
    [
      "none late but that of now",
      { catchup: "none" },
      minutes(1, 0),
      minutes(4, 0),
      ["2x 03:00", "04:00"],
    ],
  ];
  for (const [why, policy, decidedMs, nowMs, expected] of rows) {
    test(why, () => {
      const full = { catchupMax: 10, windowMs: DAY_MS, ...policy };
      assert.deepEqual(textOf(dueOf(hourly, full, { decidedMs, nowMs })), expected);
    });
  }
  test("startAt counts, endAt does not", () => {
    const span = momentsOf("0 * * * *", { startMs: minutes(2, 0), endMs: minutes(4, 0) });
    const policy = { catchup: "all", catchupMax: 10, windowMs: DAY_MS } as const;
    const due = dueOf(span, policy, { decidedMs: MIDNIGHT, nowMs: minutes(9, 30) });
    assert.deepEqual(textOf(due), ["02:00 catchup", "03:00 catchup"]);
    assert.equal(due.next, undefined);
    const before = dueOf(span, policy, { decidedMs: MIDNIGHT, nowMs: MIDNIGHT });
    assert.equal(before.next?.atMs, minutes(2, 0));
  });
});

test("ten years of seconds take no time (R08)", () => {
  const nowMs = MIDNIGHT + 3650 * DAY_MS;
  for (const text of ["* * * * * *", "every 1s", "*/7 * 3-5 * * *"]) {
    const policy = { catchup: "all", catchupMax: 1_000, windowMs: 36_500 * DAY_MS } as const;
    const startedMs = performance.now();
    const { ticks, missed } = dueOf(momentsOf(text), policy, { decidedMs: MIDNIGHT, nowMs });
    assert.ok(performance.now() - startedMs < 5_000);
    assert.ok(ticks.length >= 1_000 && ticks.length <= 1_061);
    assert.deepEqual([missed?.count, missed?.isMore], [1_000, true]);
  }
});

const texts = fc.constantFrom(
  "every 1s",
  "every 90s",
  "*/7 * * * * *",
  "*/5 * * * *",
  "3,4,40 1-5 * * *",
  "0 9 * * *",
);

test("whenever one looks, each moment comes once, in order (R09)", () => {
  const looks = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(texts, looks, fc.integer({ min: 0, max: 200_000 }), (text, waits, jitterMs) => {
      const moments = momentsOf(text, { jitterMs });
      const policy = { catchup: "all", catchupMax: 1_000, windowMs: DAY_MS } as const;
      let nowMs = MIDNIGHT + 3 * HOUR_MS;
      let decidedMs = nowMs;
      const found: number[] = [];
      for (const waitMs of waits) {
        nowMs += waitMs;
        const due = dueOf(moments, policy, { decidedMs, nowMs });
        assert.equal(due.missed, undefined);
        found.push(...due.ticks.map(({ atMs }) => atMs));
        decidedMs = found.at(-1) ?? decidedMs;
        assert.ok(due.next !== undefined && due.next.dueMs > nowMs);
      }
      const expected: number[] = [];
      let atMs = moments.schedule.next(MIDNIGHT + 3 * HOUR_MS);
      while (atMs !== undefined && dueAt(moments, atMs) <= nowMs) {
        expected.push(atMs);
        atMs = moments.schedule.next(atMs);
      }
      assert.deepEqual(found, expected);
    }),
    { numRuns: 100 },
  );
});

test("jitter is the same for the same cron and moment, others differ, and moments keep their order", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 10 * HOUR_MS }), (text, jitterMs) => {
      const moments = momentsOf(text, { jitterMs });
      let atMs = moments.schedule.next(MIDNIGHT) ?? 0;
      for (let round = 0; round < 20; round += 1) {
        const next = moments.schedule.next(atMs) ?? 0;
        const due = dueAt(moments, atMs);
        assert.equal(due, dueAt({ ...moments, schedule: scheduleOf(text) }, atMs));
        assert.ok(due >= atMs && due - atMs < jitterMs && due < next);
        atMs = next;
      }
    }),
  );
  const delays = (name: string) =>
    Array.from({ length: 20 }, (_, hour) => {
      const atMs = MIDNIGHT + hour * HOUR_MS;
      return dueAt(momentsOf("0 * * * *", { name, jitterMs: HOUR_MS }), atMs) - atMs;
    });
  assert.equal(new Set([...delays("default/a"), ...delays("default/b")]).size, 40);
});

test("with jitter a moment is late from when it was due", () => {
  const moments = momentsOf("0 * * * *", { jitterMs: HOUR_MS });
  const atMs = MIDNIGHT + HOUR_MS;
  const dueMs = dueAt(moments, atMs);
  assert.ok(dueMs > atMs + LATE_MS);
  const policy = { catchup: "none", catchupMax: 1, windowMs: DAY_MS } as const;
  const at = (nowMs: number) => dueOf(moments, policy, { decidedMs: MIDNIGHT, nowMs });
  assert.deepEqual(textOf(at(dueMs - 1)), []);
  assert.deepEqual(at(dueMs - 1).next, { atMs, dueMs });
  assert.deepEqual(textOf(at(dueMs + LATE_MS)), ["01:00"]);
  assert.deepEqual(textOf(at(dueMs + LATE_MS + 1)), ["1x 01:00"]);
});

test("what a moment does while others run or wait", () => {
  const idle = { running: 0, waiting: 0 };
  const busy = { running: 1, waiting: 0 };
  const queued = { running: 1, waiting: 1 };
  const full = { running: 1, waiting: WAITING_MAX };
  const paused = { running: 0, waiting: 1 };
  const table = {
    skip: ["start", "skip", "skip", "skip", "wait", "skip", "start"],
    bufferOne: ["start", "wait", "skip", "skip", "wait", "skip", "start"],
    bufferAll: ["start", "wait", "wait", "skip", "wait", "skip", "start"],
    cancelOther: [
      "start",
      "cancelAndWait",
      "cancelAndWait",
      "cancelAndWait",
      "wait",
      "skip",
      "start",
    ],
    terminateOther: [
      "start",
      "cancelAndStart",
      "cancelAndStart",
      "cancelAndStart",
      "wait",
      "skip",
      "start",
    ],
    allowAll: ["start", "start", "start", "start", "start", "start", "start"],
  } as const;
  for (const [name, expected] of Object.entries(table)) {
    const policy = name as keyof typeof table;
    const scheduled = [idle, busy, queued, full].map((load) => overlapOf(policy, "schedule", load));
    const caughtUp = [busy, full].map((load) => overlapOf(policy, "catchup", load));
    const asked = overlapOf(policy, "person", paused);
    assert.deepEqual([...scheduled, ...caughtUp, asked], expected, policy);
  }
});
