import type { Json, JsonPath } from "../lib/json.ts";
import { isObject } from "../lib/json.ts";
import { suggest } from "../lib/suggest.ts";
import { EXPANDED_CHARS_MAX } from "./limits.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that could not be replaced. */
export interface VariableFault {
  readonly code: "LEG1040" | "LEG1041";
  readonly summary: string;
  readonly detail: string;
  readonly path: JsonPath;
  /** The words in the text to point at. */
  readonly words: string;
}

/** What can be written, for messages. */
const forms = ["", ":-default", "-default", ":?message"]
  .map((rest) => `\${NAME${rest}}`)
  .join(", ");

/** Shorter names are near to everything. */
const SUGGESTED_LENGTH_MIN = 3;

/** A document with its variables replaced. */
export interface Expanded {
  readonly value: Json;
  readonly faults: readonly VariableFault[];
  /** The variables that were replaced, with their values: these must get into no message. */
  readonly used: ReadonlyMap<string, string>;
}

interface State {
  readonly env: Environment;
  readonly faults: VariableFault[];
  readonly used: Map<string, string>;
}

/** Fields of each kind whose text belongs to a model or is code: `${` in them is theirs. */
const untouched: Readonly<Record<string, readonly string[]>> = {
  Agent: ["description", "instructions", "systemPrompt"],
  Tool: ["source"],
  Provider: ["replies"],
  Cron: ["task"],
};

/**
 * The document with ${VAR}, ${VAR:-default}, ${VAR-default} and ${VAR:?message} replaced in its strings, and
 * $${ made ${. Keys stay as they are, and so do prompts (unless spec.expandPrompts is true), code and scripted replies.
 * A document without any is given back itself; one with some is a copy.
 */
export function expandVariables(document: Json, env: Environment): Expanded {
  const state: State = { env, faults: [], used: new Map() };
  if (!mentionsVariable(document)) return expanded(document, state);
  const skip = skippedFields(document);
  const copy = (value: Json, path: JsonPath): Json => {
    if (path.length === 2 && path[0] === "spec" && skip.includes(String(path[1]))) return value;
    if (typeof value === "string")
      return value.includes("${") ? expandText(value, path, state) : value;
    if (Array.isArray(value)) return value.map((item, index) => copy(item, [...path, index]));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [name, copy(field as Json, [...path, name])]),
    );
  };
  return expanded(copy(document, []), state);
}

function expanded(value: Json, { faults, used }: State): Expanded {
  return { value, faults, used };
}

function mentionsVariable(value: Json): boolean {
  if (typeof value === "string") return value.includes("${");
  return typeof value === "object" && value !== null && Object.values(value).some(mentionsVariable);
}

function skippedFields(document: Json): readonly string[] {
  if (!isObject(document) || !isObject(document.spec)) return [];
  if (document.kind === "Agent" && document.spec.expandPrompts === true) return [];
  return untouched[String(document.kind)] ?? [];
}

const form = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?-|:\?)([^{}]*))?\}|\$\{[^}]{0,40}\}?/g;

function expandText(text: string, path: JsonPath, { env, faults, used }: State): string {
  let length = 0;
  const result = text.replace(
    form,
    (words: string, name?: string, operator?: string, rest = "") => {
      if (words === "$${") return "${";
      const value = name === undefined ? undefined : lookUp(env, name, operator, rest);
      const fault = value === undefined ? faultOf(words, name, operator, rest, env) : undefined;
      if (fault !== undefined) faults.push({ ...fault, path, words });
      if (name !== undefined && value !== undefined && value === env[name]) used.set(name, value);
      length += value?.length ?? 0;
      return length > EXPANDED_CHARS_MAX ? "" : (value ?? "");
    },
  );
  if (length > EXPANDED_CHARS_MAX) {
    const summary = `the text has more than ${EXPANDED_CHARS_MAX} characters once its variables are replaced`;
    faults.push({
      code: "LEG1041",
      summary,
      detail: "read the value from a file with a tool",
      path,
      words: "${",
    });
  }
  return result;
}

/** A stretch of a text after its variables were replaced: how long it is there, and where it stands in the text as it is written. */
export interface Piece {
  readonly length: number;
  readonly start: number;
  readonly end: number;
  /** The variable that brought it. What a default brings stands in the text letter for letter. */
  readonly name?: string;
}

/** What a written text is made of, with the values of the variables that were replaced in it. */
export function piecesOf(written: string, used: ReadonlyMap<string, string>): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const { 0: words, 1: name, 2: operator, 3: rest = "", index } of written.matchAll(form)) {
    pieces.push({ length: index - at, start: at, end: index });
    at = index + words.length;
    const value = name === undefined ? undefined : used.get(name);
    if (name === undefined) pieces.push({ length: 2, start: index, end: at });
    else if (value !== undefined && !(value === "" && operator === ":-"))
      pieces.push({ length: value.length, start: index, end: at, name });
    else pieces.push({ length: rest.length, start: at - 1 - rest.length, end: at - 1 });
  }
  pieces.push({ length: written.length - at, start: at, end: written.length });
  return pieces.filter(({ length }) => length > 0);
}

/** The names of the variables that a text mentions, each once. */
export function namesIn(text: string): readonly string[] {
  const names = [...text.matchAll(form)].flatMap(([, name]) => name ?? []);
  return [...new Set(names)];
}

function lookUp(
  env: Environment,
  name: string,
  operator: string | undefined,
  fallback: string,
): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (operator === ":?") return value === "" ? undefined : value;
  if (operator === ":-") return value === undefined || value === "" ? fallback : value;
  return value ?? (operator === "-" ? fallback : undefined);
}

function faultOf(
  words: string,
  name: string | undefined,
  operator: string | undefined,
  message: string,
  env: Environment,
): Pick<VariableFault, "code" | "summary" | "detail"> {
  if (name === undefined) {
    const detail = `write one of: ${forms}; for the characters themselves write $\${`;
    return { code: "LEG1041", summary: `"${words}" is not a variable`, detail };
  }
  if (operator === ":?" && message !== "")
    return {
      code: "LEG1040",
      summary: `variable ${name} is not set: ${message}`,
      detail: `set ${name}`,
    };
  const near = suggest(
    name,
    Object.keys(env).filter((known) => known.length >= SUGGESTED_LENGTH_MIN),
  );
  const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
  return {
    code: "LEG1040",
    summary: `variable ${name} is not set`,
    detail: `${hint}set it, or give a default: \${${name}:-default}`,
  };
}
