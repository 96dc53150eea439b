import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";
import { messageOf } from "../../lib/errors.ts";
import { eachOf } from "./each-of.ts";
import { HINTED_PATHS_MAX, STATS_AT_ONCE, WATCHED_FOLDERS_MAX } from "./limits.ts";

/** Watches one folder, not those in it. Tells the name of what changed, null when it is not known. May throw; `onError` tells that watching has ended. */
export type OpenFolder = (
  folder: string,
  onHint: (name: string | null) => void,
  onError: (error: unknown) => void,
) => { close(): void };

/** The watched folders. Their events are hints only: they say that it is time to look. */
export interface Folders {
  /** Watches these folders (real path, and the path to tell) and no others; resolves to the paths of those that were not watched before. */
  sync(folders: ReadonlyMap<string, string>): Promise<readonly string[]>;
  close(): void;
}

export interface FolderOptions {
  readonly onHint: (path: string) => void;
  /** Called once, when the system watches no more; from then on nothing is watched. */
  readonly onLost: (reason: string) => void;
  readonly open?: OpenFolder | undefined;
}

/** Watches folders until `close`. */
export function watchFolders(options: FolderOptions): Folders {
  return new WatchedFolders(options);
}

interface Watched {
  readonly opened: { close(): void };
  readonly inode: string;
}

class WatchedFolders implements Folders {
  readonly #options: FolderOptions;
  readonly #watched = new Map<string, Watched>();
  /** Paths that changed since the last sync: a folder there may be another one now, under the old name. */
  readonly #doubted = new Set<string>();
  #ended = false;

  constructor(options: FolderOptions) {
    this.#options = options;
  }

  async sync(folders: ReadonlyMap<string, string>): Promise<readonly string[]> {
    if (folders.size > WATCHED_FOLDERS_MAX)
      this.#lose(`there are more than ${WATCHED_FOLDERS_MAX} of them`);
    const doubted = new Set(this.#doubted);
    this.#doubted.clear();
    const inodes = await inodesOf([...folders.keys()]);
    for (const [folder, { inode }] of this.#watched)
      if (inodes.get(folder) !== inode || hasAncestorIn(folder, doubted)) this.#drop(folder);
    const added: string[] = [];
    for (const [folder, shown] of folders) {
      const inode = inodes.get(folder);
      if (this.#ended || inode === undefined || this.#watched.has(folder)) continue;
      if (this.#add(folder, shown, inode)) added.push(shown);
    }
    return added;
  }

  close(): void {
    this.#ended = true;
    for (const folder of [...this.#watched.keys()]) this.#drop(folder);
  }

  #add(folder: string, shown: string, inode: string): boolean {
    const { open = systemFolder, onHint } = this.#options;
    try {
      const opened = open(
        folder,
        (name) => this.#heard(folder, shown, name),
        (error) => {
          if (isExhausted(error)) return this.#lose(messageOf(error));
          this.#drop(folder);
          if (!this.#ended) onHint(shown);
        },
      );
      this.#watched.set(folder, { opened, inode });
      return true;
    } catch (error) {
      // A folder that is gone by now is found missing by the next search.
      if (isExhausted(error)) this.#lose(messageOf(error));
      return false;
    }
  }

  #heard(folder: string, shown: string, name: string | null): void {
    if (this.#ended) return;
    const isFull = this.#doubted.size >= HINTED_PATHS_MAX;
    // Beyond the limit every folder is doubted. A folder that is moved or removed tells its own name.
    if (isFull) this.#doubted.add(parse(folder).root);
    else this.#doubted.add(name === null ? folder : join(folder, name));
    if (name === basename(folder)) this.#doubted.add(folder);
    this.#options.onHint(name === null ? shown : join(shown, name));
  }

  #drop(folder: string): void {
    this.#watched.get(folder)?.opened.close();
    this.#watched.delete(folder);
  }

  #lose(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#options.onLost(reason);
  }
}

function systemFolder(
  ...[folder, onHint, onError]: Parameters<OpenFolder>
): ReturnType<OpenFolder> {
  const watcher = watch(folder, (_, name) => onHint(name));
  return watcher.on("error", onError);
}

/** The limit of watches or of open files is reached, or the system has no watching. */
function isExhausted(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ENOSPC", "EMFILE", "ENFILE", "ENOSYS", "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM"].includes(
    code,
  );
}

async function inodesOf(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const inodes = new Map<string, string>();
  await eachOf(folders, STATS_AT_ONCE, async (folder) => {
    // A folder that is gone has no inode, and is watched no more.
    const status = await stat(folder).catch(() => undefined);
    if (status !== undefined) inodes.set(folder, `${status.dev}:${status.ino}`);
  });
  return inodes;
}

function hasAncestorIn(folder: string, paths: ReadonlySet<string>): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if (paths.has(path)) return true;
    if (path === dirname(path)) return false;
  }
}
