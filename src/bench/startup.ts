import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Benchmark, percentile } from "./benchmark.ts";

const RUNS = 21;
const bin = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** The command line's start against bare Node, alternating so that both see the same machine. Needs `npm run build`. */
export const benchmark: Benchmark = {
  name: "startup",
  async run() {
    const cases = { node: ["-e", "0"], version: [bin, "--version"], help: [bin, "--help"] };
    const samples: Record<keyof typeof cases, number[]> = { node: [], version: [], help: [] };
    for (let run = 0; run < RUNS; run += 1) {
      for (const name of ["node", "version", "help"] as const)
        samples[name].push(timed(cases[name]));
    }
    const [node, version, help] = [samples.node, samples.version, samples.help].map((list) =>
      percentile(list, 0.5),
    ) as [number, number, number];
    const beside = (ms: number) =>
      `${ms.toFixed(1)} ms against ${node.toFixed(1)} ms of node -e 0, medians of ${RUNS}`;
    return [
      {
        name: "legion --version against node -e 0",
        value: version / node,
        unit: "x",
        beside: beside(version),
        bar: 2,
        want: "<=",
      },
      {
        name: "legion --help against node -e 0",
        value: help / node,
        unit: "x",
        beside: beside(help),
        bar: 4,
        want: "<=",
      },
    ];
  },
};

function timed(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} failed: ${stderr}`);
  return performance.now() - start;
}
