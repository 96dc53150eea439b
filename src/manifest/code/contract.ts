/** What code is: the source of a tool of type js, or a module with the extension of its file. */
export type CodeForm = "script" | ModuleExtension;

/** What the file of a module may end in. */
export const moduleExtensions = [".ts", ".mts", ".js", ".mjs"] as const;
export type ModuleExtension = (typeof moduleExtensions)[number];

/** Code that is to be looked at. It is parsed, never run. */
export interface CodeJob {
  readonly text: string;
  readonly form: CodeForm;
}

/** Why code cannot be loaded, at offsets of its text. */
export interface CodeProblem {
  /** A few words: `unexpected "*"`. */
  readonly message: string;
  readonly hint: string;
  readonly start: number;
  readonly end: number;
}

/** A name that others can reach: declared at the top level of a script, exported by a module. */
export interface CodeName {
  readonly name: string;
  /** `unclear` may be a function: what a call returns, what comes from elsewhere. */
  readonly is: "function" | "class" | "data" | "unclear";
  readonly start: number;
  readonly end: number;
}

/** What can be told of code without running it. */
export interface CodeFacts {
  readonly problem?: CodeProblem;
  readonly names: readonly CodeName[];
  /** There may be more names than these: `export *`, `globalThis`, CommonJS. */
  readonly isOpen: boolean;
}
