import { messageOf } from "../lib/errors.ts";
import { isObject } from "../lib/json.ts";

/** The deepest nesting of a reply; deeper ones would overflow the stack of what reads them later. */
const DEPTH_MAX = 200;
/** How many places of a text are tried as the start of an object: bounds the search to a few passes. */
const STARTS_MAX = 20;

export type FoundObject =
  | { readonly ok: true; readonly object: Record<string, unknown> }
  | { readonly ok: false; readonly problem: string };

/**
 * The object of a reply. Models that do not keep to plain JSON put it into a code fence or into prose, so these are
 * searched too: the first object with the field `action` counts, else the first object.
 */
export function findObject(text: string): FoundObject {
  const whole = parse(text.trim());
  if (whole.ok) return whole;
  let first: FoundObject | undefined;
  for (const candidate of objectTexts(text)) {
    const found = parse(candidate);
    if (found.ok && "action" in found.object) return found;
    if (found.ok) first ??= found;
  }
  return first ?? whole;
}

function parse(text: string): FoundObject {
  if (isTooDeep(text)) {
    return { ok: false, problem: `it is nested deeper than ${DEPTH_MAX} levels` };
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return { ok: true, object: value };
    return { ok: false, problem: "it is JSON, but not an object" };
  } catch (error) {
    return { ok: false, problem: `it is not JSON (${messageOf(error)})` };
  }
}

/** The pieces of a text that look like a whole object, in order, none inside another. */
function* objectTexts(text: string): Generator<string> {
  let start = text.indexOf("{");
  for (let tries = 0; start !== -1 && tries < STARTS_MAX; tries += 1) {
    const end = endOfObject(text, start);
    if (end !== undefined) yield text.slice(start, end);
    start = text.indexOf("{", end ?? start + 1);
  }
}

/** The index after the brace that closes the one at `start`; undefined when it stays open. */
function endOfObject(text: string, start: number): number | undefined {
  for (const { index, depth } of brackets(text, start)) {
    if (depth === 0) return index + 1;
    if (depth > DEPTH_MAX) return undefined;
  }
  return undefined;
}

/** Whether JSON is nested so deep that what reads it later would overflow the stack. */
export function isTooDeep(text: string): boolean {
  return brackets(text, 0).some(({ depth }) => depth > DEPTH_MAX);
}

/** Every bracket outside of strings, with the depth after it. */
function* brackets(text: string, start: number): Generator<{ index: number; depth: number }, void> {
  let depth = 0;
  let inString = false;
  for (let index = start; index < text.length; index += 1) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') {
      inString = true;
    } else if (character === "{" || character === "[") {
      depth += 1;
      yield { index, depth };
    } else if (character === "}" || character === "]") {
      depth -= 1;
      yield { index, depth };
    }
  }
}
