import type { CodePage } from "../codes.ts";

/** LEG3xxx. */
export const sandboxCodes = {} as const satisfies Record<string, CodePage>;
