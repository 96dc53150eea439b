import path from "node:path";
import { isInside } from "./inside.ts";

/** What is closed in one process beyond what deniedReason knows by name, as real paths. */
export interface Closed {
  readonly stateFolder?: string;
  readonly files: ReadonlySet<string>;
}

/** As the composition root gives them: absolute, and perhaps not made yet. */
export interface ClosedOptions {
  readonly stateFolder?: string | undefined;
  readonly deniedFiles?: readonly string[] | undefined;
}

type Links = Pick<typeof import("node:fs/promises"), "realpath" | "readlink">;

/** Links that are followed by hand at most; the system follows about as many. */
const LINKS_MAX = 40;

/** Follows the links of the closed places. It is asked anew for every call: secrets that are rotated change the links to them. */
export async function closedPlaces(
  { stateFolder, deniedFiles = [] }: ClosedOptions,
  links: Links,
): Promise<Closed> {
  const files = await Promise.all(deniedFiles.map((file) => futureRealPath(file, links)));
  return {
    files: new Set(files),
    ...(stateFolder !== undefined && { stateFolder: await futureRealPath(stateFolder, links) }),
  };
}

/** Why a real path is closed in this process; undefined when it is not. */
export function closedReason({ stateFolder, files }: Closed, real: string): string | undefined {
  if (stateFolder !== undefined && isInside(stateFolder, real))
    return "the state folder is closed to agents";
  if (files.has(real)) return "it holds a secret of the manifests";
  return undefined;
}

/** The real path that a file has, or will have once it is made: what exists of it is followed, links to nowhere too. */
async function futureRealPath(given: string, links: Links, left = LINKS_MAX): Promise<string> {
  const file = path.resolve(given);
  try {
    return await links.realpath(file);
  } catch {
    const parent = path.dirname(file);
    if (parent === file || left === 0) return file;
    const folder = await futureRealPath(parent, links, left);
    const here = path.join(folder, path.basename(file));
    const target = await links.readlink(here).catch(() => undefined);
    return target === undefined
      ? here
      : futureRealPath(path.resolve(folder, target), links, left - 1);
  }
}
