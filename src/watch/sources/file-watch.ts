import path from "node:path";
import { textHash } from "../../lib/hash.ts";
import { isObject, type JsonObject } from "../../lib/json.ts";
import { sizeBytes } from "../../lib/quantities.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { Sample } from "../../trigger/samples.ts";
import { beforeAll, endOf, fileId, type Lines, linesFrom, type Place } from "./file-lines.ts";
import { type OpenFile, openFile, readBytes } from "./file-open.ts";
import { BYTES_MAX_DEFAULT, jsonOf, type Looker, type SourceDeps, textOf } from "./look.ts";

/** What is remembered of a look. `mark` is "" where there was no file. */
interface Seen {
  /** Which file it was, its size and when it was written. */
  readonly mark: string;
  readonly hash: string;
  readonly place: Place;
}

interface Content {
  readonly text: string;
  readonly json: unknown;
  readonly hash: string;
  readonly bytes: number;
}

/**
 * A file. `ok` says that it could be looked at, also that it is not there. `event` compares with the look before and is none at the first
 * one; a file that was written with what it held before has changed, and its `hash` has not. `lines` are the whole lines that were
 * appended since. `text`, `json` and `hash` are of the whole file up to `maxBytes`. `value` is the number of bytes.
 */
export async function fileWatch(
  { spec, source }: ManifestObject<"Watcher">,
  deps: SourceDeps,
): Promise<Looker> {
  const given = spec.path ?? "";
  const file = path.resolve(path.dirname(source.file), given);
  const maxBytes = spec.maxBytes === undefined ? BYTES_MAX_DEFAULT : sizeBytes(spec.maxBytes);
  let seen: Seen | undefined;
  let content: Content | undefined;
  /** The same mark was read at two looks: what was written within one tick of the file system's clock has been seen, too. */
  let isSettled = false;
  let hasMore = false;
  return {
    async look(signal) {
      const opened = await openFile(file, given, deps);
      if (opened === undefined) {
        signal.throwIfAborted();
        const event = eventOf(seen, "", "");
        // The place stays: what is left to read may stand in the file under a new name once there is another one.
        seen = { mark: "", hash: "", place: seen?.place ?? beforeAll };
        content = undefined;
        return { event, path: given, present: false, lines: [] };
      }
      try {
        const mark = markOf(opened);
        const isSame = seen?.mark === mark && content !== undefined;
        const isKept = isSame && isSettled && !opened.isLive;
        const now = isKept && content !== undefined ? content : await contentOf(opened, maxBytes);
        const { lines, place, more } =
          isKept && !hasMore && seen !== undefined
            ? { lines: [], place: seen.place, more: false }
            : await newLines(opened, seen, maxBytes, deps);
        signal.throwIfAborted();
        const event = eventOf(seen, mark, now.hash);
        isSettled = isSame;
        hasMore = more;
        content = now;
        seen = { mark, hash: now.hash, place };
        return { event, path: given, present: true, lines, ...rootsOf(opened, now) };
      } finally {
        await opened.handle.close();
      }
    },
    save: () => (seen === undefined ? {} : { path: file, seen: seen as unknown as JsonObject }),
    restore({ path: saved, seen: then }) {
      // What was seen of another file says nothing of this one.
      if (saved !== file || !isSeen(then)) return;
      seen = then;
      // There may be lines behind that place in a file that has not changed since.
      hasMore = true;
    },
  };
}

function rootsOf({ stats }: OpenFile, { text, json, hash, bytes }: Content): Sample {
  return { bytes, mtime: Number(stats.mtimeNs / 1_000_000n), hash, text, json, value: bytes };
}

function markOf({ stats }: OpenFile): string {
  return `${fileId(stats)} ${stats.size} ${stats.mtimeNs}`;
}

function eventOf(before: Seen | undefined, mark: string, hash: string): string {
  if (before === undefined) return "none";
  if (mark === "") return before.mark === "" ? "none" : "unlink";
  if (before.mark === "") return "add";
  return before.mark === mark && before.hash === hash ? "none" : "change";
}

async function contentOf(opened: OpenFile, maxBytes: number): Promise<Content> {
  const bytes = await readBytes(opened.handle, 0, maxBytes + 1);
  const isCut = bytes.length > maxBytes;
  const head = bytes.subarray(0, maxBytes);
  const text = textOf(head, isCut);
  return {
    text,
    json: isCut ? undefined : jsonOf(text),
    hash: textHash(head),
    bytes: opened.isLive ? bytes.length : Number(opened.stats.size),
  };
}

/** A file that was there at the first look has no new lines, and one that the system makes up has no lines to go on behind. */
async function newLines(
  opened: OpenFile,
  seen: Seen | undefined,
  maxBytes: number,
  deps: SourceDeps,
): Promise<Lines> {
  if (opened.isLive) return { lines: [], place: beforeAll, more: false };
  if (seen === undefined) return { lines: [], place: await endOf(opened, maxBytes), more: false };
  return linesFrom(opened, seen.place, maxBytes, (old) => openFile(old, old, deps));
}

function isSeen(saved: unknown): saved is Seen {
  if (!isObject(saved) || !isObject(saved.place) || !isObject(saved.place.head)) return false;
  const { file, real, offset } = saved.place;
  const texts = [saved.mark, saved.hash, file, real, saved.place.head.hash];
  const numbers = [offset, saved.place.head.bytes];
  return (
    texts.every((each) => typeof each === "string") &&
    numbers.every((each) => Number.isSafeInteger(each) && Number(each) >= 0)
  );
}
