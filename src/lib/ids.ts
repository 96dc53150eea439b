import { monotonicFactory } from "ulid";

const next = monotonicFactory();

/** A new ULID: 26 characters that sort by the time they were made, also within a millisecond. */
export function newId(nowMs?: number): string {
  return next(nowMs);
}
