import { isObject, type Json, pointerOf } from "../lib/json.ts";
import type { Declaration, FieldChange } from "./plan-contract.ts";
import { reloadClassOf } from "./reload-class.ts";

type Difference = Omit<FieldChange, "class">;

/** The fields in which a declaration differs from what is there, each with its reload class; none when they are equal. */
export function changedFields(before: Declaration, after: Declaration): readonly FieldChange[] {
  if (isUntouched(before, after)) return [];
  const found: Difference[] = [];
  compare(before.labels, after.labels, ["metadata", "labels"], found);
  compare(before.annotations, after.annotations, ["metadata", "annotations"], found);
  compare(before.spec, after.spec, ["spec"], found);
  return found.map((difference) => ({
    ...difference,
    class: reloadClassOf(after.kind, difference.pointer),
  }));
}

/** Most of a set is declared with the very parts that are there. */
function isUntouched(before: Declaration, after: Declaration): boolean {
  return (
    before.spec === after.spec &&
    before.labels === after.labels &&
    before.annotations === after.annotations
  );
}

function compare(
  before: unknown,
  after: unknown,
  path: readonly (string | number)[],
  found: Difference[],
): void {
  if (before === after) return;
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      compare(own(before, key), own(after, key), [...path, key], found);
  } else if (Array.isArray(before) && Array.isArray(after)) {
    compareLists(before, after, path, found);
  } else {
    found.push({
      pointer: pointerOf(path),
      ...(before !== undefined && { before: before as Json }),
      ...(after !== undefined && { after: after as Json }),
    });
  }
}

/** Item by item where only items at the end came or went; any other list that grew or shrank is one change, as its indexes moved. */
function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: readonly (string | number)[],
  found: Difference[],
): void {
  const items: Difference[] = [];
  for (let index = 0; index < Math.max(before.length, after.length); index += 1)
    compare(before[index], after[index], [...path, index], items);
  const shared = `${pointerOf(path)}/`;
  const isMoved =
    before.length !== after.length &&
    items.some(
      ({ pointer }) =>
        Number.parseInt(pointer.slice(shared.length), 10) < Math.min(before.length, after.length),
    );
  if (isMoved)
    found.push({ pointer: pointerOf(path), before: before as Json, after: after as Json });
  else found.push(...items);
}

/** A key such as constructor is there only when the object says so itself. */
function own(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
