import { realpath } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * The folders in which roots themselves come and go: real path, and path as the root has it. Where such a folder is not
 * there either, the nearest one above it that is.
 */
export async function outerFolders(roots: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const folders = new Map<string, string>();
  for (const root of roots) {
    for (let folder = dirname(root); ; folder = dirname(folder)) {
      const real = await realOf(folder);
      if (real !== undefined) folders.set(real, folder);
      if (real !== undefined || folder === dirname(folder)) break;
    }
  }
  return folders;
}

async function realOf(folder: string): Promise<string | undefined> {
  try {
    return await realpath(folder);
  } catch {
    return undefined;
  }
}
