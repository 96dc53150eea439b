import type { JsonObject } from "../lib/json.ts";
import type { triggerLanguage } from "../trigger/language.ts";
import { durationText } from "../trigger/literals.ts";
import type { PlacedProblem } from "../trigger/placed.ts";
import type { Roots, Source } from "../trigger/roots.ts";
import type { TriggerOptions } from "../trigger/trigger.ts";
import { type Replayed, replay } from "../watch/cases.ts";
import { createTableWriter, type TableWriter } from "./table.ts";
import type { OutputStream } from "./terminal-width.ts";
import { outcomeColumns, outcomeRow, resultText } from "./trigger-outcome.ts";
import { type Polls, timedPolls } from "./trigger-samples.ts";
import { problemsText } from "./trigger-text.ts";

const INTERVAL = "30s";
const INTERVAL_MS = 30_000;

export interface TriggerSessionOptions {
  readonly language: Awaited<ReturnType<typeof triggerLanguage.get>>;
  readonly options: TriggerOptions;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly nowMs: number;
}

/** What a trigger prompt knows: the polls so far and the trigger. Everything is evaluated over all of the polls anew. */
export class TriggerSession {
  private readonly given: TriggerSessionOptions;
  private options: TriggerOptions;
  private samples: readonly JsonObject[] = [];
  /** How long after the last poll the next one comes, where that was said. */
  private waitMs: number | undefined;
  private trigger: { readonly text: string; readonly table: TableWriter } | undefined;
  hadError = false;

  constructor(given: TriggerSessionOptions) {
    this.given = given;
    this.options = given.options;
  }

  say(text: string): void {
    this.given.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  roots(): Roots {
    return this.given.language.rootsOf(this.options.source, this.options.schema);
  }

  /** The sample of the last poll. */
  last(): JsonObject | undefined {
    return this.samples.at(-1);
  }

  /** When the next poll comes, since the first one. */
  nextMs(): number {
    const last = this.polls().polls.at(-1)?.offsetMs;
    if (last === undefined) return this.waitMs ?? 0;
    return last + (this.waitMs ?? INTERVAL_MS);
  }

  wait(ms: number): void {
    this.waitMs = (this.waitMs ?? 0) + ms;
  }

  /** Takes samples in place of those so far; nothing changes where one of them is wrong. */
  load(samples: readonly JsonObject[]): void {
    this.polls(samples);
    this.samples = samples;
    this.waitMs = undefined;
  }

  /** Puts another sample in place of the last, at the same moment. */
  amend(sample: JsonObject): void {
    const at = this.last()?.at;
    this.load([...this.samples.slice(0, -1), { ...(at !== undefined && { at }), ...sample }]);
  }

  /** One more poll; the trigger that stays tells what it does. */
  poll(sample: JsonObject): void {
    this.load([...this.samples, { at: durationText(this.nextMs()), ...sample }]);
    const { offsetMs = 0 } = this.polls().polls.at(-1) ?? {};
    if (this.trigger === undefined) this.say(`poll at ${durationText(offsetMs)}`);
    else this.tell(this.replayed(this.trigger.text)?.slice(-1), this.trigger.table);
  }

  go(source: Source): void {
    this.options = { ...this.options, source };
    this.reset();
  }

  reset(): void {
    this.samples = [];
    this.waitMs = undefined;
    this.trigger = undefined;
  }

  /** Tells the value of an expression, or its type alone. */
  evaluate(text: string, wanted: "value" | "type" = "value"): void {
    const { compiled, errors } = this.given.language.compileExpression(text, this.roots());
    if (compiled === undefined) {
      this.complain(errors);
      return;
    }
    const { polls, startMs } = this.polls();
    const results = polls.map(({ sample, offsetMs }) =>
      compiled.evaluate(sample, startMs + offsetMs),
    );
    const { type } = compiled;
    const result = results.at(-1) ?? compiled.evaluate({}, startMs);
    this.say(wanted === "type" ? type : resultText(result, type));
  }

  /** Takes a trigger and tells what it does with the polls so far; one that is wrong is not taken. */
  watch(text: string): void {
    const replayed = this.replayed(text);
    if (replayed === undefined) return;
    const table = createTableWriter(outcomeColumns, { stream: this.given.stdout });
    this.trigger = { text, table };
    if (replayed.length === 0)
      this.say("the trigger is right; :poll gives it something to look at");
    else this.tell(replayed, table);
  }

  private polls(samples = this.samples): Polls {
    const nowMs = this.given.nowMs;
    const sampled = { source: this.options.source, roots: this.roots() };
    return timedPolls(samples, sampled, { interval: INTERVAL, start: undefined, nowMs });
  }

  private replayed(text: string): readonly Replayed[] | undefined {
    const { machine, errors } = this.given.language.compileTrigger(text, this.options);
    if (machine === undefined) {
      this.complain(errors);
      return undefined;
    }
    const { polls, startMs } = this.polls();
    return replay(machine, polls, startMs);
  }

  private tell(replayed: readonly Replayed[] | undefined, table: TableWriter): void {
    const polls = this.polls();
    this.say(table.write((replayed ?? []).map((each) => outcomeRow(each, polls))));
  }

  private complain(errors: readonly PlacedProblem[]): void {
    this.hadError = true;
    this.given.stderr.write(problemsText(errors, this.given.stderr));
  }
}
