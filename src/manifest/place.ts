import { pointerOf } from "../lib/json.ts";
import type { Diagnostic, Range } from "./diagnostics.ts";
import type { Fault, Spot, Where } from "./fault.ts";
import { formOf } from "./parse-text.ts";
import { spotFinder } from "./positions.ts";
import { maskSecrets } from "./secret-shapes.ts";
import { type Lines, linesOf, type SourceText } from "./source-text.ts";

/** Answers where spots are; parses each text again at most once while it is kept. */
export interface Locator {
  range(file: string, spot: Spot): Range | undefined;
  snippet(file: string, line: number): string | undefined;
  readonly where: Where;
}

interface Surveyed {
  readonly lines: Lines;
  readonly find: ReturnType<typeof spotFinder>;
}

/** How many parsed texts a locator keeps: trees are large, and faults come sorted by file. */
const SURVEYED_MAX = 8;

/** A locator over the texts of a set. */
export function locatorOf(texts: ReadonlyMap<string, SourceText>): Locator {
  const surveyed = new Map<string, Surveyed>();
  const survey = (file: string): Surveyed | undefined => {
    const known = surveyed.get(file);
    const source = texts.get(file);
    if (known !== undefined || source === undefined) return known;
    if (surveyed.size >= SURVEYED_MAX) surveyed.clear();
    const fresh = { lines: linesOf(source), find: spotFinder(source.text, formOf(file)) };
    surveyed.set(file, fresh);
    return fresh;
  };
  const range = (file: string, spot: Spot) => {
    const known = survey(file);
    if (known === undefined) return undefined;
    const { start, end } = known.find(spot);
    return known.lines.range(start, end);
  };
  return {
    range,
    snippet: (file, line) => survey(file)?.lines.snippet(line),
    where: (file, spot) => {
      const found = range(file, spot);
      return found === undefined
        ? file
        : `${found.filename}:${found.start.line}:${found.start.column}`;
    },
  };
}

/** The diagnostic of a fault: its position is looked up now. `hide` takes out what no message may tell. */
export function place(
  fault: Fault,
  locator: Locator,
  hide: (text: string) => string,
  secrets: ReadonlySet<string> = new Set(),
): Diagnostic {
  const starred = (text: string) => starsFor(text, secrets);
  const { severity, code, file, shown, spot } = fault;
  const summary = starred(maskSecrets(hide(fault.summary)));
  const told = typeof fault.detail === "string" ? fault.detail : fault.detail(locator.where);
  const detail = starred(maskSecrets(hide(told)));
  const base = { severity, code, summary, detail };
  const range = spot && locator.range(file, spot);
  if (spot === undefined || range === undefined) return { ...base, filename: shown };
  const path = "path" in spot ? { path: pointerOf(spot.path) } : {};
  const quoted = locator.snippet(file, range.start.line);
  const snippet = quoted && starred(fault.isSecret === true ? hideRange(quoted, range) : quoted);
  return { ...base, range, ...path, ...(snippet !== undefined && { snippet }) };
}

/** The words of the faults that are about secrets: no other message may quote them. */
export function secretWords(faults: readonly Fault[]): ReadonlySet<string> {
  return new Set(
    faults.flatMap(({ isSecret, spot }) =>
      isSecret === true && spot !== undefined && "words" in spot && spot.words !== undefined
        ? [spot.words]
        : [],
    ),
  );
}

function starsFor(text: string, secrets: ReadonlySet<string>): string {
  return secrets
    .values()
    .reduce((masked, secret) => masked.replaceAll(secret, "*".repeat(secret.length)), text);
}

/** The snippet with stars in place of what the range points at, which ends its last line. */
function hideRange(snippet: string, { start, end }: Range): string {
  const before = snippet.lastIndexOf("\n") + 1 + (start.column - 1);
  const length = end.line === start.line ? end.column - start.column : snippet.length - before;
  return snippet.slice(0, before) + "*".repeat(length) + snippet.slice(before + length);
}

/** By file, then place, then code. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return (
    compareText(filenameOf(a), filenameOf(b)) ||
    (a.range?.start.byte ?? -1) - (b.range?.start.byte ?? -1) ||
    compareText(a.code, b.code) ||
    compareText(a.summary, b.summary)
  );
}

/** The path as people write it. */
export function filenameOf({ range, filename }: Diagnostic): string {
  return range?.filename ?? filename ?? "";
}

/** By code units: the same order on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
