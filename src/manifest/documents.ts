import { canonicalHash } from "../lib/hash.ts";
import { isObject, type Json, type JsonObject, pointerOf } from "../lib/json.ts";
import { toJson } from "./convert.ts";
import { fillDefaults } from "./defaults.ts";
import type { Fault, Report } from "./fault.ts";
import { isKind } from "./kinds.ts";
import { DEFAULT_NAMESPACE, type Declared, type LoadedDocument } from "./loaded.ts";
import type { ManifestObject, ObjectSource } from "./objects.ts";
import type { ParsedDocument } from "./parse.ts";
import { type ValueFault, validateDocument } from "./validate.ts";
import { type Environment, expandVariables, type VariableFault } from "./variables.ts";
import type { TextFault } from "./yaml-words.ts";

/** What could be read of a document. */
export interface ReadDocument {
  /** Undefined when there is nothing in it. */
  readonly json: Json | undefined;
  /** Something is wrong with its text: `json` serves to tell what it was meant to declare, and nothing else. */
  readonly isBroken: boolean;
}

/** The JSON value of a parsed document; what is wrong with its text is reported. */
export function readDocument(
  { tree, faults }: ParsedDocument,
  source: ObjectSource,
  report: Report,
): ReadDocument {
  const converted = tree === null ? undefined : toJson(tree);
  // What a tree lacks or has too much after a fault of syntax is no news.
  const all = faults.length > 0 ? faults : (converted?.faults ?? []);
  for (const fault of all) reportText(fault, source, report);
  return { json: converted?.value, isBroken: all.length > 0 };
}

/** A document whose text is wrong: what it declares exists, so that references to it are not reported as well. */
export function brokenDocument(json: Json, source: ObjectSource): LoadedDocument {
  const declares = declared(json);
  return {
    source,
    written: null,
    value: null,
    variables: new Map(),
    ...(declares && { declares }),
  };
}

/** The object that a document declares: variables replaced, validated, defaults filled in. */
export function loadDocument(
  written: Json,
  source: ObjectSource,
  env: Environment,
  report: Report,
): LoadedDocument {
  const { value, used, faults: variableFaults } = expandVariables(written, env);
  const faults = withoutEchoes(variableFaults, validateDocument(value, written, used));
  for (const fault of faults) reportField(fault, source, report);
  const declares = declared(value);
  const loaded = { source, written, value, variables: used, ...(declares && { declares }) };
  if (faults.length > 0 || declares === undefined) return loaded;
  fillDefaults(declares.kind, value as JsonObject);
  return { ...loaded, object: objectOf(value as JsonObject, declares, source) };
}

/** What would be wrong with a value that is not known yet is no news, nor are the variables in a field that does not exist. */
function withoutEchoes(
  variables: readonly VariableFault[],
  values: readonly ValueFault[],
): (VariableFault | ValueFault)[] {
  const open = new Set(variables.map(({ path }) => pointerOf(path)));
  const unknown = values
    .filter(({ code }) => code === "LEG1007")
    .map(({ path }) => pointerOf(path));
  return [
    ...variables.filter(({ path }) => !unknown.some((field) => isWithin(pointerOf(path), field))),
    ...values.filter(({ part, path }) => part === "key" || !open.has(pointerOf(path))),
  ];
}

function isWithin(pointer: string, field: string): boolean {
  return pointer === field || pointer.startsWith(`${field}/`);
}

function objectOf(
  value: JsonObject,
  { kind, namespace, name }: Declared,
  source: ObjectSource,
): ManifestObject {
  const { metadata, spec } = value as {
    metadata: Partial<Pick<ManifestObject, "labels" | "annotations">>;
    spec: Json;
  };
  const { labels = {}, annotations = {} } = metadata;
  const object = {
    kind,
    name,
    namespace,
    labels,
    annotations,
    spec,
    source,
    specHash: canonicalHash(spec),
  };
  return object as unknown as ManifestObject;
}

/** What a document declares, as far as it can be told from one that may not be valid. */
export function declared(value: Json): Declared | undefined {
  if (!isObject(value) || !isKind(value.kind) || !isObject(value.metadata)) return undefined;
  const { name, namespace = DEFAULT_NAMESPACE } = value.metadata;
  if (typeof name !== "string" || typeof namespace !== "string") return undefined;
  return { kind: value.kind, namespace, name };
}

function reportText(
  { code, summary, detail, start, end }: TextFault,
  { file, shown }: ObjectSource,
  report: Report,
): void {
  const told: Fault["detail"] =
    typeof detail === "string" ? detail : (where) => detail((spot) => where(file, spot));
  report({ severity: "error", code, summary, detail: told, file, shown, spot: { start, end } });
}

function reportField(
  fault: ValueFault | VariableFault,
  { file, shown, document }: ObjectSource,
  report: Report,
): void {
  const { code, summary, detail, path } = fault;
  const spot =
    "words" in fault
      ? { document, path, part: "value" as const, words: fault.words }
      : { document, path, part: fault.part };
  report({ severity: "error", code, summary, detail, file, shown, spot });
}
