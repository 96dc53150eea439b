import type { BaseContext } from "clipanion";

/** Everything that a command takes from its surroundings, so that tests run commands against streams of their own. */
export interface CommandContext extends BaseContext {
  readonly cwd: string;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}
