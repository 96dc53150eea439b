import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { ObjectSource } from "../manifest/objects.ts";

/** What is behind a path that an object refers to. */
export type Confined =
  | { readonly at: "inside"; readonly real: string }
  /** `byLink`: the path itself is below the root, a symbolic link on it leads out. */
  | { readonly at: "outside"; readonly byLink: boolean }
  | { readonly at: "missing" }
  /** A part of the path is not a folder, not open to this user, or a link in a circle. */
  | { readonly at: "unreachable"; readonly errno: string };

/** Where a file stands that an object refers to: below the manifest root or not. What is not below it, is told the same whether it exists or not. */
export async function confinedPath(
  { file, root }: Pick<ObjectSource, "file" | "root">,
  path: string,
): Promise<Confined> {
  const named = resolve(dirname(file), path);
  const seemsWithin = isWithin(root, named);
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(named)]);
    if (isWithin(realRoot, real)) return { at: "inside", real };
    return { at: "outside", byLink: seemsWithin };
  } catch (error) {
    if (!seemsWithin) return { at: "outside", byLink: false };
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? { at: "missing" } : { at: "unreachable", errno: code };
  }
}

/** The manifest root as people write it: relative to where they are, as they see the manifest itself. */
export function shownRoot({ file, root, shown }: Omit<ObjectSource, "document">): string {
  return join(dirname(shown), relative(dirname(file), root));
}

/** A path of an object, which is relative to its manifest, as people write it where they are. */
export function shownFile({ shown }: Pick<ObjectSource, "shown">, path: string): string {
  return isAbsolute(path) ? path : join(dirname(shown), path);
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
