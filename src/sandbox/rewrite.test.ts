// Goal: the rewrite makes top-level names global and returns values, without moving a position that a model is told.
// Method: tables of code before and after; every edited program is parsed again, and offsets are mapped back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "acorn";
import { declaredNames, originalOffset, rewrite } from "./rewrite.ts";
import { readSource, withoutFence } from "./source.ts";

const rows = [
  { name: "const becomes var", code: "const x = 1", want: "\nvoid 0;var x = 1" },
  {
    name: "let without a value is reset",
    code: "let x, y = 2",
    want: "\nvoid 0;var x=void 0, y = 2",
  },
  { name: "a class becomes a variable", code: "class K {}", want: "\nvar K=class K {};" },
  { name: "a function stays", code: "function f() {}", want: "\nfunction f() {}" },
  { name: "a block keeps its own names", code: "{ let x = 1 }", want: "\n{ void 0;let x = 1 }" },
  {
    name: "a loop keeps its own names",
    code: "for (const x of y) {}",
    want: "\nvoid 0;for (const x of y) {}",
  },
  {
    name: "a return at the end is the value",
    code: "return { a: 1 }",
    want: "\nvoid 0;0, { a: 1 }",
  },
  { name: "an empty return is undefined", code: "return", want: "\nvoid 0;void 0" },
  {
    name: "a return in the middle needs a function, and names stay global",
    code: "const a = 1\nif (a) return a\nclass K {}\nfunction f() {}",
    want: "var a,K,f;await(async()=>{globalThis.f=f;\nvoid 0;;( a = 1)\nvoid 0;if (a) return a\nK=class K {};\nfunction f() {}\n})()",
  },
  {
    name: "a pattern in a wrapped program is an expression",
    code: "if (0) return\nlet { a } = f()",
    want: "var a;await(async()=>{\nvoid 0;if (0) return\nvoid 0;;( { a } = f())\n})()",
  },
  {
    name: "a return inside a function is none of ours",
    code: "x = () => { return 1 }",
    want: "\nx = () => { void 0;return 1 }",
  },
  { name: "export goes", code: "export const x = 1", want: "\nvar x = 1" },
  { name: "a default export is the value", code: "export default (1, 2)", want: "\n0, (1, 2)" },
  {
    name: "a nameless default function is the value",
    code: "export default function () {}",
    want: "\n0, function () {}",
  },
  { name: "types go", code: "const x: number = 1", want: "\nvoid 0;var x         = 1" },
  { name: "types go around a return", code: "return x as string", want: "\nvoid 0;0, x          " },
  { name: "a fence goes", code: "```js\n1\n```", want: "\n1" },
  { name: "code that is no JavaScript stays", code: "const = 1", want: "\nconst = 1" },
  {
    name: "imports stay for the engine to refuse",
    code: "import a from 'b'",
    want: "\nimport a from 'b'",
  },
];

for (const { name, code, want } of rows) {
  test(name, () => assert.equal(rewrite(readSource(code)).code, want));
}

test("every rewritten program is JavaScript", () => {
  for (const { code } of rows) {
    const source = readSource(code);
    if (source.tree === undefined || source.script.startsWith("import")) continue;
    parse(rewrite(source).code, { ecmaVersion: "latest", allowAwaitOutsideFunction: true });
  }
});

const places = [
  { name: "on the first line", code: "const x = MARK" },
  { name: "after a let that was reset", code: "let a; let b; MARK" },
  { name: "after letters of more than one byte", code: "const é = '😀'; MARK" },
  { name: "in a wrapped program", code: "if (0) return 1\nconst { a } = f(); MARK" },
  { name: "in a class", code: "class A {}\nclass K { m() { const q = 1; return MARK } }" },
  { name: "in TypeScript", code: "const x: Map<string, number> = new Map(); const y = MARK" },
  { name: "behind an export", code: "export const x = 1; export default MARK" },
];

for (const { name, code } of places) {
  test(`a position is that of the model's code ${name}`, () => {
    const program = rewrite(readSource(code));
    const before = program.code.slice(0, program.code.indexOf("MARK"));
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1)) + 1;
    assert.equal(originalOffset(program, line, column), code.indexOf("MARK"));
  });
}

test("a position outside of the code is none", () => {
  const program = rewrite(readSource("if (0) return 1\n2"));
  assert.equal(originalOffset(program, 1, 1), undefined);
  assert.equal(originalOffset(program, 99, 1), undefined);
});

test("all names of patterns are found", () => {
  const { tree } = readSource(
    "const { a, b: [c, ...d], e = 1, ...f } = x; class G {} function h() {} if (1) { let i }",
  );
  assert.ok(tree);
  assert.deepEqual(
    declaredNames(tree).map(({ name }) => name),
    ["a", "c", "d", "e", "f", "G", "h"],
  );
});

const fences = [
  { name: "a fence with a language", text: "```ts\n1\n```", want: "1" },
  { name: "a fence with space around", text: "\n```\n1\n2\n```\n", want: "1\n2" },
  {
    name: "a template that holds a fence stays",
    text: "const x = `\n```\n`",
    want: "const x = `\n```\n`",
  },
  { name: "text without a fence stays", text: "1", want: "1" },
];

for (const { name, text, want } of fences) {
  test(`${name} is read`, () => assert.equal(withoutFence(text), want));
}

const unsupported = [
  {
    name: "an enum says that it is not supported",
    code: "enum A { B }",
    message: /enum is not supported/,
  },
  {
    name: "a namespace says so too",
    code: "namespace N { export const a = 1 }",
    message: /namespace/i,
  },
];

for (const { name, code, message } of unsupported) {
  test(name, () => assert.match(readSource(code).problem?.message ?? "", message));
}

test("the place of a syntax error is known", () =>
  assert.equal(readSource("1;\nconst x = ;").problem?.offset, 13));
