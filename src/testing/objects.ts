import { canonicalHash } from "../lib/hash.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { ProviderSpec } from "../manifest/generated/provider.ts";
import type { RouterSpec } from "../manifest/generated/router.ts";
import type { Kind, ManifestObject, ManifestSet, Specs } from "../manifest/objects.ts";

/** A Provider as loading gives it, defaults filled in; `root` is the folder that its files are read from. */
export function providerObject(
  name: string,
  spec: Partial<ProviderSpec> & Pick<ProviderSpec, "wire">,
  root = "/manifests",
): ManifestObject<"Provider"> {
  const timeouts = { firstByte: "60s", idle: "60s", total: "5m" };
  return object(
    "Provider",
    name,
    {
      chatPath: "/chat/completions",
      stream: true,
      structuredOutput: "json_schema",
      timeouts,
      maxResponseBytes: "16MiB",
      ...spec,
    },
    root,
  );
}

/** A Router as loading gives it, defaults filled in. */
export function routerObject(
  name: string,
  spec: Partial<RouterSpec> & Pick<RouterSpec, "tiers">,
): ManifestObject<"Router"> {
  return object("Router", name, { aliases: {}, allowScripted: false, ...spec }, "/manifests");
}

/** A set that holds these objects and nothing else. */
export function objectSet(objects: readonly ManifestObject[]): Pick<ManifestSet, "get" | "all"> {
  const ofKind = <K extends Kind>(kind: K) =>
    objects.filter((candidate): candidate is ManifestObject<K> => candidate.kind === kind);
  return {
    get: (kind, name) => ofKind(kind).find((candidate) => candidate.name === name),
    all: (kind) => ofKind(kind).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function object<K extends Kind>(
  kind: K,
  name: string,
  spec: Specs[K],
  root: string,
): ManifestObject<K> {
  const shown = `${kind.toLowerCase()}-${name}.yaml`;
  const source = { file: `${root}/${shown}`, shown, document: 0, root };
  return {
    kind,
    name,
    namespace: "default",
    labels: {},
    annotations: {},
    spec,
    sent: spec as unknown as JsonObject,
    source,
    specHash: canonicalHash(spec as unknown as Json),
  };
}
