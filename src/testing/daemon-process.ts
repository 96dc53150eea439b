import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** `legion up` in a process of its own. */
export interface DaemonProcess extends AsyncDisposable {
  readonly pid: number;
  /** All that it wrote so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Resolves when its stderr holds the text; rejects when it ends before. */
  says(text: string | RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly exitCode: number | null }>;
}

/** Starts `legion up` with these words in that folder; disposing of it kills what still runs, and so does the end of this process. */
export function startDaemonProcess(
  cwd: string,
  words: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): DaemonProcess {
  const child = spawn(process.execPath, [main, "up", ...words], { cwd, env });
  const killNow = () => void child.kill("SIGKILL");
  const unhook = onceEnding(killNow);
  child.on("close", unhook);
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<{ readonly exitCode: number | null }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode }));
  });
  const says = (text: string | RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const isSaid =
          typeof text === "string" ? output.stderr.includes(text) : text.test(output.stderr);
        if (!isSaid) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      ended.then(() => reject(new Error(`it ended without ${text}: ${output.stderr}`)), reject);
    });
  return {
    pid: child.pid ?? 0,
    output: () => ({ ...output }),
    says,
    kill: (signal) => child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Does something also when this process ends too early: it fails, is forced to exit, or its runner gives up on it. The function that comes back takes that back. */
export function onceEnding(work: () => void): () => void {
  // What was begun last ends first.
  process.prependListener("exit", work);
  // Without it the signal would end the process and nothing would be done.
  if (!process.listeners("SIGTERM").includes(exitNow)) process.once("SIGTERM", exitNow);
  return () => void process.off("exit", work);
}

function exitNow(): void {
  process.exit(143);
}
