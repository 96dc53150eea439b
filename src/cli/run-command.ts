import { Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { PlaneCommand } from "./plane-command.ts";

/** A command about one run. */
export abstract class RunIdCommand extends PlaneCommand {
  run = Option.String({ required: false, name: "RUN" });

  /** The id that was given, whole or an end of it. Throws LEG7001 without one. */
  protected runId(command: string): string {
    if (this.run !== undefined) return this.run;
    throw new LegionError({
      code: "LEG7001",
      message: `legion runs ${command} needs the id of a run`,
      hint: `legion runs list shows the newest; then: legion runs ${command} RUN`,
    });
  }
}
