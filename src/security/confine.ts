import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import type { ObjectSource } from "../manifest/objects.ts";

/** The real path of a file that an object refers to; undefined when it does not exist or leads out of the manifest root, also by a symbolic link. */
export async function confinedPath(
  { file, root }: Pick<ObjectSource, "file" | "root">,
  path: string,
): Promise<string | undefined> {
  try {
    const realRoot = await realpath(root);
    const real = await realpath(resolve(dirname(file), path));
    return isWithin(realRoot, real) ? real : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
