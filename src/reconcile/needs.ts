import { suggest } from "../lib/suggest.ts";
import type { Kind } from "../manifest/objects.ts";
import type { Resource, ResourceKey } from "../state/resource.ts";
import { stalled, type Verdict } from "./reconciler.ts";
import type { View } from "./view.ts";

/** Another object of the namespace that an object names. */
export interface Need {
  readonly kind: Kind;
  readonly name: string;
  /** The field that names it: `spec.agent`. */
  readonly field: string;
}

export function needKeys(
  { namespace }: ResourceKey,
  needs: readonly Need[],
): readonly ResourceKey[] {
  return needs.map(({ kind, name }) => ({ kind, namespace, name }));
}

export function namesOf(needs: readonly Need[], kind: Kind): string[] {
  return needs.filter((need) => need.kind === kind).map(({ name }) => name);
}

/** What is said of an object that names one which does not exist; undefined when all are there. */
export function missingNeed(
  { namespace }: Resource,
  needs: readonly Need[],
  view: View,
): Verdict | undefined {
  const objects = view.within(namespace);
  const missing = needs.find(({ kind, name }) => objects.get(kind, name) === undefined);
  if (missing === undefined) return undefined;
  const { kind, name, field } = missing;
  const known = objects.all(kind).map((object) => object.name);
  const near = suggest(name, known);
  const next = near === undefined ? "" : ` Did you mean "${near}"?`;
  const article = /^[AEIOU]/.test(kind) ? "an" : "a";
  const message = `The ${kind.toLowerCase()} "${name}" of ${field} does not exist: apply ${article} ${kind} of that name, or name another.${next}`;
  return stalled(`${kind}Missing`, message);
}

/** What is wrong does not end what runs already; `goesOn` says what that does. */
export function withOlder(
  verdict: Verdict,
  running: { readonly generation: number } | undefined,
  generation: number,
  goesOn: string,
): Verdict {
  if (running === undefined) return verdict;
  const which = running.generation === generation ? "it" : `generation ${running.generation}`;
  return { ...verdict, message: `${verdict.message} Until then ${which} ${goesOn}.` };
}
