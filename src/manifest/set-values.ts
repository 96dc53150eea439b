import { LegionError } from "../lib/errors.ts";
import { isObject, type Json, type JsonObject, type JsonPath } from "../lib/json.ts";
import { suggest } from "../lib/suggest.ts";
import { count } from "../lib/text.ts";
import { readDocument, type WrittenDocument } from "./documents.ts";
import type { Report } from "./fault.ts";
import { kindNames } from "./kinds.ts";
import type { Kind } from "./objects.ts";
import { withLayers } from "./overlays/apply.ts";
import { parseDocuments } from "./parse.ts";

/** One `--set KIND/NAME.PATH=VALUE`, read. */
export interface SetValue {
  /** What messages call it: the flag without the value. */
  readonly said: string;
  readonly kind: Kind;
  /** Absent: all of the kind. */
  readonly name?: string;
  readonly path: JsonPath;
  /** null takes the field away. */
  readonly value: Json;
}

const form =
  /^([A-Za-z]+)(?:\/([a-z0-9]([-a-z0-9]*[a-z0-9])?))?\.((?:spec|metadata)\b[^=]*)=(.*)$/s;

/**
 * The values of `--set`, in order: `agent/reviewer.spec.model=openai/gpt-5` for one object, `agent.spec.timeout=5m` for all
 * of a kind. Values are YAML on one line; null takes the field away. Items of lists are written [0], a dot within a key \.
 * Throws LEG1110.
 */
export function parseSets(texts: readonly string[]): readonly SetValue[] {
  return texts.map(parseSet);
}

function parseSet(text: string): SetValue {
  const [, kindText = "", name, , pathText = "", valueText = ""] = form.exec(text) ?? [];
  if (pathText === "") throw wrong(text, "it is not KIND/NAME.PATH=VALUE");
  const kind = kindNames.find((known) => known.toLowerCase() === kindText.toLowerCase());
  if (kind === undefined) {
    const names = kindNames.map((known) => known.toLowerCase());
    const near = suggest(kindText.toLowerCase(), names);
    const hint = near === undefined ? `use one of: ${names.join(", ")}` : `did you mean "${near}"?`;
    throw wrong(text, `there is no kind "${kindText}"`, hint);
  }
  const path = stepsOf(pathText);
  if (path === undefined) throw wrong(text, `"${pathText}" is not the path of a field`);
  const said = `--set ${text.slice(0, text.indexOf("=", text.indexOf(pathText)))}`;
  return {
    said,
    kind,
    ...(name !== undefined && { name }),
    path,
    value: parsedValue(valueText, text),
  };
}

/** `spec.tools[0].name` -> spec, tools, 0, name. */
function stepsOf(text: string): JsonPath | undefined {
  const steps = text.match(/(?:\\.|[^.\\])+/g) ?? [];
  if (text.startsWith(".") || text.endsWith(".") || text.includes("..")) return undefined;
  const path: (string | number)[] = [];
  for (const step of steps) {
    const [, name = "", indexes = ""] =
      /^((?:\\.|[^[\]\\])+)((?:\[[0-9]{1,6}\])*)$/.exec(step) ?? [];
    if (name === "") return undefined;
    path.push(name.replace(/\\(.)/g, "$1"));
    for (const [, index] of indexes.matchAll(/\[([0-9]+)\]/g)) path.push(Number(index));
  }
  return path.length < 2 || path.includes("__proto__") ? undefined : path;
}

function parsedValue(text: string, whole: string): Json {
  if (text.trim() === "") return "";
  const parsed = [...parseDocuments(text)].filter((document) => document !== undefined);
  const [first, second] = parsed.map(readDocument);
  const fault = first?.faults[0];
  if (fault !== undefined || second !== undefined)
    throw wrong(whole, `the value is not YAML on one line: ${fault?.summary ?? "there are two"}`);
  return first?.json ?? null;
}

function wrong(text: string, why: string, hint?: string): LegionError {
  // What stands behind the sign may be a secret.
  const shown = text.includes("=") ? `${text.slice(0, text.indexOf("="))}=...` : text;
  return new LegionError({
    code: "LEG1110",
    message: `--set ${shown} is not understood: ${why}`,
    hint: hint ?? "write KIND/NAME.PATH=VALUE, and put quotes around text with signs of YAML",
    example: "--set agent/reviewer.spec.model=openai/gpt-5",
  });
}

/** Documents with the values of `--set` in them; one that meets no document, or leads nowhere in one, is reported. */
export function applySets(
  documents: readonly WrittenDocument[],
  sets: readonly SetValue[],
  report: Report,
): readonly WrittenDocument[] {
  let result = documents;
  for (const set of sets) {
    const isTarget = ({ json, isBroken }: WrittenDocument) => !isBroken && meets(json, set);
    if (!result.some(isTarget)) reportNothing(set, documents, report);
    else
      result = result.map((document) =>
        isTarget(document) ? withSet(document, set, report) : document,
      );
  }
  return result;
}

function meets(json: Json, { kind, name }: Pick<SetValue, "kind" | "name">): boolean {
  if (!isObject(json) || json.kind !== kind) return false;
  return name === undefined || (isObject(json.metadata) && json.metadata.name === name);
}

function withSet(document: WrittenDocument, set: SetValue, report: Report): WrittenDocument {
  const { path, value, said } = set;
  const problem = problemOf(document.json, path, value);
  if (problem === undefined) {
    const layer = { path, from: { said, value }, ...(value === null && { isRemoved: true }) };
    return withLayers(document, changed(document.json, path, value), [layer]);
  }
  const { file, shown, document: index } = document.source;
  report({
    severity: "error",
    code: "LEG1112",
    summary: `${said} leads nowhere: ${problem.words}`,
    detail: "items of lists are counted from 0 and written [0]",
    file,
    shown,
    spot: { document: index, path: path.slice(0, problem.depth), part: "value" },
    blames: document.source,
  });
  return document;
}

/** Why a path cannot be followed to its end, and how far it can. What is not there yet is made. */
function problemOf(
  json: Json,
  path: JsonPath,
  value: Json,
): { readonly words: string; readonly depth: number } | undefined {
  let here: Json | undefined = json;
  for (const [depth, step] of path.entries()) {
    const above = path.slice(0, depth).join(".");
    if (typeof step === "number") {
      if (!Array.isArray(here)) return { words: `${above} is not a list`, depth };
      const isEnd = step === here.length && value !== null;
      if (step >= here.length && !isEnd)
        return { words: `${above} has ${count(here.length, "item")}`, depth };
      here = here[step];
    } else {
      if (here != null && !isObject(here)) return { words: `${above} has no fields`, depth };
      here = isObject(here) && Object.hasOwn(here, step) ? (here[step] as Json) : undefined;
    }
  }
  return undefined;
}

function changed(json: Json | undefined, [step, ...rest]: JsonPath, value: Json): Json {
  if (step === undefined) return value;
  const isRemoved = rest.length === 0 && value === null;
  if (typeof step === "number") {
    const items = json as Json[];
    return isRemoved
      ? items.toSpliced(step, 1)
      : items.toSpliced(step, 1, changed(items[step], rest, value));
  }
  const fields: JsonObject = { ...(json as JsonObject | null | undefined) };
  if (isRemoved) delete fields[step];
  else fields[step] = changed(fields[step], rest, value);
  return fields;
}

function reportNothing(
  { said, kind, name }: SetValue,
  documents: readonly WrittenDocument[],
  report: Report,
): void {
  const names = documents.flatMap(({ json }) =>
    meets(json, { kind }) && isObject(json) && isObject(json.metadata)
      ? String(json.metadata.name)
      : [],
  );
  const near = name === undefined ? undefined : suggest(name, names);
  const known =
    names.length === 0
      ? `no ${kind} is loaded`
      : `use one of: ${names.toSorted().slice(0, 20).join(", ")}`;
  report({
    severity: "error",
    code: "LEG1111",
    summary: name === undefined ? `no ${kind} is loaded` : `no ${kind} "${name}" is loaded`,
    detail: near === undefined ? known : `did you mean "${near}"?`,
    file: said,
    shown: said,
  });
}
