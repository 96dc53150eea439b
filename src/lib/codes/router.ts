import type { CodePage } from "../codes.ts";

/** LEG5xxx. */
export const routerCodes = {} as const satisfies Record<string, CodePage>;
