import * as nodeFileSystem from "node:fs/promises";
import path from "node:path";
import { LegionError } from "../../../lib/errors.ts";
import { type Closed, type ClosedOptions, closedPlaces, closedReason } from "./closed.ts";
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
  readonly closed: Closed;
  readonly fileSystem: FileSystem;
}

const PATH_LENGTH_MAX = 4_096;

/** Works out the granted folders; throws LEG4012 when one is missing, or closed to agents. */
export async function grant(
  roots: readonly string[],
  { cwd, ...closedOptions }: { readonly cwd: string } & ClosedOptions,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<Granted> {
  const realCwd = await fileSystem.realpath(cwd);
  const closed = await closedPlaces(closedOptions, fileSystem);
  const place = { cwd, realCwd, closed, fileSystem };
  const granted = await Promise.all(
    roots.map(async (shown): Promise<Root> => {
      const absolute = path.resolve(cwd, shown);
      const real = await folderPath(absolute, fileSystem);
      if (real === undefined) throw badRoot(shown, "is not a folder", "name folders that exist");
      const reason = reasonAgainst(place, real);
      if (reason !== undefined)
        throw badRoot(shown, `cannot be granted: ${reason}`, "leave it out");
      return { shown, absolute, real };
    }),
  );
  return { ...place, roots: granted };
}

/** Throws LEG4019 when a root is not inside one of those that the tool itself grants. */
export function requireNarrower({ roots }: Granted, tool: Granted): void {
  const wider = roots.find(({ real }) => !tool.roots.some((root) => isInside(root.real, real)));
  if (wider === undefined) return;
  const valid = tool.roots.map(({ shown }) => shown);
  throw new LegionError({
    code: "LEG4019",
    message: `"${wider.shown}" in the agent's config.roots is outside the roots of the tool`,
    hint: `name folders below one of: ${valid.join(", ")}; or add the folder to config.roots of the tool`,
    valid,
  });
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

/** Throws LEG4020 or LEG4021 unless a real path may be read. What is closed is so whatever the roots. */
export function requireOpen(
  granted: Granted,
  target: string,
  given: string,
  folders: (root: Root) => readonly string[] = ({ real }) => [real],
): void {
  if (!granted.roots.flatMap(folders).some((folder) => isInside(folder, target)))
    throw outside(granted, given);
  const reason = reasonAgainst(granted, target);
  if (reason !== undefined) throw denied(given, reason);
}

/** Whether a real path may be told and read. */
export function isOpenTo(granted: Granted, real: string): boolean {
  return (
    granted.roots.some((root) => isInside(root.real, real)) &&
    reasonAgainst(granted, real) === undefined
  );
}

function reasonAgainst(
  { closed, cwd, realCwd }: Pick<Granted, "closed" | "cwd" | "realCwd">,
  target: string,
): string | undefined {
  return closedReason(closed, target) ?? deniedReason(target, [realCwd, cwd]);
}

/** A real path as callers write it: relative to the working folder where it is below it. */
export function shownPath({ realCwd }: Granted, real: string): string {
  const relative = relativeBelow(realCwd, real);
  return relative === "" ? "." : (relative ?? slashes(real));
}
