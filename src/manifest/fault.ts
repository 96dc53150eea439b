import type { ErrorCode } from "../lib/codes.ts";
import type { JsonPath } from "../lib/json.ts";
import type { ObjectSource } from "./objects.ts";

/** Where a fault stands within a file: at offsets of its text, or at the key or value of a path in a document. */
export type Spot =
  | { readonly start: number; readonly end: number }
  | {
      readonly document: number;
      readonly path: JsonPath;
      readonly part: "key" | "value";
      /** Words of the value to point at, when they stand in it as they are. */
      readonly words?: string;
      /** Offsets in the value, when it is a string. */
      readonly inside?: { readonly start: number; readonly end: number };
    };

/** Tells where a spot is, as people write it: `tools/web.yaml:3:9`. */
export type Where = (file: string, spot: Spot) => string;

/** Something wrong, before its position is known: positions cost a second parse, so they are looked up only for what is reported. */
export interface Fault {
  readonly severity: "error" | "warning";
  readonly code: ErrorCode;
  readonly summary: string;
  /** A function when it names other places. */
  readonly detail: string | ((where: Where) => string);
  /** Absolute path of the file, or the name of a text. */
  readonly file: string;
  /** The path as people write it. */
  readonly shown: string;
  /** Absent when the file could not be read as text. */
  readonly spot?: Spot;
  /** What it points at must not be shown. */
  readonly isSecret?: boolean;
  /** The documents that are not valid because of it, when it stands in another file: one that they name, an overlay. */
  readonly blames?: BlamedDocument | readonly BlamedDocument[];
}

/** What tells a document from others. */
export type BlamedDocument = Pick<ObjectSource, "file" | "document" | "over">;

/** Takes faults as they are found. */
export type Report = (fault: Fault) => void;
