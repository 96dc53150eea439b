import type { JsonPath } from "../lib/json.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { DEFAULT_NAMESPACE, keyOf } from "./loaded.ts";
import type { Kind, ManifestObject, ManifestSet } from "./objects.ts";
import { compareText, type Locator } from "./place.ts";

/** A set of valid objects with questions about them answered from indexes. */
export function manifestSet(
  objects: readonly ManifestObject[],
  diagnostics: readonly Diagnostic[],
  files: number,
  locator: Locator,
): ManifestSet {
  const sorted = objects.toSorted(
    (a, b) =>
      compareText(a.kind, b.kind) ||
      compareText(a.namespace, b.namespace) ||
      compareText(a.name, b.name),
  );
  const byKey = new Map(sorted.map((object) => [keyOf(object), object]));
  const byKind = Map.groupBy(sorted, ({ kind }) => kind);
  return {
    objects: sorted,
    diagnostics,
    files,
    get: <K extends Kind>(kind: K, name: string) =>
      byKey.get(keyOf({ kind, namespace: DEFAULT_NAMESPACE, name })) as
        | ManifestObject<K>
        | undefined,
    all: <K extends Kind>(kind: K) =>
      (byKind.get(kind) ?? []).toSorted((a, b) =>
        compareText(a.name, b.name),
      ) as unknown as ManifestObject<K>[],
    locate: ({ source: { file, document } }, path: JsonPath) =>
      locator.range(file, { document, path, part: "value" }),
  };
}
