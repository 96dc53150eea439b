import { lstat, opendir } from "node:fs/promises";
import type { Json, JsonObject } from "../../../lib/json.ts";
import { type Opened, openGranted } from "./confine.ts";
import { type Granted, isOpenTo } from "./granted.ts";
import { pace } from "./pace.ts";

export const LIST_DEFAULT = 1_000;
export const LIST_MAX = 10_000;
/** Entries of one folder that are looked at before sorting; the rest of a larger folder is left out. */
export const FOLDER_ENTRIES_MAX = 100_000;

/** Entries that are asked of the system at once. */
const READ_AHEAD = 1_000;

export type EntryType = "file" | "folder" | "link" | "other";
interface Entry {
  readonly name: string;
  readonly type: EntryType;
}

/** What a folder holds, sorted by name, each with its type, and size for files. */
export async function list(granted: Granted, args: JsonObject, signal: AbortSignal): Promise<Json> {
  const opened = await openGranted(granted, String(args.path ?? "."), "folder");
  try {
    const limit = Number(args.limit ?? LIST_DEFAULT);
    const { entries, more } = await entriesOf(granted, opened, pace(signal));
    const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
    const told = await Promise.all(sorted.map((entry) => tell(opened, entry)));
    return { entries: told, more: more || entries.length > sorted.length };
  } finally {
    await opened.handle.close();
  }
}

/** The entries of an open folder that agents may know of, in no order; `more` when the folder has more than `entriesMax`. */
export async function entriesOf(
  granted: Granted,
  opened: Opened,
  paced: () => Promise<void>,
  entriesMax = FOLDER_ENTRIES_MAX,
): Promise<{ readonly entries: readonly Entry[]; readonly more: boolean }> {
  const entries: Entry[] = [];
  for await (const entry of await opendir(handlePath(opened), { bufferSize: READ_AHEAD })) {
    await paced();
    if (!isOpenTo(granted, `${opened.real}/${entry.name}`)) continue;
    if (entries.length >= entriesMax) return { entries, more: true };
    const type = entry.isFile()
      ? "file"
      : entry.isDirectory()
        ? "folder"
        : entry.isSymbolicLink()
          ? "link"
          : "other";
    entries.push({ name: entry.name, type });
  }
  return { entries, more: false };
}

async function tell(opened: Opened, { name, type }: Entry): Promise<Json> {
  const path = opened.shown === "." ? name : `${opened.shown}/${name}`;
  if (type !== "file") return { path, type };
  const stats = await lstat(`${handlePath(opened)}/${name}`).catch(() => undefined);
  return stats === undefined ? { path, type } : { path, type, bytes: stats.size };
}

/** A path that leads through the open folder itself where the system has that, so that a swap of the folder changes nothing. */
function handlePath({ handle, real }: Opened): string {
  return process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : real;
}
