import path from "node:path";
import { LegionError, messageOf } from "../../lib/errors.ts";
import { type LinearPattern, linearPattern } from "../../lib/patterns.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { openFile, readBytes } from "./file-open.ts";
import { type Looker, LookFault, type SourceDeps } from "./look.ts";
import { type ProcessList, type ProcessStats, systemProcesses } from "./process-list.ts";

/** Bytes of a pidFile that are read. */
const PID_BYTES_MAX = 64;

/** What a process had used at the look before. */
interface Used {
  readonly cpuMs: number;
  readonly atMs: number;
}

/**
 * Processes of this machine: those whose command line matches, or the one whose number stands in a file. `count` of them, `rss` and `cpu`
 * of all together (percent of one processor since the look before; since it started, for one that is new), `pid` and `uptime` of the
 * oldest. `value` is the count.
 */
export async function processWatch(
  { spec, source }: ManifestObject<"Watcher">,
  deps: SourceDeps,
): Promise<Looker> {
  const { clock, processes = systemProcesses } = deps;
  const folder = path.dirname(source.file);
  const find =
    spec.match === undefined
      ? () => pidIn(folder, spec.pidFile ?? "", deps)
      : matching(spec.match, processes);
  let before = new Map<string, Used>();
  return {
    async look(signal) {
      const found = await processes.stats(await find());
      signal.throwIfAborted();
      const atMs = clock.monotonic();
      const cpu = found.reduce((sum, each) => sum + percentOf(each, atMs, before), 0);
      before = new Map(found.map((each) => [keyOf(each), { cpuMs: each.cpuMs, atMs }]));
      const count = found.length;
      const oldest = found.toSorted((a, b) => b.uptimeMs - a.uptimeMs || a.pid - b.pid)[0];
      if (oldest === undefined) return { running: false, count, value: count };
      return {
        ...{ running: true, count, value: count, pid: oldest.pid, uptime: oldest.uptimeMs },
        cpu: Math.round(cpu * 10) / 10,
        rss: found.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
      };
    },
  };
}

/** Command lines are matched when they are new: a pattern that takes linear time is slow all the same, and most processes stay. */
function matching(source: string, processes: ProcessList): () => Promise<readonly number[]> {
  const pattern = patternOf(source);
  let known = new Map<string, boolean>();
  return async () => {
    const lines = await processes.commandLines();
    const now = new Map<string, boolean>();
    const pids = [...lines].flatMap(([pid, line]) => {
      const isMatch = now.get(line) ?? known.get(line) ?? pattern.test(line);
      now.set(line, isMatch);
      return isMatch ? [pid] : [];
    });
    known = now;
    return pids;
  };
}

function patternOf(source: string): LinearPattern {
  try {
    return linearPattern(source);
  } catch (cause) {
    throw new LegionError(
      {
        code: "LEG2755",
        message: `spec.match is no regular expression that can be used: ${messageOf(cause)}`,
        hint: "correct it; look-ahead, look-behind and back references are not part of RE2",
      },
      cause,
    );
  }
}

/** No process where there is no such file: it has not been started, or has ended well. */
async function pidIn(
  folder: string,
  pidFile: string,
  deps: Pick<SourceDeps, "stateFolder" | "secretFiles">,
): Promise<readonly number[]> {
  const opened = await openFile(path.resolve(folder, pidFile), pidFile, deps);
  if (opened === undefined) return [];
  try {
    const text = (await readBytes(opened.handle, 0, PID_BYTES_MAX)).toString("latin1");
    const [, pid] = /^\s*([1-9]\d{0,9})\s*$/.exec(text) ?? [];
    if (pid === undefined) throw new LookFault("bad_pid", `"${pidFile}" holds no process number`);
    return [Number(pid)];
  } finally {
    await opened.handle.close();
  }
}

function keyOf({ pid, start }: ProcessStats): string {
  return `${pid} ${start}`;
}

function percentOf(stats: ProcessStats, atMs: number, before: ReadonlyMap<string, Used>): number {
  const last = before.get(keyOf(stats)) ?? { cpuMs: 0, atMs: atMs - stats.uptimeMs };
  const elapsedMs = atMs - last.atMs;
  return elapsedMs <= 0 ? 0 : (Math.max(0, stats.cpuMs - last.cpuMs) / elapsedMs) * 100;
}
