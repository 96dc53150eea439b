// Goal: a run done again from its record is the same; one whose record was changed says where it differs; nothing outside is touched.
// Method: real runs, replayed as they are, with one step changed, and cut off.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../../lib/clock.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { JournalStep } from "../../state/journal.ts";
import { durableRig } from "../../testing/durable.ts";
import { replayRun } from "./replay.ts";

const { signal } = new AbortController();
const step = (code: string) => ({ action: "eval_and_continue", code, result: "" });
const complete = (code: string) => ({ action: "eval_and_complete", code, result: "" });
const spec = { outputSchema: {}, bindingScope: "conversation" };
const replies = [
  step(
    "const [a, b] = await Promise.all([tools.box.now({}), tools.box.now({ at: Date.now() })]);\nconst chance = Math.random();\nconsole.log(a, new Date().toISOString());\nawait tools.box.now({});",
  ),
  step("tools.box.never({}); throw new Error(`no ${chance}`)"),
  complete("({ a, b, chance, later: Math.random(), docs: await help('box.now') })"),
];
let times = 0;
const functions = {
  now: { run: () => ++times },
  never: { run: () => new Promise<never>(() => {}) },
};
const surface = { tools: { box: ["never", "now"] }, functions: ["help", "search", "recall"] };

/** A rig with one run that has ended. */
async function ended(more: object = {}, answers: readonly object[] = replies) {
  const rig = await durableRig({ spec: { ...spec, ...more }, replies: answers, functions });
  const result = await rig.process().run();
  const { run } = result;
  const steps = await rig.journal.steps(run);
  const replay = (changed: readonly JournalStep[]) =>
    replayRun({
      ...{ run, steps: changed, agent: rig.agent, surface, signal, clock: systemClock },
      pool: rig.services.pool,
    });
  return { rig, run, steps, replay, result };
}

test("a run is the same again, and no tool is called", async () => {
  const { rig, run, steps, result } = await ended();
  await using _ = rig;
  assert.ok(result.status === "ok", JSON.stringify(result));
  const before = times;
  const report = await rig.services.replayRun(run, signal);
  assert.deepEqual(report, { run, steps: 7, isSame: true, differences: [] });
  assert.equal(times, before);
  assert.deepEqual(await rig.journal.steps(run), steps);
});

test("a run in mode tools is the same again", async () => {
  const calls = [{ name: "now", arguments: {} }, { name: "nowhere" }];
  const { rig, run } = await ended({ mode: "tools", outputSchema: { type: "string" } }, [
    { toolCalls: calls },
    { text: "done" },
  ]);
  await using _ = rig;
  const report = await rig.services.replayRun(run, signal);
  assert.deepEqual(report, { run, steps: 3, isSame: true, differences: [] });
});

const changes: readonly {
  name: string;
  change: (steps: JournalStep[]) => void;
  says: RegExp;
  recorded?: RegExp;
}[] = [
  {
    name: "a reply of a tool",
    change: (steps) =>
      edit(steps, "call.result", ({ reply }) => ({ reply: { ...obj(reply), value: 99 } })),
    says: /the (value|variables|logs) of the evaluation/,
  },
  {
    name: "the argument of a call",
    change: (steps) => edit(steps, "call.started", () => ({ argument: { other: 1 } })),
    says: /the outcome of the evaluation differs/,
    recorded: /^ok$/,
  },
  {
    name: "the seed of chance",
    change: (steps) => edit(steps, "eval.started", () => ({ seed: "another" })),
    says: /the variables of the evaluation differ$/,
  },
  {
    name: "the code of an evaluation",
    change: (steps) => edit(steps, "eval.started", () => ({ code: "1" })),
    says: /ended in another way/,
  },
  {
    name: "how the turn ended",
    change: (steps) =>
      edit(steps, "turn.finished", ({ result }) => ({
        result: { ...obj(result), value: "other" },
      })),
    says: /ended in another way/,
  },
];

for (const { name, change, says, recorded } of changes) {
  test(`a record with ${name} changed is told from the run`, async () => {
    const { rig, steps, replay } = await ended();
    await using _ = rig;
    const changed = structuredClone(steps) as JournalStep[];
    change(changed);
    const report = await replay(changed);
    assert.equal(report.isSame, false);
    const messages = report.differences.map(({ message }) => message).join("\n");
    assert.match(messages, says);
    if (recorded !== undefined) assert.match(report.differences[0]?.recorded ?? "", recorded);
  });
}

test("a record that is cut off anywhere is the same as far as it goes", async () => {
  const { rig, steps, replay } = await ended();
  await using _ = rig;
  const before = times;
  for (let length = 1; length < steps.length; length += 1) {
    const report = await replay(steps.slice(0, length));
    assert.deepEqual(report.differences, [], `${length} steps`);
  }
  assert.equal(times, before);
});

/** What a program may look at, where it has any calls, and how it ends: `$` becomes a name of its own. */
const looks = [
  "Date.now()",
  "performance.now()",
  "new Date().toISOString()",
  "Date()",
  "Math.random()",
  "{ toJSON() { return [performance.now(), Math.random()]; } }",
];
const steps = [
  "const $ = LOOK;",
  "console.log(LOOK);",
  "for (let i = 0; i < 300; i++) globalThis.$ = LOOK;",
  "await null;",
  "const $ = await tools.box.now({});",
  "const $ = await tools.box.now({ at: String(LOOK) });",
  "await Promise.all([tools.box.now({ at: 1 }), tools.box.now({ at: String(LOOK) })]);",
  "tools.box.now({}); await null;",
  "function $() { return LOOK; } console.log($());",
];
const ends = ["[LOOK, LOOK]", "tools.box.never({}); throw new Error(String(LOOK))", "undefined"];

test("code that looks at clock or chance anywhere is the same again", async () => {
  const look = fc.constantFrom(...looks);
  const line = (lines: readonly string[]) =>
    fc.tuple(fc.constantFrom(...lines), look).map(([text, at]) => text.replaceAll("LOOK", at));
  const program = fc
    .tuple(fc.array(line(steps), { maxLength: 6 }), line(ends))
    .map(([lines, end]) =>
      [...lines, end].map((text, at) => text.replaceAll("$", `v${at}`)).join("\n"),
    );
  await fc.assert(
    fc.asyncProperty(program, program, async (first, second) => {
      const { rig, run } = await ended({}, [step(first), step(second), complete("1")]);
      await using _ = rig;
      const report = await rig.services.replayRun(run, signal);
      assert.deepEqual(report.differences, []);
      assert.equal(report.isSame, true);
    }),
    { numRuns: 10 },
  );
});

function edit(steps: JournalStep[], type: string, change: (data: JsonObject) => object): void {
  const index = steps.findIndex((each) => each.type === type);
  const found = steps[index];
  assert.ok(found !== undefined);
  steps[index] = { ...found, data: { ...found.data, ...change(found.data) } as JsonObject };
}

const obj = (value: unknown) => value as JsonObject;
