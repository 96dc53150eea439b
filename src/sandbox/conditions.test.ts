// Goal: time and chance in the guest are those that the host decides, and no code can tell, change or misuse that.
// Method: real sandboxes with seeds and recorded readings; hostile code that overwrites or overuses the clock and Math.random.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Json } from "../lib/json.ts";
import type { EvaluationPast, Host, Sandbox } from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { echo, errorIn, evaluate, resultOf, testLimits, testSurface } from "./testing.ts";

const pool = createSandboxPool();
let sandbox: Sandbox;
before(async () => {
  sandbox = await pool.open({ ...testLimits, timeoutMs: 5000 }, testSurface);
});
beforeEach(() => sandbox.restore(undefined));
after(() => pool.close());

const nobody: Host = async () => assert.fail("everything is recorded");

async function answerOf(code: string, seed?: string): Promise<Json | undefined> {
  return resultOf(
    await sandbox.evaluate(code, { host: echo, ...(seed !== undefined && { seed }) }),
  );
}

const TEN = "Array.from({ length: 10 }, () => Math.random())";

test("the same seed gives the same numbers in every evaluation, another one others, none at all new ones", async () => {
  const numbers = await answerOf(TEN, "a");
  assert.deepEqual(await answerOf(TEN, "a"), numbers);
  const other = await pool.open({ ...testLimits, isolation: "process" }, testSurface);
  assert.deepEqual(resultOf(await other.evaluate(TEN, { host: echo, seed: "a" })), numbers);
  const rows = [numbers, await answerOf(TEN, "b"), await answerOf(TEN, ""), await answerOf(TEN)];
  rows.push(await answerOf(TEN));
  assert.equal(new Set(rows.flat()).size, 50);
});

test("random numbers are spread evenly, and use all of their bits", async () => {
  const code = `const counts = new Array(16).fill(0); let odd = 0; let least = 1; let most = 0;
    for (let i = 0; i < 160000; i++) {
      const x = Math.random();
      counts[Math.floor(x * 16)]++; odd += (x * 2 ** 53) % 2; least = Math.min(least, x); most = Math.max(most, x);
    }
    ({ counts, odd, least, most })`;
  const { counts, odd, least, most } = (await answerOf(code, "spread")) as {
    counts: number[];
    odd: number;
    least: number;
    most: number;
  };
  // Chi-squared with 15 degrees of freedom is over 37.7 once in a thousand times.
  const chi = counts.reduce((total, count) => total + (count - 10_000) ** 2 / 10_000, 0);
  assert.ok(chi < 37.7, `${chi}`);
  assert.ok(Math.abs(odd - 80_000) < 1000, `${odd}`);
  assert.ok(least >= 0 && least < 0.001 && most < 1 && most > 0.999);
});

test("nothing tells Math.random from a built-in function", async () => {
  const code = `const { random, max } = Math;
    const about = (f, name) => ({
      source: String(f).replace(f.name, ""), keys: Reflect.ownKeys(f).length, prototype: "prototype" in f,
      own: ["writable", "enumerable", "configurable"].map((key) => Object.getOwnPropertyDescriptor(Math, name)[key]),
      named: ["writable", "enumerable", "configurable"].map((key) => Object.getOwnPropertyDescriptor(f, "name")[key]),
      parent: Object.getPrototypeOf(f) === Function.prototype,
      isNew: (() => { try { new f(); return true } catch (error) { return error.name } })(),
    });
    [about(random, "random"), about(max, "max"), random.name, random.length]`;
  const [random, max, name, length] = (await answerOf(code)) as Json[];
  assert.deepEqual(random, max);
  assert.deepEqual([name, length], ["random", 0]);
});

const changes: readonly { name: string; code: string; look: string; isFixed?: true }[] = [
  { name: "Math.random", code: "Math.random = () => 4", look: "Math.random() < 1" },
  { name: "Date.now", code: "Date.now = () => 1", look: "Date.now() > 1e12" },
  {
    name: "performance.now, which the engine does not let it change,",
    code: "performance.now = () => 1",
    look: "performance.now() > 1e12",
    isFixed: true,
  },
  {
    name: "the class Date",
    code: "Date = class { getTime() { return 1 } }",
    look: "new Date().getTime() > 1e12",
  },
  { name: "Math", code: "Math = { random: () => 4 }", look: "Math.random() < 1" },
  {
    name: "Math.imul and Function.prototype.bind",
    code: "Math.imul = Function.prototype.bind = () => 4",
    look: "Math.random() < 1",
  },
];

for (const { name, code, look, isFixed } of changes) {
  test(`what code does to ${name} ends with its evaluation, and harms no record`, async () => {
    const calls: EvaluationPast["calls"][number][] = [];
    const host: Host = async (called, argument, { readings }) => {
      calls.push({ name: called, argument: JSON.stringify(argument), readings });
      return { ok: true, value: null };
    };
    const program = `${code}; const seen = [Math.random(), performance.now(), new Date().getTime()]; await help(seen); seen`;
    const live = await sandbox.evaluate(program, { host, seed: "a" });
    const seen = resultOf(live);
    assert.ok(live.ok);
    assert.equal(live.skipped.length, isFixed === true ? 0 : 1);
    const past = { calls, answers: [{ call: 1, reply: { ok: true as const, value: null } }] };
    const again = await sandbox.evaluate(program, { host: nobody, seed: "a", past });
    assert.deepEqual(resultOf(again), seen);
    assert.equal(await answerOf(look), true);
  });
}

test("the clock is that of the machine, in its time zone, in every isolation", async () => {
  for (const isolation of ["shared", "worker", "process"] as const) {
    const own = await pool.open({ ...testLimits, isolation }, testSurface);
    const from = Date.now();
    const code =
      "[Date.now(), performance.timeOrigin + performance.now(), new Date(0).getTimezoneOffset(), Date().slice(-15), new Date(2026, 6, 1).getTime()]";
    const [now = 0, precise = 0, offset, text, summer] = resultOf(await evaluate(own, code)) as [
      number,
      number,
      ...Json[],
    ];
    assert.ok(now >= from && now <= Date.now(), `${now - from} ms after`);
    assert.ok(precise >= now && precise < now + 1000);
    assert.equal(offset, new Date(0).getTimezoneOffset());
    assert.match(String(text), /GMT[+-]\d{4}/);
    assert.equal(summer, new Date(2026, 6, 1).getTime());
    await own.close();
  }
});

test("recorded times are served in the zone of the machine, then the clock goes on from there", async () => {
  const past: EvaluationPast = {
    calls: [{ name: "help", argument: "", readings: `${(1_000_000_000).toString(36)}*2` }],
    answers: [{ call: 1, reply: { ok: true, value: null } }],
  };
  const code = "const a = [Date.now(), new Date().getHours()]; await help(); [...a, Date.now()]";
  const [recorded, hours, now] = resultOf(
    await sandbox.evaluate(code, { host: echo, past }),
  ) as number[];
  assert.deepEqual([recorded, hours], [1_000_000, new Date(1_000_000).getHours()]);
  assert.ok(now !== undefined && Math.abs(Date.now() - now) < 1000);
});

test("a record from the future does not make time go back", async () => {
  const future = Date.now() + 3_600_000;
  const past: EvaluationPast = {
    calls: [{ name: "help", argument: "", readings: (future * 1000).toString(36) }],
    answers: [{ call: 1, reply: { ok: true, value: null } }],
  };
  const code = `const a = Date.now(); await help(); const b = Date.now();
    while (Date.now() < b + 20); [a, b, Date.now()]`;
  const [a = 0, b = 0, c = 0] = resultOf(
    await sandbox.evaluate(code, { host: echo, past }),
  ) as number[];
  assert.equal(a, future);
  assert.ok(b >= a && c >= b + 20 && c < b + 1000, `${a} ${b} ${c}`);
});

const busy = [
  {
    name: "reads the clock a million times",
    code: "for (let i = 0; i < 1e6; i++) performance.now();",
  },
  { name: "makes a million dates", code: "for (let i = 0; i < 1e6; i++) new Date();" },
  { name: "waits in a loop", code: "const from = Date.now(); while (Date.now() < from + 300);" },
];

for (const { name, code } of busy) {
  test(`code that ${name} leaves a short record, which serves it again`, async () => {
    const records: EvaluationPast["calls"][number][] = [];
    const host: Host = async (called, argument, { readings }) => {
      records.push({ name: called, argument: JSON.stringify(argument), readings });
      return { ok: true, value: 1 };
    };
    const program = `const a = performance.now(); ${code} const b = performance.now(); await help([a, b]); [a, b]`;
    const live = resultOf(await sandbox.evaluate(program, { host }));
    const readings = records[0]?.readings ?? "";
    assert.ok(readings.length > 0 && readings.length < 4000, `${readings.length} characters`);
    const past = { calls: records, answers: [{ call: 1, reply: { ok: true as const, value: 1 } }] };
    assert.deepEqual(resultOf(await sandbox.evaluate(program, { host: nobody, past })), live);
  });
}

test("calls that read no clock record no time", async () => {
  const host: Host = async (_name, _argument, { readings }) => ({ ok: true, value: readings });
  assert.equal(resultOf(await sandbox.evaluate("await help()", { host })), "");
});

test("code that never ends its looking is stopped in time", async () => {
  const options = { host: echo, timeoutMs: 300 };
  errorIn(await sandbox.evaluate("for (;;) performance.now()", options), "Timeout");
  errorIn(await sandbox.evaluate("for (;;) Math.random()", options), "Timeout");
});
