import type { CommandClass } from "clipanion";
import type { CommandContext } from "./context.ts";

/** A command as it is found and listed: its class, with all that it needs, is loaded when it is asked for. */
export interface CommandEntry {
  /** The words that call it: `rollout status`. */
  readonly name: string;
  /** The same as in its class. */
  readonly description: string;
  readonly load: () => Promise<CommandClass<CommandContext>>;
}
