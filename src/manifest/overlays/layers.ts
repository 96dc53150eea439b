import { isObject, type Json, type JsonPath } from "../../lib/json.ts";
import type { Fault, Spot } from "../fault.ts";
import type { ObjectSource } from "../objects.ts";

/** A part of an object that does not come from its own manifest. */
export interface Layer {
  /** The field. It and what stands below it were put there. */
  readonly path: JsonPath;
  readonly from: LayerPlace;
  /** The field was taken away. */
  readonly isRemoved?: boolean;
}

/** Where the value of a layer is written: in a file, or in words of a command line. */
export type LayerPlace =
  | {
      readonly file: string;
      readonly shown: string;
      readonly document: number;
      readonly path: JsonPath;
    }
  | { readonly said: string; readonly value: Json };

/** What was laid over an object. */
export interface Layers {
  /** Tells apart the objects that several overlays make of one manifest. */
  readonly through: string;
  /** In the order in which they were laid; the last one that covers a field counts. */
  readonly layers: readonly Layer[];
}

/** A fault of a field of an object, moved to where the field is written. */
export function placed(source: ObjectSource, fault: Fault): Fault {
  const { spot } = fault;
  if (source.over === undefined || spot === undefined || !("path" in spot)) return fault;
  const blamed = { ...fault, blames: source };
  const layer = layerOf(source.over.layers, spot.path, fault.code === "LEG1008");
  if (layer === undefined) return blamed;
  if ("said" in layer.from) {
    // Offsets are those of the text that was said, not of the one in the manifest.
    const { inside, ...whole } = spot;
    const isWhole = layer.path.length === spot.path.length;
    return saidFault({ ...blamed, spot: whole }, layer.from, isWhole);
  }
  const { file, shown, document, path } = layer.from;
  const rest = spot.path.slice(layer.path.length);
  const part = layer.isRemoved === true ? "key" : spot.part;
  return { ...blamed, file, shown, spot: { ...spot, document, path: [...path, ...rest], part } };
}

/** A number or a boolean that was meant as text needs quotes that the shell leaves in place. */
function saidFault(fault: Fault, { said, value }: SaidValue, isWhole: boolean): Fault {
  const summary = `${fault.summary} (set by ${said})`;
  const isText = isWhole && fault.code === "LEG1009" && fault.detail === "write a string";
  if (!isText || isObject(value) || Array.isArray(value)) return { ...fault, summary };
  return {
    ...fault,
    summary,
    detail: `write it as text: ${said}='${JSON.stringify(String(value))}'`,
  };
}

type SaidValue = Extract<LayerPlace, { said: string }>;

/** Where a field of an object is written: in its manifest, or in an overlay. */
export function fieldPlace(source: ObjectSource, path: JsonPath): { file: string; spot: Spot } {
  const { file, document, over } = source;
  const layer = over && layerOf(over.layers, path, false);
  if (layer === undefined || "said" in layer.from)
    return { file, spot: { document, path, part: "value" } };
  const { from } = layer;
  const rest = path.slice(layer.path.length);
  const spot = { document: from.document, path: [...from.path, ...rest], part: "value" } as const;
  return { file: from.file, spot };
}

/** A field that is missing may have been removed from what lacks it. */
function layerOf(layers: readonly Layer[], path: JsonPath, isMissing: boolean): Layer | undefined {
  const covering = layers.findLast(
    (layer) => layer.isRemoved !== true && isPrefix(layer.path, path),
  );
  return (
    covering ??
    (isMissing
      ? layers.findLast(
          ({ isRemoved, path: removed }) => isRemoved === true && isPrefix(path, removed),
        )
      : undefined)
  );
}

function isPrefix(prefix: JsonPath, path: JsonPath): boolean {
  return prefix.length <= path.length && prefix.every((step, index) => step === path[index]);
}
