import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { LegionError } from "../lib/errors.ts";
import type { ObjectSource } from "../manifest/objects.ts";
import { confinedPath } from "./confine.ts";

export const SECRET_BYTES_MAX = 64 * 1024;

/** The content of a secret file without its last line break; undefined when there is none. Throws LEG5051 for a file that may not be used. */
export async function readSecretFile(
  source: Pick<ObjectSource, "file" | "root">,
  path: string,
  field: string,
): Promise<string | undefined> {
  const real = await confinedPath(source, path);
  if (real === undefined) return undefined;
  // Not through a link put there in the meantime, and without waiting for the writer of a FIFO.
  const handle = await open(
    real,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  ).catch(() => undefined);
  if (handle === undefined)
    throw unusable(
      path,
      field,
      "cannot be opened",
      "make it readable for the user that runs legion",
    );
  try {
    const { mode, size } = await handle.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG)
      throw unusable(
        path,
        field,
        "is not a regular file",
        "name a file that holds the secret and nothing else",
      );
    if (process.platform !== "win32" && (mode & 0o777 & ~0o600) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, "0");
      throw unusable(
        path,
        field,
        `has mode ${shown}, so others may use it`,
        `run: chmod 600 ${path}`,
      );
    }
    if (size > SECRET_BYTES_MAX)
      throw unusable(
        path,
        field,
        "is larger than 64 KiB",
        "name a file that holds the secret and nothing else",
      );
    return withoutLastBreak(await handle.readFile("utf8"));
  } finally {
    await handle.close();
  }
}

/** Text without one line break at its end. */
export function withoutLastBreak(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function unusable(path: string, field: string, what: string, hint: string): LegionError {
  return new LegionError({
    code: "LEG5051",
    message: `the secret file "${path}" of ${field} ${what}`,
    hint,
  });
}
