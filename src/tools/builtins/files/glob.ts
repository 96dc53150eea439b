import path from "node:path";
import { LegionError } from "../../../lib/errors.ts";
import type { Json, JsonObject } from "../../../lib/json.ts";
import { openReal } from "./confine.ts";
import { type Granted, isOpenTo, shownPath } from "./granted.ts";
import { isInside, slashes } from "./inside.ts";
import { entriesOf, FOLDER_ENTRIES_MAX, LIST_DEFAULT } from "./list.ts";
import { pace } from "./pace.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** Entries that one call may look at, and of one folder. */
const limits = { visitedMax: 200_000, folderEntriesMax: FOLDER_ENTRIES_MAX };
/** Levels that it goes down; deeper folders are left out. */
const DEPTH_MAX = 100;
const FOLDERS_AT_ONCE = 16;
/** Folders that are large and seldom meant; a pattern that names one goes into it. */
const skipped: readonly string[] = ["node_modules", ".git"];

interface Search {
  readonly granted: Granted;
  readonly pattern: Pattern;
  /** Real path that the pattern is relative to. */
  readonly base: string;
  readonly limits: typeof limits;
  readonly paced: () => Promise<void>;
}

/** What a search has come to so far. */
interface Found {
  readonly paths: string[];
  visited: number;
  /** Whether something was left out. */
  more: boolean;
}

/**
 * Paths of the files that match, sorted; `more` when the limit, or a folder that is too large or too deep, left some out.
 * Symbolic links are neither followed nor told.
 */
export async function glob(
  granted: Granted,
  args: JsonObject,
  signal: AbortSignal,
  own: Partial<typeof limits> = {},
): Promise<Json> {
  const pattern = compilePattern(String(args.pattern));
  const given = String(args.path ?? ".");
  const folder = path.resolve(granted.realCwd, given);
  const base = await granted.fileSystem.realpath(folder).catch(() => folder);
  const search = { granted, pattern, base, limits: { ...limits, ...own }, paced: pace(signal) };
  const found: Found = { paths: [], visited: 0, more: false };
  for (const start of startsOf(search, given)) await walk(search, start, found);
  const sorted = [...new Set(found.paths)].toSorted();
  const limit = Number(args.limit ?? LIST_DEFAULT);
  return { paths: sorted.slice(0, limit), more: found.more || sorted.length > limit };
}

/** The folders to walk: what the pattern can reach of the granted folders. Roots inside each other are walked once. */
function startsOf({ granted, pattern, base }: Search, given: string): string[] {
  const from = path.join(base, pattern.prefix);
  const starts = granted.roots.flatMap(({ real }) =>
    isInside(real, from) ? [from] : isInside(from, real) ? [real] : [],
  );
  if (starts.length === 0) {
    const valid = granted.roots.map(({ shown }) => shown);
    const shown = pattern.prefix === "" ? given : path.posix.join(given, pattern.prefix);
    throw new LegionError({
      code: "LEG4020",
      message: `"${shown}" is outside the folders that the tool may read`,
      hint: `search below one of: ${valid.join(", ")}`,
      valid,
    });
  }
  const distinct = [...new Set(starts)];
  return distinct.filter(
    (start) => !distinct.some((other) => other !== start && isInside(other, start)),
  );
}

/** Goes through a folder and those in it, nearest first, without following links, so that no circle of links can hold it. */
async function walk(search: Search, start: string, found: Found): Promise<void> {
  const queue = [start];
  for (let at = 0; at < queue.length; ) {
    const folders = queue.slice(at, at + FOLDERS_AT_ONCE);
    at += folders.length;
    const read = await Promise.all(folders.map((folder) => readFolder(search, folder)));
    for (const [index, { entries, more }] of read.entries()) {
      found.more ||= more;
      for (const { name, type } of entries) {
        await search.paced();
        found.visited += 1;
        if (found.visited > search.limits.visitedMax) throw tooWide(search.limits.visitedMax);
        const real = path.join(folders[index] ?? start, name);
        visit(search, { name, type, real }, found, queue);
      }
    }
  }
}

/** Keeps a file that matches, and puts a folder that may hold some at the end of the queue. */
function visit(search: Search, entry: Entry, found: Found, queue: string[]): void {
  const { pattern, base, granted } = search;
  const relative = slashes(path.relative(base, entry.real));
  if (entry.type === "file" && pattern.matches(relative))
    found.paths.push(shownPath(granted, entry.real));
  if (entry.type !== "folder") return;
  const depth = relative.split("/").length;
  const wanted = !skipped.includes(entry.name) || pattern.names(entry.name);
  if (!wanted || depth >= pattern.depthMax) return;
  if (depth < DEPTH_MAX) queue.push(entry.real);
  else found.more = true;
}

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly real: string;
}

/** The entries of a folder; none for one that is gone, closed or swapped for something else meanwhile. */
async function readFolder(
  { granted, paced, limits: { folderEntriesMax } }: Search,
  folder: string,
): ReturnType<typeof entriesOf> {
  const none = { entries: [], more: false };
  if (!isOpenTo(granted, folder)) return none;
  const opened = await openReal(granted, folder, folder, "folder").catch(() => undefined);
  if (opened === undefined) return none;
  try {
    return await entriesOf(granted, opened, paced, folderEntriesMax);
  } finally {
    await opened.handle.close();
  }
}

function tooWide(visitedMax: number): LegionError {
  return new LegionError({
    code: "LEG4026",
    message: `the search looked at ${visitedMax.toLocaleString("en")} files and folders and was not done`,
    hint: "start the pattern with a folder, or pass path",
    example: 'await tools.files.glob({"pattern":"src/**/*.ts"})',
  });
}
