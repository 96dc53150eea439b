import type { Readings } from "./contract.ts";

/** Where the time comes from: the calendar, which can jump, and a clock that cannot; both in milliseconds. */
export interface TimeSource {
  readonly wallMs: () => number;
  readonly steadyMs: () => number;
}

const US_PER_MS = 1000;
/** So many times of a segment are as exact as they are asked for; then the grain doubles, again and again. */
const EXACT_TIMES = 64;
const TIMES_PER_GRAIN = 16;
/** The steady clock is more exact than the calendar, and is followed until they are so far apart. */
const APART_US_MAX = 1_000_000;
const RADIX = 36;

/**
 * The clock that the guest reads. Its readings are kept in segments, one from each call to the next, so that the code can be
 * given the same times again. A segment stays short however often the code looks: the longer it looks, the coarser the clock
 * ticks, by at most an eighth of the time that has gone by. Time never goes back within an evaluation.
 */
export class GuestClock {
  readonly #source: TimeSource;
  #past: readonly Readings[] = [];
  #segment: Segment = STANDSTILL;
  #index = 0;
  #lastUs = 0;
  /** To be added to the steady clock to get the calendar. */
  #offsetUs: number | undefined;

  constructor(source: TimeSource) {
    this.#source = source;
  }

  /** An evaluation begins; the segments of the past are served first. */
  begin(past: readonly Readings[]): void {
    this.#past = past;
    this.#index = 0;
    this.#lastUs = 0;
    this.#offsetUs = undefined;
    this.#segment = this.#nextSegment();
  }

  /** Outside of evaluations the clock stands at zero: what Legion does there must not depend on when it is done. */
  rest(): void {
    this.#past = [];
    this.#segment = STANDSTILL;
  }

  /** Microseconds since 1970. `grainUs` is the smallest difference that the reader can see. */
  read(grainUs: number): number {
    this.#lastUs = this.#segment.read(grainUs);
    return this.#lastUs;
  }

  /** Ends a segment; what was read in it. */
  cut(): Readings {
    if (this.#segment instanceof LiveSegment && !this.#segment.isRead) return "";
    const readings = this.#segment.packed();
    this.#index += 1;
    this.#segment = this.#nextSegment();
    return readings;
  }

  #nextSegment(): Segment {
    const readings = this.#past[this.#index];
    return readings === undefined
      ? new LiveSegment(this.#steadyUs, () => this.#setToCalendar(), this.#lastUs)
      : new ServedSegment(readings, this.#lastUs);
  }

  readonly #steadyUs = () => this.#source.steadyMs() * US_PER_MS;

  /** Once a segment, so that a wait is seen as what it was, and a jump of the calendar only where the code may have waited. */
  #setToCalendar(): number {
    const steadyUs = this.#steadyUs();
    const offsetUs = this.#source.wallMs() * US_PER_MS - steadyUs;
    if (this.#offsetUs === undefined || Math.abs(offsetUs - this.#offsetUs) > APART_US_MAX)
      this.#offsetUs = offsetUs;
    return Math.max(this.#offsetUs, this.#lastUs - steadyUs);
  }
}

interface Segment {
  read(grainUs: number): number;
  packed(): Readings;
}

const STANDSTILL: Segment = { read: () => 0, packed: () => "" };

/** Reads the time and packs it: differences to the time before, with how often it was read when that is more than once. */
class LiveSegment implements Segment {
  readonly #steadyUs: () => number;
  readonly #setToCalendar: () => number;
  readonly #fromUs: number;
  /** Unknown until the first look. */
  #offsetUs: number | undefined;
  #text = "";
  #times = 0;
  #grainUs = 1;
  #us = 0;
  #beforeUs = 0;
  #count = 0;

  constructor(steadyUs: () => number, setToCalendar: () => number, fromUs: number) {
    this.#steadyUs = steadyUs;
    this.#setToCalendar = setToCalendar;
    this.#fromUs = fromUs;
  }

  get isRead(): boolean {
    return this.#count > 0;
  }

  read(grainUs: number): number {
    const nowUs = this.#nowUs();
    const isSame =
      this.#count > 0 &&
      (nowUs - this.#us < this.#grainUs ||
        Math.floor(nowUs / grainUs) === Math.floor(this.#us / grainUs));
    if (!isSame) this.#advance(nowUs);
    this.#count += 1;
    return this.#us;
  }

  packed(): Readings {
    return this.#count === 0 ? this.#text : `${this.#text}${this.#entry()}`;
  }

  #advance(nowUs: number): void {
    if (this.#count > 0) this.#text += `${this.#entry()}.`;
    this.#beforeUs = this.#us;
    this.#us = nowUs;
    this.#count = 0;
    this.#times += 1;
    if (this.#times > EXACT_TIMES && this.#times % TIMES_PER_GRAIN === 0) this.#grainUs *= 2;
  }

  #entry(): string {
    const difference = (this.#us - this.#beforeUs).toString(RADIX);
    return this.#count === 1 ? difference : `${difference}*${this.#count.toString(RADIX)}`;
  }

  #nowUs(): number {
    this.#offsetUs ??= this.#setToCalendar();
    return Math.max(this.#us, this.#fromUs, Math.floor(this.#steadyUs() + this.#offsetUs));
  }
}

/** Hands out what was read the first time. Code that looks more often than it did has taken another way: its clock stands still. */
class ServedSegment implements Segment {
  readonly #readings: Readings;
  readonly #entries: readonly string[];
  #next = 0;
  #us: number;
  #base = 0;
  #left = 0;

  constructor(readings: Readings, fromUs: number) {
    this.#readings = readings;
    this.#entries = readings === "" ? [] : readings.split(".");
    this.#us = fromUs;
  }

  read(): number {
    if (this.#left === 0) this.#advance();
    if (this.#left > 0) this.#left -= 1;
    return this.#us;
  }

  packed(): Readings {
    return this.#readings;
  }

  #advance(): void {
    const entry = this.#entries[this.#next];
    if (entry === undefined) return;
    this.#next += 1;
    const [difference = "", count = "1"] = entry.split("*");
    this.#base += numberOf(difference);
    this.#us = Math.max(this.#us, this.#base);
    this.#left = numberOf(count);
  }
}

function numberOf(text: string): number {
  const number = Number.parseInt(text, RADIX);
  return Number.isSafeInteger(number) ? number : 0;
}
