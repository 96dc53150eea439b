import type { Logger } from "pino";

export type Log = Pick<Logger, "trace" | "debug" | "info" | "warn" | "error">;

/** Fields that never reach a log, wherever they stand up to two levels deep. */
const secretFields = [
  "apiKey",
  "authorization",
  "Authorization",
  "cookie",
  "password",
  "secret",
  "token",
  "vault",
];

const levels = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof levels)[number];

/** The level that LEGION_LOG names; `fallback` when it names none. */
export function logLevel(env: NodeJS.ProcessEnv, fallback: LogLevel): LogLevel {
  return levels.find((level) => level === env.LEGION_LOG) ?? fallback;
}

/**
 * A pino logger that writes to stderr: JSON lines, or readable lines when stderr is a terminal.
 * `redact` runs over every finished line, for secrets that stand inside texts. Loads pino on first use.
 */
export async function createLog(options: {
  readonly level: LogLevel;
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly redact?: (line: string) => string;
}): Promise<Log> {
  const { pino } = await import("pino");
  const { level, stream, redact = (line) => line } = options;
  const paths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  const write = stream.isTTY === true ? await prettyWriter() : (line: string) => line;
  const destination = { write: (line: string) => void stream.write(write(redact(line))) };
  return pino<never>({ level, redact: { paths, censor: "[redacted]" }, base: null }, destination);
}

async function prettyWriter(): Promise<(line: string) => string> {
  const { prettyFactory } = await import("pino-pretty");
  const pretty = prettyFactory({
    colorize: process.env.NO_COLOR === undefined,
    ignore: "pid,hostname",
    translateTime: "HH:MM:ss.l",
  });
  return (line) => pretty(line);
}
