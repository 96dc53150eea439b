import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
const main = fileURLToPath(new URL("../main.ts", import.meta.url));

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Called when the process has started, with the way to signal it. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs `legion` from source in a process of its own, as a user's shell would, and waits for its end. */
export function legion(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
  return execute(process.execPath, [main, ...args], options);
}

/** Runs a program with nothing on stdin but what is given, and waits for its end. */
export function execute(
  program: string,
  args: readonly string[],
  options: StartOptions,
): Promise<Finished> {
  const { cwd = repository, env = {}, stdin = "", onStart } = options;
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  onStart?.((signal) => child.kill(signal));
  // A program that ends without reading takes nothing away from the test.
  child.stdin.on("error", () => {}).end(stdin);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}
