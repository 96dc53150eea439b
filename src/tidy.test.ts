// Goal: the tree stays readable: small files, small functions, no left-overs.
// Method: read every source file as text and as a syntax tree and hold it against named limits.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type AnyNode, type Program, parse } from "acorn";

const FILE_LINES_MAX = 300;
const TEST_FILE_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 70;
const UNDOCUMENTED_LINES_MAX = 12;

const root = fileURLToPath(new URL(".", import.meta.url));
const files = globSync("**/*.ts", { cwd: root })
  .filter((file) => !file.includes("generated/"))
  .toSorted()
  .map((path) => ({
    path,
    text: readFileSync(`${root}${path}`, "utf8"),
    isTest: path.endsWith(".test.ts"),
  }));

// The words are written apart so that this file does not find itself.
const banned = [
  /\b(TO\u0044O|FIX\u004dE|X\u0058X)\b/,
  /^\s*\/\/ (@ts-|biome-ig)/m,
  /not implem\u0065nted/,
  /[:<] ?an\u0079[;,)>\]]|\bas an\u0079\b/,
  /\b(test|it|describe)\.(skip|only|to\u0064o)\b/,
  /^export default /m,
];

function report(check: (file: (typeof files)[number]) => string[]): void {
  assert.deepEqual(files.flatMap(check), []);
}

test("no file is too long", () => {
  report(({ path, text, isTest }) => {
    const lines = text.split("\n").length;
    return lines > (isTest ? TEST_FILE_LINES_MAX : FILE_LINES_MAX)
      ? [`${path} has ${lines} lines`]
      : [];
  });
});

test("no function is too long", () => {
  report(({ path, text, isTest }) => (isTest ? [] : longFunctions(path, text)));
});

test("no left-overs, switched-off checks, skipped tests or default exports", () => {
  report(({ path, text }) =>
    banned.flatMap((word) => word.exec(text)?.[0] ?? []).map((found) => `${path}: ${found}`),
  );
});

test("no file is called index or a drawer's name", () => {
  report(({ path }) =>
    /(^|\/)(index|utils?|helpers?|common|misc|types)\.ts$/.test(path) ? [path] : [],
  );
});

test("every test file begins with its goal and its method", () => {
  report(({ path, text, isTest }) =>
    isTest && !/^\/\/ Goal: .*\n(\/\/ .*\n)*?\/\/ Method: /.test(text) ? [path] : [],
  );
});

test("every exported function of more than a few lines has a doc comment", () => {
  report(({ path, text, isTest }) => (isTest ? [] : bareExports(path, text)));
});

function bareExports(path: string, text: string): string[] {
  return syntaxTree(text).body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration" || node.declaration?.type !== "FunctionDeclaration")
      return [];
    const lines = text.slice(node.start, node.end).split("\n").length;
    const documented = text.slice(0, node.start).trimEnd().endsWith("*/");
    return documented || lines <= UNDOCUMENTED_LINES_MAX
      ? []
      : [`${path}: ${node.declaration.id.name}`];
  });
}

function longFunctions(path: string, text: string): string[] {
  const found: string[] = [];
  walk(syntaxTree(text), (node) => {
    if (!/Function/.test(node.type) || node.loc == null) return;
    const lines = node.loc.end.line - node.loc.start.line + 1;
    if (lines > FUNCTION_LINES_MAX)
      found.push(`${path}:${node.loc.start.line} a function of ${lines} lines`);
  });
  return found;
}

function syntaxTree(text: string): Program {
  // Stripping keeps every position.
  const script = stripTypeScriptTypes(text, { mode: "strip" });
  return parse(script, { ecmaVersion: "latest", sourceType: "module", locations: true });
}

function walk(node: AnyNode, visit: (node: AnyNode) => void): void {
  visit(node);
  for (const child of Object.values(node)) {
    for (const item of Array.isArray(child) ? child : [child]) {
      if (typeof item === "object" && item !== null && "type" in item) walk(item as AnyNode, visit);
    }
  }
}
