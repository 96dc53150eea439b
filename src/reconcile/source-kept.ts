import { dirname } from "node:path";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import type { ManifestSet, UnclearFile } from "../manifest/objects.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { keyText, type Resource } from "../state/resource.ts";
import type { View } from "./view.ts";

/** An object of a source that stays although no manifest declares it now: its file is there, and does not tell. */
export interface KeptObject {
  readonly resource: Resource;
  readonly file: UnclearFile;
}

type PathOf = (file: string) => string;

/** Objects that a message names; the rest is counted. */
const NAMED_MAX = 3;

/** The objects whose files do not tell now what they declare. `pathOf`: the path under which a file is remembered. */
export function keptObjects(
  { objects, invalid, unclear }: Pick<ManifestSet, "objects" | "invalid" | "unclear">,
  view: Pick<View, "all">,
  source: string,
  pathOf: PathOf,
): readonly KeptObject[] {
  if (unclear.length === 0) return [];
  const byPath = new Map(unclear.map((file) => [pathOf(file.file), file]));
  const declaring = [...invalid.map(({ declares }) => declares), ...objects];
  const declared = new Set(declaring.map(keyText));
  return [...view.all()].flatMap((resource) => {
    const { origin, deletionTimestamp } = resource;
    if (origin?.source !== source || origin.file === "" || deletionTimestamp !== undefined)
      return [];
    const file = nearest(origin.file, byPath);
    return file === undefined || declared.has(keyText(resource)) ? [] : [{ resource, file }];
  });
}

/** The file itself, or a folder above it. */
function nearest(path: string, byPath: ReadonlyMap<string, UnclearFile>): UnclearFile | undefined {
  const found = byPath.get(path);
  if (found !== undefined || dirname(path) === path) return found;
  return nearest(dirname(path), byPath);
}

/**
 * The set with an error for each file that declared something before and holds no manifest now. Most often somebody is
 * writing it, or a slip made it something else: what it declared stays until the file is gone.
 */
export function withKeptErrors(
  set: ManifestSet,
  view: Pick<View, "all">,
  source: string,
  pathOf: PathOf,
): ManifestSet {
  const kept = Map.groupBy(keptObjects(set, view, source, pathOf), ({ file }) => file);
  const emptied = [...kept.keys()].filter(({ diagnostics }) => diagnostics.length === 0);
  if (emptied.length === 0) return set;
  const errors = new Map(emptied.map((file) => [file, emptiedError(file, kept.get(file) ?? [])]));
  const places = new Set(emptied.map(({ shown }) => shown));
  // The error says it better than the warning that the file was skipped.
  const others = set.diagnostics.filter(
    ({ severity, filename = "" }) => severity === "error" || !places.has(filename),
  );
  return {
    ...set,
    diagnostics: [...others, ...errors.values()],
    unclear: set.unclear.map((file) => {
      const error = errors.get(file);
      return error === undefined ? file : { ...file, diagnostics: [error] };
    }),
  };
}

function emptiedError({ shown }: UnclearFile, kept: readonly KeptObject[]): Diagnostic {
  const names = kept.map(({ resource }) => titleOf(resource)).toSorted();
  const more = names.length - NAMED_MAX;
  const named = [...names.slice(0, NAMED_MAX), ...(more > 0 ? [`${more} more`] : [])];
  return {
    severity: "error",
    code: "LEG1014",
    summary: `no manifest is in it any more; what it declared stays: ${named.join(", ")}`,
    detail: "write the manifest again, or remove the file to delete what it declared",
    filename: shown,
  };
}
