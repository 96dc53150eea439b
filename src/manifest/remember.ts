import type { Json } from "../lib/json.ts";
import { type CachedText, fileKey, type SeenFile, setKey, type TextCache } from "./cache.ts";
import type { CleanSet } from "./clean-set.ts";
import type { WrittenDocument } from "./documents.ts";
import type { Fault } from "./fault.ts";
import type { LoadedDocument } from "./loaded.ts";
import { cacheKey, type FileEntry } from "./loader-files.ts";
import type { ObjectSource } from "./objects.ts";
import { sentHash } from "./sent-hash.ts";

/** A document as it was loaded, with what is wrong with it by itself. */
export interface LoadOutcome {
  readonly loaded: LoadedDocument;
  readonly faults: readonly Fault[];
}

type Outcomes = WeakMap<WrittenDocument, LoadOutcome>;

/** Saves texts that nothing is wrong with and that say the same to the next process, and the stamps of their files. */
export function remember(
  entries: readonly FileEntry[],
  sound: WeakSet<ObjectSource>,
  { cache, outcomes }: { readonly cache: TextCache | undefined; readonly outcomes: Outcomes },
  clean?: CleanSet,
): void {
  if (cache === undefined) return;
  const texts = new Map<string, CachedText>();
  const files = new Map<string, SeenFile>();
  const fresh: FileEntry[] = [];
  for (const entry of entries) {
    const { found, digest, isCached, stamp } = entry;
    // Of a file that was passed over it is not known what it says.
    if (entry.faults.length > 0 || entry.documents.length === 0) continue;
    if (isCached && stamp === undefined) continue;
    const text = isCached ? undefined : cachedText(entry.documents, sound, outcomes);
    if (text === undefined && !isCached) continue;
    if (text !== undefined) texts.set(cacheKey(found.file, digest), text);
    if (stamp !== undefined) files.set(found.file, { digest, stamp });
    fresh.push(entry);
  }
  const keys = ({ found: { file }, digest }: FileEntry) => [cacheKey(file, digest), fileKey(file)];
  const used = () => new Set([...entries.flatMap(keys), ...(clean ? [setKey(clean.hash)] : [])]);
  const unknown = clean && cache.cleanSet(clean.hash) === undefined ? clean : undefined;
  if (!cache.save(texts, used, files, unknown)) return;
  for (const entry of fresh) {
    entry.isCached = true;
    entry.stamp = undefined;
  }
}

function cachedText(
  documents: readonly WrittenDocument[],
  sound: WeakSet<ObjectSource>,
  outcomes: Outcomes,
): CachedText | undefined {
  const length = (documents.at(-1)?.source.document ?? -1) + 1;
  const values = new Array<Json>(length).fill(null);
  const specHashes = new Array<string | null>(length).fill(null);
  const sentHashes = new Array<string | null>(length).fill(null);
  for (const document of documents) {
    const outcome = outcomes.get(document);
    if (outcome === undefined || !sound.has(document.source)) return undefined;
    const { json, source } = document;
    values[source.document] = json;
    if (!outcome.loaded.isFixed) continue;
    const { object } = outcome.loaded;
    if (object === undefined) continue;
    specHashes[source.document] = object.specHash;
    sentHashes[source.document] = sentHash(object);
  }
  return { documents: values, specHashes, sentHashes };
}
