import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { count } from "../lib/text.ts";
import type { Fault } from "./fault.ts";
import { ENTRIES_MAX, FILES_MAX, FOLDER_DEPTH_MAX } from "./limits.ts";
import { type FoundOverlay, findOverlay, isOverlay, OVERLAY_FILE } from "./overlays/find.ts";
import { notAFile, readFault } from "./path-faults.ts";

/** A manifest file that was found, not yet read. */
export interface FoundFile {
  readonly file: string;
  readonly shown: string;
  /** The folder that its file references cannot leave. */
  readonly root: string;
  /** Named by the caller, rather than found in a folder. */
  readonly named: boolean;
  /** It came from another machine, and may name no files of this one. */
  readonly isRemote?: boolean;
}

export interface Found {
  readonly files: readonly FoundFile[];
  /** Every folder that was searched or that a linked file stands in: its real path, and the path by which it was met. */
  readonly folders: ReadonlyMap<string, string>;
  readonly faults: readonly Fault[];
  /** Those of the files that were met as links. */
  readonly links: ReadonlySet<string>;
  /** The overlays that were named, with what they take; `files` and `faults` are without it. */
  readonly overlays: readonly FoundOverlay[];
}

/** What of a search goes on in the search for what an overlay takes. */
export interface Search {
  /** The folder that overlays cannot leave; by default the git work tree, or the working folder. */
  readonly boundary?: string | undefined;
  /** The overlays on the way, outermost first, as shown. */
  readonly trail?: readonly string[];
  readonly budget?: { entries: number };
}

interface Walk {
  readonly cwd: string;
  readonly root: string;
  readonly realRoot: string;
  /** Real paths seen, so that links back and paths given twice are not followed again. */
  readonly seen: Set<string>;
  readonly files: FoundFile[];
  readonly folders: Map<string, string>;
  readonly links: Set<string>;
  readonly faults: Fault[];
  readonly budget: { entries: number };
}

/** What a file that may hold manifests is called; the cases of a watcher (`checkout.cases.yaml`) stand beside them. */
export const manifestName = /(?<!\.cases)\.(ya?ml|json|md)$/i;
/** Other things may have such a name too, so nothing is said of them where they are no files of the folder. */
const markdownName = /\.md$/i;

/** The manifest files that paths name, folders searched to the bottom, in sorted order. It opens no file but those of overlays. */
export async function discover(
  paths: readonly string[],
  cwd: string,
  search: Search = {},
): Promise<Found> {
  const files: FoundFile[] = [];
  const folders = new Map<string, string>();
  const faults: Fault[] = [];
  const overlays: FoundOverlay[] = [];
  const seen = new Set<string>();
  const links = new Set<string>();
  const { budget = { entries: 0 } } = search;
  const addOverlay = async (file: string) => {
    const realFile = await realpath(file);
    if (seen.has(realFile)) return;
    seen.add(realFile);
    const overlay = await findOverlay(file, cwd, { ...search, budget }, discover);
    for (const [real, folder] of overlay.taken.folders) folders.set(real, folder);
    folders.set(dirname(realFile), dirname(file));
    overlays.push(overlay);
  };
  for (const path of paths) {
    const file = resolve(cwd, path);
    const status = await statusOf(file);
    if (!isStats(status)) {
      faults.push(unreachable(file, cwd, status));
    } else if (isOverlay(status.isDirectory() ? join(file, OVERLAY_FILE) : file)) {
      await addOverlay(status.isDirectory() ? join(file, OVERLAY_FILE) : file);
    } else if (isSearched(status, file)) {
      const realRoot = await realpath(file);
      const found = { files, folders, links, faults };
      const state = { cwd, root: file, realRoot, seen, budget, ...found };
      await walk(state, file, realRoot, 0);
    } else if (status.isFile()) {
      const real = await realpath(file);
      if (!seen.has(real))
        files.push({ file, shown: shownPath(file, cwd), root: dirname(file), named: true });
      seen.add(real);
    } else {
      faults.push(notAFile(file, cwd, status));
    }
  }
  return { files, folders, links, faults, overlays };
}

/** Every file that was found, those that overlays take included. */
export function everyFile({
  files,
  overlays,
}: Pick<Found, "files" | "overlays">): readonly string[] {
  const taken = overlays.flatMap(({ file, taken }) => [file.file, ...everyFile(taken)]);
  return [...new Set([...files.map(({ file }) => file), ...taken])];
}

/** A folder whose name is not that of a manifest. */
function isSearched(type: Pick<Dirent, "isDirectory">, path: string): boolean {
  return type.isDirectory() && (!manifestName.test(path) || markdownName.test(path));
}

async function walk(state: Walk, folder: string, real: string, depth: number): Promise<void> {
  const { faults, cwd, budget, seen } = state;
  if (seen.has(real)) return;
  seen.add(real);
  if (depth > FOLDER_DEPTH_MAX) {
    faults.push(
      fault(
        "LEG1031",
        folder,
        cwd,
        `folders stand more than ${FOLDER_DEPTH_MAX} deep in each other`,
        "name the folders that hold manifests, deeper ones are not searched",
      ),
    );
    return;
  }
  state.folders.set(real, folder);
  const entries = await entriesOf(folder);
  if (!Array.isArray(entries)) {
    faults.push(unreachable(folder, cwd, entries));
    return;
  }
  if (depth > 0 && entries.some(({ name }) => name === OVERLAY_FILE)) {
    if (isOverlay(join(folder, OVERLAY_FILE))) {
      faults.push(passedOver(folder, cwd));
      return;
    }
  }
  for (const entry of entries) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    budget.entries += 1;
    if (budget.entries > ENTRIES_MAX || state.files.length >= FILES_MAX) return tooMany(state);
    await visit(state, join(folder, entry.name), join(real, entry.name), entry, depth);
  }
}

async function visit(
  state: Walk,
  path: string,
  real: string,
  entry: Dirent,
  depth: number,
): Promise<void> {
  const isManifest = manifestName.test(entry.name);
  if (entry.isSymbolicLink()) return visitLink(state, path, isManifest, depth);
  if (isSearched(entry, path)) return walk(state, path, real, depth + 1);
  if (!isManifest) return;
  if (entry.isFile()) add(state, path, real);
  else if (!markdownName.test(path)) state.faults.push(notAFile(path, state.cwd, entry));
}

/** A link counts as what it leads to, as long as that stands below the root. */
async function visitLink(
  state: Walk,
  path: string,
  isManifest: boolean,
  depth: number,
): Promise<void> {
  const status = await statusOf(path);
  const isQuiet = !isManifest || markdownName.test(path);
  if (!isStats(status)) {
    if (!isQuiet) state.faults.push(unreachable(path, state.cwd, status));
    return;
  }
  if (!status.isDirectory() && !isManifest) return;
  const real = await realpath(path);
  if (!isBelow(real, state.realRoot)) {
    if (isQuiet && !status.isDirectory()) return;
    state.faults.push(
      fault(
        "LEG1030",
        path,
        state.cwd,
        "the link leads out of the folder that is loaded",
        "copy the file into the folder, or name its own folder too",
      ),
    );
  } else if (isSearched(status, path)) {
    await walk(state, path, real, depth + 1);
  } else if (status.isFile()) {
    const target = dirname(real);
    if (!state.folders.has(target)) state.folders.set(target, target);
    state.links.add(path);
    add(state, path, real);
  } else if (!isQuiet) {
    state.faults.push(notAFile(path, state.cwd, status));
  }
}

function add({ seen, files, cwd, root }: Walk, file: string, real: string): void {
  if (seen.has(real)) return;
  seen.add(real);
  files.push({ file, shown: shownPath(file, cwd), root, named: false });
}

function passedOver(folder: string, cwd: string): Fault {
  const summary = "the folder of an overlay is not loaded as a part of another folder";
  const detail = "name it to load what it gives, or move it out of the folder that is loaded";
  return { ...fault("LEG1107", folder, cwd, summary, detail), severity: "warning" };
}

function tooMany({ budget, faults, root, cwd }: Walk): void {
  if (faults.some(({ code }) => code === "LEG1031")) return;
  const what =
    budget.entries > ENTRIES_MAX
      ? count(ENTRIES_MAX, "entry", "entries")
      : count(FILES_MAX, "file");
  faults.push(
    fault(
      "LEG1031",
      root,
      cwd,
      `the folder holds more than ${what}`,
      "name the folders that hold manifests, rather than one above them",
    ),
  );
}

/** The path as people write it: relative to the working folder where it is below it. */
export function shownPath(file: string, cwd: string): string {
  // Nearly all do, and there are many: `relative` takes both paths to pieces.
  if (sep === "/" && file.startsWith(`${cwd}/`)) return file.slice(cwd.length + 1);
  const path = relative(cwd, file);
  return path === ""
    ? "."
    : path.startsWith(`..${sep}`) || path === ".." || isAbsolute(path)
      ? file
      : path.replaceAll(sep, "/");
}

/** Whether a path is a folder or stands below it; both as realpath gives them. */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function entriesOf(folder: string): Promise<Dirent[] | NodeJS.ErrnoException> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

async function statusOf(path: string): Promise<Stats | NodeJS.ErrnoException> {
  try {
    return await stat(path);
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

function isStats(status: Stats | NodeJS.ErrnoException): status is Stats {
  return "isFile" in status;
}

function unreachable(path: string, cwd: string, error: NodeJS.ErrnoException): Fault {
  return readFault(path, shownPath(path, cwd), error);
}

function fault(
  code: Fault["code"],
  file: string,
  cwd: string,
  summary: string,
  detail: string,
): Fault {
  return { severity: "error", code, summary, detail, file, shown: shownPath(file, cwd) };
}
