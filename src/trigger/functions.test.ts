// Goal: every operator and function gives what its doc says: values, missing, errors, and what happens at the edges.
// Method: tables of expressions over one observation; history functions over a row of samples with their seconds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "./expression.ts";
import { triggerFunctions } from "./functions.ts";
import { rootsOf } from "./roots.ts";
import type { Sample } from "./samples.ts";

const roots = { ...rootsOf("httpPoll"), event: "string" as const };
const nowMs = Date.parse("2026-11-20T12:00:00Z");
const missing = { missing: true };
const error = { error: true };
const sample: Sample = {
  status: 503,
  latency: 1250,
  ok: false,
  text: "  Grüße 😀\t",
  tls: { expiresIn: "2d" },
  body: {
    n: 3,
    half: "0.5",
    none: null,
    list: [3, 1, 2],
    names: ["a", "b"],
    map: { k: "v" },
    when: "2026-11-20T11:50:00Z",
    http: "Fri, 20 Nov 2026 11:00:00 GMT",
    constructor: 1,
  },
};

function seen(expression: string): unknown {
  const { compiled, errors } = compileExpression(expression, roots);
  assert.deepEqual(errors, [], expression);
  const result = compiled?.evaluate(sample, nowMs) ?? {};
  if ("error" in result) return error;
  return "value" in result ? result.value : result;
}

const values: readonly (readonly [string, unknown])[] = [
  // Arithmetic
  ["1 + 2 * 3 - 4 / 2", 5],
  ["7 % 4", 3],
  ["1h + 30m", "1h30m"],
  ["2 * 90s", "3m"],
  ["1h / 30m", 2],
  ["1h / 2", "30m"],
  ["-(1h)", "-1h"],
  ["now - 1h", "2026-11-20T11:00:00Z"],
  ["now - timestamp(body.when) == 10m", true],
  ["[1] + [2]", [1, 2]],
  ["'a' + 'b'", "ab"],
  ["1h / 0", missing],
  ["1h / 0s", missing],
  ["5 % 0", missing],
  ["body.none + 1", missing],
  ["body.n + body.half", error],
  ["body.n * body.map", error],
  // Comparisons
  ["body.n == '3'", false],
  ["body.n != '3'", true],
  ["body.list == [3, 1, 2]", true],
  ["body.map == {'k' : 'v'}", true],
  ["body.none == null", true],
  ["body.absent == null", true],
  ["body.absent != null", false],
  ["body.n != null", true],
  ["body.absent == body.absent", missing],
  ["body.none < 1", missing],
  ["false < true", true],
  ["'a' < 'b'", true],
  ["2 in body.list", true],
  ["'k' in body.map", true],
  ["'k' not in body.map", false],
  ["body.absent in body.list", missing],
  ["1 in body.absent", missing],
  ["1 in body.n", error],
  ["body.list contains 4", false],
  ["body.map contains 'k'", true],
  ["body.n contains 3", error],
  ["text contains 'üß'", true],
  ["text startsWith '  G' and text endsWith '\\t'", true],
  ["body.n startsWith 'a'", error],
  ["text matches 'Gr.{2}e'", true],
  ["text.matches(body.half)", false],
  ["body.half matches body.absent", missing],
  // Logic
  ["body.absent and false", false],
  ["body.absent or true", true],
  ["body.absent and true", missing],
  ["not body.absent", missing],
  ["not body.n", error],
  ["(body.n < 'a') or true", true],
  ["(body.n < 'a') and false", false],
  ["(body.n < 'a') or false", error],
  ["(body.n < 'a') or body.absent", error],
  ["body.absent ? 1 : 2", missing],
  ["ok ? 1 : status > 500 ? 2 : 3", 2],
  ["body.none ?? body.absent ?? 4", 4],
  ["ok ?? true", false],
  // Paths
  ["body.list[-1]", 2],
  ["body.list[3]", missing],
  ["body.list[0.5]", error],
  ["body.list['a']", error],
  ["body.map['k']", "v"],
  ["body.map.toString", missing],
  ["body.constructor", 1],
  ["body.map.constructor", missing],
  ["body.absent.deeper.still", missing],
  ["body.n.deeper", error],
  ["body.n?.deeper", missing],
  ["body.none.deeper", missing],
  ["[body.absent, 1]", [null, 1]],
  ["{'a' : body.absent}", { a: null }],
  // Text
  ["size(trim(text))", 7],
  ["size(text)", 10],
  ["size(body.list) + size(body.map)", 4],
  ["size(body.n)", error],
  ["size(body.absent)", missing],
  ["trim(text).upper()", "GRÜSSE 😀"],
  ["lower('ÄB')", "äb"],
  ["split('a,b,', ',')", ["a", "b", ""]],
  ["split('ab', '')", ["a", "b"]],
  ["join(body.list, '-')", "3-1-2"],
  ["join(body.names)", "ab"],
  ["replace('a.b.c', '.', '$&')", "a$&b$&c"],
  ["replace('ab', '', '-')", "-a-b-"],
  // Conversions
  ["number(body.half)", 0.5],
  ["number(' 1e3 ')", 1000],
  ["number(body.map.k)", error],
  ["number(latency)", 1.25],
  ["number(true)", 1],
  ["int(-1.9)", -1],
  ["double('2')", 2],
  ["bool('t')", true],
  ["string(latency) + string(1.50) + string(true)", "1s250ms1.5true"],
  ["string(body.map)", '{"k":"v"}'],
  ["string(body.none)", missing],
  ["timestamp(1)", "1970-01-01T00:00:01Z"],
  ["timestamp('2026-11-20')", "2026-11-20T00:00:00Z"],
  ["timestamp('2026-11-20T12:00:00')", "2026-11-20T12:00:00Z"],
  ["timestamp('2026-11-20T12:00:00.5+01:00')", "2026-11-20T11:00:00.500Z"],
  ["age(body.http)", "1h"],
  ["age(body.half)", error],
  ["tls.expiresIn", "2d"],
  ["abs(-3) + abs(3)", 6],
  ["abs(-3s)", "3s"],
  ["round(2.5) + round(-2.5)", 0],
  ["round(3.14159, 2)", 3.14],
  ["hash({'b' : 1, 'a' : [2]}) == hash({'a' : [2], 'b' : 1})", true],
  ["hash('a') == hash('b')", false],
  ["exists(body.none)", true],
  ["exists(body.absent)", false],
  ["has(body.map, 'k') and not has(body.map, 'z')", true],
  ["has(body.n, 'k')", false],
  ["has(body.absent)", false],
  ["now.getDayOfWeek()", 5],
  ["now.getHours('America/New_York') * 100 + now.getMinutes('+05:45')", 745],
  // Lists
  ["body.list.exists(x, x > 2)", true],
  ["body.list.all(x, x > 2)", false],
  ["body.list.exists_one(x, x > 2)", true],
  ["body.list.filter(x, x > 1).map(x, x * status)", [1509, 1006]],
  ["body.map.exists(k, k == 'k')", true],
  ["body.list.exists(x, body.list.exists(y, x + y == 6))", true],
  ["body.list.map(x, body.names.map(x, x)).size()", 3],
  ["body.list.exists(x, x < 'a')", error],
  ["body.list.exists(x, x < 'a' or x == 2)", true],
  ["body.list.all(x, x < 'a' or x == 1)", error],
  ["body.absent.exists(x, true)", missing],
  ["body.n.exists(x, true)", error],
  ["body.list.map(x, body.absent)", [null, null, null]],
];

for (const [expression, wanted] of values)
  test(`${expression} is ${JSON.stringify(wanted)}`, () =>
    assert.deepEqual(seen(expression), wanted));

test("a text that would be too long is an error", () => {
  const doubled = (text: string, times: number): string =>
    times === 0 ? text : doubled(`replace(${text}, '', 'xxxxxxxxxxxxxxxxxxxx')`, times - 1);
  assert.deepEqual(seen(`size(${doubled("'0123456789'", 6)}) > 1`), error);
});

test("searching, hashing and printing in a loop use up the steps, not the time", () => {
  const text = "a".repeat(2 ** 20);
  const body = {
    text,
    part: `b${text.slice(0, 2 ** 19)}`,
    list: Array.from({ length: 1000 }, (_, at) => at),
  };
  const costly = [
    "body.text contains body.part",
    "replace(body.text, body.part, 'x') == 'y'",
    "split(body.text, body.part) == []",
    "body.list.exists(x, hash(body) == 'x')",
    "body.list.exists(x, string(body) == 'x')",
    "body.list.exists(x, size(body.text) == x)",
    "body.list.exists(x, lower(body.text) == 'x')",
    "body.list.exists(x, body.text matches '[^ab]')",
    "body.list.map(x, body.text + body.text) == []",
  ];
  for (const expression of costly) {
    const { compiled, errors } = compileExpression(expression, roots);
    assert.deepEqual(errors, []);
    const result = compiled?.evaluate({ body }, 0);
    assert.ok(result !== undefined && "error" in result, expression);
    assert.match(result.error, /more than 100000 steps|a text of more than/, expression);
  }
});

/** The value of an expression at each of the samples, 30 s apart. */
function row(expression: string, values: readonly unknown[], field = "status"): unknown[] {
  const { compiled, errors } = compileExpression(expression, roots);
  assert.deepEqual(errors, [], expression);
  return values.map((value, index) => {
    const one = value === undefined ? {} : { [field]: value };
    const result = compiled?.evaluate(one, index * 30_000) ?? {};
    if ("missing" in result) return "-";
    return "error" in result ? "!" : (result as { value: unknown }).value;
  });
}

const gap = undefined;
const histories: readonly (readonly [string, readonly unknown[], readonly unknown[], string?])[] = [
  ["prev(status)", [1, 2, gap, 4], ["-", 1, 2, "-"]],
  ["prev(status, 2)", [1, 2, 3, 4], ["-", "-", 1, 2]],
  ["prev(status, 2 polls)", [1, 2, 3], ["-", "-", 1]],
  ["prev", [1, 2], ["-", 1], "value"],
  ["changed(status)", [1, 1, 2, gap, gap, 2], [false, false, true, true, false, true]],
  ["changed(status, 5)", [1, 6, 12], [false, false, true]],
  ["changed(latency, 100ms)", [100, 200, 301], [false, false, true], "latency"],
  ["changed(body)", [{ a: 1 }, { a: 1 }, { a: 2 }, [2]], [false, false, true, true], "body"],
  ["delta(status)", [1, 4, gap, 4], ["-", 3, "-", "-"]],
  ["delta(latency)", [100, 350], ["-", "250ms"], "latency"],
  ["rate(status) * 30", [0, 3, 9], ["-", 3, 6]],
  ["rate(status, 2m) * 30", [0, 3, gap, 9, 12, 21], ["-", 3, 3, 3, 3, 6]],
  ["since(status > 1)", [0, 2, 0, 0, 2], ["-", "0s", "30s", "1m", "0s"]],
  ["count(status > 1, 3 polls)", [0, 2, 2, 2, 0], ["-", "-", 2, 3, 2]],
  ["count(status, 3 polls)", [0, gap, 2], ["-", "-", 2]],
  ["count(status > 1, 1m)", [2, 2, 2], [1, 2, 2]],
  ["sum(status, 3 polls)", [1, 2, 3, 4], ["-", "-", 6, 9]],
  ["avg(status, 3 polls)", [1, gap, 3], ["-", "-", 2]],
  ["avg(status, 1m)", [1, 3, 5], [1, 2, 4]],
  ["avg(status, 1m)", [gap, gap, 5], ["-", "-", 5]],
  ["min(status, 3 polls) * 100 + max(status, 3 polls)", [4, 2, 9], ["-", "-", 209]],
  ["stddev(status, 4 polls)", [2, 4, 4, 6], ["-", "-", "-", Math.SQRT2]],
  ["p50(status, 4 polls)", [4, 1, 3, 2], ["-", "-", "-", 2]],
  ["p90(status, 4 polls)", [4, 1, 3, 2], ["-", "-", "-", 4]],
  ["p95(latency, 5m)", [100, 300], ["100ms", "300ms"], "latency"],
  ["p99(body, 5m)", [1, "a"], [1, "!"], "body"],
  ["prev(body, 15)", [[1], [2]], ["-", "-"], "body"],
  [
    "prev(body, 16)",
    [[1], ...Array.from({ length: 16 }, () => 2)],
    [...Array.from({ length: 16 }, () => "-"), "!"],
    "body",
  ],
  ["count(body, 3 polls)", [[1], {}, "a"], ["-", "-", 3], "body"],
  ["max(body, 5m) > 1", [1, "a", 2], [false, "!", "!"], "body"],
];

for (const [expression, given, wanted, field] of histories)
  test(`${expression} of ${JSON.stringify(given)}`, () =>
    assert.deepEqual(row(expression, given, field), wanted));

test("history is sampled at every poll, also where the condition stops before it", () => {
  const { compiled } = compileExpression("ok and changed(status)", roots);
  compiled?.evaluate({ ok: false, status: 1 }, 0);
  compiled?.evaluate({ ok: false, status: 2 }, 1000);
  assert.deepEqual(compiled?.evaluate({ ok: true, status: 2 }, 2000), { value: false });
});

test("a long history stays within its bound", () => {
  const { compiled } = compileExpression("count(status, 24h)", roots);
  let last: unknown;
  for (let poll = 0; poll < 12_000; poll += 1)
    last = compiled?.evaluate({ status: 1 }, poll * 1000);
  assert.deepEqual(last, { value: 10_000 });
});

test("every function stands in a case", () => {
  const all = [...values, ...histories].map(([expression]) => expression).join(" ");
  const rare = new Set([
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfYear",
    "getSeconds",
    "getMilliseconds",
  ]);
  const names = Object.keys(triggerFunctions).filter((name) => !rare.has(name));
  const absent = names.filter((name) => !all.includes(name.startsWith(".") ? `${name}(` : name));
  assert.deepEqual(
    absent.filter((name) => !["contains", "startsWith", "endsWith"].includes(name)),
    [],
  );
});
