import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { sizeBytes } from "../../lib/quantities.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { endGroup, watchGroup } from "../../security/process-group.ts";
import { programEnvironment } from "../../security/program-environment.ts";
import { withoutLastBreak } from "../../security/secret-file.ts";
import type { Sample } from "../../trigger/samples.ts";
import {
  BYTES_MAX_DEFAULT,
  jsonOf,
  type Looker,
  LookFault,
  type SourceDeps,
  textOf,
} from "./look.ts";

/** For how long output is waited for that somebody else holds open after the program has ended. */
const DRAIN_MS = 200;

/**
 * What a program prints and ends with, run without a shell in the folder of the manifest. `ok` says that it ended by itself, whatever
 * `exit` says. `stdout` and `stderr` come without their last line break; what it has started and left behind is ended. `value` is the
 * exit code.
 */
export async function command(
  { spec, source }: ManifestObject<"Watcher">,
  { env, clock }: SourceDeps,
): Promise<Looker> {
  const [program = "", ...rest] = spec.command ?? [];
  const maxBytes = spec.maxBytes === undefined ? BYTES_MAX_DEFAULT : sizeBytes(spec.maxBytes);
  const start = () =>
    spawn(program, rest, {
      cwd: path.dirname(source.file),
      env: programEnvironment(env, ["LC_ALL", ...(spec.env ?? [])]),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  return {
    endsItself: true,
    async look(signal) {
      const startedMs = clock.monotonic();
      const child = started(start, program);
      const outputs = {
        stdout: captured(child.stdout, maxBytes),
        stderr: captured(child.stderr, maxBytes),
      };
      const timedOut = await ended(child, program, signal);
      const found = {
        ...rootsOf(child, outputs),
        duration: clock.monotonic() - startedMs,
        timedOut,
      };
      if (timedOut) throw new LookFault("timeout", `"${program}" did not end in time`, found);
      return { ...found, value: child.exitCode ?? undefined };
    },
  };
}

/** Something that cannot be an argument throws at once; a program that is not there is told later. */
function started(start: () => ChildProcess, program: string): ChildProcess {
  try {
    const child = start();
    watchGroup(child);
    return child;
  } catch (error) {
    throw new LookFault("spawn", `"${program}" could not be started`, {}, error);
  }
}

/** Waits until a program has ended, with all that it has started in its group; true when the signal had to end it. */
async function ended(child: ChildProcess, program: string, signal: AbortSignal): Promise<boolean> {
  const exit = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  child.once("exit", () => exit.resolve());
  child.once("close", () => closed.resolve());
  child.once("error", (cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === "ENOENT" ? ": there is no such program or folder" : ` (${cause.code})`;
    exit.reject(new LookFault("spawn", `"${program}" could not be started${why}`, {}, cause));
  });
  let timedOut = false;
  const abort = () => {
    timedOut = true;
    void endGroup(child).then(() => exit.resolve());
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    await exit.promise;
  } finally {
    signal.removeEventListener("abort", abort);
  }
  await endGroup(child);
  // One that has left the group may hold the output open for ever.
  const drained = new AbortController();
  await Promise.race([
    closed.promise,
    wait(DRAIN_MS, undefined, { signal: drained.signal }).catch(() => {}),
  ]);
  drained.abort();
  child.stdout?.destroy();
  child.stderr?.destroy();
  return timedOut;
}

interface Output {
  readonly bytes: () => Uint8Array;
  readonly isCut: () => boolean;
}

/** Keeps the first bytes and reads the rest all the same, so that the program does not wait for a reader. */
function captured(stream: Readable | null, maxBytes: number): Output {
  const chunks: Buffer[] = [];
  let kept = 0;
  let isCut = false;
  stream?.on("data", (chunk: Buffer) => {
    const part = chunk.subarray(0, maxBytes - kept);
    isCut ||= part.length < chunk.length;
    if (part.length === 0) return;
    kept += part.length;
    chunks.push(part);
  });
  stream?.on("error", () => {});
  return { bytes: () => Buffer.concat(chunks), isCut: () => isCut };
}

function rootsOf(
  { exitCode, signalCode }: ChildProcess,
  outputs: { readonly stdout: Output; readonly stderr: Output },
): Sample {
  const stdout = withoutLastBreak(textOf(outputs.stdout.bytes(), outputs.stdout.isCut()));
  return {
    exit: exitCode ?? undefined,
    signal: signalCode ?? undefined,
    stdout,
    stderr: withoutLastBreak(textOf(outputs.stderr.bytes(), outputs.stderr.isCut())),
    json: outputs.stdout.isCut() ? undefined : jsonOf(stdout),
  };
}
