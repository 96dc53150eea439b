import { byteLength } from "../lib/text.ts";
import type { EvaluationError } from "./contract.ts";
import { failure, withPosition } from "./failure.ts";
import { positionAt } from "./frame.ts";
import { hintFor } from "./hints.ts";
import { declaredNames, type Program, rewrite } from "./rewrite.ts";
import { readSource, type Source } from "./source.ts";

/** More code than a model writes in one reply. */
const CODE_BYTES_MAX = 1024 * 1024;

/** Code that is ready to run, with what is needed to talk about it. */
export interface Prepared {
  readonly source: Source;
  readonly program: Program;
}

/** Before any code: nothing. */
export const NOTHING_PREPARED: Prepared = prepared({ text: "", script: "", tree: undefined });

function prepared(source: Source): Prepared {
  return { source, program: rewrite(source) };
}

/** Reads and rewrites the code, or says why it cannot run. `taken` are names that it may not declare. */
export function prepare(
  code: string,
  taken: ReadonlySet<string>,
): Prepared | { readonly error: EvaluationError } {
  if (byteLength(code) > CODE_BYTES_MAX) {
    const hint = "write less code; put data into a file, or ask a tool for it";
    return { error: failure("SyntaxError", "the code is longer than 1 MiB", hint) };
  }
  const source = readSource(code);
  const clash = source.tree && declaredNames(source.tree).find(({ name }) => taken.has(name));
  if (clash === undefined) return prepared(source);
  const message = `"${clash.name}" is a name of the sandbox and cannot be declared`;
  const error = failure("SyntaxError", message, "choose another name for your variable");
  return { error: withPosition(error, source.text, positionAt(source.text, clash.offset)) };
}

/** What the engine says about code that it cannot parse, at the place that is known from before. */
export function syntaxError({ source }: Prepared, engineMessage: string): EvaluationError {
  const { message = engineMessage, offset } = source.problem ?? {};
  const hint = /^\s*import\b/m.test(source.text)
    ? hintFor("SyntaxError", "import", [])
    : "correct the code at that place; nothing of it ran";
  const error = failure("SyntaxError", message, hint);
  return offset === undefined
    ? error
    : withPosition(error, source.text, positionAt(source.text, offset));
}
