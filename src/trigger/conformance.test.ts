// Goal: the language does what its specification's conformance set says, case for case.
// Method: run every value, timeline, window, sequence and error of the set that lies beside the repository.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { compileExpression } from "./expression.ts";
import type { Machine } from "./machine.ts";
import { type Roots, rootsOf } from "./roots.ts";
import type { Sample } from "./samples.ts";
import { checkTrigger, compileTrigger } from "./trigger.ts";

interface Cases {
  readonly observation: {
    readonly now: string;
    readonly current: Sample;
    readonly previous: Sample & { readonly secondsAgo: number };
  };
  readonly values: readonly { readonly expr: string; readonly value: unknown }[];
  readonly timelines: readonly {
    readonly trigger: string;
    readonly polls: readonly (number | null)[];
    readonly fires: readonly number[];
  }[];
  readonly windows: readonly {
    readonly trigger: string;
    readonly pollsAt: Readonly<Record<string, number>>;
    readonly firesAt: readonly string[];
  }[];
  readonly sequences: readonly {
    readonly trigger: string;
    readonly samples: readonly (readonly [number, Sample])[];
    readonly fires: readonly number[];
  }[];
  readonly errors: readonly {
    readonly source: string;
    readonly code: string;
    readonly at: string;
    readonly says: string;
  }[];
}

const file = new URL("../../../shared/spec/trigger-cases.json", import.meta.url);
const absent = existsSync(file)
  ? false
  : "the conformance set (shared/spec/trigger-cases.json) is not beside this checkout";
const nothing = { values: [], timelines: [], windows: [], sequences: [], errors: [] };
const cases: Cases = absent ? nothing : JSON.parse(readFileSync(file, "utf8"));

test("the conformance set is whole", { skip: absent }, () => {
  const { values, timelines, windows, sequences, errors } = cases;
  const counts = [values, timelines, windows, sequences, errors].map(({ length }) => length);
  assert.ok(counts.every((count, index) => count >= ([33, 12, 3, 1, 23][index] ?? 0)));
});

for (const { expr, value } of cases.values) {
  test(`value: ${expr}`, () => {
    const roots: Roots = rootsOf("httpPoll");
    const { compiled, errors } = compileExpression(expr, roots);
    assert.deepEqual(errors, []);
    const { now, current, previous } = cases.observation;
    const nowMs = Date.parse(now);
    compiled?.evaluate(previous, nowMs - previous.secondsAgo * 1000);
    const result = compiled?.evaluate(current, nowMs) ?? {};
    const wanted = typeof value === "object" && value !== null ? value : { value };
    const seen = "error" in result ? { error: true } : result;
    assert.deepEqual(seen, wanted, JSON.stringify(result));
  });
}

function machineOf(trigger: string): Machine {
  const properties = { event: { type: "string" }, status: { type: "number" } };
  const schema = { type: "object", properties };
  const { machine, errors } = compileTrigger(trigger, { source: "custom", schema });
  assert.deepEqual(errors, []);
  assert.ok(machine !== undefined);
  return machine;
}

for (const { trigger, polls, fires } of cases.timelines) {
  test(`timeline: ${trigger}`, () => {
    const machine = machineOf(trigger);
    const fired = polls.flatMap((status, index) => {
      const sample = status === null ? {} : { status };
      return machine.poll(sample, index * 30_000).fire === undefined ? [] : [index * 30];
    });
    assert.deepEqual(fired, fires);
  });
}

for (const { trigger, pollsAt, firesAt } of cases.windows) {
  test(`window: ${trigger}`, () => {
    const machine = machineOf(trigger);
    const fired = Object.entries(pollsAt).flatMap(([at, status]) =>
      machine.poll({ status }, Date.parse(at)).fire === undefined ? [] : [at],
    );
    assert.deepEqual(fired, firesAt);
  });
}

for (const { trigger, samples, fires } of cases.sequences) {
  test(`sequence: ${trigger}`, () => {
    const machine = machineOf(trigger);
    const fired = samples.flatMap(([seconds, sample]) =>
      machine.poll(sample, seconds * 1000).fire === undefined ? [] : [seconds],
    );
    assert.deepEqual(fired, fires);
  });
}

for (const { source, code, at, says } of cases.errors) {
  test(`error: ${source}`, () => {
    const { ok, errors } = checkTrigger(source, { source: "httpPoll" });
    assert.equal(ok, false);
    const [first] = errors;
    assert.ok(first !== undefined);
    assert.equal(first.code, code);
    assert.equal(`${first.line}:${first.column}`, at);
    assert.ok(`${first.message}; ${first.hint}`.includes(says), `${first.message}; ${first.hint}`);
    assert.equal(errors.length, 1, "one mistake is told once");
  });
}
