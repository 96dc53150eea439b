import type { CodePage } from "../codes.ts";

/** LEG1xxx: manifests. */
export const manifestCodes = {
  LEG1090: {
    title: "not a valid JSON Schema",
    why: "A schema in a manifest (outputSchema, parameters, returns) is not a valid JSON Schema of draft 2020-12.",
    fix: "Correct the keyword that the message names.",
  },
} as const satisfies Record<string, CodePage>;
