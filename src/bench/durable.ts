import { readFileSync } from "node:fs";
import type { LegionEvent } from "../telemetry/events.ts";
import { startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { type Benchmark, type BenchRow, percentile } from "./benchmark.ts";

const AGENTS = 10;
const TURNS = 10_000;
/** What grows at first is caches and the heap's own idea of its size. */
const WARM_UP_TURNS = 3_000;
const SAMPLE_EVERY = 100;
const SLOPE_BAR = 1;
const TIMED_TURNS = 110;
const TIMED_WARM_UP = 10;
const OVERHEAD_BAR_MS = 5;
/** Far less than a real model takes; a sandbox gets ready meanwhile. */
const DELAY = "20ms";

/** A daemon whose journal is on, as it always is: what a turn costs, and what it leaves in memory. */
export const benchmark: Benchmark = {
  name: "durable",
  async run() {
    const names = Array.from({ length: AGENTS }, (_, index) => `a${index}`);
    await using daemon = await startTestDaemon({
      files: {
        "agents.d/models.yaml": [provider("quick"), provider("slow", DELAY)].join("---\n"),
        "agents.d/agents.yaml": [
          ...names.map((name) => agent(name, "quick")),
          agent("timed", "slow"),
        ].join("---\n"),
      },
    });
    const overhead = await measureOverhead(daemon);
    return [overhead, await measureMemory(daemon, names)];
  },
};

/** Two requests and one evaluation a turn. */
function provider(name: string, delay?: string): string {
  const late = delay === undefined ? "" : `, delay: ${delay}`;
  return `apiVersion: legion.dev/v1
kind: Provider
metadata: { name: ${name} }
spec:
  wire: scripted
  models: [{ name: m }]
  replies:
    - { when: { lastContains: "executed successfully" }, action: return, result: "21"${late} }
    - { when: { contains: " " }, action: eval_and_continue, code: "const n = 20 + 1; n", result: ""${late} }
`;
}

function agent(name: string, model: string): string {
  return `apiVersion: legion.dev/v1
kind: Agent
metadata: { name: ${name} }
spec: { description: Counts., model: ${model}/m }
`;
}

/** What Legion adds to a turn, as its own events tell it. */
async function measureOverhead(daemon: TestDaemon): Promise<BenchRow> {
  for (let turn = 0; turn < TIMED_TURNS; turn += 1) await answered(daemon, "timed");
  const runs = Map.groupBy(
    (await daemon.events()).filter((event) => event.kind !== "legion.object"),
    ({ run }) => run,
  );
  const overheads = [...runs.values()].slice(TIMED_WARM_UP).map(overheadOf);
  const evaluations = [...runs.values()].map((events) => sum(events, "legion.sandbox.eval.stop"));
  return {
    name: "agent turn in a daemon without its model's time, p50",
    value: percentile(overheads, 0.5),
    unit: "ms",
    beside: `journal on, WAL/FULL; p95 ${percentile(overheads, 0.95).toFixed(2)} ms; its evaluation ${percentile(evaluations, 0.5).toFixed(2)} ms; the model takes ${DELAY} a reply`,
    bar: OVERHEAD_BAR_MS,
    want: "<=",
  };
}

function overheadOf(events: readonly LegionEvent[]): number {
  return sum(events, "legion.agent.stopped") - sum(events, "legion.llm.request.stop");
}

function sum(
  events: readonly LegionEvent[],
  kind: "legion.agent.stopped" | "legion.llm.request.stop" | "legion.sandbox.eval.stop",
): number {
  return events.reduce((ms, event) => ms + (event.kind === kind ? event.data.durationMs : 0), 0);
}

/** How the memory of the daemon grows with the turns of agents that all work at once. */
async function measureMemory(daemon: TestDaemon, names: readonly string[]): Promise<BenchRow> {
  const samples: { readonly turns: number; readonly kib: number }[] = [];
  const startedMs = performance.now();
  let turns = 0;
  await Promise.all(
    names.map(async (name) => {
      while (turns < TURNS) {
        turns += 1;
        const mine = turns;
        await answered(daemon, name);
        if (mine % SAMPLE_EVERY === 0) samples.push({ turns: mine, kib: residentKib(daemon.pid) });
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const counted = samples.filter(({ turns: at }) => at > WARM_UP_TURNS);
  const last = samples.at(-1)?.kib ?? 0;
  return {
    name: `RSS a turn, ${TURNS.toLocaleString("en")} turns over ${AGENTS} agents, slope`,
    value: slopeOf(counted.map(({ turns: x, kib: y }) => ({ x, y }))),
    unit: "KiB",
    beside: `${(last / 1024).toFixed(0)} MiB in the end; ${(TURNS / seconds).toFixed(0)} turns/s`,
    bar: SLOPE_BAR,
    want: "<=",
  };
}

async function answered(daemon: TestDaemon, name: string): Promise<void> {
  const { result } = await daemon.ask(name, "Count on");
  if (result.status !== "ok") throw new Error(`a turn failed: ${JSON.stringify(result)}`);
}

/** Resident memory of a process, KiB. */
function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Of the straight line nearest to the points. */
function slopeOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((total, value) => total + value, 0) / values.length;
  const x = mean(points.map((point) => point.x));
  const y = mean(points.map((point) => point.y));
  const above = points.reduce((total, point) => total + (point.x - x) * (point.y - y), 0);
  const below = points.reduce((total, point) => total + (point.x - x) ** 2, 0);
  return above / below;
}
