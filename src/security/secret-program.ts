import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { LegionError } from "../lib/errors.ts";
import type { ObjectSource } from "../manifest/objects.ts";
import { SECRET_BYTES_MAX, withoutLastBreak } from "./secret-file.ts";

const PROGRAM_TIMEOUT_MS = 10_000;
/** The only variables that the program gets; keys of other providers are not among them. */
const passedVariables = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "XDG_RUNTIME_DIR",
  "SYSTEMROOT",
] as const;

export interface ProgramOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
}

/** Runs a program without a shell in the manifest's folder and returns its standard output without the last line break. Throws LEG5052. */
export async function runSecretProgram(
  source: Pick<ObjectSource, "file">,
  argv: readonly string[],
  field: string,
  { env, timeoutMs = PROGRAM_TIMEOUT_MS }: ProgramOptions,
): Promise<string> {
  const [program = "", ...rest] = argv;
  const failed = (what: string, cause?: unknown) =>
    // Neither the arguments nor what the program wrote: both may hold the secret.
    new LegionError(
      {
        code: "LEG5052",
        message: `the program "${program}" of ${field} ${what}`,
        hint: `run it by hand in ${dirname(source.file)}`,
      },
      cause,
    );
  const scrubbed = Object.fromEntries(
    passedVariables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(program, rest, {
    cwd: dirname(source.file),
    env: scrubbed,
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const giveUp = (what: string) => {
    killGroup(child.pid);
    child.stdout.destroy();
    reject(failed(what));
  };
  const timer = setTimeout(() => giveUp(`took longer than ${timeoutMs} ms`), timeoutMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > SECRET_BYTES_MAX) giveUp("wrote more than 64 KiB");
    else chunks.push(chunk);
  });
  child.on("error", (cause) => reject(failed("could not be started", cause)));
  child.on("close", (code, signal) => {
    if (code === 0) resolve(withoutLastBreak(Buffer.concat(chunks).toString("utf8")));
    else reject(failed(code === null ? `was ended by ${signal}` : `failed with exit code ${code}`));
  });
  return promise.finally(() => clearTimeout(timer));
}

/** Ends the program and whatever it has started. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
