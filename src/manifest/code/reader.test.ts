// Goal: code is judged without running it as its sandbox or Node would, nothing is claimed that cannot be known, and no text is too much.
// Method: a table of texts through the real reader, its thread included; hostile texts; a file that would leave a trace if it ran.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { CodeForm } from "./contract.ts";
import { codeReader } from "./reader.ts";

const reader = codeReader();
after(() => reader[Symbol.asyncDispose]());

/** `f` and `?f` may be called, `-f` is something else; `...` says that there may be more. */
const rows: readonly { name: string; form?: CodeForm; text: string; want: string }[] = [
  {
    name: "declarations",
    text: "function f() {} async function* g() {} class K {}",
    want: "f g -K",
  },
  { name: "constants", text: "const f = () => 1, n = 1, o = {}, c = call()", want: "f -n -o ?c" },
  { name: "a variable that may change", text: "let f = 1; var g = function () {}", want: "?f g" },
  { name: "patterns", text: "const { a, b: [c, ...d], e = 1 } = x", want: "?a ?c ?d ?e" },
  { name: "blocks", text: "if (x) { var f = 1; function g() {} let h = 1 }", want: "?f ?g ?h" },
  {
    name: "try and switch",
    text: "try { var f } catch { var g } switch (1) { case 1: var h }",
    want: "?f ?g ?h",
  },
  { name: "an assignment", text: "f = () => 1; 0", want: "?f" },
  { name: "names inside of functions", text: "(() => { function f() {} })()", want: "" },
  { name: "globals that are set", text: "globalThis.f = () => 1", want: "..." },
  { name: "TypeScript", text: "const f = (x: number): number => x; return f", want: "f" },
  { name: "a fence", text: "```js\nfunction f() {}\n```", want: "f" },
  { name: "export", text: "export function f() {} export default function g() {}", want: "f g" },
  { name: "await and return at the top", text: "await 1; function f() {} return", want: "f" },
  {
    name: "exports of a module",
    form: ".ts",
    text: "export const f = (x: T) => x, n = 1; function g() {}",
    want: "f -n",
  },
  {
    name: "exports under other names",
    form: ".mjs",
    text: "const f = () => 1; export { f as g, f as 'h' }",
    want: "g h",
  },
  {
    name: "what comes from elsewhere",
    form: ".ts",
    text: "import { f } from './a.ts'; export { f }; export { g } from './b.ts'",
    want: "?f ?g",
  },
  {
    name: "everything from elsewhere",
    form: ".ts",
    text: "export * from './a.ts'; export * as ns from './b.ts'",
    want: "-ns ...",
  },
  { name: "the default export", form: ".js", text: "export default () => 1", want: "default" },
  {
    name: "types of a module",
    form: ".mts",
    text: "export type T = 1; export interface I {} export function f(): T { return 1 }",
    want: "f",
  },
  { name: "CommonJS", form: ".js", text: "exports.f = () => 1; return", want: "..." },
  { name: "a module without exports", form: ".js", text: "function f() {}", want: "" },
];

for (const { name, form = "script", text, want } of rows) {
  test(`${name} of ${form} are read`, async () => {
    const facts = await reader.read({ text, form });
    assert.equal(facts?.problem, undefined);
    const marks = { function: "", unclear: "?", class: "-", data: "-" } as const;
    const names = facts?.names.map((found) => `${marks[found.is]}${found.name}`) ?? [];
    assert.equal([...names, ...(facts?.isOpen ? ["..."] : [])].join(" "), want);
    for (const found of facts?.names ?? [])
      assert.ok(
        found.name === "default" || text.slice(found.start, found.end).includes(found.name),
      );
  });
}

const broken: readonly { name: string; form?: CodeForm; text: string; at: string; says: RegExp }[] =
  [
    { name: "JavaScript", text: "function f( {", at: "", says: /ends too early/ },
    {
      name: "a string",
      text: "const a = 1;\nconst b = 'x",
      at: "'x",
      says: /^unterminated string/,
    },
    {
      name: "TypeScript",
      text: "const 漢字: string = '漢字' + ;\n",
      at: ";\n",
      says: /^expression expected$/,
    },
    {
      name: "TypeScript behind tabs",
      text: "if (1) {\n\t\tconst x: number = ;\n}",
      at: ";\n}",
      says: /expected/,
    },
    {
      name: "a fenced script",
      text: "```\nlet a; let a;\n```",
      at: "a;\n`",
      says: /already been declared|redefin|duplicate|multiple times/i,
    },
    {
      name: "an enum",
      text: "const x: number = 1;\nenum A {}",
      at: "enum",
      says: /enum is not supported/,
    },
    { name: "an import of a script", text: "import a from 'b'", at: "import", says: /imported/ },
    {
      name: "a list of exports of a script",
      text: "const a = 1; export { a }",
      at: "export",
      says: /lists of exports/,
    },
    {
      name: "types in a .js file",
      form: ".js",
      text: "export const a: number = 1",
      at: ":",
      says: /^unexpected ":"$/,
    },
    { name: "CommonJS in .mts", form: ".mts", text: "return 1", at: "return", says: /return/i },
    {
      name: "a name that is exported and not there",
      form: ".ts",
      text: "export { a }",
      at: "a }",
      says: /not defined/,
    },
  ];

for (const { name, form = "script", text, at, says } of broken) {
  test(`what is wrong with ${name} is told at its place`, async () => {
    const problem = (await reader.read({ text, form }))?.problem;
    assert.match(problem?.message ?? "", says);
    assert.equal(problem?.start, at === "" ? text.length : text.indexOf(at), problem?.message);
  });
}

test("code that crashes the parser or the stripper is not judged, and what comes after it is", async () => {
  await using fresh = codeReader();
  const deep = [
    `let x = ${"(".repeat(100_000)}`,
    `let x: number = ${"!".repeat(100_000)}1`,
    `let x: ${"[".repeat(20_000)}`,
  ];
  for (const text of deep) assert.equal(await fresh.read({ text, form: "script" }), undefined);
  const facts = await fresh.read({ text: "const f = (x: number) => x", form: "script" });
  assert.deepEqual(
    facts?.names.map(({ name }) => name),
    ["f"],
  );
});

test("a large file is read beside the event loop", async () => {
  const text = `export const b = [1];\n${"// filler\n".repeat(90_000)}export function f() {}`;
  const facts = await reader.read({ text, form: ".ts" });
  assert.deepEqual(
    facts?.names.map(({ name }) => name),
    ["b", "f"],
  );
});

test("no code is run", async () => {
  const text = "globalThis.wasRun = true; const wrong: number = ;";
  await reader.read({ text, form: "script" });
  await reader.read({ text: "globalThis.wasRun = true", form: ".js" });
  assert.ok(!("wasRun" in globalThis));
});
