/** `npm run bench [NAME...]`: runs every benchmark in a process of its own, prints each figure beside its bar, and fails on a miss. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify, styleText } from "node:util";
import type { Benchmark, BenchRow } from "./benchmark.ts";

const benchmarks: Record<string, () => Promise<{ benchmark: Benchmark }>> = {
  startup: () => import("./startup.ts"),
  manifest: () => import("./manifest.ts"),
  plan: () => import("./plan.ts"),
  apply: () => import("./apply.ts"),
  sandbox: () => import("./sandbox.ts"),
  prompt: () => import("./prompt.ts"),
  turn: () => import("./turn.ts"),
  daemon: () => import("./daemon.ts"),
  durable: () => import("./durable.ts"),
  trigger: () => import("./trigger.ts"),
  watchers: () => import("./watchers.ts"),
  api: () => import("./api.ts"),
};
const TIMEOUT_MS = 300_000;

const [first, ...rest] = process.argv.slice(2);
if (first === "--one") await runHere(rest[0] ?? "");
else await runAll(first === undefined ? Object.keys(benchmarks) : [first, ...rest]);

/** Prints the rows as JSON; in the child process. */
async function runHere(name: string): Promise<void> {
  const { benchmark } = (await benchmarks[name]?.()) ?? {};
  process.stdout.write(JSON.stringify(await benchmark?.run()));
}

async function runAll(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(benchmarks, name));
  if (unknown.length > 0)
    throw new Error(
      `no benchmark ${unknown.join(", ")}; there are ${Object.keys(benchmarks).join(", ")}`,
    );
  let missed = 0;
  for (const name of names) {
    process.stdout.write(`\n${styleText("bold", name)}\n`);
    for (const row of await rowsOf(name)) {
      const pass = row.want === "<=" ? row.value <= row.bar : row.value >= row.bar;
      if (!pass) missed += 1;
      process.stdout.write(lineOf(row, pass));
    }
  }
  process.stdout.write(missed === 0 ? "\nall bars held\n" : `\n${missed} missed\n`);
  process.exitCode = missed === 0 ? 0 : 1;
}

async function rowsOf(name: string): Promise<readonly BenchRow[]> {
  const script = fileURLToPath(import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--one", name], {
    timeout: TIMEOUT_MS,
    maxBuffer: 2 ** 24,
  });
  return JSON.parse(stdout);
}

function lineOf({ name, value, unit, bar, want, beside }: BenchRow, pass: boolean): string {
  const figure = `${Number(value.toPrecision(3)).toLocaleString("en")} ${unit}`;
  const verdict = pass ? styleText("green", "pass") : styleText("red", "FAIL");
  return `  ${verdict}  ${name.padEnd(52)} ${figure.padStart(12)}  ${want} ${bar.toLocaleString("en")} ${unit}\n        ${styleText("dim", beside)}\n`;
}
