import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { ProcessStats } from "./process-list.ts";

export interface PsProcess extends ProcessStats {
  readonly commandLine: string;
}

const PS_TIMEOUT_MS = 5_000;
const PS_BYTES_MAX = 16 * 1024 * 1024;

/** All processes by ps, for systems without /proc. */
export async function psProcesses(): Promise<readonly PsProcess[]> {
  const columns = "pid=,stat=,etime=,time=,rss=,command=";
  const { stdout } = await promisify(execFile)("ps", ["-axww", "-o", columns], {
    env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
    timeout: PS_TIMEOUT_MS,
    maxBuffer: PS_BYTES_MAX,
  });
  return parsePs(stdout, Date.now());
}

const row = /^\s*(\d+)\s+(\S+)\s+([\d:.-]+)\s+([\d:.-]+)\s+(\d+)\s+(.*)$/;

/** Reads rows of pid, state, time since the start, time of the processors, KiB in memory, and command line. */
export function parsePs(text: string, nowMs: number): readonly PsProcess[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, state, elapsed = "", cpu = "", kib, commandLine = ""] = row.exec(line) ?? [];
    if (pid === undefined || state?.startsWith("Z")) return [];
    const uptimeMs = psTimeMs(elapsed);
    // ps tells whole seconds since the start: the moment of the start may come out one off, and a number is not given anew so soon.
    const start = String(Math.round((nowMs - uptimeMs) / 10_000));
    const rssBytes = Number(kib) * 1024;
    return [{ pid: Number(pid), start, uptimeMs, cpuMs: psTimeMs(cpu), rssBytes, commandLine }];
  });
}

/** `[[days-]hours:]minutes:seconds[.hundredths]`. */
function psTimeMs(text: string): number {
  const [time = "", days = "0"] = text.split("-").toReversed();
  const seconds = time.split(":").reduce((total, part) => total * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1000);
}
