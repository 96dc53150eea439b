import type { CodePage } from "../codes.ts";

/** LEG6xxx. */
export const stateCodes = {} as const satisfies Record<string, CodePage>;
