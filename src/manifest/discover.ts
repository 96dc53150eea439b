import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { count } from "../lib/text.ts";
import type { Fault } from "./fault.ts";
import { ENTRIES_MAX, FILES_MAX, FOLDER_DEPTH_MAX } from "./limits.ts";

/** A manifest file that was found, not yet read. */
export interface FoundFile {
  readonly file: string;
  readonly shown: string;
  /** The folder that its file references cannot leave. */
  readonly root: string;
  /** Named by the caller, rather than found in a folder. */
  readonly named: boolean;
}

export interface Found {
  readonly files: readonly FoundFile[];
  /** Every folder that was searched or that a linked file stands in: its real path, and the path by which it was met. */
  readonly folders: ReadonlyMap<string, string>;
  readonly faults: readonly Fault[];
}

interface Walk {
  readonly cwd: string;
  readonly root: string;
  readonly realRoot: string;
  /** Real paths seen, so that links back and paths given twice are not followed again. */
  readonly seen: Set<string>;
  readonly files: FoundFile[];
  readonly folders: Map<string, string>;
  readonly faults: Fault[];
  readonly budget: { entries: number };
}

const manifestName = /\.(ya?ml|json)$/i;

/** The manifest files that paths name, folders searched to the bottom, in sorted order. It opens nothing. */
export async function discover(paths: readonly string[], cwd: string): Promise<Found> {
  const files: FoundFile[] = [];
  const folders = new Map<string, string>();
  const faults: Fault[] = [];
  const seen = new Set<string>();
  const budget = { entries: 0 };
  for (const path of paths) {
    const file = resolve(cwd, path);
    const status = await statusOf(file);
    if (!isStats(status)) {
      faults.push(unreachable(file, cwd, status));
    } else if (status.isDirectory() && !manifestName.test(file)) {
      const realRoot = await realpath(file);
      const state = { cwd, root: file, realRoot, seen, files, folders, faults, budget };
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
  return { files, folders, faults };
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
  if (entry.isDirectory() && !isManifest) return walk(state, path, real, depth + 1);
  if (!isManifest) return;
  if (entry.isFile()) add(state, path, real);
  else state.faults.push(notAFile(path, state.cwd, entry));
}

/** A link counts as what it leads to, as long as that stands below the root. */
async function visitLink(
  state: Walk,
  path: string,
  isManifest: boolean,
  depth: number,
): Promise<void> {
  const status = await statusOf(path);
  if (!isStats(status)) {
    if (isManifest) state.faults.push(unreachable(path, state.cwd, status));
    return;
  }
  const isFolder = status.isDirectory();
  if (!isFolder && !isManifest) return;
  const real = await realpath(path);
  if (!isBelow(real, state.realRoot)) {
    state.faults.push(
      fault(
        "LEG1030",
        path,
        state.cwd,
        "the link leads out of the folder that is loaded",
        "copy the file into the folder, or name its own folder too",
      ),
    );
  } else if (isFolder && !isManifest) {
    await walk(state, path, real, depth + 1);
  } else if (status.isFile()) {
    const target = dirname(real);
    if (!state.folders.has(target)) state.folders.set(target, target);
    add(state, path, real);
  } else {
    state.faults.push(notAFile(path, state.cwd, status));
  }
}

function add({ seen, files, cwd, root }: Walk, file: string, real: string): void {
  if (seen.has(real)) return;
  seen.add(real);
  files.push({ file, shown: shownPath(file, cwd), root, named: false });
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

/** The fault of a path that could not be opened or read. */
export function readFault(file: string, shown: string, { code }: NodeJS.ErrnoException): Fault {
  const [summary, detail] = reasons[code ?? ""] ?? [
    `it cannot be read (${code ?? "unknown error"})`,
    "check the disk and the path",
  ];
  return {
    severity: "error",
    code: code === "ENOENT" || code === "ENOTDIR" ? "LEG1001" : "LEG1005",
    summary,
    detail,
    file,
    shown,
  };
}

const missing = [
  "no such file or folder",
  "check the path; a link whose target is gone counts as missing",
] as const;
const reasons: Readonly<Record<string, readonly [summary: string, detail: string]>> = {
  ENOENT: missing,
  ENOTDIR: missing,
  EACCES: [
    "it cannot be read: permission denied",
    "give the user that runs legion the right to read it",
  ],
  EPERM: [
    "it cannot be read: permission denied",
    "give the user that runs legion the right to read it",
  ],
  ELOOP: ["the link leads back to itself", "remove the link, or point it at a file"],
  ENAMETOOLONG: ["the path is too long", "name a shorter path"],
};

interface FileType {
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
}

/** The fault of something that is not a regular file where one is needed. */
export function notAFile(path: string, cwd: string, type: FileType): Fault {
  const noun = nounOf(type);
  const detail = type.isDirectory()
    ? "a name that ends in .yaml, .yml or .json is a file: give the folder another name"
    : "put a regular file there, or remove it";
  return fault("LEG1003", path, cwd, `it is ${noun}, not a regular file`, detail);
}

/** What something is that is not a regular file. */
export function nounOf(type: FileType): string {
  if (type.isDirectory()) return "a folder";
  if (type.isFIFO()) return "a named pipe";
  if (type.isSocket()) return "a socket";
  return "a device";
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
