import path from "node:path";
import type { LegionError } from "../../../lib/errors.ts";
import { suggest } from "../../../lib/suggest.ts";
import { type Granted, isOpenTo, shownPath } from "./granted.ts";
import { noSuch, unopened } from "./refusals.ts";

/** Names beside a missing file that are looked at for one that was meant. */
const SIBLINGS_MAX = 1_000;

/** The path leads nowhere; the hint has the nearest name beside it. */
export async function missing(
  granted: Granted,
  error: unknown,
  absolute: string,
  given: string,
): Promise<LegionError> {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ELOOP") {
    return noSuch(given, "leads through symbolic links in a circle", "use another path", error);
  }
  if (code !== "ENOENT") return unopened(granted, error, given);
  const near = await nearest(granted, absolute);
  const hint =
    near === undefined ? "look with list or glob what there is" : `did you mean "${near}"?`;
  return noSuch(given, "does not exist", hint, error);
}

async function nearest(granted: Granted, absolute: string): Promise<string | undefined> {
  const { realpath, readdir } = granted.fileSystem;
  try {
    const folder = await realpath(path.dirname(absolute));
    if (!isOpenTo(granted, folder)) return undefined;
    const names = (await readdir(folder)).slice(0, SIBLINGS_MAX);
    const open = names.filter((name) => isOpenTo(granted, path.join(folder, name)));
    const near = suggest(path.basename(absolute), open);
    return near && shownPath(granted, path.join(folder, near));
  } catch {
    return undefined;
  }
}
