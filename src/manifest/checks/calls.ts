import { isObject, type Json, type JsonPath, type JsonSchema } from "../../lib/json.ts";
import { compileSchema } from "../../lib/schema.ts";
import type { SchemaIssue } from "../../lib/schema-issues.ts";
import { suggest } from "../../lib/suggest.ts";
import type { Span } from "../../trigger/problems.ts";
import { declaredFunction, splitFunction } from "../function-schema.ts";
import type { LoadedDocument } from "../loaded.ts";
import type { ManifestObject } from "../objects.ts";
import { placeOf } from "../validate.ts";
import { type CheckContext, type Finding, faultAt, listOf, nameHint } from "./context.ts";
import { checkFunction, functionsOf } from "./functions.ts";
import { findingInText } from "./text-place.ts";

/** A call of `tool.function` that an object names, in a text of its own or as a part of a larger one. */
export interface NamedCall {
  readonly object: ManifestObject<"Watcher"> | ManifestObject<"Cron">;
  readonly document: LoadedDocument;
  readonly path: JsonPath;
  /** Where the name stands in the text of the field. */
  readonly at: Span;
  /** `tool.function`. */
  readonly name: string;
}

/** What is known of a function that is named. */
export interface KnownFunction {
  /** Whether the Tool is there, is valid, and does not lack the function. */
  readonly isKnown: boolean;
  readonly parameters?: JsonSchema;
  readonly returns?: JsonSchema;
}

/** The function that a call names is there; gives what its Tool declares of it. */
export function checkNamedFunction(call: NamedCall, context: CheckContext): KnownFunction {
  const { object, at, name: fullName } = call;
  const { namespace, kind } = object;
  const { tool, name } = splitFunction(fullName);
  if (context.find("Tool", namespace, tool) === undefined) {
    const summary = `${kind} "${object.name}" references Tool "${tool}", which does not exist`;
    const detail = nameHint("Tool", namespace, tool, context);
    const toolAt = { start: at.start, end: at.start + tool.length };
    reportAt(call, toolAt, { code: "LEG1050", summary, detail }, context);
    return { isKnown: false };
  }
  const known = functionsOf(tool, namespace, context);
  if (name === "") {
    const summary = `tool:${tool} names no function of Tool "${tool}"`;
    const example = known?.[0] ?? "FUNCTION";
    const list = known === undefined ? "" : `\n${listOf(known, "it has none")}`;
    const detail = `write tool:${tool}.${example}${list}`;
    reportAt(call, at, { code: "LEG1051", summary, detail }, context);
    return { isKnown: false };
  }
  const nameAt = { start: at.start + tool.length + 1, end: at.end };
  const { inside } = findingInText(call.document, call.path, nameAt, unplaced);
  checkFunction(object, { tool, name, path: call.path, ...(inside && { inside }) }, context);
  const declared = declaredFunction(context.object("Tool", namespace, tool), name);
  if (declared?.approval === true || asksPeople(tool, name, namespace, context)) {
    const summary = `${kind} "${object.name}" calls ${fullName}, which needs a person, and nobody would be asked`;
    const detail =
      kind === "Cron"
        ? "write agent and task in place of tool: people are asked when the agent calls the function"
        : "wake an agent instead: people are asked when it calls the function";
    reportAt(call, at, { code: "LEG1123", summary, detail }, context);
  }
  return {
    isKnown: known?.includes(name) ?? false,
    ...(declared?.parameters && { parameters: declared.parameters }),
    ...(declared?.returns && { returns: declared.returns }),
  };
}

/** Whether it is a function of a builtin that needs a person. */
function asksPeople(
  tool: string,
  name: string,
  namespace: string,
  { object, options }: CheckContext,
): boolean {
  const spec = object("Tool", namespace, tool)?.spec;
  if (spec?.type !== "builtin") return false;
  return options.builtins?.[spec.builtin ?? ""]?.withPeople?.includes(name) ?? false;
}

const unplaced = { code: "LEG1051", summary: "", detail: "" } as const;

/** Reports something against a part of the text that names the call. */
function reportAt(
  { object, document, path }: NamedCall,
  at: Span,
  finding: Omit<Finding, "path" | "inside">,
  { report }: CheckContext,
): void {
  report(faultAt(object, findingInText(document, path, at, finding)));
}

/** What an action of a trigger gives to its function: keys that are known, or nothing. */
export interface GivenMap {
  readonly given?: "text" | "map";
  readonly keys?: readonly string[];
}

/** The map of an action has the keys that the function requires, and none that it refuses. */
export function checkMap(
  call: NamedCall,
  { given, keys = given === "map" ? undefined : [] }: GivenMap,
  { parameters }: KnownFunction,
  context: CheckContext,
): void {
  const target = `tool:${call.name}`;
  const tell = (summary: string, detail: string) =>
    reportAt(call, call.at, { code: "LEG1119", summary, detail }, context);
  if (given === "text") {
    tell(
      `${target} takes a map of arguments, not a text`,
      `write it as one: ${target} {"${requiredOf(parameters)[0] ?? "name"}": "..."}`,
    );
    return;
  }
  if (parameters === undefined || keys === undefined) return;
  const meant = new Set<string>();
  for (const [key, names] of refusedKeys(keys, parameters)) {
    const near = suggest(key, names);
    const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
    if (near !== undefined) meant.add(near);
    tell(`${target} takes no "${key}"`, hint + listOf(names, "it takes none"));
  }
  const missing = requiredOf(parameters).filter((key) => !keys.includes(key) && !meant.has(key));
  if (missing.length === 0) return;
  const example = `{${missing.map((key) => `"${key}": ...`).join(", ")}}`;
  tell(`${target} lacks ${missing.join(" and ")}`, `write ${target} ${example}`);
}

/** Keys that the schema does not know and does not let through, each with those that it knows. */
function refusedKeys(
  keys: readonly string[],
  { properties, additionalProperties }: JsonSchema,
): readonly (readonly [key: string, known: readonly string[]])[] {
  if (additionalProperties !== false || !isObject(properties)) return [];
  const known = Object.keys(properties);
  return keys.filter((key) => !known.includes(key)).map((key) => [key, known]);
}

function requiredOf(parameters: JsonSchema | undefined): readonly string[] {
  const required = parameters?.required;
  return Array.isArray(required) ? required.map(String) : [];
}

/** The arguments that a field gives are what the function takes. */
export async function checkArguments(
  call: NamedCall,
  given: Json | undefined,
  { parameters }: KnownFunction,
  context: CheckContext,
): Promise<void> {
  if (parameters === undefined) return;
  let issues: readonly SchemaIssue[];
  try {
    issues = (await compileSchema(parameters))(given ?? {});
  } catch {
    // The check of the Tool tells what is wrong with its schema.
    return;
  }
  for (const issue of issues) reportIssue(call, given, issue, context);
}

function reportIssue(
  { object, name, path: namedAt }: NamedCall,
  given: Json | undefined,
  issue: SchemaIssue,
  { report }: CheckContext,
): void {
  const isUnknown = issue.kind === "unknown";
  if (given === undefined) {
    const what = issue.kind === "missing" ? `${issue.field} is required` : `it ${issue.message}`;
    const summary = `${object.kind} "${object.name}" calls ${name} without arguments: ${what}`;
    const detail = `write arguments: {${issue.field ?? "name"}: ...}`;
    report(faultAt(object, { code: "LEG1119", path: namedAt, summary, detail }));
    return;
  }
  const inner = isUnknown ? issue.path.slice(0, -1) : issue.path;
  const place = placeOf(object.kind, ["spec", "arguments", ...inner]);
  report(
    faultAt(object, {
      code: "LEG1119",
      path: ["spec", "arguments", ...issue.path],
      part: isUnknown || issue.kind === "missing" ? "key" : "value",
      summary: isUnknown ? `${issue.message} in ${place}` : `${place} ${issue.message}`,
      detail: issue.hint.replace('"? allowed', '"?\nallowed'),
    }),
  );
}
