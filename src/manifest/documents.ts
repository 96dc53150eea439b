import { canonicalHash } from "../lib/hash.ts";
import { isObject, type Json, type JsonObject, pointerOf } from "../lib/json.ts";
import { computedFields } from "./computed-fields.ts";
import { toJson } from "./convert.ts";
import { withDefaults } from "./defaults.ts";
import type { Fault, Report } from "./fault.ts";
import { isKind } from "./kinds.ts";
import { DEFAULT_NAMESPACE, type Declared, type LoadedDocument } from "./loaded.ts";
import type { ManifestObject, ObjectSource } from "./objects.ts";
import { placed } from "./overlays/layers.ts";
import type { ParsedDocument } from "./parse.ts";
import { knowSentHash } from "./sent-hash.ts";
import { withoutServerFields } from "./server-fields.ts";
import { type ValueFault, validateDocument } from "./validate.ts";
import { type Environment, expandVariables, type VariableFault } from "./variables.ts";
import type { TextFault } from "./yaml-words.ts";

/** What could be read of a document. */
export interface ReadDocument {
  /** Undefined when there is nothing in it. With a fault it serves to tell what was to be declared, and nothing else. */
  readonly json: Json | undefined;
  /** What is wrong with its text. */
  readonly faults: readonly TextFault[];
  /** Something is wrong with the text that it is a part of. */
  readonly isBroken?: boolean;
  readonly known?: KnownDocument | undefined;
}

/** A document as it is written, with the place it stands in. One that did not change is the same value in the next load. */
export interface WrittenDocument {
  readonly source: ObjectSource;
  readonly json: Json;
  /** Something is wrong with its text. */
  readonly isBroken: boolean;
  /** What an earlier load found out about the same text. */
  readonly known?: KnownDocument | undefined;
}

/** That nothing is wrong with a document by itself, and the hashes of its object. */
export interface KnownDocument {
  readonly specHash: string;
  readonly sentHash: string;
}

/** The JSON value of a parsed document, and what is wrong with its text. */
export function readDocument({ tree, faults }: ParsedDocument): ReadDocument {
  const converted = tree === null ? undefined : toJson(tree);
  // What a tree lacks or has too much after a fault of syntax is no news.
  return {
    json: converted?.value === undefined ? undefined : withoutServerFields(converted.value),
    faults: faults.length > 0 ? faults : (converted?.faults ?? []),
  };
}

/** A document whose text is wrong: what it declares exists, so that references to it are not reported as well. */
function brokenDocument({ json, source }: WrittenDocument): LoadedDocument {
  const declares = declared(json);
  return {
    source,
    written: null,
    value: null,
    variables: new Map(),
    isFixed: true,
    isSound: false,
    ...(declares && { declares }),
  };
}

/** The object that a document declares: variables replaced, validated, defaults filled in. */
export function loadDocument(
  document: WrittenDocument,
  env: Environment,
  report: Report,
): LoadedDocument {
  if (document.isBroken) return brokenDocument(document);
  const { json: written, source, known } = document;
  // What is known is the same in every environment: there is no variable in it.
  const isKnown = known !== undefined;
  const {
    value,
    used,
    faults: variableFaults,
  } = isKnown ? { value: written, used: noVariables, faults: [] } : expandVariables(written, env);
  const isFixed = value === written;
  const faults = isKnown
    ? []
    : [
        ...withoutEchoes(variableFaults, validateDocument(value, written, used)),
        ...computedFaults(value),
      ];
  for (const fault of faults) reportField(fault, source, report);
  const declares = declared(value);
  const loaded = {
    source,
    written,
    value,
    variables: used,
    isFixed,
    isSound: isKnown,
    ...(declares && { declares }),
  };
  if (faults.length > 0 || declares === undefined) return loaded;
  return { ...loaded, object: objectOf(value as JsonObject, declares, source, known) };
}

const noVariables: LoadedDocument["variables"] = new Map();

/** Fields that loading fills in. */
function computedFaults(value: Json): ValueFault[] {
  if (!isObject(value) || !isKind(value.kind) || !isObject(value.spec)) return [];
  const { spec, kind } = value;
  return computedFields[kind].flatMap((name) => {
    if (!Object.hasOwn(spec, name)) return [];
    const summary = `spec.${name} is filled in by Legion and cannot be written`;
    const detail = `remove ${name}: it is computed from the file that the object names`;
    return [{ code: "LEG1092", summary, detail, path: ["spec", name], part: "key" }];
  });
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
  known: KnownDocument | undefined,
): ManifestObject {
  const { metadata, spec: sent } = value as {
    metadata: Partial<Pick<ManifestObject, "labels" | "annotations">>;
    spec: JsonObject;
  };
  const { labels = {}, annotations = {} } = metadata;
  const { spec } = withDefaults(kind, value) as { spec: JsonObject };
  const specHash = known?.specHash ?? canonicalHash(spec);
  if (known !== undefined) knowSentHash(sent, known.sentHash);
  const object = { kind, name, namespace, labels, annotations, spec, sent, source, specHash };
  return object as unknown as ManifestObject;
}

/** What a document declares, as far as it can be told from one that may not be valid. */
export function declared(value: Json): Declared | undefined {
  if (!isObject(value) || !isKind(value.kind) || !isObject(value.metadata)) return undefined;
  const { name, namespace = DEFAULT_NAMESPACE } = value.metadata;
  if (typeof name !== "string" || typeof namespace !== "string") return undefined;
  return { kind: value.kind, namespace, name };
}

/** A fault of a text as one of the file it stands in. */
export function textFault(
  { code, summary, detail, start, end }: TextFault,
  { file, shown }: { readonly file: string; readonly shown: string },
  document: number,
): Fault {
  const told: Fault["detail"] =
    typeof detail === "string" ? detail : (where) => detail((spot) => where(file, spot));
  const blames = { file, document };
  const spot = { start, end };
  return { severity: "error", code, summary, detail: told, file, shown, spot, blames };
}

function reportField(
  fault: ValueFault | VariableFault,
  source: ObjectSource,
  report: Report,
): void {
  const { file, shown, document } = source;
  const { code, summary, detail, path } = fault;
  const spot =
    "words" in fault
      ? { document, path, part: "value" as const, words: fault.words }
      : { document, path, part: fault.part };
  report(placed(source, { severity: "error", code, summary, detail, file, shown, spot }));
}
