import { hash } from "node:crypto";
import { dirname, resolve, sep } from "node:path";
import type { CachedText, TextCache } from "./cache.ts";
import { discover, type FoundFile, isBelow, manifestName, shownPath } from "./discover.ts";
import type { WrittenDocument } from "./documents.ts";
import type { Fault } from "./fault.ts";
import { isOtherFile, type ReadTextFile, readDocuments, writtenFile } from "./load-text.ts";
import { isMarkdown } from "./markdown.ts";
import { type FoundOverlay, isOverlayRoot } from "./overlays/find.ts";
import { type OverlaidFiles, readOverlays } from "./overlays/read.ts";
import { formOf } from "./parse-text.ts";
import { compareText } from "./place.ts";
import { decode, isSha256, readBytes, sourceOf, unopenedSource } from "./read.ts";
import type { SourceText } from "./source-text.ts";
import { type FileStamp, hasStamp, isTrusted, stampOf } from "./stamp.ts";

/** Manifests that are no file: standard input, an editor's buffer. File references in them are relative to `cwd`. */
export interface TextInput {
  /** What diagnostics call it: `<stdin>`. */
  readonly filename: string;
  readonly text: string;
}

/** The same before it is known to be text: it is refused like a file that is none, or too large. */
export interface BytesInput {
  readonly filename: string;
  readonly bytes: Buffer;
  /** It came from another machine, and may name no files of this one. */
  readonly isRemote?: boolean;
}

/** A path, or what stands in place of a file. */
export type ManifestInput = string | TextInput | BytesInput;

/** What a search of the inputs found just now, told by whoever keeps watching them. */
export interface KnownFiles {
  /** Every file with the SHA-256 of its bytes; those that manifests name may be among them. */
  readonly files: readonly { readonly file: string; readonly digest: string }[];
  /** What could not be searched. */
  readonly faults?: readonly Fault[];
}

/** A file that was read, and what it says. The next load has the same value when nothing changed. */
export interface FileEntry {
  readonly found: FoundFile;
  /** SHA-256 of its bytes. */
  readonly digest: string;
  readonly source: SourceText;
  readonly documents: readonly WrittenDocument[];
  readonly faults: readonly Fault[];
  /** Whether the cache has it. */
  isCached: boolean;
  /** By which another process knows that the file holds the same still; undefined when it cannot, and when the cache has it. */
  stamp: FileStamp | undefined;
}

/** The files of one load. */
export interface ReadFiles {
  readonly entries: readonly FileEntry[];
  /** What could not be searched or read. */
  readonly faults: readonly Fault[];
  readonly overlaid: OverlaidFiles;
}

export interface FileSearch {
  readonly inputs: readonly ManifestInput[];
  readonly cwd: string;
  /** The folder that overlays cannot leave. */
  readonly boundary?: string | undefined;
  readonly known: KnownFiles | undefined;
  /** The entries of the load before, by path. */
  readonly before: ReadonlyMap<string, FileEntry>;
  readonly cache: TextCache | undefined;
  readonly nowMs: () => number;
  readonly breathe: () => Promise<void>;
}

/** What a file held when it was read. */
interface Content {
  readonly bytes: Buffer;
  readonly stamp: FileStamp | undefined;
}

/** Reads what the inputs name: the texts first, then the files sorted by path. What did not change is not parsed again. */
export async function readInputs(search: FileSearch): Promise<ReadFiles> {
  const { inputs, cwd, breathe } = search;
  const entries: FileEntry[] = [];
  const faults: Fault[] = [];
  const add = (entry: FileEntry | Fault, file: FoundFile) => {
    if ("code" in entry) faults.push(softened(entry, file));
    else entries.push(entry);
  };
  for (const input of inputs) {
    if (typeof input === "string") continue;
    const file = resolve(cwd, input.filename);
    const shown = input.filename;
    const isRemote = "isRemote" in input && input.isRemote === true;
    const found = { file, shown, root: cwd, named: true, ...(isRemote && { isRemote }) };
    const bytes = "bytes" in input ? input.bytes : Buffer.from(input.text);
    add(await entryOf(search, found, undefined, () => ({ bytes, stamp: undefined })), found);
  }
  const found = await findFiles(search);
  faults.push(...found.faults);
  for (const { file, digest } of found.files) {
    const before = search.before.get(file.file);
    if (before !== undefined && before.digest === digest && before.found === file)
      entries.push(before);
    else {
      add(await entryOfFile(search, file, digest), file);
      await breathe();
    }
  }
  const overlaid = await readOverlays(found.overlays, (file) =>
    entryOfFile(search, file, undefined),
  );
  return { entries, faults, overlaid };
}

/** What is there and holds no manifest: files without one, and what a search or a read passed over with no more than a warning. */
export function blankPlaces(
  entries: readonly FileEntry[],
  faults: readonly Fault[],
): readonly Pick<Fault, "file" | "shown">[] {
  const files = entries.filter(({ documents }) => documents.length === 0).map(({ found }) => found);
  const passedOver = faults.filter(({ severity }) => severity === "warning");
  return [...files, ...passedOver].map(({ file, shown }) => ({ file, shown }));
}

/** Markdown of a folder that is too large for an agent is none. */
function softened(fault: Fault, { file, named }: FoundFile): Fault {
  const isOther = !named && isMarkdown(file) && fault.code === "LEG1004";
  return isOther ? { ...fault, severity: "warning" } : fault;
}

/** What a file says that is no manifest. */
const empty = { isCached: false, stamp: undefined, documents: [], faults: [] };

/** Reads a file, unless the cache knows what it holds. */
async function entryOfFile(
  search: FileSearch,
  found: FoundFile,
  known: string | undefined,
): Promise<FileEntry | Fault> {
  const { cwd, nowMs } = search;
  return (
    unopened(search, found, known) ??
    entryOf(search, found, known, () => contentOf(found, cwd, nowMs))
  );
}

/** The entry of a file that certainly holds what it held when the cache learnt of it. */
function unopened(
  { cache, cwd }: FileSearch,
  found: FoundFile,
  known: string | undefined,
): FileEntry | undefined {
  const { file, shown } = found;
  const seen = mayBeOther(found) ? undefined : cache?.file(file);
  if (seen === undefined || (known !== undefined && known !== seen.digest)) return undefined;
  const { digest, stamp } = seen;
  const cached = hasStamp(file, stamp) ? cache?.get(cacheKey(file, digest)) : undefined;
  if (cached === undefined) return undefined;
  const source = unopenedSource(file, shown, cwd);
  const written = writtenFile(documentsOf(cached), found);
  return { found, digest, source, isCached: true, stamp: undefined, ...written };
}

function contentOf({ file, shown }: FoundFile, cwd: string, nowMs: () => number): Content | Fault {
  const startMs = nowMs();
  const read = readBytes(file, shown, cwd);
  if (!read.ok) return read.fault;
  const { bytes, status } = read;
  return { bytes, stamp: isTrusted(status, startMs) ? stampOf(status) : undefined };
}

/** The entry of what stands in a file, or why there is none. */
async function entryOf(
  { before, cache, breathe }: FileSearch,
  found: FoundFile,
  known: string | undefined,
  read: () => Content | Fault,
): Promise<FileEntry | Fault> {
  const { file, shown } = found;
  const old = before.get(file);
  if (old !== undefined && known === old.digest && isSameFile(old.found, found))
    return { ...old, found };
  const content = read();
  if ("code" in content) return content;
  const { bytes, stamp } = content;
  const digest = hash("sha256", bytes);
  // What is newer than what was told is perhaps half written, and will be told when it has settled.
  const isNewer = known !== undefined && isSha256(known) && known !== digest;
  if (old !== undefined && (isNewer || old.digest === digest) && isSameFile(old.found, found))
    return old;
  const cached = cache?.get(cacheKey(file, digest));
  const decoded = cached === undefined ? decode(bytes, file, shown) : undefined;
  if (decoded?.ok === false) {
    const isOther = isMarkdown(file) && isOtherFile(bytes.toString("latin1"), found);
    return isOther ? { ...empty, found, digest, source: sourceOf(bytes, shown) } : decoded.fault;
  }
  const source = decoded?.source ?? sourceOf(bytes, shown);
  const base = { found, digest, source, isCached: cached !== undefined, stamp };
  if (mayBeOther(found) && isOtherFile(source.text, found))
    return { ...base, documents: [], faults: [] };
  const documents =
    cached === undefined
      ? await readDocuments(source.text, breathe, formOf(file))
      : documentsOf(cached);
  return { ...base, ...writtenFile(documents, found) };
}

/** Only in files of these names it is looked for: of most files the text need not even be made. */
function mayBeOther({ file, named }: FoundFile): boolean {
  return !named && !/\.ya?ml$/i.test(file);
}

/** What the cache calls a text: the same bytes say other things as YAML and as Markdown. */
export function cacheKey(file: string, digest: string): string {
  return `${formOf(file)}:${digest}`;
}

function documentsOf({ documents, specHashes, sentHashes }: CachedText): ReadTextFile {
  const read = documents.map((json, index) => {
    const specHash = specHashes[index];
    const sentHash = sentHashes[index];
    const known = specHash == null || sentHash == null ? undefined : { specHash, sentHash };
    return { json, faults: [], known };
  });
  return { documents: read, isOver: false };
}

function isSameFile(a: FoundFile, b: FoundFile): boolean {
  return a.shown === b.shown && a.root === b.root && a.named === b.named;
}

interface Found {
  readonly files: readonly { readonly file: FoundFile; readonly digest?: string }[];
  readonly faults: readonly Fault[];
  readonly overlays: readonly FoundOverlay[];
}

async function findFiles({ inputs, cwd, boundary, known, before }: FileSearch): Promise<Found> {
  const paths = inputs.filter((input) => typeof input === "string");
  // Which files an overlay takes, and how, is not to be seen in a list of files.
  if (known === undefined || paths.some((path) => isOverlayRoot(resolve(cwd, path)))) {
    const { files, faults, overlays } = await discover(paths, cwd, { boundary });
    const sorted = files.toSorted((a, b) => compareText(a.file, b.file));
    return { files: sorted.map((file) => ({ file })), faults, overlays };
  }
  const roots = paths.map((path) => resolve(cwd, path));
  const sorted = known.files.toSorted((a, b) => compareText(a.file, b.file));
  const files = sorted.flatMap(({ file, digest }) => {
    const root = roots.find((path) => isBelow(file, path));
    if (root === undefined) return [];
    const named = file === root;
    const place = named ? dirname(file) : root;
    const old = before.get(file)?.found;
    if (old?.root === place && old.named === named) return [{ file: old, digest }];
    if (!isManifest(file, root)) return [];
    return [{ file: { file, shown: shownPath(file, cwd), root: place, named }, digest }];
  });
  return { files, faults: known.faults ?? [], overlays: [] };
}

/** Whether searching a root would give a file of it: the files that manifests name need not be manifests. */
function isManifest(file: string, root: string): boolean {
  if (file === root) return true;
  const steps = file.slice(root.length).split(sep);
  const isHidden = steps.some((step) => step.startsWith(".") || step === "node_modules");
  return !isHidden && manifestName.test(file);
}
