import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { LegionError } from "../lib/errors.ts";
import { isBelow, shownPath } from "../manifest/discover.ts";
import { isOverlayRoot } from "../manifest/overlays/find.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { RootState } from "../manifest/watch/contract.ts";
import type { Resource } from "../state/resource.ts";
import type { Problem } from "./contract.ts";
import type { View } from "./view.ts";

/** The source that the roots of the daemon are. */
export const ROOTS_SOURCE = "roots";

/** What came from a source and is not being deleted. */
export function objectsOf(view: Pick<View, "all">, source: string): readonly Resource[] {
  return [...view.all()].filter(
    ({ origin, deletionTimestamp }) => origin?.source === source && deletionTimestamp === undefined,
  );
}

/**
 * What the roots of an earlier daemon declared and those of this one do not reach. A start with fewer roots is no wish to
 * delete what the others declare. An overlay takes files from anywhere, so nothing is told with one among the roots.
 */
export function straysOf(
  view: Pick<View, "all">,
  source: string,
  roots: readonly RootState[],
): readonly Resource[] {
  if (source !== ROOTS_SOURCE || roots.some(({ root }) => isOverlayRoot(root))) return [];
  return objectsOf(view, source).filter(
    ({ origin }) =>
      origin !== undefined &&
      origin.file !== "" &&
      !roots.some(({ root }) => isBelow(origin.file, root)),
  );
}

/** What is wrong with the roots of a source: one is gone that declared something, or something was declared below none of them. */
export function rootProblems(
  view: Pick<View, "all">,
  source: string,
  roots: readonly RootState[],
  cwd: string,
): readonly Problem[] {
  const own = objectsOf(view, source);
  const gone = roots.filter(
    ({ root, status }) =>
      status === "missing" && own.some(({ origin }) => isBelow(origin?.file ?? "", root)),
  );
  return [
    ...gone.map(({ root }) => ({
      subject: source,
      reason: "RootGone",
      message: `${shownPath(root, cwd)} is gone; what it declared stays`,
    })),
    ...straysOf(view, source, roots).map((resource) => ({
      subject: titleOf(resource),
      reason: "RootMissing",
      message: strayText(resource, cwd),
    })),
  ];
}

/** A root that is not there and never declared anything is a slip of the pen; one that did may come back. Throws LEG1001. */
export function refuseUnknownRoots(
  view: Pick<View, "all">,
  roots: readonly string[],
  cwd: string,
): void {
  const own = objectsOf(view, ROOTS_SOURCE);
  const unknown = roots.find((root) => {
    const path = resolve(cwd, root);
    return !existsSync(path) && !own.some(({ origin }) => isBelow(origin?.file ?? "", path));
  });
  if (unknown === undefined) return;
  throw new LegionError({
    code: "LEG1001",
    message: `there is no file or folder "${unknown}" to read manifests from`,
    hint: `correct the path, or make the folder first: mkdir ${unknown}`,
  });
}

function strayText({ origin }: Resource, cwd: string): string {
  const root = origin?.root ?? dirname(origin?.file ?? "");
  return `declared below ${shownPath(root, cwd)}, which is not among the roots of this daemon; add the root, or delete it`;
}
