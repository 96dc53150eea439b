import type { ErrorData } from "../lib/errors.ts";
import type { HostError } from "../sandbox/contract.ts";

/** The error as the guest's code catches it. The example is part of the hint: the model reads both. */
export function hostError({ code, message, hint, example }: ErrorData): HostError {
  return {
    name: "ToolError",
    code,
    message,
    hint: example === undefined ? hint : `${hint}. Example: ${example}`,
  };
}
