// Goal: words of the language mean what they say: durations, sizes, strings with their places, templates, positions; and the grammar has one reading.
// Method: tables of texts; chevrotain's own analysis of the grammar; a child process for what an import costs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileExpression, compileText } from "./expression.ts";
import { restored, saved } from "./history.ts";
import { durationOf, durationText, sizeOf, sizeText, stringLiteral } from "./literals.ts";
import { parseExpressionText, parseTriggerText } from "./parse.ts";
import { TriggerParser } from "./parser.ts";
import { frameAt, positionAt } from "./position.ts";
import { printExpression, printTrigger } from "./print.ts";
import { typeOfSchema } from "./roots.ts";
import { typeText } from "./value-types.ts";
import { Duration, MISSING, same, Timestamp, type Value } from "./values.ts";

test("the grammar is LL(3) without an ambiguity, by chevrotain's own analysis", () => {
  assert.doesNotThrow(() => new TriggerParser(false));
});

test("durations are read and written", () => {
  const cases: readonly (readonly [string, number, string?])[] = [
    ["250ms", 250],
    ["1h30m", 5_400_000],
    ["90m", 5_400_000, "1h30m"],
    ["1.5s", 1500, "1s500ms"],
    ["2w", 1_209_600_000],
    ["0s", 0],
    ["-5m", -300_000],
    ["0.5ms", 0.5],
    ["1d1h1m1s1ms", 90_061_001],
  ];
  for (const [text, ms, canonical = text] of cases) {
    assert.equal(durationOf(text), ms, text);
    assert.equal(durationText(ms), canonical);
  }
  for (const text of ["", "5", "m", "5x", "5m ", "5 m", "1e3s"])
    assert.equal(durationOf(text), undefined, text);
});

test("sizes are read and written", () => {
  const cases: readonly (readonly [string, number, string?])[] = [
    ["10KB", 10_000],
    ["10kB", 10_000, "10KB"],
    ["5MiB", 5 * 2 ** 20],
    ["0.5KB", 500, "500B"],
    ["1024B", 1024, "1KiB"],
    ["0B", 0],
  ];
  for (const [text, bytes, canonical = text] of cases) {
    assert.equal(sizeOf(text), bytes, text);
    assert.equal(sizeText(bytes), canonical);
  }
});

test("strings are decoded, and each character keeps its place", () => {
  const cases: readonly (readonly [string, string])[] = [
    ['"a\\n\\t\\"\\\\"', 'a\n\t"\\'],
    ["'\\u00e9\\x41\\101\\U0001F600'", "éAA😀"],
    ['r"\\n"', "\\n"],
    ['"""a\n"b"""', 'a\n"b'],
    ['""', ""],
    ["'\\q\\u12'", "qu12"],
    ["'\\UFFFFFFFF'", "\ufffd"],
  ];
  for (const [token, value] of cases) {
    const literal = stringLiteral(token, 10);
    assert.equal(literal.value, value, token);
    assert.equal(literal.offsets.length, value.length + 1);
    assert.ok(
      literal.offsets.every((at, index, all) => at >= (all[index - 1] ?? 10) && at < literal.end),
    );
  }
  assert.deepEqual(stringLiteral('"a\\nb"', 0).offsets, [1, 2, 4, 5]);
});

test("positions count lines and columns from 1", () => {
  const text = "ab\ncd\n\ne";
  const places = Array.from({ length: text.length + 1 }, (_, at) => positionAt(text, at)).map(
    ({ line, column }) => `${line}:${column}`,
  );
  assert.deepEqual(places, ["1:1", "1:2", "1:3", "2:1", "2:2", "2:3", "3:1", "4:1", "4:2"]);
  assert.deepEqual(positionAt(text, 99), { line: 4, column: 2 });
  assert.deepEqual(frameAt(text, 4, 7), ["cd", " ^"]);
  assert.deepEqual(frameAt(text, 8, 8), ["e", " ^"]);
});

test("precedence and brackets are read and written back", () => {
  const cases: readonly (readonly [string, string?])[] = [
    ["a or b and not c == d ?? e + f * -g.h[0]"],
    ["(a or b) and c"],
    ["not (a == b)", "not a == b"],
    ["!a == b"],
    ["not a == b"],
    ["a - (b - c) - d"],
    ["(a ? b : c) ? d : e ? f : g"],
    ["a ? b : (c ? d : e)", "a ? b : c ? d : e"],
    ["(-a).b"],
    ["-a.b"],
    ["(a + b)[c ? d : e]"],
    ["((a))", "a"],
    ["a && b || !c", "a and b or !c"],
    ["(a == b) == c"],
    ["x.size() + size(x)"],
    ["{'a' : {'b' : [1, 2]}}", '{"a" : {"b" : [1, 2]}}'],
    ["a?.b.`c d`"],
    ["x.when.true.in"],
    ["1 ?? 2 ?? 3"],
    ["a not in [b]"],
  ];
  for (const [text, printed = text] of cases) {
    const { tree, problems } = parseExpressionText(text);
    assert.deepEqual(problems, [], text);
    assert.equal(tree && printExpression(tree), printed);
  }
});

test("clauses in any order are written in one", () => {
  const { tree, problems } = parseTriggerText(
    'ok then tool:x "a", silent once every poll cooldown 90m clear when a for 2 of 3 polls unless firing(api-2-down) except between 01:00 and 02:00 on fri..sun, tue in "UTC" at most 3 per 60s missing hold keep 1m repeat 1d',
  );
  assert.deepEqual(problems, []);
  assert.equal(
    tree && printTrigger(tree),
    'when ok clear when a for 2 of 3 polls keep 1m cooldown 1h30m at most 3 per 1m once every poll repeat 1d missing hold except between 01:00 and 02:00 on sun, tue, fri, sat in "UTC" unless firing("api-2-down") then tool:x "a", silent',
  );
});

test("holes of a template are filled, and what is wrong in them has its place", () => {
  const roots = { name: "string", n: "number", took: "duration", data: "dyn" } as const;
  const fill = (text: string) =>
    compileText(text, roots).compiled?.fill({ name: "api", n: 2, took: 1500, data: { a: [1] } }, 0);
  assert.equal(fill("{{name}} is {{n + 1}}, took {{took}}"), "api is 3, took 1s500ms");
  assert.equal(
    fill("{{data}} {{data.b}} {{data.b ?? '}}'}} {{ {'k' : n} }}"),
    '{"a":[1]} missing }} {"k":2}',
  );
  assert.equal(fill("no holes { } }}"), "no holes { } }}");
  const places = (text: string) =>
    compileText(text, roots).errors.map(({ code, line, column }) => `${code} ${line}:${column}`);
  assert.deepEqual(places("a\n  {{nmae}} {{n + name}}"), ["E401 2:5", "E203 2:16"]);
  assert.deepEqual(places("{{n +}} {{n"), ["E102 1:6", "E109 1:9"]);
});

test("a condition for another part is checked for its type", () => {
  const { errors } = compileExpression("n + 1", { n: "number" }, "bool");
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["E208"],
  );
  const { compiled } = compileExpression("n > 1", { n: "number" }, "bool");
  assert.equal(compiled?.type, "bool");
  assert.deepEqual(compiled?.evaluate({ n: 2 }, 0), { value: true });
  assert.deepEqual(compiled?.evaluate({ n: "2" }, 0), {
    error: "cannot compare string with number by >",
  });
  assert.deepEqual(compiled?.evaluate({}, 0), { missing: true });
});

test("a schema gives its types", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ type: "integer" }, "number"],
    [{ type: ["string", "null"] }, "dyn"],
    [{ enum: ["a", "b"] }, "string"],
    [{ type: "array", items: { type: "boolean" } }, "list of bool"],
    [{ type: "object", properties: { a: { type: "string" }, b: {} } }, "{a: string, b: dyn}"],
    [{ type: "object", additionalProperties: { type: "number" } }, "map of number"],
    [{ type: "object" }, "map"],
    [true, "dyn"],
    [undefined, "dyn"],
  ];
  for (const [schema, type] of cases)
    assert.equal(typeText(typeOfSchema(schema)), type, JSON.stringify(schema));
});

test("values of every kind are saved as JSON and come back", () => {
  const values: readonly Value[] = [
    1,
    "d",
    true,
    null,
    MISSING,
    new Duration(5),
    new Timestamp(7),
    ["d", 5, [new Duration(1), MISSING]],
    { d: 1, l: { t: [new Timestamp(2)] } },
    Number.POSITIVE_INFINITY,
  ];
  for (const value of values) {
    const back = restored(JSON.parse(JSON.stringify(saved(value))));
    assert.ok(same(value, back, () => true) || value === back, JSON.stringify(saved(value)));
  }
});

test("the parser is loaded by the first use of the language and not before", () => {
  const script = `
    const { triggerLanguage } = await import(${JSON.stringify(fileURLToPath(new URL("./language.ts", import.meta.url)))});
    const { registerHooks } = await import("node:module");
    let loaded = 0;
    registerHooks({ load: (url, context, next) => { if (url.includes("/chevrotain/")) loaded += 1; return next(url, context); } });
    const before = loaded;
    const { checkTrigger } = await triggerLanguage.get();
    console.log(before, loaded > 0, checkTrigger("status == 1", { source: "httpPoll" }).ok);`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  assert.equal(output.trim(), "0 true true");
});
