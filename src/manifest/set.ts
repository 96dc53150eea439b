import { canonicalText, textHash } from "../lib/hash.ts";
import type { JsonPath } from "../lib/json.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { DEFAULT_NAMESPACE, keyOf } from "./loaded.ts";
import type { InvalidObject, Kind, ManifestObject, ManifestSet, UnclearFile } from "./objects.ts";
import { fieldPlace } from "./overlays/layers.ts";
import { compareText, type Locator } from "./place.ts";

export interface SetParts {
  readonly objects: readonly ManifestObject[];
  readonly diagnostics: readonly Diagnostic[];
  readonly files: number;
  /** Told which keys are those of valid objects. */
  readonly invalid: (isValid: (key: string) => boolean) => readonly InvalidObject[];
  readonly unread: readonly string[];
  readonly unclear: readonly UnclearFile[];
  readonly followed: readonly string[];
  readonly locator: Locator;
  /** The digest, where it is known. */
  readonly knownDigest?: string | undefined;
}

/** A set of valid objects with questions about them answered from indexes, which are made when they are needed. */
export function manifestSet({
  objects,
  locator,
  invalid,
  knownDigest,
  ...parts
}: SetParts): ManifestSet {
  const sorted = objects.toSorted(
    (a, b) =>
      compareText(a.kind, b.kind) ||
      compareText(a.namespace, b.namespace) ||
      compareText(a.name, b.name),
  );
  const byKey = once(() => new Map(sorted.map((object) => [keyOf(object), object])));
  const byKind = once(() => Map.groupBy(sorted, ({ kind }) => kind));
  const digest = once(() => knownDigest ?? textHash(sorted.map(declarationOf).join("\n")));
  return {
    ...parts,
    objects: sorted,
    invalid: invalid((key) => byKey().has(key)),
    get digest() {
      return digest();
    },
    get: <K extends Kind>(kind: K, name: string) =>
      byKey().get(keyOf({ kind, namespace: DEFAULT_NAMESPACE, name })) as
        | ManifestObject<K>
        | undefined,
    all: <K extends Kind>(kind: K) =>
      (byKind().get(kind) ?? []).toSorted((a, b) =>
        compareText(a.name, b.name),
      ) as unknown as ManifestObject<K>[],
    locate: ({ source }, path: JsonPath) => {
      const { file, spot } = fieldPlace(source, path);
      return locator.range(file, spot);
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const declarations = new WeakMap<ManifestObject, string>();

/** The hash of what an object declares. */
function declarationOf(object: ManifestObject): string {
  const known = declarations.get(object);
  if (known !== undefined) return known;
  const { labels, annotations, specHash } = object;
  const metadata = canonicalText({ labels, annotations });
  const line = textHash(`${keyOf(object)} ${specHash} ${metadata}`);
  declarations.set(object, line);
  return line;
}
