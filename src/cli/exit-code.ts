import { errorData } from "../lib/errors.ts";
import type { CommandContext } from "./context.ts";
import { renderError } from "./error-text.ts";

/** Runs a command whose exit codes have a meaning of their own: every error is told as always, and ends it with that one code. */
export async function reported(
  { stderr }: CommandContext,
  exitCode: number,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    stderr.write(renderError(errorData(error), stderr));
    return exitCode;
  }
}
