import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { LegionError } from "../lib/errors.ts";
import type { ObjectSource } from "../manifest/objects.ts";
import { endGroup, watchGroup } from "./process-group.ts";
import { programEnvironment } from "./program-environment.ts";
import { SECRET_BYTES_MAX, withoutLastBreak } from "./secret-file.ts";

const PROGRAM_TIMEOUT_MS = 10_000;
export interface ProgramOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the program; it has ended when the promise rejects. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** Runs a program without a shell in the manifest's folder and returns its standard output without the last line break. Throws LEG5052, or LEG5040 when it was interrupted. */
export async function runSecretProgram(
  source: Pick<ObjectSource, "file">,
  argv: readonly string[],
  field: string,
  { env, signal, timeoutMs = PROGRAM_TIMEOUT_MS }: ProgramOptions,
): Promise<string> {
  const [program = "", ...rest] = argv;
  const cwd = dirname(source.file);
  // Neither the arguments nor what the program wrote: both may hold the secret.
  const subject = `the program "${program}" of ${field}`;
  const failed = (what: string, cause?: unknown) =>
    new LegionError(
      { code: "LEG5052", message: `${subject} ${what}`, hint: `run it by hand in ${cwd}` },
      cause,
    );
  const interrupted = () =>
    new LegionError({
      code: "LEG5040",
      message: `${subject} was interrupted`,
      hint: "run it again",
    });
  if (signal.aborted) throw interrupted();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(program, rest, {
    cwd,
    env: programEnvironment(env, ["LC_ALL"]),
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  watchGroup(child);
  let isGivenUp = false;
  const giveUp = (error: LegionError) => {
    if (isGivenUp) return;
    isGivenUp = true;
    child.stdout.destroy();
    void endGroup(child).then(() => reject(error));
  };
  const interrupt = () => giveUp(interrupted());
  signal.addEventListener("abort", interrupt);
  const timer = setTimeout(() => giveUp(failed(`took longer than ${timeoutMs} ms`)), timeoutMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > SECRET_BYTES_MAX) giveUp(failed("wrote more than 64 KiB"));
    else chunks.push(chunk);
  });
  child.on("error", (cause) => reject(failed("could not be started", cause)));
  child.on("close", (code, by) => {
    if (isGivenUp) return;
    if (code === 0) resolve(withoutLastBreak(Buffer.concat(chunks).toString("utf8")));
    else reject(failed(code === null ? `was ended by ${by}` : `failed with exit code ${code}`));
  });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", interrupt);
  });
}
