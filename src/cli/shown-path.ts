import { relative, sep } from "node:path";

/** An absolute path as people would write it: relative to the working folder, and as it is outside of it. */
export function shownPath(cwd: string, path: string): string {
  const near = relative(cwd, path) || ".";
  return near === ".." || near.startsWith(`..${sep}`) ? path : near;
}
