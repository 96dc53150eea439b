import assert from "node:assert/strict";
import { LegionError } from "../lib/errors.ts";
import { byteLength } from "../lib/text.ts";
import {
  MAIN_LANE,
  MESSAGE_BYTES_MAX,
  MESSAGES_PER_AGENT_MAX,
  type NewMessage,
  type Put,
} from "./inbox.ts";
import type { InboxTables } from "./inbox-over-tables.ts";
import { startedBy } from "./tick-rows.ts";
import type { TickClaim } from "./ticks.ts";

/** A delivery that nobody has begun. */
export const FRESH = { attempts: 0, isBegun: false } as const;

/** Keeps a message that is not known yet, with the tick that it may have; inside a transaction. */
export function keep(tables: InboxTables, { tick, ...message }: NewMessage, nowMs: number): Put {
  const queued = tables.count(message.uid);
  const known = tables.known(message);
  const isTaken = tick !== undefined && !takeTick(tables, tick, known ?? message.id, nowMs);
  if (known !== undefined) {
    // The tick of a message that is there was taken with it.
    if (isTaken && tables.ticks?.tick(tick.uid, tick.atMs)?.message !== known)
      return { queued, isTaken };
    tables.countDuplicate(known);
    return { queued, duplicateOf: known };
  }
  if (isTaken) return { queued, isTaken };
  if (queued >= MESSAGES_PER_AGENT_MAX) throw inboxFull();
  const { conversation = MAIN_LANE, ...rest } = message;
  const first = { ...FRESH, delivery: 1, notBeforeMs: 0, duplicates: 0 };
  tables.insert({ ...rest, conversation, at: isoTime(nowMs), ...first });
  return { queued: queued + 1 };
}

function takeTick({ ticks }: InboxTables, claim: TickClaim, message: string, nowMs: number) {
  assert(ticks, "an inbox in memory takes no ticks");
  return ticks.take(startedBy(claim, message), nowMs);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function checkSize({ task }: NewMessage): void {
  const bytes = byteLength(task);
  if (bytes <= MESSAGE_BYTES_MAX) return;
  throw new LegionError({
    code: "LEG6040",
    message: `the message takes ${bytes} bytes, more than ${MESSAGE_BYTES_MAX}`,
    hint: "write the data to a file that the agent can read, and name the file in the message",
  });
}

export function inboxFull(): LegionError {
  return new LegionError({
    code: "LEG6042",
    message: `${MESSAGES_PER_AGENT_MAX} messages of the agent wait for an answer already`,
    hint: "wait until it has answered some of them, then send the message again",
  });
}
