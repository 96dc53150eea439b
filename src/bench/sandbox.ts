import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import type { Host, Sandbox, SandboxPool } from "../sandbox/contract.ts";
import { createSandboxPool } from "../sandbox/pool.ts";
import { echo, resultOf, testLimits, testSurface } from "../sandbox/testing.ts";
import { type Benchmark, type BenchRow, percentile } from "./benchmark.ts";

const MIB = 2 ** 20;
const limits = { ...testLimits, timeoutMs: 5000 };
const tiny: Host = async () => ({ ok: true, value: 1 });

/** The figures that the sandbox has to hold. */
export const benchmark: Benchmark = {
  name: "sandbox",
  async run() {
    const pingMs = await bareRoundTrips(1000);
    const rows: BenchRow[] = [];
    for (const measure of [
      warmEvaluation,
      hostCalls,
      jsonInAndOut,
      creation,
      idleMemory,
      kills,
      hostileMemory,
    ]) {
      const pool = createSandboxPool();
      rows.push(...(await measure(pool, pingMs)));
      await pool.close();
    }
    return rows;
  },
};

type Measure = (pool: SandboxPool, pingMs: number) => Promise<BenchRow[]>;

const warmEvaluation: Measure = async (pool, pingMs) => {
  const sandbox = await pool.open(limits, testSurface);
  const samples = await sample(550, () => sandbox.evaluate("1+1", { host: echo }));
  return [
    row(
      "warm evaluation of 1+1 through the worker, p50",
      percentile(samples.slice(50), 0.5),
      "ms",
      1,
      besidePing(pingMs),
    ),
  ];
};

const hostCalls: Measure = async (pool, pingMs) => {
  const sandbox = await pool.open(limits, testSurface);
  const each =
    "const each = []; for (let i = 0; i < 1000; i++) { const at = performance.now(); await help(i); each.push(performance.now() - at); } each";
  for (let round = 0; round < 5; round += 1) await sandbox.evaluate(each, { host: tiny });
  const one = percentile(resultOf(await sandbox.evaluate(each, { host: tiny })) as number[], 0.5);
  const all = await sample(5, () =>
    sandbox.evaluate("for (let i = 0; i < 1000; i++) await help(i)", { host: tiny }),
  );
  return [
    row("host call round trip, p50", one, "ms", 0.05, besidePing(pingMs)),
    row(
      "1,000 host calls one after the other",
      percentile(all, 0.5),
      "ms",
      60,
      `1,000 bare round trips to a thread ${(pingMs * 1000).toFixed(0)} ms`,
    ),
  ];
};

const jsonInAndOut: Measure = async (pool) => {
  const records = Array.from({ length: 5000 }, (_, id) => ({
    id,
    name: `customer number ${id}`,
    amount: id * 1.5,
    paid: id % 2 === 0,
    tag: "x",
  }));
  const text = JSON.stringify(records);
  const sandbox = await pool.open(limits, testSurface);
  const host: Host = async () => ({ ok: true, value: records });
  const run = async () =>
    resultOf(await sandbox.evaluate("(await help()).filter((record) => record.paid)", { host }));
  const samples = await sample(10, run);
  const [copyMs] = await sample(1, async () => JSON.parse(JSON.stringify(JSON.parse(text))));
  return [
    row(
      `${Math.round(text.length / 1000)} KB of JSON in, filtered, out, p50`,
      percentile(samples, 0.5),
      "ms",
      60,
      `parsed and written by Node ${(copyMs ?? 0).toFixed(1)} ms`,
    ),
  ];
};

const creation: Measure = async (pool) => {
  const samples = await sample(60, () => pool.open(limits, testSurface));
  const bareMs = percentile(await sample(5, bareThread), 0.5);
  return [
    row(
      "a sandbox is created, p50",
      percentile(samples, 0.5),
      "ms",
      20,
      `a bare thread ${bareMs.toFixed(1)} ms`,
    ),
  ];
};

const idleMemory: Measure = async (pool) => {
  const open = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      const sandbox = await pool.open(limits, testSurface);
      resultOf(await sandbox.evaluate("const kept = { a: 1 }", { host: echo }));
    }
  };
  await open(20);
  const before = process.memoryUsage.rss();
  await open(1000);
  const each = (process.memoryUsage.rss() - before) / 1000 / MIB;
  return [
    row(
      "memory of an idle sandbox, at 1,000",
      each,
      "MiB",
      0.6,
      `the process before ${(before / MIB).toFixed(0)} MiB`,
    ),
  ];
};

const hostile = {
  "while (true) {}": "while (true) {}",
  "join of 2^32-1 items": "const a = []; a.length = 2 ** 32 - 1; a.join()",
};

const kills: Measure = async (pool) => {
  const sandbox = await pool.open({ ...limits, timeoutMs: 200 }, testSurface);
  const rows: BenchRow[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await sandbox.evaluate("1", { host: echo });
  delay.enable();
  for (const [name, code] of Object.entries(hostile)) {
    const [tookMs = Number.NaN] = await sample(1, () => sandbox.evaluate(code, { host: echo }));
    rows.push(
      row(
        `${name}: ended after the deadline by`,
        (tookMs - 200) / 1000,
        "s",
        1.2,
        "deadline 0.2 s",
      ),
    );
  }
  delay.disable();
  rows.push(
    row(
      "longest gap of the main loop meanwhile",
      delay.max / 1e6,
      "ms",
      50,
      `p50 of the gaps ${(delay.percentile(50) / 1e6).toFixed(1)} ms`,
    ),
  );
  return rows;
};

const hostileMemory: Measure = async (pool) => {
  const programs = [
    "while (true) {}",
    "const hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20).fill(1))",
    "let text = 'x'; for (;;) text += text",
    "const f = () => f() + 1; f()",
    "'x'.repeat(1e8)",
  ];
  const sandbox = await pool.open({ ...limits, timeoutMs: 100 }, testSurface);
  const before = await attack(sandbox, programs, 20);
  await attack(sandbox, programs, 80);
  const grown = ((await attack(sandbox, programs, 20)) - before) / MIB;
  return [
    row(
      "memory after 100 hostile evaluations",
      grown,
      "MiB",
      20,
      `the process before ${(before / MIB).toFixed(0)} MiB`,
    ),
  ];
};

/** The least memory of the process between the programs: when a spent instance is collected is up to V8. */
async function attack(
  sandbox: Sandbox,
  programs: readonly string[],
  times: number,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let count = 0; count < times; count += 1) {
    const { ok } = await sandbox.evaluate(programs[count % programs.length] ?? "", { host: echo });
    if (ok) throw new Error("a hostile program succeeded");
    least = Math.min(least, process.memoryUsage.rss());
  }
  return least;
}

function row(name: string, value: number, unit: string, bar: number, beside: string): BenchRow {
  return { name, value, unit, bar, beside, want: "<=" };
}

function besidePing(pingMs: number): string {
  return `bare round trip to a thread ${(pingMs * 1000).toFixed(0)} us`;
}

async function sample(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await work();
    samples.push(performance.now() - startedAt);
  }
  return samples;
}

function startBare(): Worker {
  const script =
    'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (message) => parentPort.postMessage(message)); parentPort.postMessage(0);';
  return new Worker(script, { eval: true });
}

async function bareThread(): Promise<void> {
  const worker = startBare();
  await new Promise((resolve) => worker.once("message", resolve));
  await worker.terminate();
}

/** Mean time of a message to a thread that does nothing, and back. */
async function bareRoundTrips(count: number): Promise<number> {
  const worker = startBare();
  const ping = () =>
    new Promise((resolve) => {
      worker.once("message", resolve);
      worker.postMessage(1);
    });
  await ping();
  const samples = await sample(count, ping);
  await worker.terminate();
  return percentile(samples, 0.5);
}
