import { isObject, type Json } from "../lib/json.ts";
import type { FoundFile } from "./discover.ts";
import { type ReadDocument, readDocument, textFault, type WrittenDocument } from "./documents.ts";
import type { Fault } from "./fault.ts";
import { isList, itemsOf, listFaults } from "./list.ts";
import { isAgentText, isMarkdown } from "./markdown.ts";
import type { ParsedDocument } from "./parse.ts";
import { parseText, type TextForm } from "./parse-text.ts";

/** The fields that a manifest has at its top; a file in a folder that has none of them is something else. */
const manifestFields = ["apiVersion", "kind", "metadata", "spec"] as const;

/** What a text says, wherever it stands. */
export interface ReadTextFile {
  /** Every document, empty ones included. */
  readonly documents: readonly ReadDocument[];
  /** The last one is over a bound: nothing of the text counts. */
  readonly isOver: boolean;
}

/** The documents of a file, as they are written, and what is wrong with the file as a text. */
export interface WrittenFile {
  readonly documents: readonly WrittenDocument[];
  readonly faults: readonly Fault[];
}

/** Reads the documents of one text. What a List holds precedes it as documents of their own. */
export async function readDocuments(
  text: string,
  breathe: () => Promise<void>,
  form: TextForm = "yaml",
): Promise<ReadTextFile> {
  const documents: ReadDocument[] = [];
  for (const parsed of parseText(text, form)) {
    await breathe();
    if (parsed === undefined) continue;
    const document = readDocument(parsed);
    if (parsed.isOver === true) return { documents: [...documents, document], isOver: true };
    documents.push(...withItems(document, parsed));
  }
  return { documents, isOver: false };
}

/** Of a List remains what is wrong with it; when that is its text, its items are no sound documents either. */
function withItems(document: ReadDocument, { tree }: ParsedDocument): readonly ReadDocument[] {
  const { json, faults } = document;
  if (!isList(json)) return [document];
  const isBroken = faults.length > 0;
  const own = isBroken ? faults : listFaults(json, tree);
  const items = itemsOf(json).map((item) =>
    isList(item) ? { json: undefined, faults: [] } : { json: item, faults: [], isBroken },
  );
  return [...items, { json: own.length === 0 ? undefined : json, faults: own }];
}

/** The manifests among the documents of a file. Empty ones are skipped, and so is a file of a folder that is plainly not a manifest. */
export function writtenFile({ documents, isOver }: ReadTextFile, file: FoundFile): WrittenFile {
  const faults = documents.flatMap((document, index) =>
    document.faults.map((fault) => textFault(fault, file, index)),
  );
  if (isOver) return { documents: [], faults };
  const written: WrittenDocument[] = [];
  for (const [document, read] of documents.entries()) {
    const { json = null, faults: own, known } = read;
    if (json === null && own.length === 0) continue;
    const isBroken = own.length > 0 || read.isBroken === true;
    const { shown, root, isRemote = false } = file;
    const source = { file: file.file, shown, document, root, ...(isRemote && { isRemote }) };
    written.push({ json, isBroken, source, known });
  }
  const isManifest =
    file.named || written.some(({ json, isBroken }) => isBroken || looksLikeManifest(json));
  if (written.length > 0 && isManifest) return { documents: written, faults };
  return { documents: [], faults: [...faults, skipped(file, written.length === 0)] };
}

/** A JSON Schema says so first of all; those of Legion speak of apiVersion and kind. */
const jsonSchema = /^\uFEFF?\s*\{\s*"\$schema"\s*:\s*"https?:\/\/json-schema\.org\//;

/** A file of a folder in which no manifest can be: package.json, README.md and the like are not worth a word. */
export function isOtherFile(text: string, { file, named }: FoundFile): boolean {
  if (named) return false;
  if (isMarkdown(file)) return !isAgentText(text);
  if (!/\.json$/i.test(file)) return false;
  return jsonSchema.test(text) || (!text.includes("apiVersion") && !text.includes("kind"));
}

function looksLikeManifest(json: Json): boolean {
  return isObject(json) && manifestFields.some((field) => Object.hasOwn(json, field));
}

function skipped({ file, shown, named }: FoundFile, isBlank: boolean): Fault {
  const summary = isBlank
    ? "the file holds no manifest"
    : "the file is not a manifest and was skipped";
  const detail = isBlank
    ? "write a manifest into it, or remove it"
    : "a manifest has apiVersion, kind, metadata and spec; move other files out of the folder";
  return {
    severity: named ? "error" : "warning",
    code: isBlank ? "LEG1002" : "LEG1014",
    summary,
    detail,
    file,
    shown,
  };
}
