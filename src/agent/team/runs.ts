import type { Clock } from "../../lib/clock.ts";
import { type ErrorData, errorData, LegionError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { Timers } from "../../manifest/watch/timers.ts";
import { noUsage } from "../../router/contract.ts";
import type { CancelReason, TurnResult } from "../contract.ts";
import type { Session } from "../session.ts";
import type { RunChild, TeamAgent } from "./contract.ts";
import { limitError, parentEnded, stoppedByParent } from "./errors.ts";
import type { TeamMeter } from "./meter.ts";
import { brokenLimit, chainOf, createSeat, type Member } from "./seats.ts";

/** How long a sub-agent that is stopped may take to end; then it is left as cancelled. */
export const STOP_MS_MAX = 2_000;

export interface ChildRunsOptions {
  /** The turn whose agents these are. */
  readonly member: Member;
  readonly run: string;
  readonly meter: TeamMeter;
  readonly runChild: RunChild;
  /** Puts the end of a run on record that did not end when it was told to; its own end is too late then. */
  readonly abandon?: (key: string, result: TurnResult) => Promise<void>;
  readonly timers: Timers;
  readonly clock: Clock;
}

/** What one run of a sub-agent is begun with. */
export interface NewChild {
  readonly agent: TeamAgent;
  readonly task: string;
  readonly key: string;
  readonly conversation?: string;
  readonly session?: Session;
  readonly vault?: JsonObject;
}

/** A run of a sub-agent. */
export interface ChildRun {
  readonly key: string;
  /** It never rejects: a turn that could not begin is a cancel. */
  readonly result: Promise<TurnResult>;
  /** Ends the run, those below it first; resolves when they have ended, or their time for that is over. */
  stop(reason: unknown): Promise<void>;
}

/** The runs that one turn has started. */
export interface ChildRuns {
  /** Begins a run, or gives the one of that key. Throws LEG2091, LEG2092 where a limit says no, LEG2094 when the turn ends. */
  begin(child: NewChild): ChildRun;
  /** Ends all of them, the last one first, and begins no more. */
  close(reason: unknown): Promise<void>;
  readonly isClosing: boolean;
}

/** Runs sub-agents within the limits of their turn and of those above it. */
export function createChildRuns(options: ChildRunsOptions): ChildRuns {
  const { member, run } = options;
  const running = new Map<string, ChildRun>();
  let isClosing = false;
  return {
    begin(child) {
      const known = running.get(child.key);
      if (known !== undefined) return known;
      if (isClosing) throw parentEnded(member.agent, run);
      const broken = brokenLimit(member);
      if (broken !== undefined) throw limitError(broken);
      for (const each of chainOf(member)) each.runs += 1;
      const begun = beginRun(child, options);
      running.set(child.key, begun);
      begun.result.then(() => running.delete(child.key));
      return begun;
    },
    async close(reason) {
      isClosing = true;
      // Each stop takes its run off the map when it has ended.
      for (const child of [...running.values()].reverse()) await child.stop(reason);
    },
    get isClosing() {
      return isClosing;
    },
  };
}

function beginRun(child: NewChild, options: ChildRunsOptions): ChildRun {
  const { member, meter, clock, timers, abandon } = options;
  const controller = new AbortController();
  const { signal } = controller;
  const seat = createSeat(member);
  const run = newId(clock.now());
  const ended = Promise.withResolvers<TurnResult>();
  const asCancelled = (reason: CancelReason, error: ErrorData) =>
    cancelled(child, run, reason, error);

  async function live(): Promise<TurnResult> {
    if (!(await seat.take(signal))) return asCancelled("interrupted", dataOf(signal.reason));
    try {
      const parent = { run: options.run, seat, meter };
      return await options.runChild({ ...child, run, parent, signal });
    } catch (error) {
      return asCancelled("terminated", errorData(error));
    } finally {
      seat.leave();
    }
  }

  async function end(reason: unknown): Promise<void> {
    await seat.closeTeam?.(reason);
    controller.abort(reason);
    const late = Promise.withResolvers<"late">();
    const cancelTimer = timers.after(STOP_MS_MAX, () => late.resolve("late"));
    const first = await Promise.race([ended.promise, late.promise]);
    cancelTimer();
    if (first !== "late") return;
    const result = asCancelled("interrupted", dataOf(reason));
    ended.resolve(result);
    // A process that ends leaves its runs to the next one.
    if (!isShutdown(reason)) await abandon?.(child.key, result).catch(() => {});
  }

  let ending: Promise<void> | undefined;
  const stop = (reason: unknown) => {
    ending ??= end(reason);
    return ending;
  };
  seat.stop = stop;
  live().then(ended.resolve);
  return { key: child.key, result: ended.promise, stop };
}

/** Whether a turn ends because its process does: the next one goes on with it. */
export function isShutdown(reason: unknown): boolean {
  return reason instanceof LegionError && reason.code === "LEG2033";
}

function dataOf(reason: unknown): ErrorData {
  return (reason instanceof LegionError ? reason : stoppedByParent()).toJSON();
}

/** The result of a run that has done nothing, or whose figures nobody knows. */
function cancelled(
  { agent }: NewChild,
  run: string,
  reason: CancelReason,
  error: ErrorData,
): TurnResult {
  const { name, spec } = agent.object;
  const figures = { iterations: 0, evaluations: 0, retries: 0, toolCalls: 0, durationMs: 0 };
  const asked = { agent: name, run, model: spec.model, usage: noUsage };
  return { status: "cancel", reason, error, ...asked, ...figures };
}
