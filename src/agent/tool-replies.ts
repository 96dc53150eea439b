import { type ErrorData, messageOf } from "../lib/errors.ts";
import { isObject, type Json, type JsonObject } from "../lib/json.ts";
import { describe } from "../lib/schema-issues.ts";
import { suggest } from "../lib/suggest.ts";
import type { ToolCall } from "../router/contract.ts";
import { isTooDeep } from "./reply-json.ts";
import type { CalledFunction, ToolDeclarations } from "./tool-declarations.ts";

/** The most calls that one reply may make. */
export const CALLS_MAX = 128;
/** What is repeated of a name or text of the model. */
const SHOWN_MAX = 60;

/** A call of the model: what it calls, or what is wrong with it in words for the model. */
export type ReadCall =
  | {
      readonly ok: true;
      readonly id: string;
      readonly called: CalledFunction;
      readonly argument: JsonObject;
    }
  | { readonly ok: false; readonly id: string; readonly error: ErrorData };

/** What a call says. Never throws, whatever the model wrote. */
export function readCall(call: ToolCall, tools: ToolDeclarations): ReadCall {
  const { id } = call;
  const called = tools.find(call.name);
  if (called === undefined) return { ok: false, id, error: noSuchFunction(call.name, tools) };
  const argument = argumentOf(call);
  return "error" in argument
    ? { ok: false, id, error: argument.error }
    : { ok: true, id, called, argument: argument.value };
}

/** The error of the calls of a reply that are too many. */
export function tooManyCalls(made: number): ErrorData {
  return {
    code: "LEG2049",
    message: `the call was not made: the reply has ${made} calls, and at most ${CALLS_MAX} are made`,
    hint: "make the rest of the calls in your next reply",
  };
}

/** The calls with ids of their own: some providers leave them out or give all the same. */
export function withOwnIds(calls: readonly ToolCall[]): readonly ToolCall[] {
  const taken = new Set<string>();
  return calls.map((call, index) => {
    const wanted = call.id === "" ? `call_${index + 1}` : call.id;
    let id = wanted;
    for (let number = 2; taken.has(id); number += 1) id = `${wanted}_${number}`;
    taken.add(id);
    return id === call.id ? call : { ...call, id };
  });
}

/** What the model reads of a value that a function returned. */
export function resultText(value: Json | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What the model reads of a call that failed. */
export function errorText({ code, message, hint, valid, example }: ErrorData): string {
  const lines = [`Error: ${message} (${code})`, `Hint: ${hint}`];
  if (valid !== undefined && valid.length > 0 && !hint.includes(valid.join(", ")))
    lines.push(`Valid: ${valid.join(", ")}`);
  // Examples of calls are code, and here is none.
  if (example !== undefined && !example.startsWith("await ")) lines.push(`Example: ${example}`);
  return lines.join("\n");
}

function argumentOf({
  name,
  arguments: text,
}: ToolCall): { readonly value: JsonObject } | { readonly error: ErrorData } {
  // Providers leave it empty for functions without parameters.
  if (text.trim() === "") return { value: {} };
  if (isTooDeep(text)) return { error: notJson(name, "it is nested too deeply") };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { error: notJson(name, messageOf(error)) };
  }
  if (isObject(value)) return { value: value as JsonObject };
  return {
    error: {
      code: "LEG4003",
      message: `${shortened(name)} takes one object, but got ${describe(value)}`,
      hint: "put the parameters into one object",
    },
  };
}

function notJson(name: string, problem: string): ErrorData {
  return {
    code: "LEG2048",
    message: `the arguments of ${shortened(name)} are not JSON: ${problem}`,
    hint: "call it again with the arguments as one whole JSON object; write less where the text was cut off",
  };
}

function noSuchFunction(name: string, { declarations }: ToolDeclarations): ErrorData {
  const valid = declarations.map((declared) => declared.name);
  const near = suggest(shortened(name), valid);
  return {
    code: "LEG4002",
    message: `no function is named "${shortened(name)}"`,
    hint:
      near === undefined ? "call one of the functions that there are" : `did you mean "${near}"?`,
    valid,
  };
}

function shortened(name: string): string {
  return name.length > SHOWN_MAX ? `${name.slice(0, SHOWN_MAX)}…` : name;
}
