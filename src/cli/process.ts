import { runCommandLine } from "./command-line.ts";

/** The exit code that a shell expects of a process that a signal ended. */
const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs the command line against the real process: streams, signals, exit code. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  let signalled: keyof typeof signalExitCodes | undefined;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // The second signal does not wait for anything.
      if (signalled !== undefined) process.exit(signalExitCodes[signal]);
      signalled = signal;
      interrupt.abort(new Error(signal));
    });
  }
  process.removeAllListeners("warning").on("warning", warn);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", endOnClosedPipe);
  // A process whose event loop runs dry before the command has ended did not succeed.
  process.exitCode = 1;
  const exitCode = await runCommandLine(argv, {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    colorDepth: process.stdout.getColorDepth?.() ?? 1,
    signal: interrupt.signal,
  });
  process.exitCode = signalled === undefined ? exitCode : signalExitCodes[signalled];
}

/** Node's notes on which of its features are experimental are for us; other warnings stay. */
function warn(warning: Error): void {
  if (warning.name !== "ExperimentalWarning")
    process.stderr.write(`${warning.name}: ${warning.message}\n`);
}

/** The reader has gone (`| head -1`): there is nobody to write to, and that is no failure. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}
