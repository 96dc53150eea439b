import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { parseDuration } from "../lib/quantities.ts";

/** Where events are to begin: after that of an id, or not before a time. */
export interface Since {
  readonly id?: string;
  /** Wall time, milliseconds since 1970; 0 for all. */
  readonly afterMs: number;
}

/** Reads --since: a duration, or the id of an event. Throws LEG7001. */
export function sinceFlag(text: string | undefined): Since {
  if (text === undefined) return { afterMs: 0 };
  const ms = parseDuration(text);
  if (ms !== undefined) return { afterMs: systemClock.now() - ms };
  if (/^[0-9A-HJKMNP-TV-Z]{26}$/.test(text)) return { id: text, afterMs: 0 };
  throw new LegionError({
    code: "LEG7001",
    message: `--since does not take "${text}"`,
    hint: "write a duration such as 10m, or the id of an event",
  });
}
