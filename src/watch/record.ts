import type { Json, JsonObject } from "../lib/json.ts";
import type { DueAction } from "../trigger/actions.ts";
import type { WatcherState } from "./contract.ts";
import type { ToldFire } from "./message.ts";

/** Something that a watcher has to tell, or that a group tells for it. */
export interface Entry {
  /** Grows with each entry of the watcher, over restarts. */
  readonly n: number;
  /** Which time of firing it belongs to. */
  readonly episode: number;
  readonly action: DueAction;
  /** The one fire, or the end of firing. */
  readonly told: ToldFire;
  /** The delivery that tells it together with others; what comes behind waits for that one. */
  readonly waitsFor?: { readonly group: string; readonly id: string };
  /** Of a recovery: a fire of its time of firing was told. A later one may be told before it, by a group. */
  readonly isDue?: true;
}

/** What is known of a watcher besides its machine. Everything is JSON: a restart goes on with it. */
export interface WatcherRecord
  extends Omit<
    WatcherState,
    "uid" | "generation" | "state" | "lastFireAt" | "silencedUntil" | "pending"
  > {
  readonly state: Exclude<WatcherState["state"], "suspended">;
  readonly lastFireAt?: string;
  /** Times of firing, counted. */
  readonly episode: number;
  /** When the last one began. */
  readonly firingSince?: string;
  /** The last one that had a fire, and the last one of which a fire was told. */
  readonly firedEpisode: number;
  readonly toldEpisode: number;
  /** The number of the next entry. */
  readonly next: number;
  readonly outbox: readonly Entry[];
  /** Something was dropped since the outbox is full. */
  readonly isFull?: true;
}

/** Entries that wait; a newer one is dropped, but for the recovery of one that waits or was told. */
export const OUTBOX_MAX = 100;

export function newRecord(at: string): WatcherRecord {
  return {
    state: "new",
    since: at,
    ...{ polls: 0, skipped: 0, fires: 0, errors: 0, suppressed: {} },
    ...{ episode: 0, firedEpisode: 0, toldEpisode: 0, next: 1, outbox: [] },
  };
}

/** A record that begins anew with another trigger: what waits to be told is told, and no number comes again. */
export function resetRecord(
  { episode, firedEpisode, toldEpisode, next, outbox }: WatcherRecord,
  at: string,
): WatcherRecord {
  return { ...newRecord(at), episode, firedEpisode, toldEpisode, next, outbox };
}

/** The record that was saved; a new one where there is none. */
export function recordFrom(json: Json | undefined, at: string): WatcherRecord {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return newRecord(at);
  return { ...newRecord(at), ...(json as unknown as WatcherRecord) };
}

export function savedRecord(record: WatcherRecord): JsonObject {
  return record as unknown as JsonObject;
}

/** The stable name of a delivery. */
export function deliveryId(uid: string, n: number): string {
  return `watcher/${uid}/${n}`;
}

/** How the first entry ended. A fire that was told makes its recovery be told. */
export function withoutFirst(record: WatcherRecord, isTold: boolean): WatcherRecord {
  const [first] = record.outbox;
  if (first === undefined) return record;
  const after = withTold(record, first, isTold);
  return { ...after, outbox: after.outbox.slice(1) };
}

/** Takes away entries that a group told, or failed to tell. */
export function withoutGrouped(
  record: WatcherRecord,
  delivery: string,
  isTold: boolean,
): WatcherRecord {
  const isOf = (entry: Entry) => entry.waitsFor?.id === delivery;
  const ended = record.outbox.filter(isOf);
  if (ended.length === 0) return record;
  const after = ended.reduce((before, entry) => withTold(before, entry, isTold), record);
  return { ...after, outbox: after.outbox.filter((entry) => !isOf(entry)) };
}

function withTold(record: WatcherRecord, entry: Entry, isTold: boolean): WatcherRecord {
  if (!isTold || isRecovery(entry)) return record;
  const { episode } = entry;
  return {
    ...record,
    toldEpisode: Math.max(record.toldEpisode, episode),
    outbox: record.outbox.map((each) =>
      isRecovery(each) && each.episode === episode ? { ...each, isDue: true } : each,
    ),
  };
}

export function isRecovery({ told }: Entry): boolean {
  return told.kind === "recovery";
}

/** Whether the end of a time of firing is told: a fire of it was told, or is about to be. */
export function isRecoveryDue({ toldEpisode, outbox }: WatcherRecord, episode: number): boolean {
  return (
    toldEpisode === episode ||
    outbox.some((entry) => entry.episode === episode && !isRecovery(entry))
  );
}
