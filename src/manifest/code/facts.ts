import type { Program } from "acorn";
import type { CodeFacts, CodeForm, CodeJob, CodeProblem } from "./contract.ts";
import { exportedNames, topLevelNames } from "./names.ts";
import { parseCode, type Syntax } from "./syntax.ts";

/** Takes the types off TypeScript, every position kept; or tells why it cannot. */
export type StripTypes = (
  text: string,
  form: CodeForm,
) => { readonly script: string } | TypeProblem;

export interface TypeProblem {
  readonly problem: CodeProblem;
  /** It is TypeScript, but more than types. */
  readonly isUnsupported: boolean;
}

/**
 * What code declares, or why it cannot be loaded. Undefined when that cannot be told: it is nested too deep for the
 * parser, or it is no JavaScript and may be TypeScript, and nothing that takes types off was given.
 */
export function codeFacts(job: CodeJob, strip?: StripTypes): CodeFacts | undefined {
  const { text, before } = withoutFence(job);
  const syntax = syntaxOf(text, job.form, strip);
  if (syntax === undefined) return undefined;
  const facts: CodeFacts =
    "problem" in syntax
      ? { problem: syntax.problem, names: [], isOpen: true }
      : factsOf(syntax, text, job.form);
  return before === 0 ? facts : moved(facts, before);
}

function syntaxOf(text: string, form: CodeForm, strip: StripTypes | undefined): Syntax {
  const asWritten = parseCode(text, form);
  if (asWritten === undefined || "tree" in asWritten) return asWritten;
  if (form === ".js" || form === ".mjs") return { problem: withHint(asWritten.problem, form) };
  if (strip === undefined) return undefined;
  const stripped = strip(text, form);
  if ("script" in stripped) return parseCode(stripped.script, form);
  // Who came farther before anything was wrong knows better what is.
  const isType = stripped.isUnsupported || stripped.problem.start >= asWritten.problem.start;
  return isType ? stripped : asWritten;
}

/** Node takes types off by the extension alone. */
function withHint(problem: CodeProblem, form: ".js" | ".mjs"): CodeProblem {
  const typed = form === ".js" ? ".ts" : ".mts";
  const hint = `${problem.hint}; types are allowed in ${typed} files only`;
  return { ...problem, hint };
}

function factsOf(
  { tree, sourceType }: Extract<Syntax, { tree: Program }>,
  text: string,
  form: CodeForm,
): CodeFacts {
  if (form === "script") {
    const problem = moduleProblem(tree);
    const isOpen = /\b(globalThis|eval|Function)\b/.test(text);
    return { ...(problem && { problem }), names: topLevelNames(tree), isOpen };
  }
  const { names, isOpen } = exportedNames(tree);
  const isModule = tree.body.some(({ type }) => /^(Import|Export).*Declaration$/.test(type));
  const isCommonJs =
    sourceType === "commonjs" || (!isModule && !/^\.m/.test(form) && /\bexports\b/.test(text));
  return { names, isOpen: isOpen || isCommonJs };
}

/** A sandbox has no modules; it takes `export` off declarations, and nothing else. */
function moduleProblem({ body }: Program): CodeProblem | undefined {
  for (const node of body) {
    const { type, start, end } = node;
    if (type === "ImportDeclaration") {
      const hint = "call other tools through spec.capabilities, or make it a tool of type module";
      return { message: "nothing can be imported in the sandbox", hint, start, end };
    }
    const isList = type === "ExportNamedDeclaration" && node.declaration == null;
    if (isList || type === "ExportAllDeclaration") {
      const hint = "remove it: every function at the top level is found by its name";
      return { message: "lists of exports are for modules", hint, start, end };
    }
  }
  return undefined;
}

const fence = /^\s*(`{3,}|~{3,})[^\n]*\n([\s\S]*?)\r?\n?\1\s*$/d;

/** The code inside a Markdown fence that spans the whole text, as the sandbox takes it, and how much stands before it. */
function withoutFence({ text, form }: CodeJob): { readonly text: string; readonly before: number } {
  const found = form === "script" ? fence.exec(text) : null;
  return { text: found?.[2] ?? text, before: found?.indices?.[2]?.[0] ?? 0 };
}

function moved({ problem, names, isOpen }: CodeFacts, by: number): CodeFacts {
  const move = <T extends { start: number; end: number }>(place: T): T => ({
    ...place,
    start: place.start + by,
    end: place.end + by,
  });
  return { ...(problem && { problem: move(problem) }), names: names.map(move), isOpen };
}
