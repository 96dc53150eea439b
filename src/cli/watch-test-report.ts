import { count } from "../lib/text.ts";
import { durationText } from "../trigger/literals.ts";
import type { Difference } from "../watch/cases.ts";
import type { WatchCase } from "../watch/cases-file.ts";
import { style } from "./error-text.ts";
import { type OutputStream, terminalWidth } from "./terminal-width.ts";
import { wrapText } from "./wrap-text.ts";

const WIDTH = 80;
const MARGIN = "      ";

/** How one case ended. */
export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  readonly place: string;
  readonly polls: number;
  readonly differences: readonly {
    readonly at: string;
    readonly place: string;
    readonly expected: string;
    readonly actual: string;
  }[];
}

export function resultOf(watchCase: WatchCase, found: readonly Difference[]): CaseResult {
  const { name, place, polls, expectedPlaces } = watchCase;
  const differences = found.map(({ offsetMs, expected, actual, index }) => ({
    at: durationText(offsetMs),
    place: (index === undefined ? undefined : expectedPlaces[index]) ?? place,
    ...{ expected, actual },
  }));
  return { name, ok: found.length === 0, place, polls: polls.length, differences };
}

/** `ok` with the name, or `not ok` with what was expected (-) and what came (+) at each moment; fits 80 columns. */
export function caseText({ name, ok, differences }: CaseResult, stream: OutputStream): string {
  const mark = ok ? style("green", "ok", stream) : style("red", "not ok", stream);
  const width = Math.min(WIDTH, terminalWidth(stream) ?? WIDTH);
  const [first = "", ...rest] = wrapText(name, width - 7);
  const lines = differences.flatMap(({ at, place, expected, actual }) => [
    `  ${place}: at ${at}`,
    ...marked("-", expected, width),
    ...marked("+", actual, width),
  ]);
  return [`${mark} ${first}`, ...rest.map((line) => `  ${line}`), ...lines].join("\n");
}

function marked(mark: string, text: string, width: number): readonly string[] {
  const [first = "", ...rest] = wrapText(text, width - MARGIN.length);
  return [`    ${mark} ${first}`, ...rest.map((line) => `${MARGIN}${line}`)];
}

export function totalsText(results: readonly CaseResult[]): string {
  const failed = results.filter(({ ok }) => !ok).length;
  const end = failed === 0 ? "all as expected" : `${failed} failed (- expected, + came)`;
  return `${count(results.length, "case")}, ${end}`;
}
