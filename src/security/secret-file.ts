import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { LegionError } from "../lib/errors.ts";
import type { ObjectSource } from "../manifest/objects.ts";
import { confinedPath, shownFile, shownRoot } from "./confine.ts";

export const SECRET_BYTES_MAX = 64 * 1024;

type Source = Omit<ObjectSource, "document">;

/** A way in which a file cannot be used: what is wrong with it, and the next step. */
type Fault = readonly [what: string, hint: string];

const MAKE_READABLE = "make it readable for the user that runs legion";
const NAME_ANOTHER = "name a file that holds the secret and nothing else";

/** The content of a secret file without its last line break; undefined when there is none. Throws LEG5051 for a file that may not be used. */
export async function readSecretFile(
  source: Source,
  path: string,
  field: string,
): Promise<string | undefined> {
  const fail = ([what, hint]: Fault) =>
    new LegionError({
      code: "LEG5051",
      message: `the secret file "${path}" of ${field} ${what}`,
      hint,
    });
  const place = await confinedPath(source, path);
  if (place.at === "missing") return undefined;
  if (place.at === "outside") throw fail(outside(source, place.byLink));
  if (place.at === "unreachable")
    throw fail([`cannot be reached (${place.errno})`, "check the path and the rights on it"]);
  // Not through a link put there in the meantime, and without waiting for the writer of a FIFO.
  const handle = await open(
    place.real,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  ).catch(() => undefined);
  if (handle === undefined) throw fail(["cannot be opened", MAKE_READABLE]);
  try {
    const fault = faultOf(await handle.stat(), shownFile(source, path));
    if (fault !== undefined) throw fail(fault);
    return withoutLastBreak(await handle.readFile("utf8"));
  } finally {
    await handle.close();
  }
}

/** Text without one line break at its end. */
export function withoutLastBreak(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function outside(source: Source, byLink: boolean): Fault {
  return [
    `${byLink ? "is a link that leads" : "stands"} outside of the manifest root "${shownRoot(source)}"`,
    "move it below the manifest root, or load a folder that holds both: -f FOLDER",
  ];
}

function faultOf(
  { mode, size }: { readonly mode: number; readonly size: number },
  shown: string,
): Fault | undefined {
  if ((mode & constants.S_IFMT) !== constants.S_IFREG)
    return ["is not a regular file", NAME_ANOTHER];
  if (process.platform !== "win32" && (mode & 0o777 & ~0o600) !== 0) {
    const rights = (mode & 0o777).toString(8).padStart(4, "0");
    return [`has mode ${rights}, so others may use it`, `run: chmod 600 ${shown}`];
  }
  return size > SECRET_BYTES_MAX ? ["is larger than 64 KiB", NAME_ANOTHER] : undefined;
}
