import { lstat, realpath, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { textHash } from "../../lib/hash.ts";
import { breather } from "../breather.ts";
import { discover, everyFile, isBelow, manifestName } from "../discover.ts";
import type { Fault } from "../fault.ts";
import { isUncertain, OVERLAY_FILE } from "../overlays/find.ts";
import { compareText } from "../place.ts";
import type { RootState, WatchedFile } from "./contract.ts";
import { type FileState, fileState } from "./file-state.ts";
import { SCANNED_HINTS_MAX } from "./limits.ts";

/** What roots held at one moment. */
export interface Snapshot {
  /** By path, sorted. */
  readonly files: ReadonlyMap<string, FileState>;
  readonly roots: readonly RootState[];
  /** Folders to watch: real path, and the path by which it was met. */
  readonly folders: ReadonlyMap<string, string>;
  /** What could not be searched. */
  readonly faults: readonly Fault[];
  /** Whether what is found depends on nothing but which files there are: neither on overlays, nor on where links lead. */
  readonly isPlain: boolean;
}

export interface ScanOptions {
  readonly roots: readonly string[];
  readonly cwd: string;
  /** Files to hash besides manifests. */
  readonly followed: Iterable<string>;
  /** The snapshot before: files whose stamps are the same and can be trusted are not read again. */
  readonly before?: Snapshot | undefined;
  readonly nowMs: () => number;
}

/** Faults that hide a part of a root; the others are about single files. */
const hiding: ReadonlySet<string> = new Set(["LEG1001", "LEG1005", "LEG1031"]);

/** Searches the roots with the loader's rules and hashes what is in them. A root that is not there is missing, never empty. */
export async function scanRoots(options: ScanOptions): Promise<Snapshot> {
  const roots = options.roots.map((root) => resolve(options.cwd, root));
  const there = await Promise.all(roots.map(isThere));
  const present = roots.filter((_, index) => there[index]);
  const found = await search(present, options.cwd);
  const paths = new Set(found.files);
  for (const file of options.followed) paths.add(file);
  const states = await statesOf([...paths], options);
  return {
    files: new Map(states.toSorted(([a], [b]) => compareText(a, b))),
    roots: roots.map((root, index) => ({
      root,
      status: !there[index] ? "missing" : found.hidden(root) ? "incomplete" : "ok",
    })),
    folders: withFollowed(found.folders, options.followed),
    faults: found.faults,
    isPlain: found.isPlain,
  };
}

/**
 * The snapshot before with those files anew at which changes were heard, when nothing else can have changed: each is a
 * file that was there and still is, or nothing that would be found. Undefined when everything has to be searched.
 */
export async function scanHinted(
  paths: ReadonlySet<string>,
  { before, roots, followed, nowMs }: ScanOptions,
): Promise<Snapshot | undefined> {
  if (before?.isPlain !== true || paths.size > SCANNED_HINTS_MAX) return undefined;
  // A root that is missing tells when it comes; what is hidden does not.
  if (before.roots.some(({ status }) => status === "incomplete" || status === "busy"))
    return undefined;
  const real = new Set(followed);
  const files = new Map(before.files);
  for (const path of paths) {
    const status = await lstat(path).catch((error: NodeJS.ErrnoException) => error);
    if (!("isFile" in status)) {
      // An editor's file that came and went; anything else that is gone leaves a gap. A folder that is moved tells its own name.
      const isItself = basename(path) === basename(dirname(path));
      const isLoss =
        isItself || files.has(path) || hasPathBelow(path, [...before.folders.values(), ...roots]);
      if (status.code !== "ENOENT" || isLoss) return undefined;
    } else if (!status.isFile() || roots.includes(path)) {
      return undefined;
    } else if (files.has(path)) {
      const state = fileState(path, nowMs);
      if (state === undefined || basename(path) === OVERLAY_FILE) return undefined;
      files.set(path, state);
    } else if (manifestName.test(path) || real.has(await realpath(path).catch(() => path))) {
      return undefined;
    }
  }
  return { ...before, files };
}

function hasPathBelow(path: string, others: readonly string[]): boolean {
  return others.some((other) => isBelow(other, path));
}

interface Search {
  readonly files: readonly string[];
  readonly folders: ReadonlyMap<string, string>;
  readonly faults: readonly Fault[];
  readonly isPlain: boolean;
  hidden(root: string): boolean;
}

async function search(roots: readonly string[], cwd: string): Promise<Search> {
  try {
    const { files, overlays, folders, faults, links } = await discover(roots, cwd);
    const hides = ({ code }: Fault) => hiding.has(code);
    const hidden = [
      ...faults.filter(hides).map(({ file }) => file),
      ...overlays.filter((one) => isUncertain(one, hides)).map(({ file }) => file.file),
    ];
    return {
      files: everyFile({ files, overlays }),
      folders,
      faults,
      isPlain: overlays.length === 0 && links.size === 0,
      hidden: (root) => hidden.some((file) => isBelow(file, root)),
    };
  } catch {
    // What was found was gone before it could be looked at.
    return { files: [], folders: new Map(), faults: [], isPlain: false, hidden: () => true };
  }
}

/** Every file that is there with what it holds; only those are read that may hold something else by now. */
async function statesOf(
  files: readonly string[],
  { before, nowMs }: ScanOptions,
): Promise<readonly (readonly [string, FileState])[]> {
  const found: (readonly [string, FileState])[] = [];
  const breathe = breather();
  for (const file of files) {
    const known = before?.files.get(file);
    const state = known?.isCurrent() === true ? known : fileState(file, nowMs);
    if (state !== undefined) found.push([file, state]);
    await breathe();
  }
  return found;
}

function withFollowed(
  folders: ReadonlyMap<string, string>,
  followed: Iterable<string>,
): ReadonlyMap<string, string> {
  const all = new Map(folders);
  for (const file of followed) if (!all.has(dirname(file))) all.set(dirname(file), dirname(file));
  return all;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // A root that may not be looked at is there; that it cannot be searched is found next.
    return !["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
  }
}

/** One digest of all files and theirs. */
export function digestOf(files: readonly WatchedFile[]): string {
  return textHash(files.map(({ file, digest }) => `${digest} ${file}\n`).join(""));
}
