import type { Crons } from "../cron/contract.ts";
import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { keyOf, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Watchers } from "../watch/contract.ts";
import type { ApiObject } from "./contract.ts";
import type { WatchPlane } from "./watch-contract.ts";

/** Nothing is silent for longer: what nobody wants to hear of for a year is to be deleted. */
export const SILENCE_MS_MAX = 365 * 24 * 60 * 60 * 1_000;
/** Moments of a cron that are told unless more are asked for. */
export const TICKS_TOLD = 20;

export interface WatchPlaneParts {
  readonly watchers: Watchers;
  readonly crons: Crons;
  readonly clock: Pick<Clock, "now">;
  /** The object, once a reconciler has looked at it; LEG6030 when there is none. */
  readonly settled: (key: ResourceKey) => Promise<Resource>;
  /** The object as people see it now. */
  readonly shown: (key: ResourceKey) => Promise<ApiObject>;
  /** Throws when nothing is to be begun any more. */
  readonly refuseWhenDraining: () => void;
}

/** What can be done with watchers and crons that run, over the parts of a daemon. */
export function createWatchPlane(parts: WatchPlaneParts): WatchPlane {
  const { watchers, crons, clock, settled, shown } = parts;
  return {
    async explainTrigger(key) {
      await settled(key);
      const lines = watchers.explain(keyOf(key));
      if (lines === undefined) throw notLooking(key);
      return lines;
    },
    silences: async () => watchers.silences(),
    async silence({ watcher, until, reason, by }) {
      const key = keyOf(await settled(watcher));
      return watchers.silence({
        watcher: key,
        until: checkedUntil(until, clock.now()),
        reason,
        by,
      });
    },
    async unsilence({ id, watcher }) {
      if (id !== undefined) return { removed: await watchers.unsilence(id) };
      if (watcher === undefined) return { removed: false };
      return { removed: await watchers.unsilence(keyOf(await settled(watcher))) };
    },
    async cronTicks(key, limit = TICKS_TOLD) {
      await settled(key);
      return crons.state(keyOf(key)) === undefined ? [] : crons.ticks(keyOf(key), limit);
    },
    async triggerCron(key) {
      parts.refuseWhenDraining();
      await settled(key);
      if (crons.state(keyOf(key)) === undefined) throw notScheduled(key);
      return crons.trigger(keyOf(key));
    },
    async resumeCron(key) {
      await settled(key);
      if (!(await crons.resume(keyOf(key)))) throw notPaused(key);
      return shown(key);
    },
  };
}

/** The moment in the form that is kept. LEG7301 for one that is over, or further away than a silence may last. */
export function checkedUntil(until: string, nowMs: number): string {
  const ms = Date.parse(until);
  const hint = "give a moment within the next 365 days, as 2026-01-31T08:00:00Z, or a duration: 2h";
  const refuse = (message: string) => new LegionError({ code: "LEG7301", message, hint });
  if (Number.isNaN(ms)) throw refuse(`"${until}" is not a moment`);
  const shown = new Date(ms).toISOString();
  if (ms <= nowMs) throw refuse(`the silence would end at ${shown}, which is over`);
  if (ms - nowMs > SILENCE_MS_MAX)
    throw refuse(`the silence would last until ${shown}, which is more than 365 days`);
  return shown;
}

function notLooking({ name }: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG7300",
    message: `the watcher "${name}" does not look yet, so its trigger has no values`,
    hint: `legion describe watcher/${name} tells why`,
  });
}

function notScheduled({ name }: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG7302",
    message: `the cron "${name}" cannot be run: it was not accepted, or something that it names is missing`,
    hint: `legion describe cron/${name} tells why`,
  });
}

function notPaused({ name }: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG7303",
    message: `the cron "${name}" does not pause, so there is nothing to resume`,
    hint: `legion describe cron/${name} tells how it stands; spec.suspend is changed by applying its manifest`,
  });
}
