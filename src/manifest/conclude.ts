import type { Diagnostic } from "./diagnostics.ts";
import type { BlamedDocument, Fault } from "./fault.ts";
import { keyOf, type LoadedDocument } from "./loaded.ts";
import type { ManifestInput } from "./loader-files.ts";
import type { InvalidObject, ManifestObject, ManifestSet, UnclearFile } from "./objects.ts";
import { compareDiagnostics, compareText, locatorOf, place, secretWords } from "./place.ts";
import { manifestSet } from "./set.ts";
import type { SourceText } from "./source-text.ts";

type FoundPlace = Pick<Fault, "file" | "shown">;

/** What a load found. */
export interface Findings {
  readonly inputs: readonly ManifestInput[];
  readonly documents: readonly LoadedDocument[];
  readonly faults: readonly Fault[];
  readonly texts: ReadonlyMap<string, SourceText>;
  readonly files: number;
  readonly followed: readonly string[];
  /** Files that were found and hold no manifest. */
  readonly blank: readonly FoundPlace[];
  readonly mayBeEmpty?: boolean | undefined;
  /** The digest of the set, where it is known. */
  readonly knownDigest?: string | undefined;
}

/** The set of what is valid, with the faults placed and told to whom they belong. */
export async function conclude(
  { inputs, documents, faults: found, texts, blank, mayBeEmpty = false, ...known }: Findings,
  breathe: () => Promise<void>,
): Promise<ManifestSet> {
  const isEmpty = !mayBeEmpty && documents.length === 0 && !found.some(isError);
  const faults = isEmpty ? [...found, noManifests(inputs)] : found;
  const locator = locatorOf(texts);
  const hide = faults.length === 0 ? (text: string) => text : variableHider(documents);
  const secrets = secretWords(faults);
  // What is wrong with a manifest is told once, however many objects overlays make of it.
  const diagnostics = new Map<string, Diagnostic>();
  const blames = new Map<string, Diagnostic[]>();
  const placed = new Map<Fault, Diagnostic>();
  for (const fault of faults.toSorted((a, b) => compareText(a.file, b.file))) {
    const diagnostic = place(fault, locator, hide, secrets);
    placed.set(fault, diagnostic);
    diagnostics.set(keyOfDiagnostic(diagnostic), diagnostic);
    for (const blamed of isError(fault) ? blamedBy(fault) : [])
      blames.set(blamed, [...(blames.get(blamed) ?? []), diagnostic]);
    await breathe();
  }
  const isFaulty = ({ source }: LoadedDocument) =>
    blames.size > 0 && keysOfDocument(source).some((key) => blames.has(key));
  const objects: ManifestObject[] = [];
  for (const document of documents)
    if (document.object !== undefined && !isFaulty(document)) objects.push(document.object);
  const unread = Map.groupBy(unreadBecause(faults, documents), ({ file }) => file);
  return manifestSet({
    objects,
    diagnostics: [...diagnostics.values()].toSorted(compareDiagnostics),
    ...known,
    invalid: (valid) => invalidOf(documents, blames, valid),
    unread: [...unread.keys()].toSorted(),
    unclear: [
      ...[...unread].map(([file, because]) => unclearFile(file, because, placed)),
      ...blank
        .filter(({ file }) => !unread.has(file))
        .map((place) => ({ ...place, diagnostics: [] })),
    ],
    locator,
  });
}

function keyOfDiagnostic({ code, severity, summary, range, filename }: Diagnostic): string {
  return JSON.stringify([severity, code, summary, range ?? filename]);
}

function isError({ severity }: Fault): boolean {
  return severity === "error";
}

/** Zero manifests are a mistake in a path far more often than a wish. */
function noManifests(inputs: readonly ManifestInput[]): Fault {
  const shown =
    inputs.map((input) => (typeof input === "string" ? input : input.filename)).join(", ") ||
    "(no path)";
  const detail =
    "name a file, or a folder with .yaml, .yml or .json files that begin with apiVersion, kind and metadata";
  return {
    severity: "error",
    code: "LEG1002",
    summary: "there is no manifest in it",
    detail,
    file: shown,
    shown,
  };
}

/** A shorter value is a word that may stand in a message by chance. */
const HIDDEN_LENGTH_MIN = 6;

/** Puts the names of variables in place of their values: one of them may be a secret. */
function variableHider(documents: readonly LoadedDocument[]): (text: string) => string {
  const names = new Map<string, string>();
  for (const { variables } of documents) {
    for (const [name, value] of variables)
      if (value.length >= HIDDEN_LENGTH_MIN) names.set(value, name);
  }
  const longestFirst = [...names].toSorted(([a], [b]) => b.length - a.length);
  return (text) =>
    longestFirst.reduce((shown, [value, name]) => shown.replaceAll(value, `\${${name}}`), text);
}

/** The documents that are not valid because of a fault. */
function blamedBy({ blames, file, spot }: Fault): readonly string[] {
  if (blames !== undefined) return [blames].flat().map(keyOfDocument);
  return spot !== undefined && "document" in spot
    ? [keyOfDocument({ file, document: spot.document })]
    : [];
}

/** Overlays may make several objects of one document. */
function keyOfDocument({ file, document, over }: BlamedDocument): string {
  const key = `${file}#${document}`;
  return over === undefined || over.through === "" ? key : `${key} ${over.through}`;
}

/** What is wrong with the text of a document is wrong with all that overlays make of it. */
function keysOfDocument(source: BlamedDocument): readonly string[] {
  const { file, document, over } = source;
  const plain = keyOfDocument({ file, document });
  return over === undefined || over.through === "" ? [plain] : [plain, keyOfDocument(source)];
}

function invalidOf(
  documents: readonly LoadedDocument[],
  blames: ReadonlyMap<string, readonly Diagnostic[]>,
  valid: (key: string) => boolean,
): readonly InvalidObject[] {
  if (blames.size === 0) return [];
  const invalid = documents.flatMap(({ declares, source, object }) => {
    const diagnostics = keysOfDocument(source).flatMap((key) => blames.get(key) ?? []);
    if (declares === undefined || diagnostics.length === 0 || valid(keyOf(declares))) return [];
    const sorted = diagnostics.toSorted(compareDiagnostics);
    return [{ declares, source, diagnostics: sorted, ...(object !== undefined && { object }) }];
  });
  return invalid.toSorted((a, b) => compareText(keyOf(a.declares), keyOf(b.declares)));
}

function unclearFile(
  file: string,
  because: readonly Fault[],
  placed: ReadonlyMap<Fault, Diagnostic>,
): UnclearFile {
  const diagnostics = because.flatMap((fault) => placed.get(fault) ?? []);
  const shown = because[0]?.shown ?? file;
  return { file, shown, diagnostics: diagnostics.toSorted(compareDiagnostics) };
}

/** Why it cannot be told of some files, or not wholly, what they declare. */
function unreadBecause(
  faults: readonly Fault[],
  documents: readonly LoadedDocument[],
): readonly Fault[] {
  const errors = faults.filter((fault) => isError(fault) && fault.code !== "LEG1002");
  if (errors.length === 0) return [];
  const nameless = new Set(
    documents.flatMap(({ declares, source }) =>
      declares === undefined ? [keyOfDocument(source)] : [],
    ),
  );
  return errors.filter((fault) => {
    const { blames, file, spot } = fault;
    if (blamedBy(fault).some((blamed) => nameless.has(blamed))) return true;
    const isOwn = blames === undefined || [blames].flat().some((blamed) => blamed.file === file);
    return isOwn && (spot === undefined || !("document" in spot));
  });
}
