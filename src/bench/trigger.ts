import { Environment } from "@marcbachmann/cel-js";
import { compileExpression, compileTrigger, rootsOf } from "../trigger/trigger.ts";
import { type Benchmark, percentile } from "./benchmark.ts";

const condition = "status >= 500 and latency > 1s";
const trigger = `when ${condition} for 3 polls cooldown 5m then wake "status {{status}}"`;
const COMPILES = 5000;
const EVALUATIONS = 1_000_000;

/** What a watcher costs: once at apply, and at every poll. */
export const benchmark: Benchmark = {
  name: "trigger",
  async run() {
    return [compiles(), evaluates()];
  },
};

function compiles() {
  const samples: number[] = [];
  for (let index = 0; index < 2 * COMPILES; index += 1) {
    const started = performance.now();
    compileTrigger(trigger, { source: "httpPoll" });
    // The first half warms up.
    if (index >= COMPILES) samples.push((performance.now() - started) * 1000);
  }
  return {
    name: "trigger: parse, check and compile, p50",
    value: percentile(samples, 0.5),
    unit: "us",
    beside: `p99 ${percentile(samples, 0.99).toFixed(0)} us, ${trigger.length} characters`,
    bar: 100,
    want: "<=",
  } as const;
}

function evaluates() {
  const { compiled } = compileExpression(condition, rootsOf("httpPoll"));
  if (compiled === undefined) throw new Error(`${condition} does not compile`);
  const rate = perSecond((index) =>
    compiled.evaluate({ status: 500 + (index % 9), latency: 1250 }, index),
  );
  return {
    name: `trigger: evaluations of ${condition}`,
    value: rate,
    unit: "/s",
    beside: `@marcbachmann/cel-js ${Math.round(peerRate()).toLocaleString("en")}/s`,
    bar: 500_000,
    want: ">=",
  } as const;
}

/** The same condition in CEL; a length of time is a number of milliseconds there, which is its faster form. */
function peerRate(): number {
  const environment = new Environment()
    .registerVariable("status", "double")
    .registerVariable("latency", "double");
  const evaluate = environment.parse("status >= 500.0 && latency > 1000.0");
  return perSecond((index) => evaluate({ status: 500 + (index % 9), latency: 1250 }));
}

function perSecond(once: (index: number) => unknown): number {
  for (let index = 0; index < EVALUATIONS / 10; index += 1) once(index);
  const started = performance.now();
  for (let index = 0; index < EVALUATIONS; index += 1) once(index);
  return (EVALUATIONS / (performance.now() - started)) * 1000;
}
