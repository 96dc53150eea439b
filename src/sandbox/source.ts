import { stripTypeScriptTypes } from "node:module";
import { type Options, parse, type Program as Tree } from "acorn";

/** The model's code, ready for the rewrite: without fence and types, with its syntax tree when it is JavaScript. */
export interface Source {
  /** The model's code without a code fence; positions in errors count from its start. */
  readonly text: string;
  /** The same with TypeScript annotations blanked out: every position is that of `text`. */
  readonly script: string;
  readonly tree: Tree | undefined;
  /** Why there is no tree, when that is known. */
  readonly problem?: SyntaxProblem;
}

export interface SyntaxProblem {
  /** Undefined when the engine's own message is to be shown. */
  readonly message?: string;
  /** Offset in the text. */
  readonly offset?: number;
}

/** Thrown when the type stripper crashed: its state is not to be trusted any more, so the worker has to go. */
export class StripperCrash extends Error {
  override readonly name = "StripperCrash";
}

const FENCE = /^\s*(`{3,}|~{3,})[^\n]*\n([\s\S]*?)\r?\n?\1\s*$/;

/** The code inside a Markdown fence that spans the whole text, or the text itself. */
export function withoutFence(text: string): string {
  return FENCE.exec(text)?.[2] ?? text;
}

/** Reads the model's code as JavaScript, else as a module, else as TypeScript. Code that is none of them goes to the engine, whose message the model then sees. */
export function readSource(given: string): Source {
  const text = withoutFence(given);
  const plain = parseAs(text, "script");
  if (plain.tree !== undefined) return { text, script: text, tree: plain.tree };
  const module = parseAs(text, "module");
  if (module.tree !== undefined) return { text, script: text, tree: module.tree };
  const stripped = withoutTypes(text);
  if (stripped.script === undefined) {
    const { message } = stripped;
    const { offset } = plain;
    return {
      text,
      script: text,
      tree: undefined,
      problem: {
        ...(message !== undefined && { message }),
        ...(offset !== undefined && { offset }),
      },
    };
  }
  const { script } = stripped;
  const typed = parseAs(script, "script");
  const read = typed.tree === undefined ? parseAs(script, "module") : typed;
  const { offset } = typed;
  if (read.tree === undefined) {
    return { text, script, tree: undefined, problem: offset === undefined ? {} : { offset } };
  }
  return { text, script, tree: read.tree };
}

function parseAs(text: string, sourceType: "script" | "module"): { tree?: Tree; offset?: number } {
  const options: Options = {
    ecmaVersion: "latest",
    sourceType,
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
  };
  try {
    return { tree: parse(text, options) };
  } catch (error) {
    // Too deep a nesting ends as a RangeError without a position.
    return error instanceof SyntaxError && "pos" in error && typeof error.pos === "number"
      ? { offset: error.pos }
      : {};
  }
}

/** Inside a function a `return` is allowed; `export` is only outside of one. */
const WRAPPERS = [
  ["async()=>{\n", "\n}"],
  ["", ""],
] as const;

function withoutTypes(text: string): { script?: string; message?: string } {
  let message: string | undefined;
  for (const [before, after] of WRAPPERS) {
    try {
      const stripped = stripTypeScriptTypes(before + text + after);
      return { script: stripped.slice(before.length, stripped.length - after.length) };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" && error instanceof Error) {
        message = `${error.message}: write it in JavaScript`;
      } else if (code !== "ERR_INVALID_TYPESCRIPT_SYNTAX") {
        throw new StripperCrash("the type stripper failed", { cause: error });
      }
    }
  }
  return message === undefined ? {} : { message };
}
