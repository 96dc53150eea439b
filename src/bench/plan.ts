/** What it costs to plan a large set, and to look whether a large set of files has changed. */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { canonicalHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { planChanges } from "../manifest/plan.ts";
import type { LiveObject } from "../manifest/plan-contract.ts";
import { STAMP_TRUST_MS } from "../manifest/watch/limits.ts";
import { type Snapshot, scanRoots } from "../manifest/watch/scan.ts";
import { type Benchmark, type BenchRow, percentile } from "./benchmark.ts";

const OBJECTS = 10_000;
const FOLDERS = 100;
const SAMPLES = 7;
const BAR_MS = 300;
const ALL_UPDATED_BAR_MS = 500;

export const benchmark: Benchmark = {
  name: "plan",
  run: async () => [...(await planMany()), await rescanMany()],
};

async function planMany(): Promise<BenchRow[]> {
  const before = declaredObjects("smart");
  const after = declaredObjects("fast");
  const live = before.map(liveObject);
  const floorMs = await p50(() => {
    for (const { spec } of before) canonicalHash(spec as unknown as Json);
  });
  const rows = [
    { name: "nothing changed", desired: before, live, bar: BAR_MS },
    // Every field of every spec is compared, and both hashed.
    { name: "all updated", desired: after, live, bar: ALL_UPDATED_BAR_MS },
    { name: "all created", desired: after, live: [], bar: BAR_MS },
  ];
  const measured: BenchRow[] = [];
  for (const { name, bar, ...sets } of rows)
    measured.push({
      name: `plan of 10,000 objects, ${name}, p50`,
      value: await p50(() => {
        planChanges({ ...sets, source: "bench", inventory: live, prune: true });
      }),
      unit: "ms",
      beside: `hashing their specs alone ${floorMs.toFixed(0)} ms`,
      bar,
      want: "<=",
    });
  return measured;
}

async function rescanMany(): Promise<BenchRow> {
  const root = await mkdtemp(join(tmpdir(), "legion-bench-"));
  try {
    for (let folder = 0; folder < FOLDERS; folder += 1) {
      await mkdir(join(root, `${folder}`));
      for (let file = 0; file < OBJECTS / FOLDERS; file += 1)
        await writeFile(join(root, `${folder}`, `${file}.yaml`), `agent: ${folder}/${file}\n`);
    }
    // Files that are younger are read again each time.
    await setTimeout(STAMP_TRUST_MS + 100);
    const scan = (before?: Snapshot) =>
      scanRoots({ roots: [root], cwd: root, followed: [], before, nowMs: Date.now });
    const coldStartMs = performance.now();
    let snapshot = await scan();
    const coldMs = performance.now() - coldStartMs;
    if (snapshot.files.size !== OBJECTS) throw new Error(`${snapshot.files.size} files`);
    const value = await p50(async () => {
      snapshot = await scan(snapshot);
    });
    const floorMs = await p50(() => statAll(root));
    return {
      name: "search of 10,000 unchanged files, p50",
      value,
      unit: "ms",
      beside: `readdir and stat alone ${floorMs.toFixed(0)} ms; the first search, which reads all, ${coldMs.toFixed(0)} ms`,
      bar: BAR_MS,
      want: "<=",
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function statAll(root: string): Promise<void> {
  for (const folder of await readdir(root)) {
    const files = await readdir(join(root, folder));
    await Promise.all(files.map((file) => stat(join(root, folder, file))));
  }
}

async function p50(work: () => void | Promise<void>): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const startMs = performance.now();
    await work();
    samples.push(performance.now() - startMs);
  }
  return percentile(samples, 0.5);
}

function declaredObjects(model: string): readonly ManifestObject[] {
  return Array.from({ length: OBJECTS }, (_, index) => {
    const spec = {
      description: `Agent number ${index} of the benchmark.`,
      instructions: "Work carefully. Read the files first, then answer.\n".repeat(10),
      model,
      tools: ["files", { name: "kv", as: "cache", config: { namespace: "shared" } }],
      outputSchema: { type: "object", properties: { answer: { type: "string" } } },
      maxIterations: (index % 20) + 1,
      sandbox: { memory: "64MiB", timeout: "30s" },
    };
    const name = `agent-${index}`;
    return {
      kind: "Agent",
      namespace: "default",
      name,
      labels: { team: `team-${index % 7}` },
      annotations: {},
      spec: spec as unknown as ManifestObject["spec"],
      sent: spec,
      source: { file: `/${name}.yaml`, shown: `${name}.yaml`, document: 0, root: "/" },
      specHash: canonicalHash(spec),
    };
  });
}

function liveObject({
  kind,
  namespace,
  name,
  labels,
  annotations,
  spec,
}: ManifestObject): LiveObject {
  const object = { kind, namespace, name, labels, annotations, spec: structuredClone(spec) };
  return { ...object, generation: 1, resourceVersion: 1, origin: { source: "bench" } };
}
