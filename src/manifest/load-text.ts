import { isObject, type Json } from "../lib/json.ts";
import type { FoundFile } from "./discover.ts";
import { brokenDocument, loadDocument, type ReadDocument, readDocument } from "./documents.ts";
import type { Fault, Report } from "./fault.ts";
import type { LoadedDocument } from "./loaded.ts";
import type { ObjectSource } from "./objects.ts";
import { type ParsedDocument, parseDocuments } from "./parse.ts";
import type { Environment } from "./variables.ts";

/** The fields that a manifest has at its top; a file in a folder that has none of them is something else. */
const manifestFields = ["apiVersion", "kind", "metadata", "spec"] as const;

/** The documents of one text. Empty ones are skipped, and so is a file of a folder that is plainly not a manifest. */
export async function loadText(
  text: string,
  file: FoundFile,
  env: Environment,
  report: Report,
  breathe: () => Promise<void>,
): Promise<readonly LoadedDocument[]> {
  if (isOtherJson(text, file)) return [];
  const written: (ReadDocument & { source: ObjectSource })[] = [];
  let document = 0;
  for (const parsed of parseDocuments(text)) {
    await breathe();
    if (parsed === undefined) continue;
    const source = { file: file.file, shown: file.shown, document, root: file.root };
    if (parsed.isOver === true) {
      readDocument(parsed, source, report);
      return [];
    }
    if (!isEmpty(parsed)) written.push({ ...readDocument(parsed, source, report), source });
    document += 1;
  }
  if (
    written.length === 0 ||
    (!file.named && written.every(({ json, isBroken }) => !isBroken && !looksLikeManifest(json)))
  ) {
    report(skipped(file, written.length === 0));
    return [];
  }
  const documents: LoadedDocument[] = [];
  for (const { json = null, isBroken, source } of written) {
    documents.push(
      isBroken ? brokenDocument(json, source) : loadDocument(json, source, env, report),
    );
    await breathe();
  }
  return documents;
}

/** A JSON file of a folder in which no manifest can be: package.json and the like are not worth a word. */
function isOtherJson(text: string, { file, named }: FoundFile): boolean {
  return !named && /\.json$/i.test(file) && !text.includes("apiVersion") && !text.includes("kind");
}

function isEmpty({ tree, faults }: ParsedDocument): boolean {
  return faults.length === 0 && (tree === null || ("value" in tree && tree.value === null));
}

function looksLikeManifest(json: Json | undefined): boolean {
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
