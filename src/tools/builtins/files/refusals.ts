import type { Stats } from "node:fs";
import { LegionError, messageOf } from "../../../lib/errors.ts";
import type { Granted } from "./granted.ts";

/** Throws LEG4023 unless it is a regular file, or a folder. */
export function requireType(stats: Stats, given: string, type: "file" | "folder"): void {
  if (type === "file" ? stats.isFile() : stats.isDirectory()) return;
  const [is, hint] = described(stats);
  const message = `"${given}" is ${is}, not a ${type}`;
  throw new LegionError({ code: "LEG4023", message, hint });
}

function described(stats: Stats): readonly [is: string, hint: string] {
  if (stats.isDirectory()) return ["a folder", "use list"];
  if (stats.isFile()) return ["a file", "use read"];
  const is = stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a device or link";
  return [is, "only regular files and folders can be read"];
}

/** The path leaves the granted folders. */
export function outside({ roots }: Granted, given: string): LegionError {
  const valid = roots.map(({ shown }) => shown);
  return new LegionError({
    code: "LEG4020",
    message: `"${given}" is outside the folders that the tool may read`,
    hint: `use a path below one of: ${valid.join(", ")}`,
    valid,
  });
}

/** The path is closed to agents whatever the roots. */
export function denied(given: string, reason: string): LegionError {
  const message = `"${given}" cannot be read: ${reason}`;
  return new LegionError({ code: "LEG4021", message, hint: "use another file" });
}

/** What a refusal of the system says. */
const refusals: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist",
  EACCES: "may not be read by this user",
  ENAMETOOLONG: "has a name that is too long",
  ENXIO: "is a device or socket",
};

/** The system did not open it. */
export function unopened(granted: Granted, error: unknown, given: string): LegionError {
  const { code = "" } = error as NodeJS.ErrnoException;
  // With O_NOFOLLOW: someone put a symbolic link there since the path was looked up.
  if (code === "ELOOP") return outside(granted, given);
  const reason = refusals[code] ?? `cannot be opened: ${code || messageOf(error)}`;
  return noSuch(given, reason, "look with list or glob what there is", error);
}

/** Nothing can be read at the path. */
export function noSuch(given: string, what: string, hint: string, cause: unknown): LegionError {
  return new LegionError({ code: "LEG4022", message: `"${given}" ${what}`, hint }, cause);
}
