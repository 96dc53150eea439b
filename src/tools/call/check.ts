import { LegionError } from "../../lib/errors.ts";
import { isObject, type Json, type JsonObject } from "../../lib/json.ts";
import { compileSchema } from "../../lib/schema.ts";
import { describe, type SchemaIssue } from "../../lib/schema-issues.ts";
import { exampleCall } from "../example.ts";
import type { Found } from "./lookup.ts";
import { type PlainFault, plainCopy } from "./plain.ts";
import { type Redact, redactResult } from "./redact.ts";

/** Issues told at once; a model mends a few at a time. */
const ISSUES_SHOWN_MAX = 3;

/** A copy of the argument that the function may be run with; throws LEG4003, LEG4004 or LEG4005. */
export async function checkedArguments(
  found: Found,
  argument: Json | undefined,
): Promise<JsonObject> {
  const { binding, spec, shown } = found;
  const given = argument === undefined ? {} : argument;
  if (!isObject(given)) {
    throw new LegionError({
      code: "LEG4003",
      message: `${shown} takes one object, but got ${describe(given)}`,
      hint: "put the parameters into one object",
      example: exampleCall(binding, found.function),
    });
  }
  const { maxArgumentBytes } = binding.tool.limits;
  const copied = plainCopy(given, maxArgumentBytes);
  if (!copied.ok) throw unusableArguments(shown, copied.fault, maxArgumentBytes);
  const validate = await compileSchema(spec.parameters);
  const issues = validate(copied.value);
  if (issues.length > 0) throw wrongArguments(found, issues);
  return copied.value as JsonObject;
}

function unusableArguments(shown: string, fault: PlainFault, bytesMax: number): LegionError {
  const said = {
    size: [`have more than ${bytesMax.toLocaleString("en")} bytes`, "send less in one call"],
    key: [`cannot be used: ${faultText(fault)}`, RENAME_HINT],
    value: [
      `are not plain data: ${faultText(fault)}`,
      "pass objects, lists, text, numbers and booleans",
    ],
  } as const;
  const [what, hint] = said[fault.kind];
  return new LegionError({ code: "LEG4004", message: `the arguments of ${shown} ${what}`, hint });
}

const RENAME_HINT = "give the field another name";

function faultText(fault: PlainFault): string {
  return fault.kind === "size" ? "" : fault.message;
}

function wrongArguments(found: Found, issues: readonly SchemaIssue[]): LegionError {
  const told = issues.slice(0, ISSUES_SHOWN_MAX);
  const more = issues.length > told.length ? `, and ${issues.length - told.length} more` : "";
  const hints = new Set(told.map(({ hint }) => hint).filter((hint) => hint !== ""));
  // The fields there are help most where one is unknown or missing.
  const named = told.some(({ kind }) => kind === "unknown" || kind === "missing");
  const valid = named ? parameterNames(found) : told.find((issue) => issue.valid)?.valid;
  return new LegionError({
    code: "LEG4005",
    message: `${found.shown}: ${told.map(sentence).join("; ")}${more}`,
    hint: [...hints].join("; ") || "change the arguments as the message says",
    ...(valid !== undefined && valid.length > 0 && { valid }),
    example: exampleCall(found.binding, found.function),
  });
}

function parameterNames({ spec }: Found): string[] {
  return isObject(spec.parameters.properties) ? Object.keys(spec.parameters.properties) : [];
}

/** An issue with its path, as one sentence. */
function sentence({ path, message, kind, field }: SchemaIssue): string {
  const where = path.join(".");
  if (kind === "unknown" || kind === "forbidden") return message;
  if (where === "")
    return kind === "missing" && field !== undefined
      ? `"${field}" is missing`
      : `the argument ${message}`;
  return `"${where}" ${message}`;
}

/**
 * A copy of the result that may leave the tool, without secrets; throws LEG4009, LEG4010 or LEG4011. Secrets go before the schema is
 * held against it: its errors repeat parts of texts, and of a part nobody knows that it is one of a secret.
 */
export async function checkedResult(
  { binding, spec, shown }: Found,
  result: unknown,
  redact: Redact,
): Promise<Json | undefined> {
  const { maxResultBytes } = binding.tool.limits;
  const copied = plainCopy(result, maxResultBytes);
  if (!copied.ok) throw unusableResult(shown, copied.fault, maxResultBytes);
  const value = redactResult(copied.value, redact);
  if (spec.returns === undefined) return value;
  const validate = await compileSchema(spec.returns);
  const [issue] = validate(value);
  if (issue === undefined) return value;
  const where = issue.path.length === 0 ? "it" : `"${issue.path.join(".")}"`;
  throw new LegionError({
    code: "LEG4011",
    message: `${shown} returned something other than it declares: ${where} ${issue.message}`,
    hint: "the fault is the tool's: mend it, or correct `returns` in its manifest",
  });
}

function unusableResult(shown: string, fault: PlainFault, bytesMax: number): LegionError {
  if (fault.kind === "size") {
    const message = `the result of ${shown} has more than ${bytesMax.toLocaleString("en")} bytes`;
    const hint = "ask for less in one call, or raise spec.maxResultBytes of the tool";
    return new LegionError({ code: "LEG4010", message, hint });
  }
  const message = `the result of ${shown} is not ${fault.kind === "key" ? "usable" : "JSON"}: ${fault.message}`;
  const does = fault.kind === "key" ? RENAME_HINT : "let it return plain data";
  const hint = `the fault is the tool's: ${does}`;
  return new LegionError({ code: "LEG4009", message, hint });
}
