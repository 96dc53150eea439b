import type { CodePage } from "../codes.ts";

/** LEG4xxx. */
export const toolCodes = {} as const satisfies Record<string, CodePage>;
