import { textHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import { compileActions, compileFire, type DueAction } from "./actions.ts";
import type { Action, Expression, Trigger } from "./ast.ts";
import type { Analysis } from "./check.ts";
import { compile, Program } from "./compile.ts";
import { type ExplainedLine, explained, type Watched, watchedIn } from "./explain.ts";
import type { Closure } from "./frame.ts";
import { closedGate, type Fires, withFire } from "./gates.ts";
import { type Due, dueFrom, firesFrom, numberFrom } from "./machine-state.ts";
import type { Fire, Outcome, Phase } from "./outcome.ts";
import type { Roots } from "./roots.ts";
import { Evaluator, type Sample } from "./samples.ts";
import { Tracker } from "./tracker.ts";
import { Fault, jsonOf, MISSING, typeNameOf, type Value } from "./values.ts";

export type { Fire, Outcome, Phase };

/** What is done when firing ends. */
export interface Recovery {
  readonly source: string;
  readonly actions: readonly Action[];
  readonly analysis: Analysis;
}

export interface MachineParts {
  readonly source: string;
  readonly trigger: Trigger;
  readonly analysis: Analysis;
  readonly roots: Roots;
  /** The time zone of windows that name none. */
  readonly zone: string;
  readonly recovery?: Recovery;
}

/** Follows one trigger from poll to poll. It has no clock and does nothing: it says what is due. */
export class Machine {
  private readonly parts: MachineParts;
  private readonly when: Closure;
  private readonly by: Closure | undefined;
  private readonly clear: Closure | undefined;
  private readonly actions: (evaluator: Evaluator) => readonly DueAction[];
  private readonly recovery: ((evaluator: Evaluator) => readonly DueAction[]) | undefined;
  private readonly program = new Program();
  private readonly evaluator: Evaluator;
  private readonly watched: readonly Watched[];
  /** The rings of the trigger; those of the recovery come behind them. */
  private readonly ownRings: number;
  private readonly whenTracker: Tracker;
  private readonly clearTracker: Tracker;

  private polls = 0;
  /** Whether there was a poll since the machine was made or restored. */
  private isLoaded = false;
  private phase: Phase = "idle";
  /** The last answer that was one; `missing hold` goes on with it. */
  private held = false;
  private lastTrueMs = 0;
  /** When the first half of a `followed by` was true for the last time. */
  private armedMs: number | undefined;
  private fires: Fires = { count: 0, recent: [] };
  private firedMs = 0;
  private due: Due | undefined;

  constructor(parts: MachineParts) {
    const { trigger, analysis, roots, recovery } = parts;
    this.parts = parts;
    this.when = compile(trigger.when.expression, this.program);
    this.by =
      trigger.followed === undefined ? undefined : compile(trigger.followed.by, this.program);
    this.clear =
      trigger.clear === undefined ? undefined : compile(trigger.clear.expression, this.program);
    this.actions = compileFire(trigger, analysis.templates, this.program);
    this.watched = watchedIn(trigger, this.program);
    this.ownRings = this.program.rings.length;
    this.recovery =
      recovery && compileActions(recovery.actions, recovery.analysis.templates, this.program);
    this.whenTracker = new Tracker(trigger.when.lasting);
    this.clearTracker = new Tracker(trigger.clear?.lasting);
    this.evaluator = new Evaluator(this.program, roots);
  }

  /** Takes the sample of one poll; `isFiring` answers for the other watchers that `unless firing` names. */
  poll(
    sample: Sample,
    nowMs: number,
    isFiring: (watcher: string) => boolean = () => false,
  ): Outcome {
    this.polls += 1;
    this.isLoaded = true;
    this.evaluator.load(sample, nowMs, this.polls);
    this.evaluator.remember();
    const raw = this.evaluator.value(this.when);
    const fault = raw instanceof Fault ? raw : notBool(raw);
    const answer = fault !== undefined ? "error" : typeof raw === "boolean" ? raw : "missing";
    const isTrue = this.withPolicy(answer);
    const isActive = this.sequenced(this.whenTracker.update(isTrue, nowMs), nowMs);
    const turned = this.turn(isActive, isTrue, nowMs);
    if (this.phase === "firing" && turned === undefined) this.again(isActive, nowMs);
    const gated = this.due === undefined ? {} : this.gate(nowMs, isFiring);
    return {
      state: this.shown(answer),
      value: answer,
      ...gated,
      ...(turned !== undefined && { turned }),
      ...(fault !== undefined && { error: fault.message }),
    };
  }

  /** True or false, whatever the answer is. */
  private withPolicy(answer: Outcome["value"]): boolean {
    if (typeof answer === "boolean") {
      this.held = answer;
      return answer;
    }
    const policy = this.parts.trigger.missing?.policy ?? "ignore";
    return policy === "fire" || (policy === "hold" && this.held);
  }

  /** With `followed by`: true when the second half comes true in time after the first, at a later poll. */
  private sequenced(isFirst: boolean, nowMs: number): boolean {
    const { followed } = this.parts.trigger;
    if (followed === undefined || this.by === undefined) return isFirst;
    const inTime = this.armedMs !== undefined && nowMs - this.armedMs <= followed.within.ms;
    const isDone = inTime && this.evaluator.value(this.by) === true;
    if (isDone || !inTime) this.armedMs = undefined;
    if (isFirst) this.armedMs = nowMs;
    return isDone;
  }

  /** Goes from phase to phase; what it turned into, if firing began or ended. */
  private turn(isActive: boolean, isTrue: boolean, nowMs: number): Outcome["turned"] {
    if (isActive) this.lastTrueMs = nowMs;
    if (this.phase === "firing") {
      if (!this.isOver(isActive, nowMs)) return undefined;
      this.phase = "idle";
      this.due = undefined;
      return "ended";
    }
    if (isActive) {
      this.phase = "firing";
      this.clearTracker.reset();
      this.due = { kind: "edge" };
      return "began";
    }
    this.phase = isTrue || this.armedMs !== undefined ? "pending" : "idle";
    return undefined;
  }

  private isOver(isActive: boolean, nowMs: number): boolean {
    const { keep } = this.parts.trigger;
    const isKept = keep !== undefined && nowMs - this.lastTrueMs < keep.ms;
    if (this.clear === undefined) return keep === undefined ? !isActive : !isActive && !isKept;
    const isClear = this.clearTracker.update(this.evaluator.value(this.clear) === true, nowMs);
    return isClear && !isKept;
  }

  /** A fire that is due while firing goes on. One that still waits for a gate comes first. */
  private again(isActive: boolean, nowMs: number): void {
    const { repeat } = this.parts.trigger;
    if (this.parts.trigger["every poll"] !== undefined) {
      if (isActive) this.due = { kind: "poll" };
    } else if (this.due === undefined && repeat !== undefined && nowMs - this.firedMs >= repeat.ms)
      this.due = { kind: "reminder" };
  }

  private gate(
    nowMs: number,
    isFiring: (watcher: string) => boolean,
  ): Pick<Outcome, "fire" | "suppressed"> {
    const { trigger, zone } = this.parts;
    const due = this.due;
    if (due === undefined) return {};
    const gate = closedGate({ trigger, fires: this.fires, nowMs, zone, isFiring });
    if (gate === undefined) return { fire: this.fire(due, nowMs) };
    const isDropped = gate === "once" || trigger["every poll"] !== undefined;
    this.due = isDropped ? undefined : { ...due, heldBy: gate };
    // A reminder that `once` stops would come up at every poll.
    if (gate === "once") this.firedMs = nowMs;
    return due.heldBy === gate ? {} : { suppressed: { gate, kind: due.kind } };
  }

  private fire({ kind, heldBy }: Due, nowMs: number): Fire {
    this.fires = withFire(this.fires, this.parts.trigger, nowMs);
    this.firedMs = nowMs;
    this.due = undefined;
    const values = this.watched.map(({ text, closure }) => [
      text,
      jsonOf(this.evaluator.value(closure)),
    ]);
    return {
      kind,
      isDeferred: heldBy === "window",
      count: this.fires.count,
      actions: this.actions(this.evaluator),
      values: Object.fromEntries(values),
    };
  }

  /** The actions of the recovery, filled from the last sample; none without a recovery or a sample. */
  recover(): readonly DueAction[] {
    if (this.recovery === undefined || !this.isLoaded) return [];
    this.evaluator.frame.steps = 0;
    return this.recovery(this.evaluator);
  }

  private shown(answer: Outcome["value"]): Outcome["state"] {
    if (this.phase === "firing" || typeof answer === "boolean") return this.phase;
    return answer === "missing" ? "no_data" : "error";
  }

  /** The tree of the trigger with the type, and the value at the last poll, of every part; `redact` takes secrets out of values before they are cut. */
  explain(redact?: (text: string) => string): readonly ExplainedLine[] {
    const { trigger, analysis } = this.parts;
    const valueIn = (node: Expression) => {
      if (this.polls === 0) return undefined;
      this.evaluator.frame.steps = 0;
      return this.evaluator.value(compile(node, this.program));
    };
    return explained(trigger, analysis.types, valueIn, redact);
  }

  /** Whether nothing of it grows from poll to poll: it has no history, and nothing is true. */
  get isQuiet(): boolean {
    return this.phase === "idle" && this.program.rings.length === 0;
  }

  /** What a restart must not lose, as a text that stays the same as long as nothing happens: no history, and nothing that each poll changes. */
  pulse(): string {
    const { phase, held, armedMs, fires, firedMs, due } = this;
    const trackers = [this.whenTracker.pulse(), this.clearTracker.pulse()];
    return JSON.stringify([phase, held, armedMs, fires.count, firedMs, due, trackers]);
  }

  /** Everything that a restart has to know, as JSON. */
  save(): JsonObject {
    return {
      text: textHash(this.parts.source),
      recovery: this.recoveryHash(),
      polls: this.polls,
      phase: this.phase,
      held: this.held,
      lastTrueMs: this.lastTrueMs,
      armedMs: this.armedMs ?? null,
      fires: { ...this.fires, recent: [...this.fires.recent] },
      firedMs: this.firedMs,
      due: this.due === undefined ? null : { ...this.due },
      when: this.whenTracker.save(),
      clear: this.clearTracker.save(),
      rings: this.program.rings.map((ring) => ring.save()),
    };
  }

  /** Goes on from what `save` gave. The state of another text is not taken: false, and everything begins anew. */
  restore(state: JsonObject): boolean {
    if (state.text !== textHash(this.parts.source)) return false;
    this.polls = numberFrom(state.polls) ?? 0;
    this.phase = state.phase === "firing" || state.phase === "pending" ? state.phase : "idle";
    this.held = state.held === true;
    this.lastTrueMs = numberFrom(state.lastTrueMs) ?? 0;
    this.armedMs = numberFrom(state.armedMs);
    this.fires = firesFrom(state.fires);
    this.firedMs = numberFrom(state.firedMs) ?? 0;
    this.due = dueFrom(state.due);
    this.whenTracker.restore(state.when);
    this.clearTracker.restore(state.clear);
    const rings = Array.isArray(state.rings) ? state.rings : [];
    // Another recovery begins its own history anew; the trigger goes on.
    const isSame = (state.recovery ?? null) === this.recoveryHash();
    const count = isSame ? this.program.rings.length : this.ownRings;
    for (const [index, ring] of this.program.rings.slice(0, count).entries())
      ring.restore(rings[index]);
    return true;
  }

  private recoveryHash(): string | null {
    const { recovery } = this.parts;
    return recovery === undefined ? null : textHash(recovery.source);
  }
}

/** What is wrong with a condition that is neither true, false nor missing. */
function notBool(value: Value): Fault | undefined {
  if (typeof value === "boolean" || value === MISSING || value === null) return undefined;
  return new Fault(`the condition is a bool, not ${typeNameOf(value)}`);
}
