import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** How long a program may take to end after each of the two signals. */
const GRACE_MS = 500;

/** The programs that run now; each leads a process group of its own (`detached`). */
const running = new Set<ChildProcess>();

/** Remembers a program while it runs, so that it does not outlive this process however that ends. */
export function watchGroup(child: ChildProcess): void {
  if (running.size === 0) process.on("exit", killAll);
  running.add(child);
  const forget = () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killAll);
  };
  child.once("exit", forget).once("error", forget);
}

/** Ends a program and whatever it has started: asked first, then killed. Settles when it has ended, and soon also when it cannot be ended. */
export async function endGroup(child: ChildProcess): Promise<void> {
  const ended = hasEnded(child) ? undefined : once(child, "exit").catch(() => undefined);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    signalGroup(child, signal);
    // Unreferenced: the program itself keeps the event loop alive.
    if (!hasEnded(child)) await Promise.race([ended, wait(GRACE_MS, undefined, { ref: false })]);
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function killAll(): void {
  for (const child of running) signalGroup(child, "SIGKILL");
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch {
    // It has ended already.
  }
}
