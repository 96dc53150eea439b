import { LegionError } from "../../../lib/errors.ts";

/** A compiled glob pattern. Matching takes time proportional to pattern times path at most, whatever the pattern. */
export interface Pattern {
  /** Whether a path relative to the pattern's folder matches. */
  matches(path: string): boolean;
  /** The leading parts without wildcards: only below it can anything match. */
  readonly prefix: string;
  /** How many levels down it can match; infinite with `**`. */
  readonly depthMax: number;
  /** Whether a part of the pattern is that name, so that it asks for a folder that is otherwise skipped. */
  names(folder: string): boolean;
}

const PATTERN_LENGTH_MAX = 1_000;
const ALTERNATIVES_MAX = 100;

type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "char"; readonly char: string }
  | {
      readonly kind: "set";
      readonly not: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };
type Part = "**" | readonly Token[];

/** Compiles `*`, `?`, `[a-z]`, `[!a]`, `{a,b}` and `**`; a backslash takes the next character as it stands. */
export function compilePattern(text: string): Pattern {
  if (text.length > PATTERN_LENGTH_MAX)
    throw badPattern(text, `has more than ${PATTERN_LENGTH_MAX} characters`);
  const alternatives = expandBraces(text).map((one) =>
    one.split("/").filter((part) => part !== "" && part !== "."),
  );
  for (const parts of alternatives)
    if (parts.includes("..")) throw badPattern(text, "leaves its folder with ..");
  const compiled = alternatives.map((parts) =>
    parts.map((part): Part => (part === "**" ? "**" : tokens(part))),
  );
  const literal = alternatives.length === 1 ? (alternatives[0] ?? []) : [];
  const plain = literal.findIndex((part) => /[*?[\\]/.test(part));
  return {
    matches(path) {
      const names = path.split("/").map((name) => [...name]);
      return compiled.some((parts) => matchesParts(parts, names));
    },
    prefix: literal.slice(0, plain === -1 ? literal.length - 1 : plain).join("/"),
    depthMax: compiled.some((parts) => parts.includes("**"))
      ? Number.POSITIVE_INFINITY
      : Math.max(...compiled.map((parts) => parts.length)),
    names: (folder) => alternatives.some((parts) => parts.includes(folder)),
  };
}

/** `a{b,c{d,e}}f` as `abf`, `acdf`, `acef`. A brace without a partner or a comma stands for itself. */
function expandBraces(text: string): string[] {
  const done: string[] = [];
  const open = [text];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const group = firstGroup(one);
    if (group === undefined) done.push(one);
    else
      for (const choice of group.choices.toReversed())
        open.push(one.slice(0, group.start) + choice + one.slice(group.end));
    if (done.length + open.length > ALTERNATIVES_MAX)
      throw badPattern(text, `stands for more than ${ALTERNATIVES_MAX} alternatives`);
  }
  return done;
}

function firstGroup(text: string): { start: number; end: number; choices: string[] } | undefined {
  for (let start = text.indexOf("{"); start !== -1; start = text.indexOf("{", start + 1)) {
    const choices: string[] = [];
    let depth = 0;
    let from = start + 1;
    for (let at = start; at < text.length; at += 1) {
      if (text[at] === "{") depth += 1;
      else if (text[at] === "," && depth === 1) {
        choices.push(text.slice(from, at));
        from = at + 1;
      } else if (text[at] === "}") {
        depth -= 1;
        if (depth > 0) continue;
        if (choices.length === 0) break;
        return { start, end: at + 1, choices: [...choices, text.slice(from, at)] };
      }
    }
  }
  return undefined;
}

function tokens(part: string): Token[] {
  const list: Token[] = [];
  const chars = [...part];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? "";
    const set = char === "[" ? setAt(chars, at) : undefined;
    if (set !== undefined) {
      list.push(set.token);
      at = set.end;
    } else if (char === "*") {
      if (list.at(-1)?.kind !== "star") list.push({ kind: "star" });
    } else if (char === "?") list.push({ kind: "any" });
    else if (char === "\\" && at + 1 < chars.length) {
      at += 1;
      list.push({ kind: "char", char: chars[at] ?? "" });
    } else list.push({ kind: "char", char });
  }
  return list;
}

/** The set that begins at `[`; undefined when it has no end, and then `[` stands for itself. */
function setAt(chars: readonly string[], start: number): { token: Token; end: number } | undefined {
  const not = chars[start + 1] === "!" || chars[start + 1] === "^";
  const first = start + (not ? 2 : 1);
  const end = chars.indexOf("]", first + 1);
  if (end === -1) return undefined;
  const ranges: (readonly [string, string])[] = [];
  for (let at = first; at < end; at += 1) {
    const from = chars[at] ?? "";
    const to = chars[at + 1] === "-" && at + 2 < end ? chars[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return { token: { kind: "set", not, ranges }, end };
}

/** Matches with one place to go back to, the last star: never exponential. */
function matchesList<P, V>(
  pattern: readonly P[],
  values: readonly V[],
  isStar: (part: P) => boolean,
  fits: (part: P, value: V) => boolean,
): boolean {
  let p = 0;
  let v = 0;
  let star = -1;
  let starValue = 0;
  while (v < values.length) {
    const part = pattern[p];
    const value = values[v] as V;
    if (part !== undefined && isStar(part)) {
      star = p;
      starValue = v;
      p += 1;
    } else if (part !== undefined && fits(part, value)) {
      p += 1;
      v += 1;
    } else if (star !== -1) {
      starValue += 1;
      p = star + 1;
      v = starValue;
    } else return false;
  }
  while (p < pattern.length && isStar(pattern[p] as P)) p += 1;
  return p === pattern.length;
}

function matchesParts(parts: readonly Part[], names: readonly (readonly string[])[]): boolean {
  return matchesList(
    parts,
    names,
    (part) => part === "**",
    (part, name) => part !== "**" && matchesName(part, name),
  );
}

function matchesName(pattern: readonly Token[], name: readonly string[]): boolean {
  return matchesList(pattern, name, (token) => token.kind === "star", fitsChar);
}

function fitsChar(token: Token, char: string): boolean {
  if (token.kind === "char") return token.char === char;
  if (token.kind === "set")
    return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.not;
  return token.kind === "any";
}

function badPattern(text: string, what: string): LegionError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new LegionError({
    code: "LEG4026",
    message: `the pattern "${shown}" ${what}`,
    hint: "use *, **, ?, [a-z] and {a,b} below the folder",
    example: 'await tools.files.glob({"pattern":"src/**/*.ts"})',
  });
}
