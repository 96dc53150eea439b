import type { Clock } from "../lib/clock.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { LifecycleState } from "../state/lifecycles.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { Silence, Watching } from "../state/watching.ts";
import type { EmitObject } from "../telemetry/events.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import { compilePlan } from "./compiled.ts";
import type {
  Deliver,
  WatcherGeneration,
  WatcherState,
  Watchers,
  WatchSource,
} from "./contract.ts";
import type { WatcherEvent } from "./decide.ts";
import { GroupSet } from "./group-set.ts";
import { Keeper } from "./keeper.ts";
import { OutboxSet } from "./outboxes.ts";
import { GRACE_MS, planOf, type WatcherPlan } from "./plan.ts";
import { type RunningDeps, RunningWatcher } from "./running.ts";
import { Silences } from "./silences.ts";

export interface WatchersDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly states: Watching;
  /** Throws a LegionError where the source cannot be built: `ensure` then throws it, and the generation before goes on. */
  readonly createSource: (watcher: ManifestObject<"Watcher">) => Promise<WatchSource>;
  /** The output schema of a custom source. */
  readonly schemaOf: (watcher: ManifestObject<"Watcher">) => unknown;
  readonly deliver: Deliver;
  /** The state of an agent; none where it is not known (yet), which lets its watchers look. */
  readonly agentState: (agent: ResourceKey) => LifecycleState | undefined;
  readonly emit: EmitObject;
  /** Takes secrets out of what is told, shown and kept. */
  readonly redact?: (text: string) => string;
  /** Told of what nobody expected; a store that cannot be written is told once and tried again. */
  readonly onError: (error: unknown) => void;
}

/** The most time that deliveries which are being made get at the end. */
const CLOSE_MS_MAX = 5_000;

/** The watchers of one process. Nothing looks before the first `ensure`; see the contract for what each call means. */
export function createWatchers(deps: WatchersDeps): Watchers {
  return new WatcherSet(deps);
}

class WatcherSet implements Watchers {
  private readonly deps: WatchersDeps;
  private readonly byKey = new Map<string, RunningWatcher>();
  private readonly byUid = new Map<string, RunningWatcher>();
  /** What is being done for a key; the next waits for it. */
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly listeners = new Set<(key: ResourceKey) => void>();
  private readonly silenced: Silences;
  private readonly keeper: Keeper;
  private readonly groups: GroupSet;
  private readonly outboxes: OutboxSet;
  private readonly runningDeps: RunningDeps;

  constructor(deps: WatchersDeps) {
    this.deps = deps;
    const { clock, timers, states, deliver, onError, redact = (text) => text } = deps;
    const emit = (watcher: RunningWatcher, event: WatcherEvent) => this.emit(watcher.plan, event);
    this.silenced = new Silences(states, clock);
    this.keeper = new Keeper({
      ...{ clock, timers, states, onError },
      rowOf: (uid) => this.byUid.get(uid)?.row() ?? this.groups.row(uid),
    });
    this.groups = new GroupSet({
      ...{ clock, timers, states, deliver, keeper: this.keeper },
      ended: (uid, delivery, how) => this.outboxes.groupEnded(uid, delivery, how),
      waits: (uid, error) => this.outboxes.waits(uid, error),
      isBehind: (uid, n) => this.outboxes.isBehind(uid, n),
    });
    this.outboxes = new OutboxSet({ timers, deliver, groups: this.groups, emit });
    this.runningDeps = {
      ...{ clock, timers, redact, onError, emit, keeper: this.keeper },
      silencedUntil: (key) => this.silenced.of(key)?.until,
      isFiring: (namespace, name) =>
        this.byKey.get(keyText({ kind: "Watcher", namespace, name }))?.isFiring ?? false,
      openDelivery: (group) => this.groups.openDelivery(group),
      told: (watcher, decision) => this.outboxes.told(watcher, decision),
      written: (watcher, next) => this.outboxes.written(watcher, next),
      changed: (key) => this.changed(key),
    };
    // Silences are there before anything fires: `ensure` waits for them. Here they are only wanted early.
    this.silenced.load().catch(() => undefined);
  }

  ensure(generation: WatcherGeneration): Promise<WatcherState> {
    const { object } = generation;
    const plan = planOf(generation, this.schemaOf(object));
    return this.inTurn(plan.key, async () => {
      await this.silenced.load();
      const known = this.byKey.get(keyText(plan.key));
      if (known !== undefined && known.plan.uid !== plan.uid) await this.drop(known);
      // Also when the rest of the generation cannot be begun with.
      else if (object.spec.suspend) known?.setResting(true);
      const watcher =
        known?.plan.uid === plan.uid ? await this.goOn(known, plan) : await this.begin(plan);
      watcher.setResting(this.rests(plan));
      return watcher.state();
    });
  }

  remove(key: ResourceKey, uid: string): Promise<void> {
    return this.inTurn(key, async () => {
      const known = this.byKey.get(keyText(key));
      if (known?.plan.uid === uid) return await this.drop(known);
      if (known === undefined) await this.silenced.end(key);
      for (const row of this.leftBehind(uid)) await this.keeper.forget(row);
    });
  }

  state(key: ResourceKey): WatcherState | undefined {
    return this.byKey.get(keyText(key))?.state();
  }

  states(): readonly { readonly key: ResourceKey; readonly state: WatcherState }[] {
    return [...this.byKey.values()].map((watcher) => ({
      key: watcher.plan.key,
      state: watcher.state(),
    }));
  }

  explain(key: ResourceKey): readonly ExplainedLine[] | undefined {
    return this.byKey.get(keyText(key))?.explain();
  }

  agentChanged(agent: ResourceKey): void {
    for (const watcher of this.byKey.values()) {
      const own = watcher.plan.agent;
      if (own !== undefined && keyText(own) === keyText(agent))
        watcher.setResting(this.rests(watcher.plan));
    }
  }

  silences(): readonly Silence[] {
    return this.silenced.list();
  }

  async silence(wanted: Omit<Silence, "id" | "at">): Promise<Silence> {
    const silence = await this.silenced.begin(wanted);
    this.silenceChanged(
      silence,
      "Silenced",
      `${silence.by}, until ${silence.until}: ${silence.reason}`,
    );
    return silence;
  }

  async unsilence(idOrKey: string | ResourceKey): Promise<boolean> {
    const ended = await this.silenced.end(idOrKey);
    if (ended !== undefined)
      this.silenceChanged(ended, "Unsilenced", `the silence until ${ended.until} was ended`);
    return ended !== undefined;
  }

  onChange(listener: (key: ResourceKey) => void): () => void {
    // Each registration is its own, also of the same function.
    const mine = (key: ResourceKey) => listener(key);
    this.listeners.add(mine);
    return () => void this.listeners.delete(mine);
  }

  async close(): Promise<void> {
    await Promise.all(this.turns.values());
    const watchers = [...this.byKey.values()];
    const stopped = Promise.all(watchers.map((watcher) => watcher.stop()));
    const delivered = Promise.all([this.outboxes.close(), this.groups.close()]);
    await Promise.all([this.within(GRACE_MS, stopped), this.within(CLOSE_MS_MAX, delivered)]);
    for (const { plan } of watchers) this.keeper.later(plan.uid);
    await this.keeper.close();
  }

  private schemaOf(object: ManifestObject<"Watcher">): unknown {
    return object.spec.type === "custom" ? this.deps.schemaOf(object) : undefined;
  }

  private async goOn(known: RunningWatcher, plan: WatcherPlan): Promise<RunningWatcher> {
    const { generation, identity, object, sourceIdentity } = known.plan;
    const isKept = sourceIdentity === plan.sourceIdentity;
    const isSame = generation === plan.generation && identity === plan.identity && isKept;
    if (isSame && object.specHash === plan.object.specHash) return known;
    const compiled = await compilePlan(plan);
    await this.groups.load(plan.group, plan.groupWaitMs);
    const source = isKept ? known.source : await this.deps.createSource(plan.object);
    known.adopt({ plan, compiled, source });
    this.groups.pump(plan.group);
    return known;
  }

  private async begin(plan: WatcherPlan): Promise<RunningWatcher> {
    const compiled = await compilePlan(plan);
    const saved = await this.deps.states.read(plan.uid);
    const source = await this.deps.createSource(plan.object);
    const watcher = new RunningWatcher({ plan, compiled, source }, saved, this.runningDeps);
    const waitedFor = watcher.record.outbox.flatMap(({ waitsFor }) => waitsFor?.group ?? []);
    const groups = new Set([plan.group, ...waitedFor]);
    for (const group of groups) await this.groups.load(group, plan.groupWaitMs);
    this.byKey.set(keyText(plan.key), watcher);
    this.byUid.set(plan.uid, watcher);
    this.outboxes.add(watcher);
    for (const group of groups) this.groups.pump(group);
    return watcher;
  }

  /** Ends one and forgets all of it. */
  private async drop(watcher: RunningWatcher): Promise<void> {
    const { key, uid } = watcher.plan;
    this.byKey.delete(keyText(key));
    this.byUid.delete(uid);
    const delivered = this.outboxes.remove(uid);
    await this.within(GRACE_MS, Promise.all([watcher.stop(), delivered]));
    const rows = this.leftBehind(uid);
    await this.silenced.end(key);
    for (const row of rows) await this.keeper.forget(row);
    this.changed(key);
  }

  /** Lets nothing more of a removed watcher be told; gives the rows that nobody needs any more. */
  private leftBehind(uid: string): readonly string[] {
    const used = new Set([...this.byKey.values()].map(({ plan }) => plan.group));
    return [uid, ...this.groups.leave(uid, used)];
  }

  private rests({ object, agent }: WatcherPlan): boolean {
    const state = agent && this.deps.agentState(agent);
    return object.spec.suspend || state === "stopped" || state === "terminated";
  }

  private emit({ key, generation, uid }: WatcherPlan, event: WatcherEvent): void {
    this.deps.emit(keyText(key), { ...event, generation, uid });
  }

  private silenceChanged({ watcher }: Silence, reason: string, message: string): void {
    const known = this.byKey.get(keyText(watcher));
    if (known !== undefined) this.emit(known.plan, { severity: "normal", reason, message });
    this.changed(watcher);
  }

  private changed(key: ResourceKey): void {
    for (const listener of this.listeners) {
      try {
        listener(key);
      } catch (error) {
        this.deps.onError(error);
      }
    }
  }

  private inTurn<T>(key: ResourceKey, work: () => Promise<T>): Promise<T> {
    const text = keyText(key);
    const turn = (this.turns.get(text) ?? Promise.resolve()).then(work);
    const over = turn
      .catch(() => undefined)
      .then(() => {
        if (this.turns.get(text) === over) this.turns.delete(text);
      });
    this.turns.set(text, over);
    return turn;
  }

  /** Waits, but not for ever. */
  private async within(ms: number, work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.deps.timers.after(ms, resolve);
    await Promise.race([promise, work]);
    cancel();
  }
}
