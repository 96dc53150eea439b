/** How fast a large set of manifests is loaded: from nothing, positions and references included; with a cache; after an edit. */
import { execFile } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { loadManifests } from "../manifest/load.ts";
import { createManifestLoader } from "../manifest/loader.ts";
import { type Benchmark, type BenchRow, percentile } from "./benchmark.ts";
import { agentOf, fileOf, SHARED_OBJECTS, writeRepository } from "./repository.ts";

export const benchmark: Benchmark = {
  name: "manifest",
  run: async () => [
    ...(await validateMany(1_000, 1)),
    ...(await validateMany(10_000, 6)),
    ...(await loadAgain(10_000)),
  ],
};

async function validateMany(amount: number, barSeconds: number): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "legion-bench-"));
  try {
    await writeRepository(folder, amount);
    const parseSeconds = await secondsOf(async () => {
      for (let index = 0; index < amount; index += 1)
        parse(await readFile(fileOf(folder, index), "utf8"));
    });
    const seconds = await secondsOf(() => validate(folder, amount));
    const name = amount.toLocaleString("en");
    const beside = `reading and yaml.parse alone ${parseSeconds.toFixed(2)} s, ${(seconds / parseSeconds).toFixed(2)} times as long`;
    const rssMiB = process.memoryUsage.rss() / 2 ** 20;
    return [
      {
        name: `cold validate of ${name} manifests`,
        value: seconds,
        unit: "s",
        beside,
        bar: barSeconds,
        want: "<=",
      },
      {
        name: `RSS after ${name} manifests`,
        value: rssMiB,
        unit: "MiB",
        beside: "the set and the texts are still held",
        bar: 600,
        want: "<=",
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Loads a set again: in another process that finds the cache on disk, and after one edit in a process that goes on. */
async function loadAgain(amount: number): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "legion-bench-"));
  const cacheFolder = await mkdtemp(join(tmpdir(), "legion-bench-cache-"));
  try {
    await writeRepository(folder, amount);
    const loader = createManifestLoader({ cacheFolder });
    const load = (known?: { files: { file: string; digest: string }[] }) =>
      loader.load([folder], { cwd: folder, env: {}, known });
    const coldSeconds = await secondsOf(async () => void (await load()));
    const warmSeconds: number[] = [];
    for (let round = 0; round < PROCESSES; round += 1)
      warmSeconds.push(await inAnotherProcess(folder, cacheFolder));
    const paths = [join(folder, "shared.yaml"), ...range(amount, (index) => fileOf(folder, index))];
    const digests = new Map<string, string>();
    for (const file of paths) digests.set(file, hash("sha256", await readFile(file)));
    const known = () => ({ files: [...digests].map(([file, digest]) => ({ file, digest })) });
    await load(known());
    const samples: number[] = [];
    for (let round = 0; round < EDITS; round += 1) {
      const file = fileOf(folder, round);
      const text = agentOf(round).replace("Work carefully.", "Work with care.");
      await writeFile(file, text);
      digests.set(file, hash("sha256", text));
      const now = known();
      samples.push(1000 * (await secondsOf(async () => void (await load(now)).digest)));
    }
    const name = amount.toLocaleString("en");
    const beside = `without a cache ${coldSeconds.toFixed(2)} s`;
    return [
      {
        name: `${name} manifests, new process, cache on disk, p50`,
        value: percentile(warmSeconds, 0.5),
        unit: "s",
        beside,
        bar: 0.55,
        want: "<=",
      },
      {
        name: `one edit among ${name} manifests, p50`,
        value: percentile(samples, 0.5),
        unit: "ms",
        beside,
        bar: 40,
        want: "<=",
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

const EDITS = 20;
const PROCESSES = 5;

/** How long the load takes in a process that has just begun. */
async function inAnotherProcess(folder: string, cacheFolder: string): Promise<number> {
  const code = `const { createManifestLoader } = await import(${JSON.stringify(new URL("../manifest/loader.ts", import.meta.url).href)});
    const [folder, cacheFolder] = process.argv.slice(1);
    const startMs = performance.now();
    await createManifestLoader({ cacheFolder }).load([folder], { cwd: folder, env: {} });
    process.stdout.write(String((performance.now() - startMs) / 1000));`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    code,
    folder,
    cacheFolder,
  ]);
  return Number(stdout);
}

function range<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

async function validate(folder: string, amount: number): Promise<void> {
  const { objects, diagnostics } = await loadManifests([folder], { cwd: folder, env: {} });
  const expected = amount + SHARED_OBJECTS;
  if (objects.length !== expected || diagnostics.length > 0) {
    throw new Error(`${objects.length} of ${expected} objects, ${diagnostics.length} diagnostics`);
  }
}
