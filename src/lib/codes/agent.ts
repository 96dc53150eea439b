import type { CodePage } from "../codes.ts";

/** LEG2xxx. */
export const agentCodes = {} as const satisfies Record<string, CodePage>;
