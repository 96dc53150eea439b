import { LegionError } from "../lib/errors.ts";
import { pointerOf } from "../lib/json.ts";
import { count } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { maskSecrets } from "../manifest/secret-shapes.ts";
import type { ValueFault } from "../manifest/validate.ts";
import { type FieldConflict, fieldConflictError } from "../state/managed.ts";
import type { ResourceKey } from "../state/resource.ts";
import { CHANGES_PER_WRITE_MAX } from "../state/store.ts";

/** How many objects, and how many faults of each, a message tells. */
const OBJECTS_TOLD = 10;
const FAULTS_TOLD = 5;

/** Something about one object that keeps a whole apply from being done. */
export type Blamed<T> = ResourceKey & { readonly reasons: readonly T[] };

/** One error for all fields of all objects that other managers own. */
export function conflictsError(objects: readonly Blamed<FieldConflict>[]): LegionError {
  const [first] = objects;
  if (first !== undefined && objects.length === 1) return fieldConflictError(first, first.reasons);
  const fields = objects.reduce((sum, { reasons }) => sum + reasons.length, 0);
  const told = objects.map((object) => {
    const each = object.reasons.map(({ pointer, manager }) => `${pointer} (${manager})`);
    return `${titleOf(object)} ${listed(each, FAULTS_TOLD)}`;
  });
  return new LegionError({
    code: "LEG6026",
    message: `${count(fields, "field")} of ${count(objects.length, "object")} belong to another manager: ${listed(told, OBJECTS_TOLD, "; ")}`,
    hint: "send the same values, leave the fields out, or apply with --force-conflicts",
  });
}

/** One error for everything that schemas do not allow, with the path of each field. */
export function invalidError(objects: readonly Blamed<ValueFault>[]): LegionError {
  const told = objects.map((object) => {
    const each = object.reasons.map(
      ({ summary, path }) => `${summary} (${pointerOf(path) || "/"})`,
    );
    return `${titleOf(object)}: ${listed(each, FAULTS_TOLD, "; ")}`;
  });
  const [first] = objects.flatMap(({ reasons }) => reasons);
  const detail = first?.detail.split("\n")[0] ?? "";
  return new LegionError({
    code: "LEG6033",
    message: maskSecrets(listed(told, OBJECTS_TOLD, "; ")),
    hint: maskSecrets(detail) || "correct the fields and apply again",
  });
}

/** An apply is atomic, so it is one write, and that has a limit. */
export function tooManyChanges(changes: number): LegionError {
  return new LegionError({
    code: "LEG6035",
    message: `the apply comes to ${changes.toLocaleString("en")} changes, more than ${CHANGES_PER_WRITE_MAX.toLocaleString("en")}`,
    hint: "apply in several parts, each from a source of its own",
  });
}

/** A request that is not right in itself. */
export function badRequest(message: string, hint: string): LegionError {
  return new LegionError({ code: "LEG6034", message, hint });
}

function listed(texts: readonly string[], most: number, separator = ", "): string {
  const more = texts.length - most;
  const told = texts.slice(0, most).join(separator);
  return more > 0 ? `${told}${separator}and ${more} more` : told;
}
