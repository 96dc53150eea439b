import { resolve } from "node:path";
import { canonicalHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Kind, ManifestObject, ManifestSet, Specs } from "../manifest/objects.ts";
import { sentHash } from "../manifest/sent-hash.ts";
import type { ApiObject, ApplyRequest, DesiredObject } from "../reconcile/contract.ts";

/** A longer name of a source is shortened to its hash. */
const SOURCE_CHARS_MAX = 200;

export interface RequestOptions {
  readonly source: string;
  readonly manager: string;
  readonly force: boolean;
  readonly prune: boolean;
  readonly allowEmpty: boolean;
  readonly dryRun: boolean;
}

/** What an apply of these objects of a set asks for; what the set declares and is not valid stays as it is. */
export function applyRequest(
  { digest, invalid, unclear }: Pick<ManifestSet, "digest" | "invalid" | "unclear">,
  objects: readonly ManifestObject[],
  { source, manager, force, prune, allowEmpty, dryRun }: RequestOptions,
): ApplyRequest {
  return {
    objects: objects.map(desiredObject),
    source,
    manager,
    digest,
    ...(force && { force }),
    ...(prune && { prune }),
    ...(allowEmpty && { allowEmpty }),
    ...(dryRun && { dryRun }),
    ...(invalid.length > 0 && { declaredInvalid: invalid.map(({ declares }) => declares) }),
    ...(unclear.length > 0 && { unreadFiles: unclear.map(({ file }) => file) }),
  };
}

function desiredObject(object: ManifestObject): DesiredObject {
  const { kind, namespace, name, labels, annotations, sent, source, specHash } = object;
  const { file, root, document } = source;
  return {
    kind,
    namespace,
    name,
    labels,
    annotations,
    spec: sent,
    complete: object.spec as unknown as JsonObject,
    hash: `${sentHash(object)} ${specHash}`,
    origin: { file, root, document },
  };
}

/** The name under which an apply remembers what it declared: `apply:` and its inputs, so that the same command prunes what it applied before. */
export function sourceName(inputs: readonly string[], cwd: string): string {
  const places = inputs.map((input) =>
    input === "-" || /^https?:\/\//.test(input) ? input.replace(/#.*$/, "") : resolve(cwd, input),
  );
  const name = `apply:${[...new Set(places)].toSorted().join(",")}`;
  return name.length <= SOURCE_CHARS_MAX ? name : `apply:${canonicalHash(name)}`;
}

/** Objects of the store as references of manifests resolve against them. */
export function existingObjects(items: readonly ApiObject[], cwd: string): ManifestObject[] {
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ kind, metadata, spec }) => {
      const { name, namespace, labels = {}, annotations = {}, origin } = metadata;
      const file = origin?.file || resolve(cwd, "(stored)");
      const source = {
        file,
        shown: file,
        document: origin?.document ?? 0,
        root: origin?.root ?? cwd,
      };
      return {
        kind: kind as Kind,
        name,
        namespace,
        labels,
        annotations,
        spec: spec as unknown as Specs[Kind],
        sent: spec,
        source,
        specHash: "",
      };
    });
}
