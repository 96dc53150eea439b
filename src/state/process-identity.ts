import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";

/** Who a process is, for people (pid, host, start, command) and for telling whether it still lives. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly command: string;
  /** One boot of one kernel and one space of process ids in it: only there does the pid mean something. Absent where the system does not tell. */
  readonly pidSpace?: string;
  /** When the process started, in ticks since the boot: another one with the same pid has another value. */
  readonly startTicks?: string;
}

/** `stopped`: it is there, but was told to stand still. `unknown`: nothing can be said from here. */
export type Liveness = "alive" | "stopped" | "dead" | "unknown";

/** The identity of this process. */
export async function ownIdentity(command: string, nowMs: number): Promise<ProcessIdentity> {
  const pidSpace = await readPidSpace();
  const startTicks = (await readStat("self"))?.startTicks;
  return {
    pid: process.pid,
    host: hostname(),
    startedAt: new Date(nowMs - process.uptime() * 1000).toISOString(),
    command,
    ...(pidSpace !== undefined && { pidSpace }),
    ...(startTicks !== undefined && { startTicks }),
  };
}

/** Whether a process lives, as far as it can be told from here. */
export async function livenessOf(other: ProcessIdentity): Promise<Liveness> {
  const pidSpace = await readPidSpace();
  if (pidSpace === undefined || pidSpace !== other.pidSpace) return "unknown";
  const stat = await readStat(other.pid);
  return livenessFrom(stat, other.startTicks);
}

export interface ProcessStat {
  /** One letter, as in proc(5). */
  readonly state: string;
  readonly startTicks: string;
}

/** The part that decides: what the system says of the pid now against when the process had started. */
export function livenessFrom(stat: ProcessStat | undefined, startTicks?: string): Liveness {
  if (stat === undefined || stat.startTicks !== startTicks) return "dead";
  // Z and X are dead, and only their parent has not asked yet; T and t stand still.
  if (/[ZXx]/.test(stat.state)) return "dead";
  return /[Tt]/.test(stat.state) ? "stopped" : "alive";
}

/** Reads a line of /proc/PID/stat. The name in brackets may hold anything, also spaces and brackets. */
export function parseStat(line: string): ProcessStat | undefined {
  const fields = line
    .slice(line.lastIndexOf(")") + 1)
    .trim()
    .split(/\s+/);
  // The third field of the line is the first one here; the start is the 22nd.
  const [state, startTicks] = [fields[0], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
}

async function readStat(pid: number | "self"): Promise<ProcessStat | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return line === undefined ? undefined : parseStat(line);
}

async function readPidSpace(): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}
