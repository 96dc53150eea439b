import path from "node:path";

/** The path of `target` below `folder`, with slashes and "" for the folder itself; undefined when it is elsewhere. Both absolute. */
export function relativeBelow(folder: string, target: string): string | undefined {
  const relative = path.relative(folder, target);
  const elsewhere =
    relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative);
  return elsewhere ? undefined : slashes(relative);
}

export function isInside(folder: string, target: string): boolean {
  return relativeBelow(folder, target) !== undefined;
}

/** The path with slashes between its parts. */
export function slashes(file: string): string {
  return path.sep === "/" ? file : file.replaceAll(path.sep, "/");
}
