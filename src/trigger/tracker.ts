import type { Json } from "../lib/json.ts";
import type { Lasting } from "./ast.ts";

/** Follows whether a condition has been true for as long as its `for` wants. */
export class Tracker {
  private readonly lasting: Lasting | undefined;
  private sinceMs: number | undefined;
  /** The answers of the last polls, as many as `for n of m` looks at. */
  private answers: boolean[] = [];
  private yes = 0;

  constructor(lasting: Lasting | undefined) {
    this.lasting = lasting;
  }

  /** Takes the answer of a poll; whether the condition has lasted. */
  update(value: boolean, nowMs: number): boolean {
    const { lasting } = this;
    if (lasting === undefined) return value;
    if (lasting.kind === "time") {
      this.sinceMs = value ? Math.min(this.sinceMs ?? nowMs, nowMs) : undefined;
      return this.sinceMs !== undefined && nowMs - this.sinceMs >= lasting.ms;
    }
    this.push(value, lasting.of);
    return this.yes >= lasting.count;
  }

  private push(value: boolean, of: number): void {
    this.answers.push(value);
    if (value) this.yes += 1;
    if (this.answers.length > of && this.answers.shift() === true) this.yes -= 1;
  }

  reset(): void {
    this.sinceMs = undefined;
    this.answers = [];
    this.yes = 0;
  }

  save(): Json {
    return {
      since: this.sinceMs ?? null,
      answers: this.answers.map((yes) => (yes ? "1" : "0")).join(""),
    };
  }

  /** What lasts so far, as a text that stays the same while nothing is true. */
  pulse(): string {
    const answers = this.yes === 0 ? [] : this.answers.slice(this.answers.indexOf(true));
    return `${this.sinceMs ?? ""} ${answers.map(Number).join("")}`;
  }

  restore(from: Json | undefined): void {
    if (typeof from !== "object" || from === null || Array.isArray(from)) return;
    this.reset();
    if (typeof from.since === "number") this.sinceMs = from.since;
    if (this.lasting?.kind !== "polls" || typeof from.answers !== "string") return;
    for (const letter of from.answers) this.push(letter === "1", this.lasting.of);
  }
}
