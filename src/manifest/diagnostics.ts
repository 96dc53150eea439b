import type { ErrorCode } from "../lib/codes.ts";

/** Lines and columns count from 1, columns in UTF-16 code units; bytes from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

export interface Range {
  readonly filename: string;
  readonly start: Position;
  readonly end: Position;
}

/** One thing that is wrong with a manifest. Its form as JSON is part of the product's interface. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly code: ErrorCode;
  /** One sentence, lower case at the start, no full stop: `unknown field "modle" in Agent spec`. */
  readonly summary: string;
  /** The next step: what to write, the allowed values. May have several lines. */
  readonly detail: string;
  /** Absent when the file could not be read as text; `filename` in it is the path as people wrote it. */
  readonly range?: Range;
  /** The path, when there is no range. */
  readonly filename?: string;
  /** JSON pointer of the field: `/spec/modle`. */
  readonly path?: string;
  /** The lines the range stands in, for the frame. */
  readonly snippet?: string;
}
