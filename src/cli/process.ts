import { messageOf } from "../lib/errors.ts";
import { runCommandLine } from "./command-line.ts";
import type { ProcessSignal } from "./context.ts";

/** The exit code that a shell expects of a process that a signal ended. */
const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs the command line against the real process: streams, signals, exit code. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  let signalled: keyof typeof signalExitCodes | undefined;
  let taker: ((signal: ProcessSignal) => void) | undefined;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // The second signal does not wait for anything.
      if (signalled !== undefined) process.exit(signalExitCodes[signal]);
      signalled = signal;
      if (taker === undefined) interrupt.abort(new Error(signal));
      else taker(signal);
    });
  }
  process.removeAllListeners("warning").on("warning", warn);
  // A tool of the manifests may leave a promise behind; that is told and ends nothing.
  process.on("unhandledRejection", (reason) => {
    process.stderr.write(
      `warning: a promise that nobody waited for failed: ${messageOf(reason)}\n`,
    );
  });
  process.stdout.on("error", endOnLostOutput);
  // Without stderr there is nobody to tell; the answer on stdout is what counts.
  process.stderr.on("error", () => {});
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
    takeSignals: (handler) => {
      taker = handler;
      process.on("SIGHUP", handler);
    },
  });
  for (const stream of [process.stdout, process.stderr]) await written(stream);
  // The command is over, whatever a tool of the manifests has left running.
  const ending = taker === undefined ? signalled : undefined;
  process.exit(ending === undefined ? exitCode : signalExitCodes[ending]);
}

/** Settles when all that was written is out, or cannot be. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}

/** Node's notes on which of its features are experimental are for us; other warnings stay. */
function warn(warning: Error): void {
  if (warning.name !== "ExperimentalWarning") {
    process.stderr.write(`${warning.name}: ${warning.message}\n`);
  }
}

/** A reader that has gone (`| head -1`) changes nothing: the command ends with the code that it has. A full disk is a failure. */
function endOnLostOutput({ code, message }: NodeJS.ErrnoException): void {
  if (code === "EPIPE") return;
  process.stderr.write(
    `error[LEG7006]: the output could not be written: ${message}\n  next: make room, or write it somewhere else\n`,
  );
  process.exit(1);
}
