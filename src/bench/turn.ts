import { testAgents } from "../testing/agent.ts";
import { type Benchmark, type BenchRow, percentile } from "./benchmark.ts";

const WARM_UP_TURNS = 10;
const TURNS = 100;
/** A session of its own a turn opens a sandbox each time: the bar of that, and the turn's own. */
const FRESH_BAR_MS = 25;
const TURN_BAR_MS = 5;

const step = { action: "eval_and_continue", code: "const n = 20 + 1;\nn", result: "" };
const replies = [
  { when: { lastContains: "executed successfully" }, action: "return", result: "21" },
  { when: { contains: " " }, ...step },
];

/** What Legion adds to a turn of two requests and one evaluation, with a model that answers at once. */
export const benchmark: Benchmark = {
  name: "turn",
  async run() {
    await using agents = testAgents();
    const agent = await agents.create({ replies });
    const warm = await timed(() => agent.run());
    const fresh = await timed(() => agent.runAlone());
    const evaluation = percentile(
      agent.events.flatMap(({ kind, data }) =>
        kind === "legion.sandbox.eval.stop" ? [data.durationMs] : [],
      ),
      0.5,
    );
    const beside = `its evaluation alone ${evaluation.toFixed(2)} ms`;
    return [
      row("agent turn, scripted model, open session, no journal, p50", warm, TURN_BAR_MS, beside),
      row("agent turn, scripted model, new session, no journal, p50", fresh, FRESH_BAR_MS, beside),
    ];
  },
};

async function timed(turn: () => Promise<{ readonly status: string }>): Promise<number> {
  const samples: number[] = [];
  for (let count = 0; count < WARM_UP_TURNS + TURNS; count += 1) {
    const startedMs = performance.now();
    const { status } = await turn();
    if (status !== "ok") throw new Error("a turn of the benchmark failed");
    if (count >= WARM_UP_TURNS) samples.push(performance.now() - startedMs);
  }
  return percentile(samples, 0.5);
}

function row(name: string, value: number, bar: number, beside: string): BenchRow {
  return { name, value, unit: "ms", beside, bar, want: "<=" };
}
