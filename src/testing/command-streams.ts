import { Readable, Writable } from "node:stream";
import { runCommandLine } from "../cli/command-line.ts";

export interface StreamOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Makes stdout and stderr terminals of that width. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  readonly stdin?: string;
  /** Called with all of stdout whenever more of it was written. */
  readonly onOutput?: (stdout: string) => void;
}

export interface Printed {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process against streams of its own. */
export async function runOnStreams(
  argv: readonly string[],
  {
    cwd,
    env = {},
    columns,
    signal = new AbortController().signal,
    stdin = "",
    onOutput,
  }: StreamOptions,
): Promise<Printed> {
  const stdout = collector(columns, onOutput);
  const stderr = collector(columns);
  const exitCode = await runCommandLine(argv, {
    cwd,
    env,
    signal,
    stdin: Readable.from(stdin === "" ? [] : [stdin]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    colorDepth: 1,
  });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function collector(columns: number | undefined, onText: (text: string) => void = () => {}) {
  let written = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk);
      onText(written);
      done();
    },
  });
  if (columns !== undefined) Object.assign(stream, { isTTY: true, columns });
  return { stream, text: () => written };
}
