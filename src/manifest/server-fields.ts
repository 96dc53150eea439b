import { isObject, type Json, type JsonObject } from "../lib/json.ts";
import { computedFields } from "./computed-fields.ts";
import { isKind } from "./kinds.ts";

/** What of the metadata a manifest may say; the rest is the server's. */
const writable = ["name", "namespace", "labels", "annotations"] as const;

/** An object as `legion get -o yaml` printed it, as a manifest again: without what the server added. Anything else is returned as it is. */
export function withoutServerFields(value: Json): Json {
  if (!isObject(value) || !isObject(value.metadata)) return value;
  const { status: _, metadata, spec, ...rest } = value as JsonObject & { metadata: JsonObject };
  if (typeof metadata.uid !== "string" || typeof metadata.resourceVersion !== "number")
    return value;
  const kept = writable.filter((name) => Object.hasOwn(metadata, name));
  return {
    ...rest,
    metadata: Object.fromEntries(kept.map((name) => [name, metadata[name] as Json])),
    ...(spec !== undefined && { spec: withoutComputed(value.kind, spec) }),
  };
}

function withoutComputed(kind: unknown, spec: Json): Json {
  if (!isKind(kind) || !isObject(spec)) return spec;
  const computed = computedFields[kind];
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !computed.includes(name)));
}
