import path from "node:path";
import { LegionError } from "../../../lib/errors.ts";
import type { Json, JsonObject } from "../../../lib/json.ts";
import { openReal } from "./confine.ts";
import { type Granted, isOpenTo, shownPath } from "./granted.ts";
import { isInside, slashes } from "./inside.ts";
import { entriesOf, LIST_DEFAULT } from "./list.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** Entries that one call may look at. */
const VISITED_MAX = 200_000;
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
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly visitedMax: number;
}

/** Paths of the files that match, sorted. Symbolic links are neither followed nor told. */
export async function glob(
  granted: Granted,
  args: JsonObject,
  signal: AbortSignal,
  visitedMax = VISITED_MAX,
): Promise<Json> {
  const pattern = compilePattern(String(args.pattern));
  const folder = path.resolve(granted.realCwd, String(args.path ?? "."));
  const base = await granted.fileSystem.realpath(folder).catch(() => folder);
  const found: string[] = [];
  const search = {
    granted,
    pattern,
    base,
    limit: Number(args.limit ?? LIST_DEFAULT),
    signal,
    visitedMax,
  };
  for (const start of startsOf(search, String(args.path ?? "."))) await walk(search, start, found);
  const sorted = [...new Set(found)].toSorted();
  return { paths: sorted.slice(0, search.limit), more: sorted.length > search.limit };
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
async function walk(search: Search, start: string, found: string[]): Promise<void> {
  const queue = [start];
  let visited = 0;
  for (let at = 0; at < queue.length; ) {
    search.signal.throwIfAborted();
    const folders = queue.slice(at, at + FOLDERS_AT_ONCE);
    at += folders.length;
    const entries = await Promise.all(folders.map((folder) => readFolder(search.granted, folder)));
    for (const entry of entries.flat()) {
      visited += 1;
      if (visited > search.visitedMax) throw tooWide(search.visitedMax);
      visit(search, entry, found, queue);
    }
  }
}

/** Keeps a file that matches, and puts a folder that may hold some at the end of the queue. */
function visit(search: Search, entry: Entry, found: string[], queue: string[]): void {
  const { pattern, base, granted } = search;
  const relative = slashes(path.relative(base, entry.real));
  if (entry.type === "file" && pattern.matches(relative))
    found.push(shownPath(granted, entry.real));
  if (entry.type !== "folder") return;
  const depth = relative.split("/").length;
  const wanted = !skipped.includes(entry.name) || pattern.names(entry.name);
  if (wanted && depth < Math.min(pattern.depthMax, DEPTH_MAX)) queue.push(entry.real);
}

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly real: string;
}

/** The entries of a folder; none for one that is gone, closed or swapped for something else meanwhile. */
async function readFolder(granted: Granted, folder: string): Promise<readonly Entry[]> {
  if (!isOpenTo(granted, folder)) return [];
  const opened = await openReal(granted, folder, folder, "folder").catch(() => undefined);
  if (opened === undefined) return [];
  try {
    const { entries } = await entriesOf(granted, opened);
    return entries.map(({ name, type }) => ({ name, type, real: path.join(folder, name) }));
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
