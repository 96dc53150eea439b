// Goal: no text makes the language crash, hang, or point outside the text; what it accepts prints and reads back the same, and runs.
// Method: a seeded stream of random texts and mutated triggers (LEGION_FUZZ sets how many), and generated valid triggers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTriggerText } from "./parse.ts";
import { printTrigger } from "./print.ts";
import { checkTrigger, compileTrigger } from "./trigger.ts";

const COUNT = Number(process.env.LEGION_FUZZ ?? 200_000);
const LIMIT_MS = 50;
const source = "httpPoll";

/** Pseudo-random numbers from a seed (mulberry32): a failure comes again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const seeds = [
  "when status >= 500 and latency > 1s for 3 polls cooldown 5m then wake",
  'status >= 500 between 09:00 and 17:00 on mon..fri, sun in "Europe/Oslo" except between 12:00 and 13:00',
  "body.items.exists(i, i.price > 15) or p95(latency, 5m) > 1s",
  'status >= 500 clear when status < 400 for 2 of 5 polls missing hold then tool:page.me {"s" : status}, wake "is {{status}}"',
  "changed(body) followed by status != 200 within 10m at most 2 per 3h unless firing(api-down) repeat 1h once",
  "body.note ?? 10 > 2 + 3 * -4 % 5 ? ok : not (headers[\"x\"] matches r'^a.*b$')",
  'body?.a[-1]["k"].f(1, [2, 3], {"a" : 1}) startsWith "x\\u0041\\n" # comment',
];
const words =
  'when status >= < == = != and or not in contains matches for 3 5m polls 2polls of clear keep cooldown at most per once every poll repeat missing fire hold between 09:00 25:99 except unless firing then wake silent tool:x message:y.z ( ) [ ] { } , . ?. .. ? : + - * / % ! && || ?? "a" \'b\' r"c" " \' """ true false null prev body.x avg exists 1e9 10KB 0x1f 7min # \n \u0000 😀 @ \\ within followed by on mon fri {{ }} _'.split(
    " ",
  );

function randomText(random: (below: number) => number): string {
  const count = random(12);
  return Array.from({ length: count }, () => words[random(words.length)]).join(
    random(5) === 0 ? "" : " ",
  );
}

function mutated(random: (below: number) => number): string {
  let text = seeds[random(seeds.length)] ?? "";
  for (let times = 1 + random(3); times > 0; times -= 1) {
    const at = random(text.length + 1);
    const end = at + random(6);
    const insert = [
      "",
      words[random(words.length)] ?? "",
      String.fromCharCode(random(random(8) === 0 ? 0xffff : 128)),
      (seeds[random(seeds.length)] ?? "").slice(random(40), 40 + random(40)),
    ][random(4)];
    text = `${text.slice(0, at)}${insert}${text.slice(end)}`;
  }
  return text;
}

/** The tree without the places of its parts. */
function bare(tree: unknown): unknown {
  const places = new Set(["start", "end", "at", "offsets"]);
  return JSON.parse(
    JSON.stringify(tree, (key, value) =>
      places.has(key) ? undefined : value === Number.POSITIVE_INFINITY ? "infinite" : value,
    ),
  );
}

/** A long run may have waited for the machine; a hang is long every time. */
function quickestMs(text: string): number {
  const runs = Array.from({ length: 5 }, () => {
    const started = performance.now();
    compileTrigger(text, { source });
    return performance.now() - started;
  });
  return Math.min(...runs);
}

/** Whether the text is a trigger. */
function tryOut(text: string): boolean {
  const started = performance.now();
  const { errors, machine } = compileTrigger(text, { source });
  for (const { start, end, line, column } of errors) {
    assert.ok(
      start >= 0 && start <= end && end <= text.length,
      `${start} to ${end} of ${text.length}`,
    );
    assert.ok(line >= 1 && column >= 1 && line <= text.split("\n").length);
  }
  assert.equal(machine === undefined, errors.length > 0);
  machine?.poll({ status: 500, latency: 5, body: { items: [{ price: 1 }] }, ok: true }, 0);
  machine?.poll({ status: 200, headers: { x: "a" }, body: { items: 3, note: null } }, 30_000);
  if (performance.now() - started > LIMIT_MS) assert.ok(quickestMs(text) < LIMIT_MS, "it hangs");
  if (machine === undefined) return false;
  assert.ok(machine.restore(JSON.parse(JSON.stringify(machine.save()))));
  const { tree } = parseTriggerText(text);
  assert.ok(tree !== undefined);
  const printed = printTrigger(tree);
  const second = parseTriggerText(printed);
  assert.deepEqual(second.problems, [], printed);
  assert.deepEqual(bare(second.tree), bare(tree), printed);
  return true;
}

test(`${COUNT} random texts and mutated triggers neither crash nor hang nor point outside`, () => {
  const random = randomFrom(20261121);
  let accepted = 0;
  for (let index = 0; index < COUNT; index += 1) {
    const text = random(3) === 0 ? randomText(random) : mutated(random);
    try {
      if (tryOut(text)) accepted += 1;
    } catch (error) {
      throw new Error(`text ${index}: ${JSON.stringify(text)}`, { cause: error });
    }
  }
  assert.ok(accepted > COUNT / 100, `only ${accepted} were triggers`);
});

/** Expressions that the grammar has, without care for types. */
function expression(random: (below: number) => number, depth: number): string {
  const inner = () => expression(random, depth - 1);
  const one = (...texts: readonly string[]) => texts[random(texts.length)] ?? "";
  if (depth <= 0)
    return one(
      "status",
      "1.5",
      "-2",
      "250ms",
      "1h30m",
      "5MiB",
      '"a\\n\\u00e9"',
      "'\\x41'",
      "true",
      "null",
      "prev",
      "poll",
    );
  const operators = ["+", "-", "*", "/", "%", "??", "==", "<", "in", "not in", "contains"];
  const makers = [
    () => `(${inner()}) ${one(...operators)} (${inner()})`,
    () => `${inner()} ${one("and", "or", "&&", "||")} ${inner()}`,
    () => `(${one("not ", "!", "-", "not not ")}${inner()})`,
    () => `((${inner()}) ? (${inner()}) : (${inner()}))`,
    () => `(${inner()})${one(".when", "?.x", "[0]", ".size()", ".exists(i, i == 1)", ".`a b`")}`,
    () => `[${inner()}, ${inner()}]`,
    () => `{"k" : ${inner()}, "l" : ${inner()}}`,
    () => `${one("avg", "p95", "changed", "nosuch")}(${inner()}, ${one("5m", "5 polls", "3")})`,
  ];
  return makers[random(makers.length)]?.() ?? "";
}

test("generated triggers print to a text that reads back to the same tree", () => {
  const random = randomFrom(7);
  const tails = ["", "for 5m", "for 3 polls", "for 2 of 7 polls", "followed by ok within 90s"];
  const clauses = seeds.flatMap(
    (seed) => seed.match(/(cooldown|at most|unless|then|between|repeat|except|missing) .*$/g) ?? [],
  );
  let same = 0;
  for (let index = 0; index < 3000; index += 1) {
    const tail = tails[random(tails.length)];
    const clause = random(2) === 0 ? "" : clauses[random(clauses.length)];
    const text = `${expression(random, 4)} ${tail} ${clause}`;
    const { tree, problems } = parseTriggerText(text);
    // The generator may make two comparisons stand side by side, or a sign before a map; those are refused, not misread.
    if (tree === undefined) {
      assert.ok(problems.length > 0);
      continue;
    }
    const printed = printTrigger(tree);
    const again = parseTriggerText(printed);
    assert.deepEqual(bare(again.tree), bare(tree), printed);
    assert.equal(again.tree && printTrigger(again.tree), printed);
    same += 1;
  }
  assert.ok(same > 2000, `${same}`);
});

test("sources at and past the bounds are refused, quickly and with a place", () => {
  const texts = [
    "(".repeat(4000),
    "[".repeat(4096),
    "!".repeat(4000),
    "not ".repeat(1000),
    "-".repeat(4000),
    `${"a ? b : ".repeat(500)}c`,
    `${"1 + ".repeat(1000)}1 == 2`,
    `ok${" and ok".repeat(580)}`,
    '"""'.repeat(1300),
    "'''\\".repeat(900),
    "5m".repeat(2000),
    "body.".repeat(800),
    "{{".repeat(2000),
    `ok then wake "${"{{".repeat(1000)}"`,
    "x".repeat(5000),
    `${"!".repeat(33)}ok`,
  ];
  for (const text of texts) {
    const { ok, errors } = checkTrigger(text, { source });
    assert.equal(ok, false, text.slice(0, 40));
    assert.ok(errors.every(({ end }) => end <= text.length));
    assert.ok(quickestMs(text) < LIMIT_MS, text.slice(0, 40));
  }
});
