import type { BaseContext } from "clipanion";

/** Everything that a command takes from its surroundings, so that tests run commands against streams of their own. */
export interface CommandContext extends BaseContext {
  readonly cwd: string;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /**
   * Hands the signals of the process to the command, which then ends by its own exit code; the second SIGINT or SIGTERM still
   * ends the process at once. Absent where there is no process to be signalled: there `signal` stands for SIGTERM.
   */
  readonly takeSignals?: (handler: (signal: ProcessSignal) => void) => void;
}

export type ProcessSignal = "SIGINT" | "SIGTERM" | "SIGHUP";
