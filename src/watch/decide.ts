import type { Json } from "../lib/json.ts";
import type { ObjectEventRecord } from "../telemetry/events.ts";
import type { DueAction } from "../trigger/actions.ts";
import type { Outcome } from "../trigger/machine.ts";
import type { SuppressedBy } from "./contract.ts";
import type { ToldFire } from "./message.ts";
import { deliveryId, type Entry, isRecoveryDue, OUTBOX_MAX, type WatcherRecord } from "./record.ts";
import { shownValue } from "./shown-value.ts";

/** Characters of the text of an action that an event shows. */
const EVENT_TEXT_CHARS = 200;

/** What one look brought. */
export interface Seen {
  readonly outcome: Outcome;
  /** The actions of the recovery, where firing ended. */
  readonly recovery: readonly DueAction[];
  /** `value` of the sample, as it is shown; none where it has none. */
  readonly value?: Json;
  /** What the source says is wrong. */
  readonly sourceError?: { readonly code: string; readonly message: string };
  readonly latencyMs: number;
  /** ISO 8601. */
  readonly at: string;
}

/** What a fire stands in. */
export interface Surroundings {
  readonly uid: string;
  readonly name: string;
  readonly condition: string;
  /** Until when what it tells is held back. */
  readonly silencedUntil?: string;
  /** Whether its wakes wait for others, and the delivery that they join where one is open. */
  readonly isGrouped: boolean;
  readonly group: string;
  readonly openDelivery?: string;
}

export type WatcherEvent = Pick<ObjectEventRecord["data"], "severity" | "reason" | "message">;

/** What follows from a look: the record, and the events that tell of it. Entries with `waitsFor` go to their group. */
export interface Decision {
  readonly record: WatcherRecord;
  readonly events: readonly WatcherEvent[];
  /** The entries that are new. */
  readonly entries: readonly Entry[];
}

/** Decides what a look means: counts, gates, silences, what is told, and whether the end of firing is. */
export function afterLook(before: WatcherRecord, seen: Seen, around: Surroundings): Decision {
  const { outcome, at } = seen;
  const began = outcome.turned === "began";
  const looked: WatcherRecord = {
    ...withLook(before, seen),
    ...(began && { episode: before.episode + 1, firingSince: at }),
  };
  const events = [...errorEvents(before, looked)];
  let decision: Decision = { record: looked, events, entries: [] };
  if (outcome.suppressed !== undefined) {
    const { gate, kind } = outcome.suppressed;
    decision = held(decision, gate, `the gate "${gate}" held back a fire (${kind})`);
  }
  if (outcome.fire !== undefined) decision = fired(decision, outcome.fire, seen, around);
  if (outcome.turned === "ended") decision = ended(decision, seen, around);
  return decision;
}

function withLook(before: WatcherRecord, seen: Seen): WatcherRecord {
  const { outcome, at, latencyMs, value, sourceError } = seen;
  const { error: _, value: __, ...rest } = before;
  const error =
    sourceError ??
    (outcome.error === undefined ? undefined : { code: "LEG2701", message: outcome.error });
  return {
    ...rest,
    state: outcome.state,
    since: outcome.state === before.state ? before.since : at,
    polls: before.polls + 1,
    errors: before.errors + (outcome.error === undefined ? 0 : 1),
    ...{ lastPollAt: at, latencyMs },
    ...(value !== undefined && { value }),
    ...(error !== undefined && { error }),
  };
}

/** An event when another thing is wrong than before, or nothing more; numbers in a message change all the time. */
function errorEvents(before: WatcherRecord, after: WatcherRecord): WatcherEvent[] {
  const essence = ({ error }: WatcherRecord) =>
    error && `${error.code} ${error.message.replaceAll(/\d+/g, "0")}`;
  if (essence(before) === essence(after)) return [];
  const { error } = after;
  if (error === undefined)
    return [{ severity: "normal", reason: "LooksAgain", message: "nothing is wrong any more" }];
  const reason = error.code === "LEG2701" ? "ConditionFailed" : "LookFailed";
  return [{ severity: "warning", reason, message: `${error.code}: ${error.message}` }];
}

function held(decision: Decision, by: SuppressedBy, message: string): Decision {
  const { record, events } = decision;
  const suppressed = { ...record.suppressed, [by]: (record.suppressed[by] ?? 0) + 1 };
  return {
    ...decision,
    record: { ...record, suppressed },
    events: [...events, { severity: "normal", reason: "Suppressed", message }],
  };
}

function fired(
  decision: Decision,
  fire: NonNullable<Outcome["fire"]>,
  seen: Seen,
  around: Surroundings,
): Decision {
  const { record } = decision;
  const texts = fire.actions.flatMap(({ text }) =>
    text === undefined ? [] : [shownValue(text, EVENT_TEXT_CHARS)],
  );
  const how = `${fire.kind}${fire.isDeferred ? ", after a window" : ""}`;
  // What is told comes first: lists of events are cut at the width of the terminal.
  const message = [
    ...(texts.length > 0 ? [texts.join("; ")] : []),
    `(${how})`,
    around.condition,
  ].join(" ");
  const after: Decision = {
    ...decision,
    record: {
      ...record,
      fires: record.fires + 1,
      lastFireAt: seen.at,
      firedEpisode: record.episode,
    },
    events: [...decision.events, { severity: "normal", reason: "Fired", message }],
  };
  if (around.silencedUntil !== undefined)
    return held(after, "silenced", `a silence until ${around.silencedUntil} held back a fire`);
  return withEntries(after, fire.actions, around, {
    ...told(record, seen, around),
    kind: fire.kind,
    values: fire.values,
  });
}

/** Firing ended. That is told only when a fire of it was, and never while a silence holds. */
function ended(decision: Decision, seen: Seen, around: Surroundings): Decision {
  const { record } = decision;
  if (record.firedEpisode !== record.episode) return decision;
  const message = `firing since ${record.firingSince ?? seen.at} has ended: ${around.condition}`;
  const after: Decision = {
    ...decision,
    events: [...decision.events, { severity: "normal", reason: "Recovered", message }],
  };
  if (seen.recovery.length === 0 || !isRecoveryDue(record, record.episode)) return after;
  if (around.silencedUntil !== undefined)
    return held(
      after,
      "silenced",
      `a silence until ${around.silencedUntil} held back the recovery`,
    );
  const values: Record<string, Json> = seen.value === undefined ? {} : { value: seen.value };
  return withEntries(
    after,
    seen.recovery,
    { ...around, isGrouped: false },
    { ...told(record, seen, around), kind: "recovery", values },
  );
}

function told(record: WatcherRecord, { at }: Seen, { name, condition }: Surroundings) {
  const since = record.firingSince ?? at;
  return { watcher: name, at, condition, since, count: record.fires + 1 };
}

function withEntries(
  decision: Decision,
  actions: readonly DueAction[],
  around: Surroundings,
  told: ToldFire,
): Decision {
  let { record } = decision;
  const events = [...decision.events];
  const entries: Entry[] = [];
  let joined = around.openDelivery;
  for (const action of actions) {
    if (action.kind === "silent") continue;
    const isEnd = told.kind === "recovery";
    // Of these there are never more than of the fires that they belong to.
    if (!isEnd && record.outbox.length >= OUTBOX_MAX) {
      if (record.isFull === undefined) events.push(tooMuch);
      record = { ...record, isFull: true };
      break;
    }
    const n = record.next;
    const isGrouped = around.isGrouped && action.kind === "wake";
    if (isGrouped) joined ??= deliveryId(around.uid, n);
    const entry: Entry = {
      ...{ n, episode: record.episode, action },
      told: { ...told, ...(action.text !== undefined && { text: action.text }) },
      ...(isGrouped && joined !== undefined && { waitsFor: { group: around.group, id: joined } }),
      ...(isEnd && record.toldEpisode === record.episode && { isDue: true }),
    };
    entries.push(entry);
    const { isFull, ...rest } = record;
    const stays = isEnd && isFull === true;
    record = { ...rest, ...(stays && { isFull }), next: n + 1, outbox: [...record.outbox, entry] };
  }
  return { record, events, entries: [...decision.entries, ...entries] };
}

const tooMuch: WatcherEvent = {
  severity: "warning",
  reason: "DeliveryDropped",
  message: `LEG2704: ${OUTBOX_MAX} deliveries wait already: newer ones are dropped until some are made`,
};
