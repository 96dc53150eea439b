import type { Pair, ParsedNode } from "yaml";
import { isObject, type Json } from "../lib/json.ts";
import { suggest } from "../lib/suggest.ts";
import { withoutServerFields } from "./server-fields.ts";
import { yaml } from "./yaml.ts";
import type { TextFault } from "./yaml-words.ts";

/** The kind of a document that holds others, as programs write several objects at once. */
const LIST_KIND = "List";

const listFields: readonly string[] = ["apiVersion", "kind", "metadata", "items"];
const listVersions: readonly unknown[] = ["legion.dev/v1", "v1"];

/** Whether a document holds others. */
export function isList(json: Json | undefined): json is { [key: string]: Json } {
  return isObject(json) && json.kind === LIST_KIND;
}

/** The documents that a List holds, those of Lists in it included; each of these counts too, after what it holds: so the items of a file count from its first document. */
export function itemsOf(json: Json | undefined): readonly Json[] {
  if (!isList(json) || !Array.isArray(json.items)) return [];
  return json.items.flatMap((item) => [...itemsOf(item), withoutServerFields(item)]);
}

/** The trees of the documents that a document holds, in the order of `itemsOf`, and its own. */
export function withItemTrees(tree: ParsedNode | null): readonly (ParsedNode | null)[] {
  const kind = fieldOf(tree, "kind")?.value;
  const isListTree = yaml().isScalar(kind) && kind.value === LIST_KIND;
  const items = isListTree ? fieldOf(tree, "items")?.value : undefined;
  if (!yaml().isSeq(items)) return [tree];
  return [...items.items.flatMap((item) => withItemTrees(item as ParsedNode)), tree];
}

/** What is wrong with a List itself; its items are judged as manifests. */
export function listFaults(json: Json | undefined, tree: ParsedNode | null): readonly TextFault[] {
  if (!isList(json) || tree === null) return [];
  const faults = Object.keys(json)
    .filter((field) => !listFields.includes(field))
    .map((field) => unknownField(field, tree));
  if (!listVersions.includes(json.apiVersion)) faults.push(wrongVersion(tree));
  if (!Array.isArray(json.items)) faults.push(withoutItems(json.items !== undefined, tree));
  else if (itemsOf(json).length + 1 !== withItemTrees(tree).length) faults.push(ofAliases(tree));
  return faults;
}

function unknownField(field: string, tree: ParsedNode): TextFault {
  const near = suggest(field, listFields);
  const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
  const detail = `${hint}allowed: ${listFields.join(", ")}`;
  return {
    code: "LEG1007",
    summary: `unknown field "${field}" in List`,
    detail,
    ...spanOf(tree, field),
  };
}

function wrongVersion(tree: ParsedNode): TextFault {
  const summary = "List apiVersion must be legion.dev/v1 or v1";
  return {
    code: "LEG1013",
    summary,
    detail: "write legion.dev/v1",
    ...spanOf(tree, "apiVersion"),
  };
}

function withoutItems(isThere: boolean, tree: ParsedNode): TextFault {
  const summary = isThere ? "the items of a List must be a list" : "the List has no items";
  const detail = 'write the manifests below "items", each with a dash';
  return { code: "LEG1101", summary, detail, ...spanOf(tree, "items") };
}

function ofAliases(tree: ParsedNode): TextFault {
  const summary = "the items of a List, or a List among them, are an alias";
  const detail = "write the items out; aliases within a manifest may stay";
  return { code: "LEG1101", summary, detail, ...spanOf(tree, "items") };
}

/** The key of a field, or that of the kind where the field is not there. */
function spanOf(tree: ParsedNode, field: string): Pick<TextFault, "start" | "end"> {
  const key = (fieldOf(tree, field) ?? fieldOf(tree, "kind"))?.key;
  const [start, end] = (key ?? tree).range;
  return { start, end };
}

function fieldOf(
  tree: ParsedNode | null,
  name: string,
): Pair<ParsedNode, ParsedNode | null> | undefined {
  if (!yaml().isMap(tree)) return undefined;
  const pairs = tree.items as Pair<ParsedNode, ParsedNode | null>[];
  return pairs.find(({ key }) => "value" in key && key.value === name);
}
