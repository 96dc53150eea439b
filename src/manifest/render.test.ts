// Goal: diagnostics reach people, programs, pull requests and code scanning whole, bounded and unable to play tricks.
// Method: render hand-made and loaded diagnostics and compare, parse or measure what comes out.
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { Diagnostic } from "./diagnostics.ts";
import { LINES_MAX, SHOWN_MAX } from "./limits.ts";
import { loadManifests } from "./load.ts";
import { renderGithub, renderJson, renderSarif, renderText } from "./render.ts";

const unknown: Diagnostic = {
  severity: "error",
  code: "LEG1007",
  summary: 'unknown field "modle" in Agent spec',
  detail: 'did you mean "model"?\nallowed: model',
  range: {
    filename: "agents/a b.yaml",
    start: { line: 7, column: 3, byte: 80 },
    end: { line: 7, column: 8, byte: 85 },
  },
  path: "/spec/modle",
  snippet: "  description: x\n  modle: smart",
};
const missing: Diagnostic = {
  severity: "warning",
  code: "LEG1001",
  summary: "no such file",
  detail: "check",
  filename: "a.yaml",
};

test("text has the place, the frame with a caret, the next step and the path", () => {
  assert.equal(
    renderText([unknown, missing]),
    `agents/a b.yaml:7:3: error[LEG1007]: unknown field "modle" in Agent spec
  6 |   description: x
  7 |   modle: smart
    |   ^^^^^
  did you mean "model"?
  allowed: model
  at /spec/modle

a.yaml: warning[LEG1001]: no such file
  check

1 error, 1 warning
`,
  );
});

test("no diagnostics are no text", () => {
  assert.equal(renderText([]), "");
  assert.equal(renderGithub([]), "");
});

test("text shows as many whole as it may, then a line each up to a limit, and totals all", () => {
  const text = renderText(Array(LINES_MAX + 60).fill(unknown));
  assert.equal(text.match(/error\[/g)?.length, SHOWN_MAX + LINES_MAX);
  assert.equal(text.match(/ \^+$/gm)?.length, SHOWN_MAX, "frames");
  assert.match(text, /\n\nand 510 more:\n/);
  assert.match(text, /\nand 10 more\n\n560 errors\n$/);
  const lines = renderText([unknown, missing], { max: 1 }).split("\n");
  assert.equal(lines.at(-5), "and 1 more:");
  assert.match(lines.at(-4) ?? "", /: (error|warning)\[LEG\d+\]: .*; /);
  assert.equal(lines.at(-2), "1 error, 1 warning");
});

test("text is plain where the stream is no terminal", () => {
  const text = renderText([unknown], { stream: new PassThrough() });
  assert.equal(stripVTControlCharacters(text), text);
});

test("lines of a frame fit 80 columns, and the caret stands under the field, wherever that is", async () => {
  for (const indent of [0, 20, 60, 90, 150, 400]) {
    const text = `apiVersion: legion.dev/v1\nkind: Tool\nmetadata: { name: kv }\nspec: {${" ".repeat(indent)}type: builtin, modle: 1, builtin: kv,${" ".repeat(200)}timeout: 3s }\n`;
    const { diagnostics } = await loadManifests([{ text, filename: "x.yaml" }], {
      cwd: "/",
      env: {},
    });
    const lines = renderText(diagnostics).split("\n");
    const caret = lines.findIndex((line) => /^ *\| +\^+$/.test(line));
    assert.notEqual(caret, -1);
    const column = lines[caret]?.indexOf("^") ?? 0;
    assert.equal(lines[caret - 1]?.slice(column, column + 5), "modle", `indent ${indent}`);
    for (const line of lines.slice(1)) assert.ok(line.length <= 80, line);
  }
});

test("the caret stands under the field after wide and combining characters and tabs", async () => {
  const text =
    'apiVersion: legion.dev/v1\nkind: Tool\nmetadata: { name: kv }\nspec: { description: "日本語 e\u0301\t😀", modle: 1, type: builtin, builtin: kv }\n';
  const { diagnostics } = await loadManifests([{ text, filename: "x.yaml" }], {
    cwd: "/",
    env: {},
  });
  const lines = renderText(diagnostics).split("\n");
  // `  4 | spec: { description: "` is 28 columns; then 3 wide characters (6), a space, e with its accent (1), the tab (1), the emoji (2), `", ` (3).
  assert.equal(lines.find((line) => line.includes("^"))?.indexOf("^"), 28 + 6 + 1 + 1 + 1 + 2 + 3);
});

test("JSON is all of them, as they are", () => {
  assert.deepEqual(JSON.parse(renderJson([unknown, missing])), [unknown, missing]);
});

test("GitHub gets a command a line, with what its syntax uses escaped", () => {
  const tricky: Diagnostic = {
    ...missing,
    filename: "a,b:c%.yaml",
    summary: "50 %\n::error::injected",
    detail: "",
  };
  assert.equal(
    renderGithub([unknown, tricky]),
    `::error file=agents/a b.yaml,line=7,col=3,endLine=7,endColumn=8,title=LEG1007::unknown field "modle" in Agent spec%0Adid you mean "model"?%0Aallowed: model
::warning file=a%2Cb%3Ac%25.yaml,title=LEG1001::50 %25%0A::error::injected
`,
  );
});

test("SARIF names each rule once and each result with its place", () => {
  const log = JSON.parse(renderSarif([unknown, unknown, missing]));
  assert.equal(log.version, "2.1.0");
  const [run] = log.runs;
  assert.deepEqual(
    run.tool.driver.rules.map(({ id }: { id: string }) => id),
    ["LEG1001", "LEG1007"],
  );
  assert.equal(run.results.length, 3);
  const { physicalLocation } = run.results[0].locations[0];
  assert.equal(physicalLocation.artifactLocation.uri, "agents/a%20b.yaml");
  assert.deepEqual(physicalLocation.region, {
    startLine: 7,
    startColumn: 3,
    endLine: 7,
    endColumn: 8,
  });
  assert.deepEqual(physicalLocation.contextRegion, {
    startLine: 6,
    snippet: { text: unknown.snippet },
  });
  assert.equal(run.results[2].level, "warning");
  assert.equal(run.results[2].locations[0].physicalLocation.region, undefined);
});
