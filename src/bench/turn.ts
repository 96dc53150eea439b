import { type TestAgent, testAgents } from "../testing/agent.ts";
import { type Benchmark, percentile } from "./benchmark.ts";

const WARM_UP_TURNS = 10;
const TURNS = 100;
const BAR_MS = 5;

/** Far less than a real model takes; a sandbox gets ready meanwhile. */
const delay = "20ms";
const replies = [
  { when: { lastContains: "executed successfully" }, action: "return", result: "21", delay },
  {
    when: { contains: " " },
    action: "eval_and_continue",
    code: "const n = 20 + 1;\nn",
    result: "",
    delay,
  },
];

/** What Legion adds to a turn of two requests and one evaluation. */
export const benchmark: Benchmark = {
  name: "turn",
  async run() {
    await using agents = testAgents();
    const agent = await agents.create({ replies });
    const turns = [
      { name: "new session", run: () => agent.runAlone() },
      { name: "open session", run: () => agent.run() },
    ];
    const rows = [];
    for (const { name, run } of turns) {
      const { overheadMs, evaluationMs } = await measure(agent, run);
      rows.push({
        name: `agent turn without its model's time, ${name}, no journal, p50`,
        value: overheadMs,
        unit: "ms",
        beside: `its evaluation ${evaluationMs.toFixed(2)} ms; the model takes ${delay} a reply`,
        bar: BAR_MS,
        want: "<=",
      } as const);
    }
    return rows;
  },
};

async function measure(agent: TestAgent, run: () => Promise<{ readonly status: string }>) {
  const samples: { readonly overheadMs: number; readonly evaluationMs: number }[] = [];
  for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn += 1) {
    const seen = agent.events.length;
    const { status } = await run();
    if (status !== "ok") throw new Error("a turn of the benchmark failed");
    if (turn >= WARM_UP_TURNS) samples.push(shares(agent.events.slice(seen)));
  }
  const p50 = (share: keyof (typeof samples)[number]) =>
    percentile(
      samples.map((sample) => sample[share]),
      0.5,
    );
  return { overheadMs: p50("overheadMs"), evaluationMs: p50("evaluationMs") };
}

/** How the time of one turn divides, by its events. */
function shares(events: TestAgent["events"]) {
  const sum = (
    kind: "legion.agent.stopped" | "legion.llm.request.stop" | "legion.sandbox.eval.stop",
  ) => events.reduce((ms, event) => ms + (event.kind === kind ? event.data.durationMs : 0), 0);
  return {
    overheadMs: sum("legion.agent.stopped") - sum("legion.llm.request.stop"),
    evaluationMs: sum("legion.sandbox.eval.stop"),
  };
}
