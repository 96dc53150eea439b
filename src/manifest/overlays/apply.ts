import { isObject, type Json, type JsonObject, type JsonPath } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import type { FoundFile } from "../discover.ts";
import type { WrittenDocument } from "../documents.ts";
import type { Fault, Report } from "../fault.ts";
import type { Overlay, OverlayTarget } from "../generated/overlay.ts";
import { DEFAULT_NAMESPACE } from "../loaded.ts";
import type { FoundOverlay } from "./find.ts";
import type { Layer } from "./layers.ts";
import { mergePatch } from "./merge.ts";

/**
 * The manifests that an overlay gives: what it takes, with its patches, namespace, labels and annotations, in this order. Of
 * an overlay with faults, what it takes counts as declared and not valid. `read` gives the documents of a file.
 */
export async function overlaidDocuments(
  { file, overlay, taken, faults }: FoundOverlay,
  read: (file: FoundFile) => Promise<readonly WrittenDocument[]>,
  report: Report,
): Promise<readonly WrittenDocument[]> {
  const documents: WrittenDocument[] = [];
  for (const inner of taken.files) documents.push(...(await read(inner)));
  for (const inner of taken.overlays)
    documents.push(...(await overlaidDocuments(inner, read, report)));
  for (const fault of taken.faults) report(fault);
  const through = documents.map((document) => withLayers(document, document.json, [], file.file));
  if (overlay === undefined) {
    const blames = through.map(({ source }) => source);
    for (const fault of faults) report(blames.length === 0 ? fault : { ...fault, blames });
    return through.map((document) => ({ ...document, isBroken: true, known: undefined }));
  }
  return overlaid(through, overlay, file, report);
}

function overlaid(
  documents: readonly WrittenDocument[],
  overlay: Overlay,
  file: FoundFile,
  report: Report,
): readonly WrittenDocument[] {
  let result = documents;
  for (const [index, { target, patch }] of (overlay.patches ?? []).entries()) {
    const isTarget = (document: WrittenDocument) => meets(document.json, target as OverlayTarget);
    const from = ["patches", index, "patch"];
    if (result.some(isTarget))
      result = result.map((document) =>
        isTarget(document) ? patched(document, patch as unknown as Json, from, file) : document,
      );
    else report(patchOfNothing(target as OverlayTarget, index, result, file));
  }
  for (const { patch, path, from } of commonPatches(overlay))
    result = result.map((document) => patched(document, patch, from, file, path));
  return result;
}

/** What every object gets, as patches of a part of it. */
function commonPatches(
  overlay: Overlay,
): readonly { patch: Json; path: JsonPath; from: JsonPath }[] {
  const { namespace, commonLabels, commonAnnotations } = overlay;
  const parts: readonly [Json | undefined, string, string][] = [
    [namespace, "namespace", "namespace"],
    [commonLabels, "labels", "commonLabels"],
    [commonAnnotations, "annotations", "commonAnnotations"],
  ];
  return parts.flatMap(([patch, field, from]) =>
    patch === undefined ? [] : [{ patch, path: ["metadata", field], from: [from] }],
  );
}

/** A document with a patch laid over the part of it that a path names. */
function patched(
  document: WrittenDocument,
  patch: Json,
  from: JsonPath,
  { file, shown }: FoundFile,
  path: JsonPath = [],
): WrittenDocument {
  const { json } = document;
  if (!isObject(json)) return document;
  const whole = path.reduceRight<Json>((inner, step) => ({ [step]: inner }), patch);
  const layers: Layer[] = [];
  const value = mergePatch(json as JsonObject, whole, (at, patchPath, isRemoved) => {
    const place = { file, shown, document: 0, path: [...from, ...patchPath.slice(path.length)] };
    layers.push({ path: at, from: place, ...(isRemoved && { isRemoved }) });
  });
  return withLayers(document, value, layers);
}

/** A document with another value, and with what was laid over it remembered. */
export function withLayers(
  document: WrittenDocument,
  json: Json,
  layers: readonly Layer[],
  through?: string,
): WrittenDocument {
  const { over } = document.source;
  const trail = [over?.through, through].filter((part) => part !== undefined && part !== "");
  const source = {
    ...document.source,
    over: { through: trail.join(" "), layers: [...(over?.layers ?? []), ...layers] },
  };
  return { ...document, json, source, known: json === document.json ? document.known : undefined };
}

function meets(json: Json, { kind, name, namespace, labels = {} }: OverlayTarget): boolean {
  if (!isObject(json) || json.kind !== kind || !isObject(json.metadata)) return false;
  const { metadata } = json as { metadata: JsonObject };
  const own = isObject(metadata.labels) ? metadata.labels : {};
  return (
    (name === undefined || metadata.name === name) &&
    (namespace === undefined || (metadata.namespace ?? DEFAULT_NAMESPACE) === namespace) &&
    Object.entries(labels).every(([label, value]) => own[label] === value)
  );
}

function patchOfNothing(
  target: OverlayTarget,
  index: number,
  documents: readonly WrittenDocument[],
  { file, shown }: FoundFile,
): Fault {
  const names = documents.flatMap(({ json }) =>
    isObject(json) && json.kind === target.kind && isObject(json.metadata)
      ? String(json.metadata.name)
      : [],
  );
  const near = target.name === undefined ? undefined : suggest(target.name, names);
  const known =
    names.length === 0
      ? `the resources hold no ${target.kind}`
      : `the resources hold: ${names.toSorted().slice(0, 20).join(", ")}`;
  const words = Object.entries(target).map(([field, value]) => `${field} ${JSON.stringify(value)}`);
  return {
    severity: "error",
    code: "LEG1106",
    summary: `the patch changes nothing: no resource has ${words.join(", ")}`,
    detail: near === undefined || near === target.name ? known : `did you mean "${near}"?`,
    file,
    shown,
    spot: { document: 0, path: ["patches", index, "target"], part: "key" },
  };
}
