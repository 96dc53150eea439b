/** What an apply of a large set costs when nothing has changed, and what it writes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { textHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import { withDefaults } from "../manifest/defaults.ts";
import type { ApplyRequest, DesiredObject } from "../reconcile/contract.ts";
import { createObjectPlane } from "../reconcile/plane.ts";
import { openDatabase } from "../state/database.ts";
import { keyOf } from "../state/resource.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import { type Benchmark, type BenchRow, percentile } from "./benchmark.ts";

const OBJECTS = 10_000;
const SAMPLES = 9;
const SETTLED_BAR_MS = 100;
const COMPARED_BAR_MS = 250;
const ONE_CHANGED_BAR_MS = 50;

export const benchmark: Benchmark = { name: "apply", run };

async function run(): Promise<readonly BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "legion-bench-"));
  const database = await openDatabase(folder);
  try {
    const store = openSqliteStore(database, { clock: systemClock });
    const plane = createObjectPlane({ store, clock: systemClock, idle: false });
    // To this one nothing is settled: it reads and compares everything.
    const comparing = createObjectPlane({
      store: { ...store, unmoved: async () => [] },
      clock: systemClock,
      idle: false,
    });
    const objects = Array.from({ length: OBJECTS }, (_, index) => desiredObject(index));
    const request: ApplyRequest = {
      objects,
      source: "bench",
      manager: "bench",
      digest: "1",
      prune: true,
    };
    const firstMs = await elapsed(() => plane.apply(request));
    const listMs = await p50(() => store.list());
    let rows = 0;
    const again = (on: typeof plane) => async () => {
      rows += (await on.apply(request)).rowsWritten;
    };
    const settledMs = await p50(again(plane));
    const comparedMs = await p50(again(comparing));
    const unchanged = objects.slice(1).map(keyOf);
    let edits = 0;
    const oneMs = await p50(async () => {
      edits += 1;
      const edited = desiredObject(0, `Edited ${edits} times.`);
      await plane.apply({ ...request, objects: [edited], unchanged });
    });
    const beside = `the list alone ${listMs.toFixed(0)} ms; creating them all ${firstMs.toFixed(0)} ms`;
    return [
      row(
        "apply of 10,000 objects as the same apply left them, CPU, p50",
        settledMs,
        "ms",
        SETTLED_BAR_MS,
        beside,
      ),
      row(
        "apply of 10,000 unchanged objects beyond the list, CPU, p50",
        comparedMs - listMs,
        "ms",
        COMPARED_BAR_MS,
        beside,
      ),
      row("rows that these applies wrote", rows, "rows", 0, `${2 * SAMPLES} applies`),
      row("apply of one edit among 10,000, CPU, p50", oneMs, "ms", ONE_CHANGED_BAR_MS, beside),
    ];
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function row(name: string, value: number, unit: string, bar: number, beside: string): BenchRow {
  return { name, value, unit, bar, beside, want: "<=" };
}

function desiredObject(index: number, description = `Agent number ${index}.`): DesiredObject {
  const name = `agent-${index}`;
  const spec: JsonObject = {
    description,
    instructions: "Work carefully. Read the files first, then answer.\n".repeat(10),
    model: "smart",
    tools: ["files", { name: "kv", as: "cache", config: { namespace: "shared" } }],
    outputSchema: { type: "object", properties: { answer: { type: "string" } } },
    maxIterations: (index % 20) + 1,
    sandbox: { memory: "64MiB", timeout: "30s" },
  };
  const complete = withDefaults("Agent", { spec }).spec as JsonObject;
  return {
    ...{ kind: "Agent", namespace: "default", name },
    labels: { team: `team-${index % 7}` },
    annotations: {},
    spec,
    complete,
    hash: textHash(JSON.stringify([spec, complete])),
    origin: { file: `/agents.d/${name}.yaml`, root: "/agents.d", document: 0 },
  };
}

async function p50(work: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) samples.push(await elapsed(work));
  return percentile(samples, 0.5);
}

/** Milliseconds of this process on a processor: other programs of the machine do not count. */
async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
