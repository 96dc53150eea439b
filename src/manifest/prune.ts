import { dirname } from "node:path";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import { type LiveObject, type ObjectKey, objectKey } from "./plan-contract.ts";

/** The annotation that, set to `disabled`, keeps an object when no manifest declares it any more. */
export const PRUNE_ANNOTATION = "legion.dev/prune";

/** What pruning depends on. */
export interface PruneOptions {
  readonly source: string;
  /** The keys of what was applied from the source before; nothing else is ever pruned. */
  readonly inventory?: readonly ObjectKey[];
  /** Whether to delete what the source declares no more. Leave it off while a root is missing, incomplete or being checked out. */
  readonly prune: boolean;
  /** Whether a source that declares nothing at all may lose everything. */
  readonly allowEmpty?: boolean;
  /** Objects that are declared, but not valid: they stay as they are. */
  readonly declaredInvalid?: readonly ObjectKey[];
  /** Files that could not be read whole, as `origin.file` names them: what they declared stays as it is. */
  readonly unreadFiles?: readonly string[];
}

/** What happens to an object that is not among the desired ones: it is deleted, or kept for a reason. */
export type PruneVerdict = { readonly action: "delete" } | PruneReprieve;
interface PruneReprieve {
  readonly action: "keep";
  readonly note: string;
}

/** A function that judges live objects of the inventory that are no longer desired. */
export function pruneJudge(options: PruneOptions): (live: LiveObject) => PruneVerdict {
  const { source, prune } = options;
  const invalid = new Set(options.declaredInvalid?.map(objectKey));
  const unread = new Set(options.unreadFiles);
  // A folder that could not be searched stands for all that is in it.
  const isUnread = (path: string): boolean =>
    unread.has(path) || (dirname(path) !== path && isUnread(dirname(path)));
  const rules: readonly (readonly [(live: LiveObject) => boolean, string])[] = [
    [(live) => invalid.has(objectKey(live)), "its manifest is not valid, so it stays as it is"],
    [
      ({ origin }) => origin?.file !== undefined && isUnread(origin.file),
      "its file is there and cannot be read as a manifest, so it stays as it is",
    ],
    [
      ({ origin }) => origin !== undefined && origin.source !== source,
      "another source declares it now",
    ],
    [({ deletionTimestamp }) => deletionTimestamp !== undefined, "it is being deleted already"],
    [
      ({ annotations }) => annotations[PRUNE_ANNOTATION] === "disabled",
      `no longer declared; ${PRUNE_ANNOTATION}: disabled keeps it`,
    ],
    [() => !prune, "no longer declared; it stays because pruning is off"],
  ];
  return (live) => {
    const [, note] = rules.find(([applies]) => applies(live)) ?? [];
    return note === undefined ? { action: "delete" } : { action: "keep", note };
  };
}

/** The refusal to delete everything that a source ever declared: an empty set is more often a mistake than a wish. */
export function emptySetRefused(source: string, doomed: number): LegionError {
  return new LegionError({
    code: "LEG1080",
    message: `source "${source}" declares nothing, and pruning would delete all ${count(doomed, "object")} that came from it`,
    hint: "check the path; if everything is to go, allow an empty set (--allow-empty)",
  });
}
