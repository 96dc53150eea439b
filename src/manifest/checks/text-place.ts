import type { JsonPath } from "../../lib/json.ts";
import { valueAt } from "../../lib/schema-issues.ts";
import { type ProblemCode, problemTitles, type Span } from "../../trigger/problems.ts";
import type { LoadedDocument } from "../loaded.ts";
import { type Piece, piecesOf } from "../variables.ts";
import { type CheckContext, type Finding, faultAt } from "./context.ts";

/** A stretch of a text field, as it is written. */
export interface TextPlace {
  /** Undefined where the field is not written as a text. */
  readonly inside?: Span;
  /** The variables whose values it touches: their text is no matter for a message. */
  readonly variables: readonly string[];
}

/** Where a stretch of the text of a field stands in the manifest: variables are replaced only after it was read. */
export function placeInText(document: LoadedDocument, path: JsonPath, span: Span): TextPlace {
  const written = valueAt(document.written, path);
  if (typeof written !== "string") return { variables: [] };
  if (written === valueAt(document.value, path)) return { inside: span, variables: [] };
  return inPieces(piecesOf(written, document.variables), span);
}

function inPieces(pieces: readonly Piece[], { start, end }: Span): TextPlace {
  const last = Math.max(end, start + 1);
  let seen = 0;
  let inside: Span | undefined;
  const variables: string[] = [];
  for (const piece of pieces) {
    const from = seen;
    seen += piece.length;
    if (seen <= start || from >= last) continue;
    // Of a variable the whole is pointed at: letters of its value stand nowhere.
    const isExact = piece.length === piece.end - piece.start && piece.name === undefined;
    const first = isExact ? piece.start + Math.max(0, start - from) : piece.start;
    const past = isExact ? Math.min(piece.end, piece.start + last - from) : piece.end;
    inside = { start: inside?.start ?? first, end: past };
    if (piece.name !== undefined) variables.push(piece.name);
  }
  const ended = pieces.at(-1)?.end ?? 0;
  return { inside: inside ?? { start: ended, end: ended }, variables };
}

/** What the trigger language says against a text. */
export interface LanguageProblem extends Span {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string;
}

/** Reports a problem of a text in the trigger language where it stands. `more` is told behind the hint. */
export function reportProblem(
  { document, path }: { readonly document: LoadedDocument; readonly path: JsonPath },
  problem: LanguageProblem,
  { report }: CheckContext,
  more = "",
): void {
  const { inside, variables } = placeInText(document, path, problem);
  const told =
    variables.length === 0
      ? problem.message
      : `${problemTitles[problem.code]}, in the value of ${variables.map((name) => `\${${name}}`).join(" and ")}`;
  const hint =
    variables.length === 0
      ? (problem.hint ?? "")
      : "set the variable to words of the language; its value is not shown";
  report(
    faultAt(document, {
      code: "LEG1115",
      path,
      summary: `${path.at(-1)}[${problem.code}]: ${told}`,
      detail: [hint, more].filter((line) => line !== "").join("\n"),
      ...(inside && { inside }),
    }),
  );
}

/** A finding in a part of a text. */
export function findingInText(
  document: LoadedDocument,
  path: JsonPath,
  span: Span,
  finding: Omit<Finding, "path" | "inside">,
): Finding {
  const { inside } = placeInText(document, path, span);
  return { path, ...finding, ...(inside && { inside }) };
}
