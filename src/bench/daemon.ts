/** What it costs to apply and to run a large manifest repository: real processes, real folders, the built binary. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "../api/client.ts";
import { readinessOf } from "../cli/readiness.ts";
import { DEBOUNCE_MS } from "../manifest/watch/limits.ts";
import type { ApplyReport, DaemonPlane } from "../reconcile/contract.ts";
import { execute } from "../testing/command.ts";
import { type Benchmark, type BenchRow, percentile } from "./benchmark.ts";
import { agentOf, fileOf, writeRepository } from "./repository.ts";

const MANIFESTS = 10_000;
const AGENTS = 1_000;
const EDITS = 7;
/** How often an apply that changes nothing is measured. */
const ROUNDS = 5;
const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export const benchmark: Benchmark = {
  name: "daemon",
  run: async () => [
    ...(await inRepository(MANIFESTS, manyManifests)),
    ...(await inRepository(AGENTS, manyAgents)),
  ],
};

async function inRepository(
  agents: number,
  work: (folder: string) => Promise<BenchRow[]>,
): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "legion-bench-"));
  try {
    await writeRepository(join(folder, "agents.d"), agents);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function manyManifests(folder: string): Promise<BenchRow[]> {
  const first = await apply(folder);
  const again: number[] = [];
  const floor: number[] = [];
  let rows = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { seconds, report } = await apply(folder);
    again.push(seconds);
    rows += report.rowsWritten;
    floor.push((await secondsOf(() => execute(process.execPath, ["-e", "0"], {}))).seconds);
  }
  const name = MANIFESTS.toLocaleString("en");
  const daemon = await startDaemon(folder);
  const edits = await editSeconds(folder, daemon.plane);
  const rssMiB = await rssOf(daemon.process);
  await stop(daemon.process);
  return [
    {
      name: `apply of ${name} manifests again, a process of its own, p50`,
      value: percentile(again, 0.5),
      unit: "s",
      beside: `the first one ${first.seconds.toFixed(2)} s, bare node ${percentile(floor, 0.5).toFixed(2)} s`,
      bar: 1,
      want: "<=",
    },
    {
      name: "rows that these applies wrote",
      value: rows,
      unit: "rows",
      beside: `the first one ${first.report.rowsWritten.toLocaleString("en")}`,
      bar: 0,
      want: "<=",
    },
    {
      name: `one edit among ${name} to Ready, after the debounce, p50`,
      value: percentile(edits, 0.5) * 1000 - DEBOUNCE_MS,
      unit: "ms",
      beside: `the slowest of ${EDITS} ${(Math.max(...edits) * 1000 - DEBOUNCE_MS).toFixed(0)} ms; the debounce of ${DEBOUNCE_MS} ms is not counted`,
      bar: 150,
      want: "<=",
    },
    {
      name: `RSS of the daemon with ${name} agents`,
      value: rssMiB,
      unit: "MiB",
      beside: `started and Ready in ${daemon.seconds.toFixed(1)} s, then edited ${EDITS} times`,
      bar: 600,
      want: "<=",
    },
  ];
}

async function manyAgents(folder: string): Promise<BenchRow[]> {
  const daemon = await startDaemon(folder);
  const rssMiB = await rssOf(daemon.process);
  await stop(daemon.process);
  const name = AGENTS.toLocaleString("en");
  return [
    {
      name: `${name} agents Ready, from nothing`,
      value: daemon.seconds,
      unit: "s",
      beside: "the process starts, reads the manifests, writes them and runs the loops",
      bar: 5,
      want: "<=",
    },
    {
      name: `RSS idle with ${name} agents`,
      value: rssMiB,
      unit: "MiB",
      beside: "right after they were Ready",
      bar: 400,
      want: "<=",
    },
  ];
}

async function apply(folder: string): Promise<{ seconds: number; report: ApplyReport }> {
  const { seconds, value } = await secondsOf(() =>
    execute(process.execPath, [main, "apply", "-f", "agents.d", "-o", "json"], { cwd: folder }),
  );
  if (value.exitCode !== 0) throw new Error(value.stderr);
  return { seconds, report: JSON.parse(value.stdout) };
}

interface RunningDaemon {
  readonly process: ChildProcess;
  readonly plane: DaemonPlane;
  /** From the start of the process until every object was Ready. */
  readonly seconds: number;
}

async function startDaemon(folder: string): Promise<RunningDaemon> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [main, "up", "-q"], { cwd: folder, stdio: "ignore" });
  for (;;) {
    const plane = await connect({ stateFolder: join(folder, ".legion") });
    const { objects = {} } = (await plane?.status()) ?? {};
    const { total = 0, ready = 0 } = objects.Agent ?? {};
    if (plane !== undefined && total > 0 && ready === total) {
      return { process: child, plane, seconds: (performance.now() - startedMs) / 1000 };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Seconds from the end of each write until the agent is Ready with its new generation, as a client sees it. */
async function editSeconds(folder: string, plane: DaemonPlane): Promise<number[]> {
  const samples: number[] = [];
  for (let edit = 1; edit <= EDITS; edit += 1) {
    const index = edit * 997;
    const key = { kind: "Agent", namespace: "default", name: `agent-${index}` };
    const { version } = await plane.list({ ...key });
    const stop = new AbortController();
    const changes = plane.watch(version, key, stop.signal);
    await writeFile(fileOf(join(folder, "agents.d"), index), agentOf(index, `Edit ${edit}.`));
    const { seconds } = await secondsOf(async () => {
      for await (const { object } of changes) {
        if (object.metadata.generation > 1 && readinessOf(object).state === "ready") break;
      }
    });
    stop.abort();
    samples.push(seconds);
  }
  return samples;
}

async function rssOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

async function secondsOf<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const startMs = performance.now();
  const value = await work();
  return { seconds: (performance.now() - startMs) / 1000, value };
}
