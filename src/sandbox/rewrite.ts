import type {
  AnyNode,
  ModuleDeclaration,
  Pattern,
  Statement,
  Program as Tree,
  VariableDeclaration,
} from "acorn";
import type { Source } from "./source.ts";

/** The code that the engine runs, with what is needed to find a position of it in the model's code. */
export interface Program {
  readonly code: string;
  /** Text before the model's first character; it ends with a line break, so columns are those of the engine. */
  readonly header: string;
  readonly script: string;
  /** In the order of their position; they do not overlap. */
  readonly edits: readonly Edit[];
}

/** Replaces `script.slice(start, end)`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A name that the code declares at its top level. */
export interface Declared {
  readonly name: string;
  readonly offset: number;
}

/**
 * Turns the top-level declarations into globals, so that the next evaluation sees them, and a top-level `return` into the value.
 * Code without a syntax tree stays as it is: the engine then says what is wrong with it.
 */
export function rewrite({ script, tree }: Pick<Source, "script" | "tree">): Program {
  if (tree === undefined) return assemble(script, "\n", "", []);
  const returns = tree.body.reduce((total, statement) => total + countReturns(statement), 0);
  const last = tree.body.at(-1);
  if (returns === 0) return assemble(script, "\n", "", tree.body.flatMap(asGlobals(script)), tree);
  if (returns === 1 && last?.type === "ReturnStatement") {
    const value = last.argument ? "0," : "void 0";
    const edits = tree.body.slice(0, -1).flatMap(asGlobals(script));
    const valueInstead = replace(last.start, last.start + "return".length, value);
    return assemble(script, "\n", "", [...edits, valueInstead], tree);
  }
  return wrapped(script, tree);
}

/** The names that the code declares at its top level. */
export function declaredNames(tree: Tree): Declared[] {
  return tree.body.flatMap((node) => {
    const statement = exported(node);
    if (statement.type === "VariableDeclaration")
      return statement.declarations.flatMap(({ id }) => patternNames(id));
    if (statement.type !== "ClassDeclaration" && statement.type !== "FunctionDeclaration")
      return [];
    return statement.id ? [{ name: statement.id.name, offset: statement.id.start }] : [];
  });
}

/** The position in the model's code of a position that the engine reports: both lines and columns from 1, the engine's column in UTF-8 bytes. */
export function originalOffset(program: Program, line: number, column: number): number | undefined {
  const lines = program.code.split("\n");
  const text = lines[line - 1];
  if (text === undefined) return undefined;
  const before = lines.slice(0, line - 1).reduce((total, { length }) => total + length + 1, 0);
  const inLine = Buffer.from(text)
    .subarray(0, Math.max(0, column - 1))
    .toString().length;
  let offset = before + inLine - program.header.length;
  if (offset < 0) return undefined;
  for (const { start, end, text: inserted } of program.edits) {
    if (offset < start) break;
    if (offset < start + inserted.length) return start;
    offset += end - start - inserted.length;
  }
  return offset <= program.script.length ? offset : undefined;
}

/** A `return` in the middle needs a function; the declarations become assignments to globals that are declared before it. */
function wrapped(script: string, tree: Tree): Program {
  const functions = tree.body
    .map(exported)
    .flatMap((node) => (node.type === "FunctionDeclaration" && node.id ? [node.id.name] : []));
  const names = [...new Set(declaredNames(tree).map(({ name }) => name))];
  const globals = names.length === 0 ? "" : `var ${names.join(",")};`;
  const hoisted = functions.map((name) => `globalThis.${name}=${name};`).join("");
  return assemble(
    script,
    `${globals}await(async()=>{${hoisted}\n`,
    "\n})()",
    tree.body.flatMap(asAssignments(script)),
    tree,
  );
}

function assemble(
  script: string,
  header: string,
  footer: string,
  statements: readonly Edit[],
  tree?: Tree,
): Program {
  const marks = tree === undefined ? [] : positionMarks(tree);
  // The sort is stable: a mark stays before what replaces the start of its statement.
  const edits = [...marks, ...statements].toSorted((a, b) => a.start - b.start);
  let code = header;
  let done = 0;
  for (const { start, end, text } of edits) {
    code += script.slice(done, start) + text;
    done = end;
  }
  return { code: code + script.slice(done) + footer, header, script, edits };
}

type TopLevel = Statement | ModuleDeclaration;

const asGlobals =
  (script: string) =>
  (node: TopLevel): Edit[] => {
    const statement = exported(node);
    const prefix = exportPrefix(script, node);
    if (isPlain(statement)) {
      const keyword = replace(statement.start, statement.start + statement.kind.length, "var");
      return [...prefix, keyword, ...resets(statement)];
    }
    if (statement.type !== "ClassDeclaration" || !statement.id) return prefix;
    return [
      ...prefix,
      insert(statement.start, `var ${statement.id.name}=`),
      insert(statement.end, ";"),
    ];
  };

const asAssignments =
  (script: string) =>
  (node: TopLevel): Edit[] => {
    const statement = exported(node);
    const prefix = exportPrefix(script, node);
    if (statement.type === "ClassDeclaration" && statement.id) {
      return [
        ...prefix,
        insert(statement.start, `${statement.id.name}=`),
        insert(statement.end, ";"),
      ];
    }
    if (!isPlain(statement)) return prefix;
    // The semicolon keeps the line before from going on; the parentheses let a pattern be an expression.
    const open = replace(statement.start, statement.start + statement.kind.length, ";(");
    const close = insert(statement.declarations.at(-1)?.end ?? statement.end, ")");
    return [...prefix, open, ...resets(statement), close];
  };

/** A `let` without a value is undefined, also when a variable of that name is there from before. */
function resets({ kind, declarations }: VariableDeclaration): Edit[] {
  if (kind !== "let") return [];
  return declarations.flatMap(({ id, init }) => (init ? [] : [insert(id.end, "=void 0")]));
}

/** Not `using`, which has to stay what it is. */
function isPlain(node: AnyNode): node is VariableDeclaration {
  return node.type === "VariableDeclaration" && /^(var|let|const)$/.test(node.kind);
}

/** The statement behind an `export`. */
function exported(node: TopLevel): AnyNode {
  if (node.type === "ExportDefaultDeclaration") return node.declaration;
  if (node.type === "ExportNamedDeclaration" && node.declaration) return node.declaration;
  return node;
}

/** `export` goes; a default export that has no name becomes an expression statement. */
function exportPrefix(script: string, node: TopLevel): Edit[] {
  const statement = exported(node);
  if (statement === node) return [];
  const hasName = "id" in statement && Boolean(statement.id);
  if (
    node.type !== "ExportDefaultDeclaration" ||
    (hasName && /Declaration$/.test(statement.type))
  ) {
    return [replace(node.start, statement.start, "")];
  }
  // Only the keywords: the value starts after its parentheses, when it has some.
  const keywords = /^export\s+default/.exec(script.slice(node.start, statement.start));
  return [replace(node.start, keywords ? node.start + keywords[0].length : statement.start, "0,")];
}

/** Statements for which the engine notes no position: an error in them would be reported where the last call was. */
const UNPLACED = /^(?:Variable|If|Return|For|While|DoWhile|Switch)/;

/** An empty expression before each of them; of expressions the engine does note the position. */
function positionMarks(node: unknown): Edit[] {
  const marks: Edit[] = [];
  visitLists(node, (statement) => {
    if (UNPLACED.test(statement.type)) marks.push(insert(statement.start, "void 0;"));
  });
  return marks;
}

/** Visits every statement that stands in a list of statements. */
function visitLists(node: unknown, visit: (statement: AnyNode) => void): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      const isList = (key === "body" || key === "consequent") && !("superClass" in node);
      for (const item of value as AnyNode[]) {
        if (isList && item !== null) visit(item);
        visitLists(item, visit);
      }
    } else visitLists(value, visit);
  }
}

/** Returns that belong to no function inside the code. */
function countReturns(node: unknown): number {
  if (typeof node !== "object" || node === null) return 0;
  if (Array.isArray(node))
    return node.reduce<number>((total, child) => total + countReturns(child), 0);
  const type = "type" in node ? String(node.type) : "";
  if (type === "ReturnStatement") return 1;
  if (type.includes("Function") || type.startsWith("Class")) return 0;
  return Object.values(node).reduce<number>((total, child) => total + countReturns(child), 0);
}

function patternNames(pattern: Pattern): Declared[] {
  switch (pattern.type) {
    case "Identifier":
      return [{ name: pattern.name, offset: pattern.start }];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        patternNames(property.type === "Property" ? property.value : property.argument),
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => (element === null ? [] : patternNames(element)));
    case "AssignmentPattern":
      return patternNames(pattern.left);
    case "RestElement":
      return patternNames(pattern.argument);
    default:
      return [];
  }
}

function replace(start: number, end: number, text: string): Edit {
  return { start, end, text };
}

function insert(at: number, text: string): Edit {
  return { start: at, end: at, text };
}
