import { lazily } from "../lib/lazily.ts";

/**
 * The one way in for other folders: the parser costs 16 ms and some megabytes, which nobody pays who has no trigger. What it
 * gives is synchronous. Types are imported from the files themselves.
 */
export const triggerLanguage = lazily(() => import("./trigger.ts"));
