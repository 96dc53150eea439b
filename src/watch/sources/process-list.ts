import { open, readdir, readFile } from "node:fs/promises";
import { uptime } from "node:os";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { psProcesses } from "./process-ps.ts";

/** The processes of this machine. One list is shared by all who ask within a moment. */
export interface ProcessList {
  /** The command line of each process; the name in brackets for one that has none. */
  commandLines(): Promise<ReadonlyMap<number, string>>;
  /** Of those processes that are there; one that has ended and was not buried yet is not. */
  stats(pids: readonly number[]): Promise<readonly ProcessStats[]>;
}

export interface ProcessStats {
  readonly pid: number;
  /** Another process of the same number has another one. */
  readonly start: string;
  readonly uptimeMs: number;
  /** Of all processors together, since it started. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** For how long a list is shared. */
const SHARED_MS = 250;
/** Processes that are looked at; there is no more on a machine that works. */
const PROCESSES_MAX = 20_000;
/** Bytes of a command line that are matched. */
const COMMAND_BYTES_MAX = 4096;
/** Files that are read at once: others need the threads for files, too. */
const PARALLEL = 2;

/** The processes as this system tells them: by /proc where there is one, else by ps. */
export function createProcessList(clock: Clock, platform: string = process.platform): ProcessList {
  if (platform === "linux")
    return { commandLines: shared(clock, procCommandLines), stats: procStats };
  const list = shared(clock, psProcesses);
  return {
    async commandLines() {
      return new Map((await list()).map(({ pid, commandLine }) => [pid, commandLine]));
    },
    async stats(pids) {
      return (await list()).filter(({ pid }) => pids.includes(pid));
    },
  };
}

/** That of this process. */
export const systemProcesses: ProcessList = createProcessList(systemClock);

function shared<T>(clock: Clock, take: () => Promise<T>): () => Promise<T> {
  let last: { readonly atMs: number; readonly taken: Promise<T> } | undefined;
  return () => {
    const nowMs = clock.monotonic();
    if (last === undefined || nowMs - last.atMs >= SHARED_MS) last = { atMs: nowMs, taken: take() };
    return last.taken;
  };
}

async function procCommandLines(): Promise<ReadonlyMap<number, string>> {
  const names = await readdir("/proc");
  const pids = names.filter((name) => /^\d+$/.test(name)).slice(0, PROCESSES_MAX);
  const lines = new Map<number, string>();
  const next = pids.values();
  // Each takes the next one, until none is left.
  const reader = async () => {
    for (const pid of next) {
      const line = await commandLineOf(pid);
      if (line !== undefined) lines.set(Number(pid), line);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, reader));
  return lines;
}

async function commandLineOf(pid: string): Promise<string | undefined> {
  try {
    const bytes = await beginningOf(`/proc/${pid}/cmdline`);
    const line = bytes.toString("utf8").replaceAll("\0", " ").trim();
    return line === "" ? `[${(await readFile(`/proc/${pid}/comm`, "utf8")).trim()}]` : line;
  } catch {
    // It has ended meanwhile, or is closed to this user.
    return undefined;
  }
}

async function beginningOf(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const buffer = Buffer.alloc(COMMAND_BYTES_MAX);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function procStats(pids: readonly number[]): Promise<readonly ProcessStats[]> {
  const units = await systemUnits();
  const stats: ProcessStats[] = [];
  for (const pid of pids) {
    const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
    const parsed = line === undefined ? undefined : parseProcStat(line, units, uptime() * 1000);
    if (parsed !== undefined) stats.push({ pid, ...parsed });
  }
  return stats;
}

export interface SystemUnits {
  readonly pageBytes: number;
  readonly ticksPerSecond: number;
}

/** Reads a line of /proc/PID/stat; undefined for a process that has ended. The name in brackets may hold anything, also brackets. */
export function parseProcStat(
  line: string,
  { pageBytes, ticksPerSecond }: SystemUnits,
  systemUptimeMs: number,
): Omit<ProcessStats, "pid"> | undefined {
  // The third field of the line, as in proc(5), is the first one here.
  const fields = line
    .slice(line.lastIndexOf(")") + 1)
    .trim()
    .split(/\s+/);
  const [state = "X", start = ""] = [fields[0], fields[19]];
  if (/[ZXx]/.test(state) || start === "") return undefined;
  const ms = (ticks: number) => (ticks * 1000) / ticksPerSecond;
  return {
    start,
    uptimeMs: Math.max(0, Math.round(systemUptimeMs - ms(Number(start)))),
    cpuMs: ms(Number(fields[11]) + Number(fields[12])),
    rssBytes: Number(fields[21]) * pageBytes,
  };
}

let units: SystemUnits | undefined;

/** What the kernel counts in, as it tells every program at its start. */
async function systemUnits(): Promise<SystemUnits> {
  if (units !== undefined) return units;
  const vector = await readFile("/proc/self/auxv").catch(() => Buffer.alloc(0));
  const values = new Map<bigint, bigint>();
  for (let at = 0; at + 16 <= vector.length; at += 16)
    values.set(vector.readBigUInt64LE(at), vector.readBigUInt64LE(at + 8));
  const [AT_PAGESZ, AT_CLKTCK] = [6n, 17n];
  units = {
    pageBytes: Number(values.get(AT_PAGESZ) ?? 4096n),
    ticksPerSecond: Number(values.get(AT_CLKTCK) ?? 100n),
  };
  return units;
}
