import type { Clock } from "../lib/clock.ts";
import { isObject, type JsonObject } from "../lib/json.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import type { Machine } from "../trigger/machine.ts";
import { shiftMachine } from "../trigger/machine-shift.ts";
import type { CompiledTrigger } from "./compiled.ts";
import { VALUE_SHOWN_MAX, type WatcherState, type WatchSource } from "./contract.ts";
import { afterLook, type Decision, type WatcherEvent } from "./decide.ts";
import type { Keeper, KeptRow } from "./keeper.ts";
import type { LookEnd } from "./look.ts";
import type { WatcherPlan } from "./plan.ts";
import { Poller } from "./poller.ts";
import { newRecord, recordFrom, resetRecord, savedRecord, type WatcherRecord } from "./record.ts";
import { type Redact, safeAction, safeOutcome, safeValue, sampleError } from "./safe-outcome.ts";
import { beginTime, momentOf, type WatchTime } from "./watch-time.ts";

/** What a running watcher needs of the others. */
export interface RunningDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly keeper: Pick<Keeper, "soon" | "later">;
  readonly redact: Redact;
  readonly emit: (watcher: RunningWatcher, event: WatcherEvent) => void;
  readonly silencedUntil: (watcher: ResourceKey) => string | undefined;
  readonly isFiring: (namespace: string, name: string) => boolean;
  /** The delivery of a group that one more fire joins. */
  readonly openDelivery: (group: string) => string | undefined;
  /** Takes over what is new in the outbox of a watcher. */
  readonly told: (watcher: RunningWatcher, decision: Decision) => void;
  /** The row is on disk as it was when there were `next` entries. */
  readonly written: (watcher: RunningWatcher, next: number) => void;
  readonly changed: (key: ResourceKey) => void;
  readonly onError: (error: unknown) => void;
}

/** A generation that is ready to run. */
export interface ReadyGeneration {
  readonly plan: WatcherPlan;
  readonly compiled: CompiledTrigger;
  readonly source: WatchSource;
}

/** A changed value alone is told this often. */
const VALUE_TOLD_EVERY_MS = 1_000;

/** One watcher: its looks, its machine and what is known of it. */
export class RunningWatcher {
  record: WatcherRecord;
  private readonly deps: RunningDeps;
  private ready: ReadyGeneration;
  private machine: Machine;
  private time: WatchTime;
  private readonly poller: Poller;
  private pulse = "";
  /** The place of the source at the end of the last look that was taken: one that goes on may be ahead of it. */
  private place: string | undefined;
  /** Since when it rests; ISO 8601. */
  private restsSince: string | undefined;
  private shown = { view: "", value: "", atMs: Number.NEGATIVE_INFINITY };

  constructor(ready: ReadyGeneration, saved: JsonObject | undefined, deps: RunningDeps) {
    this.deps = deps;
    this.ready = ready;
    this.record = newRecord(new Date(deps.clock.now()).toISOString());
    this.time = beginTime(deps.clock);
    this.machine = ready.compiled.machine();
    this.poller = new Poller({
      ...deps,
      take: (end) => this.take(end),
      lost: (source) => this.lost(source),
      skipped: () => this.skipped(),
    });
    this.takeUp(saved ?? {}, ready.source, true);
  }

  get plan(): WatcherPlan {
    return this.ready.plan;
  }

  get source(): WatchSource {
    return this.ready.source;
  }

  get isFiring(): boolean {
    return this.restsSince === undefined && this.record.state === "firing";
  }

  /** Goes on with another generation. */
  adopt(ready: ReadyGeneration): void {
    const { plan, source } = this.ready;
    const saved = this.saved();
    this.ready = ready;
    this.machine = ready.compiled.machine();
    const isOther = ready.source !== source;
    const isReset = this.takeUp(saved, isOther ? ready.source : undefined, false);
    const { intervalMs, jitterMs, timeoutMs } = ready.plan;
    const isGrid = plan.intervalMs === intervalMs && plan.jitterMs === jitterMs;
    if (isOther || isReset) this.poller.discard(isOther ? source : undefined);
    if (
      this.restsSince === undefined &&
      (isOther || isReset || !isGrid || plan.timeoutMs !== timeoutMs)
    )
      this.poller.begin(ready.plan, ready.source);
    this.deps.keeper.soon(plan.uid);
    this.tell();
  }

  /** Begins to look, or rests. Doing it again changes nothing. */
  setResting(rests: boolean): void {
    const wasResting = this.restsSince !== undefined;
    if (rests && !wasResting) {
      this.restsSince = new Date(this.deps.clock.now()).toISOString();
      this.poller.end();
    } else if (!rests && (wasResting || !this.poller.isOn)) {
      this.restsSince = undefined;
      this.poller.begin(this.plan, this.source);
    }
    this.tell();
  }

  /** Looks no more, and lets the source go. */
  async stop(): Promise<void> {
    this.poller.end();
    this.poller.discard(this.source);
    await this.poller.settled();
  }

  state(): WatcherState {
    const { plan, record, restsSince } = this;
    const { outbox, episode: _, firedEpisode: _1, toldEpisode: _2, next: _3, ...known } = record;
    const { firingSince: _4, isFull: _5, ...shown } = known;
    const silencedUntil = this.deps.silencedUntil(plan.key);
    return {
      ...shown,
      ...{ uid: plan.uid, generation: plan.generation, pending: outbox.length },
      ...(restsSince !== undefined && { state: "suspended", since: restsSince }),
      ...(silencedUntil !== undefined && { silencedUntil }),
    };
  }

  explain(): readonly ExplainedLine[] {
    return this.machine.explain(this.deps.redact);
  }

  /** Takes a record that the outbox changed, and keeps it. */
  update(record: WatcherRecord): void {
    if (record === this.record) return;
    this.record = record;
    this.deps.keeper.soon(this.plan.uid);
    this.tell();
  }

  /** What was kept as it is to be written. */
  row(): KeptRow {
    const { next } = this.record;
    return { state: this.saved(), written: () => this.deps.written(this, next) };
  }

  private saved(): JsonObject {
    const { plan, machine, record, time, place } = this;
    return {
      ...{ version: 1, identity: plan.identity, machine: machine.save() },
      record: savedRecord(record),
      ...(time.lastMs !== undefined && { lastMs: time.lastMs }),
      ...(place !== undefined && {
        source: JSON.parse(place),
        sourceIdentity: plan.sourceIdentity,
      }),
    };
  }

  /** Goes on from what was kept; what stood on another trigger begins anew. Whether it did. */
  private takeUp(saved: JsonObject, source: WatchSource | undefined, isRestart: boolean): boolean {
    const { plan } = this;
    const at = new Date(this.deps.clock.now()).toISOString();
    this.record = recordFrom(saved.record, at);
    if (
      source !== undefined &&
      saved.sourceIdentity === plan.sourceIdentity &&
      isObject(saved.source)
    )
      source.restore?.(saved.source as JsonObject);
    const isSame = saved.identity === plan.identity && isObject(saved.machine);
    const isKept = isSame && this.machine.restore(saved.machine as JsonObject);
    const lastMs = typeof saved.lastMs === "number" ? saved.lastMs : undefined;
    // In one process the time goes on; after a restart the wall clock is all there is.
    if (!isKept) this.time = beginTime(this.deps.clock);
    else if (isRestart) this.time = beginTime(this.deps.clock, lastMs);
    this.pulse = this.machine.pulse();
    if (source !== undefined) this.place = placeOf(source);
    if (isKept || saved.record === undefined) return false;
    this.record = resetRecord(this.record, at);
    this.deps.emit(this, {
      severity: "normal",
      reason: "HistoryReset",
      message: "the trigger is another one: history, counts and what lasts begin anew",
    });
    return true;
  }

  /** What a source gave was not taken: it goes back to its place, to give it again. */
  private lost(source: WatchSource): void {
    if (source === this.source && this.place !== undefined)
      source.restore?.(JSON.parse(this.place));
  }

  private skipped(): void {
    this.record = { ...this.record, skipped: this.record.skipped + 1 };
    this.tell();
  }

  /** Takes what a look brought: the one place where a watcher goes on. */
  private take({ sample, latencyMs, isLeft }: LookEnd): void {
    const { deps, plan, ready } = this;
    const { redact } = deps;
    const moment = momentOf(this.time, deps.clock, plan.spacingMs);
    this.time = moment.time;
    if (moment.shift !== undefined) {
      const moved = shiftMachine(this.machine.save(), moment.shift);
      this.machine = ready.compiled.machine();
      this.machine.restore(moved);
    }
    const outcome = this.machine.poll({ ...sample, latency: latencyMs }, moment.nowMs, (name) =>
      deps.isFiring(plan.key.namespace, name),
    );
    const recovery = outcome.turned === "ended" ? this.machine.recover() : [];
    const sourceError = sample.ok === false ? sampleError(sample.error, redact) : undefined;
    const isTelling = outcome.fire !== undefined || outcome.turned === "ended";
    const condition = isTelling ? redact(ready.compiled.condition) : ready.compiled.condition;
    const openDelivery = deps.openDelivery(plan.group);
    const silencedUntil = deps.silencedUntil(plan.key);
    const decision = afterLook(
      this.record,
      {
        outcome: safeOutcome(outcome, redact),
        recovery: recovery.map((action) => safeAction(action, redact)),
        ...(sample.value !== undefined && {
          value: safeValue(sample.value, VALUE_SHOWN_MAX, redact),
        }),
        ...(sourceError !== undefined && { sourceError }),
        ...{ latencyMs, at: new Date(moment.nowMs).toISOString() },
      },
      {
        ...{ uid: plan.uid, name: plan.key.name, condition },
        ...{ group: plan.group, isGrouped: plan.groupWaitMs > 0 || openDelivery !== undefined },
        ...(openDelivery !== undefined && { openDelivery }),
        ...(silencedUntil !== undefined && { silencedUntil }),
      },
    );
    this.decided(decision, isLeft);
  }

  private decided(decision: Decision, isLeft: boolean): void {
    const { deps, plan, record: before } = this;
    this.record = decision.record;
    for (const event of decision.events) deps.emit(this, event);
    if (decision.entries.length > 0) deps.told(this, decision);
    const pulse = this.machine.pulse();
    const place = isLeft ? this.place : placeOf(this.source);
    const isDecisive =
      pulse !== this.pulse || decision.events.length > 0 || before.state !== this.record.state;
    if (isDecisive) deps.keeper.soon(plan.uid);
    else if (!this.machine.isQuiet || place !== this.place) deps.keeper.later(plan.uid);
    this.pulse = pulse;
    this.place = place;
    this.tell();
  }

  /** Tells those who listen when people would want to see it. */
  private tell(): void {
    const state = this.state();
    const { value, skipped, since, polls: _, lastPollAt: _1, latencyMs: _2, ...view } = state;
    const now = this.deps.clock.monotonic();
    const texts = { view: JSON.stringify([view, since]), value: JSON.stringify([value, skipped]) };
    const isOther = texts.view !== this.shown.view;
    const isValue =
      texts.value !== this.shown.value && now - this.shown.atMs >= VALUE_TOLD_EVERY_MS;
    if (!isOther && !isValue) return;
    this.shown = { ...texts, atMs: now };
    this.deps.changed(this.plan.key);
  }
}

/** Where a source is, as a text; none where it keeps no place. */
function placeOf(source: WatchSource): string | undefined {
  const place = source.save?.();
  return place && JSON.stringify(place);
}
