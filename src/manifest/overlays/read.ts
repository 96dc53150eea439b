import type { FoundFile } from "../discover.ts";
import type { WrittenDocument } from "../documents.ts";
import type { Fault } from "../fault.ts";
import type { FileEntry } from "../loader-files.ts";
import type { SourceText } from "../source-text.ts";
import { overlaidDocuments } from "./apply.ts";
import type { FoundOverlay } from "./find.ts";

/** What overlays give. */
export interface OverlaidFiles {
  /** The files that they take. Their documents count only as the overlays change them. */
  readonly entries: readonly FileEntry[];
  readonly documents: readonly WrittenDocument[];
  readonly faults: readonly Fault[];
  /** The overlays themselves, by path. */
  readonly texts: ReadonlyMap<string, SourceText>;
}

/** Reads what overlays take, each file once, and lays them over it. */
export async function readOverlays(
  overlays: readonly FoundOverlay[],
  readEntry: (file: FoundFile) => Promise<FileEntry | Fault>,
): Promise<OverlaidFiles> {
  const entries = new Map<string, FileEntry | Fault>();
  const faults: Fault[] = [];
  const read = async (found: FoundFile) => {
    const key = JSON.stringify([found.file, found.root]);
    const known = entries.get(key);
    const entry = known ?? (await readEntry(found));
    entries.set(key, entry);
    const isRead = "documents" in entry;
    if (known === undefined) faults.push(...(isRead ? entry.faults : [entry]));
    return isRead ? entry.documents : [];
  };
  const documents: WrittenDocument[] = [];
  for (const overlay of overlays) {
    const given = await overlaidDocuments(overlay, read, (fault) => faults.push(fault));
    documents.push(...given);
  }
  return {
    entries: [...entries.values()].filter((entry) => "documents" in entry),
    documents,
    faults,
    texts: new Map(overlays.flatMap(textsOf)),
  };
}

function textsOf({ file, text, taken }: FoundOverlay): [string, SourceText][] {
  const inner = taken.overlays.flatMap(textsOf);
  return text === undefined ? inner : [[file.file, text], ...inner];
}
