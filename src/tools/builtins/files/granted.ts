import * as nodeFileSystem from "node:fs/promises";
import path from "node:path";
import { LegionError } from "../../../lib/errors.ts";
import { deniedReason } from "./denied.ts";
import { isInside, relativeBelow, slashes } from "./inside.ts";
import { denied, outside } from "./refusals.ts";

/** The calls that opening makes, so that a test can change the disk between two of them. */
export type FileSystem = Pick<
  typeof nodeFileSystem,
  "realpath" | "lstat" | "open" | "readlink" | "readdir"
>;

/** A folder that may be read. */
interface Root {
  /** As the config has it. */
  readonly shown: string;
  readonly absolute: string;
  /** With symbolic links followed. */
  readonly real: string;
}

/** The folders that a files tool may read. */
export interface Granted {
  /** What relative paths start from. */
  readonly cwd: string;
  readonly realCwd: string;
  readonly roots: readonly Root[];
  /** Real path of the state folder. */
  readonly stateFolder?: string;
  readonly fileSystem: FileSystem;
}

const PATH_LENGTH_MAX = 4_096;

/** Works out the granted folders; throws LEG4012 when one is missing, or closed to agents. */
export async function grant(
  roots: readonly string[],
  { cwd, stateFolder }: { readonly cwd: string; readonly stateFolder?: string | undefined },
  fileSystem: FileSystem = nodeFileSystem,
): Promise<Granted> {
  const realCwd = await fileSystem.realpath(cwd);
  const state = stateFolder === undefined ? undefined : path.resolve(stateFolder);
  const realState = state && (await fileSystem.realpath(state).catch(() => state));
  const granted = await Promise.all(
    roots.map(async (shown): Promise<Root> => {
      const absolute = path.resolve(cwd, shown);
      const real = await folderPath(absolute, fileSystem);
      if (real === undefined) throw badRoot(shown, "is not a folder", "name folders that exist");
      const reason = deniedReason(slashes(path.relative(realCwd, real)));
      const closed = realState !== undefined && isInside(realState, real);
      if (closed || reason !== undefined) {
        throw badRoot(
          shown,
          `cannot be granted: ${reason ?? "it is the state folder"}`,
          "leave it out",
        );
      }
      return { shown, absolute, real };
    }),
  );
  return { cwd, realCwd, roots: granted, fileSystem, ...(realState && { stateFolder: realState }) };
}

async function folderPath(absolute: string, fileSystem: FileSystem): Promise<string | undefined> {
  try {
    const real = await fileSystem.realpath(absolute);
    return (await fileSystem.lstat(real)).isDirectory() ? real : undefined;
  } catch {
    return undefined;
  }
}

function badRoot(shown: string, what: string, hint: string): LegionError {
  return new LegionError({
    code: "LEG4012",
    message: `"${shown}" in config.roots ${what}`,
    hint: `${hint}; roots are relative to the working folder`,
  });
}

/** The absolute path, refused when it leaves the granted folders by its spelling alone, so that nothing outside is even looked at. */
export function lexicalPath(granted: Granted, given: string): string {
  const fault = given.includes("\0")
    ? "holds a NUL character"
    : given.length > PATH_LENGTH_MAX
      ? `has more than ${PATH_LENGTH_MAX} characters`
      : undefined;
  if (fault !== undefined) {
    const hint = "write a path relative to the working folder";
    throw new LegionError({ code: "LEG4022", message: `the path ${fault}`, hint });
  }
  const absolute = path.resolve(granted.cwd, given === "" ? "." : given);
  requireOpen(granted, absolute, given, ({ absolute: root, real }) => [root, real]);
  return absolute;
}

/** Throws LEG4020 or LEG4021 unless a real path may be read. */
export function requireOpen(
  granted: Granted,
  target: string,
  given: string,
  folders: (root: Root) => readonly string[] = ({ real }) => [real],
): void {
  const below = granted.roots
    .flatMap(folders)
    .map((folder) => relativeBelow(folder, target))
    .filter((relative) => relative !== undefined);
  if (below.length === 0) throw outside(granted, given);
  if (granted.stateFolder !== undefined && isInside(granted.stateFolder, target)) {
    throw denied(given, "the state folder is closed to agents");
  }
  const reasons = below.map(deniedReason);
  const [reason] = reasons;
  if (reason !== undefined && !reasons.includes(undefined)) throw denied(given, reason);
}

/** Whether a real path may be told and read. */
export function isOpenTo(granted: Granted, real: string): boolean {
  const { roots, stateFolder } = granted;
  if (stateFolder !== undefined && isInside(stateFolder, real)) return false;
  return roots.some((root) => {
    const relative = relativeBelow(root.real, real);
    return relative !== undefined && deniedReason(relative) === undefined;
  });
}

/** A real path as callers write it: relative to the working folder where it is below it. */
export function shownPath({ realCwd }: Granted, real: string): string {
  const relative = relativeBelow(realCwd, real);
  return relative === "" ? "." : (relative ?? slashes(real));
}
