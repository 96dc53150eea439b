import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** How far above a root a work tree is looked for. */
const ANCESTORS_MAX = 64;

/** The index.lock that git holds while it changes a work tree that one of the roots stands in; undefined when there is none. */
export async function heldGitLock(roots: readonly string[]): Promise<string | undefined> {
  const looked = new Set<string>();
  for (const root of roots) {
    const folder = await gitFolderOf(root, looked);
    const lock = folder && join(folder, "index.lock");
    if (lock !== undefined && (await kindOf(lock)) !== undefined) return lock;
  }
  return undefined;
}

/** The git folder of the work tree around a path. Folders that were looked at for another path are not looked at again. */
async function gitFolderOf(path: string, looked: Set<string>): Promise<string | undefined> {
  let folder = path;
  for (let above = 0; above < ANCESTORS_MAX && !looked.has(folder); above += 1) {
    looked.add(folder);
    const git = join(folder, ".git");
    const kind = await kindOf(git);
    if (kind === "folder") return git;
    if (kind === "file") return linkedFolder(git);
    folder = dirname(folder);
  }
  return undefined;
}

/** In worktrees and submodules .git is a file that names the folder. */
async function linkedFolder(file: string): Promise<string | undefined> {
  try {
    const [, folder] = /^gitdir: (.+)$/m.exec(await readFile(file, "utf8")) ?? [];
    return folder === undefined ? undefined : resolve(dirname(file), folder);
  } catch {
    return undefined;
  }
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch {
    return undefined;
  }
}
