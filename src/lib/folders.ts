import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it that are missing. Fails like mkdir, with EEXIST when something else stands there.
 * Not `recursive: true`: below /proc, which answers ENOENT for what cannot be made, that never ends.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if ((await typeOf(parent)) === undefined && parent !== path) await makeFolder(parent, mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await typeOf(path)) === "folder";
}

async function typeOf(path: string): Promise<"folder" | "other" | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats && (stats.isDirectory() ? "folder" : "other");
}
