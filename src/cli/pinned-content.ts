import { createHash, randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { makeFolder } from "../lib/folders.ts";

/** Keeps content by its SHA-256, so that what is pinned once is there without the network too. */
export interface PinnedContent {
  get(digest: string): Promise<Buffer | undefined>;
  /** Does nothing where nothing can be written: the content is fetched again then. */
  keep(digest: string, bytes: Buffer): Promise<void>;
}

/** The folder that caches of the user belong to; undefined when the environment names none. */
export function cacheFolderOf(env: Readonly<Record<string, string | undefined>>) {
  const { XDG_CACHE_HOME: caches, HOME: home } = env;
  if (caches !== undefined && isAbsolute(caches)) return join(caches, "legion");
  return home !== undefined && isAbsolute(home) ? join(home, ".cache", "legion") : undefined;
}

/** Pinned content in a folder, which is made when there is something to keep. */
export function createPinnedContent(folder: string): PinnedContent {
  return {
    async get(digest) {
      const bytes = await readFile(join(folder, digest)).catch(() => undefined);
      return bytes !== undefined && sha256(bytes) === digest ? bytes : undefined;
    },
    async keep(digest, bytes) {
      const fresh = join(folder, `${digest}.${randomUUID()}`);
      try {
        await makeFolder(folder, 0o700);
        await writeFile(fresh, bytes, { mode: 0o600, flag: "wx" });
        await rename(fresh, join(folder, digest));
      } catch {
        await rm(fresh, { force: true }).catch(() => {});
      }
    },
  };
}

/** The digest of content, in hexadecimal. */
export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
