// Goal: every problem of a trigger is pointed at where its words stand in the file, however the text is written.
// Method: triggers with planted faults, made by fast-check and written in every scalar form with line ends of both kinds; the words under each range, unescaped, are those of the problem in the value. Then forms that move places, by a table.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDocument } from "yaml";
import { checkTrigger, type PlacedProblem } from "../../trigger/trigger.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { loadManifests } from "../load.ts";
import { parseSets } from "../set-values.ts";

const source = "fileWatch";
const head = "# ü😀 before\napiVersion: legion.dev/v1\nkind: Watcher\nmetadata: { name: w }\n";

async function problemsOf(text: string, options = {}): Promise<readonly Diagnostic[]> {
  const input = { filename: "w.yaml", text };
  const loaded = await loadManifests([input], { cwd: "/", env: {}, ...options });
  return loaded.diagnostics;
}

/** The words under a range, which may hold characters of several bytes. */
function wordsAt(text: string, { range }: Diagnostic): string {
  assert.ok(range !== undefined);
  return Buffer.from(text).subarray(range.start.byte, range.end.byte).toString();
}

type Write = (text: string, indent: string) => string;
const indented = (text: string, indent: string) => text.replace(/^(?=[^\n])/gm, indent);
const hex = (unit: number, digits: number) => unit.toString(16).padStart(digits, "0");
const escaped = (text: string) =>
  JSON.stringify(text).replace(/[^ -~]/gu, (letter) => {
    const point = letter.codePointAt(0) ?? 0;
    return point > 0xffff ? `\\U${hex(point, 8)}` : `\\u${hex(point, 4)}`;
  });

/** How a text can be written behind `trigger:`; whether YAML reads it as it was meant is looked at afterwards. */
const forms: Readonly<Record<string, Write>> = {
  plain: (text) => ` ${text.replace(/\s+/g, " ").trim()}`,
  "plain of several lines": (text, indent) => ` ${indented(text.trim(), indent).trimStart()}`,
  "single quotes": (text, indent) => ` '${indented(text.replaceAll("'", "''"), indent).trim()}'`,
  "double quotes": (text) => ` ${JSON.stringify(text)}`,
  "double quotes, escaped": (text) => ` ${escaped(text)}`,
  "double quotes of several lines": (text, indent) =>
    ` "${JSON.stringify(text.trim()).slice(1, -1).replaceAll(" and ", ` \\\n${indent}\\ and\n${indent}  `)}"`,
  literal: (text, indent) => ` |\n${indented(text, indent)}`,
  "literal, stripped, with a comment": (text, indent) => ` |- # why\n${indented(text, indent)}`,
  "literal, kept": (text, indent) => ` |+\n${indented(text, indent)}\n\n`,
  "literal with its own indentation": (text, indent) => ` |2\n${indented(`   ${text}`, indent)}`,
  "literal with an anchor": (text, indent) => ` &t |\n${indented(text, indent)}`,
  folded: (text, indent) => ` >\n${indented(text, indent)}`,
  "folded, stripped": (text, indent) => ` >-\n${indented(text, indent)}`,
};

/** What the language says of each, and what makes words move: quotes, escapes, letters of two units, lines. */
const piece = fc.constantFrom(
  "presnt",
  'bytes > "1"',
  'event == "grün😀"',
  "event == 'it'",
  'event in ["add", "gone\\t\\u00e9"]',
  "latency > 5",
  "sized(text) > 1",
  "present",
  "mtime.foo == 1",
  'text == "😀" ',
);
const joint = fc.constantFrom(" and ", "\nand ", " or\n  ", "\n\n   and\n", " and # ü 😀\n ");
const trigger = fc
  .tuple(piece, fc.array(fc.tuple(joint, piece), { maxLength: 5 }))
  .map(([first, rest]) => first + rest.map(([by, next]) => by + next).join(""));

/** The words without what YAML writes differently: escapes, quotes, line breaks. */
function bare(words: string, form: string): string {
  const text = form.startsWith("double")
    ? words
        .replace(/\\\r?\n\s*/g, "")
        .replace(/\\(?:U([0-9a-f]{8})|u([0-9a-f]{4})|(.))/g, (_, long, short, letter) => {
          if (letter !== undefined) return letter === "n" ? "\n" : letter;
          return String.fromCodePoint(Number.parseInt(long ?? short, 16));
        })
    : form.startsWith("single")
      ? words.replaceAll("''", "'")
      : words;
  return text.replace(/\s+/g, " ");
}

for (const [form, write] of Object.entries(forms)) {
  test(`every problem of a trigger is found in the file: ${form}`, async () => {
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(trigger, fc.boolean(), fc.boolean(), async (text, isCrLf, isNested) => {
        const indent = isNested ? "      " : "    ";
        const body = `spec:\n  type: fileWatch\n  path: a\n  trigger:${write(text, indent)}\n  agent: a # done\n`;
        const lines = `${head}${body}`;
        const file = isCrLf ? lines.replaceAll("\n", "\r\n") : lines;
        const tree = parseDocument(file);
        fc.pre(tree.errors.length === 0);
        const value = tree.toJS().spec?.trigger;
        fc.pre(typeof value === "string");
        const errors: readonly PlacedProblem[] = checkTrigger(value, { source }).errors;
        const told = (await problemsOf(file)).filter(({ code }) => code === "LEG1115");
        const wanted = errors.map(({ start, end }) => bare(value.slice(start, end), ""));
        const found = told.map((diagnostic) => bare(wordsAt(file, diagnostic), form));
        // At the end of a text stand no words: the place behind the last one is pointed at.
        const words = wanted.map((each, index) => (each === "" ? found[index] : each));
        assert.deepEqual(found, words, file);
        seen += wanted.length;
      }),
      { numRuns: 60 },
    );
    assert.ok(seen > 20, `${seen} problems`);
  });
}

const spec = (trigger: string) =>
  `${head}spec: { type: fileWatch, path: a, trigger: ${trigger} }\n`;
/** At which words of the file the first problem of the trigger is told, and how. */
const moved: readonly {
  readonly says: string;
  readonly text: string;
  readonly options?: object;
  readonly at: string;
  readonly summary: RegExp;
}[] = [
  {
    says: "behind a variable of another length",
    text: spec("'bytes > ${LIMIT} and presnt then silent'"),
    options: { env: { LIMIT: "1234567890" } },
    at: "presnt",
    summary: /unknown name presnt/,
  },
  {
    says: "in the default of a variable",
    text: spec("'bytes > ${LIMIT:-limt} then silent'"),
    at: "limt",
    summary: /unknown name limt/,
  },
  {
    says: "in the value of a variable, which is not told",
    text: spec("'bytes > ${LIMIT} then silent'"),
    options: { env: { LIMIT: "hunter2 hunter3" } },
    at: "${LIMIT}",
    summary: /E102\]: an unexpected word, or the end too early, in the value of \$\{LIMIT\}$/,
  },
  {
    says: "behind a dollar sign that is written twice",
    text: spec(`'text == "$\${" and presnt then silent'`),
    at: "presnt",
    summary: /unknown name presnt/,
  },
  {
    says: "at an alias, which has no words of its own",
    text: `${head}spec:\n  type: fileWatch\n  path: &t presnt\n  trigger: *t\n  agent: a\n`,
    at: "*t",
    summary: /unknown name presnt/,
  },
  {
    says: "said on the command line: at the whole value that it takes the place of",
    text: spec("event == 'add' then silent"),
    options: { sets: parseSets(["watcher/w.spec.trigger=presnt then silent"]) },
    at: "event == 'add' then silent",
    summary: /unknown name presnt \(set by .*watcher\/w/,
  },
  {
    says: "in the second item of a List",
    text: `apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: legion.dev/v1, kind: Watcher, metadata: {name: x}, spec: {type: process, match: a, trigger: running then silent}}\n  - {apiVersion: legion.dev/v1, kind: Watcher, metadata: {name: y}, spec: {type: process, match: a, trigger: runing then silent}}\n`,
    at: "runing",
    summary: /unknown name runing/,
  },
];

for (const { says, text, options, at, summary } of moved) {
  test(`a problem ${says}`, async () => {
    const told = (await problemsOf(text, options)).filter(({ code }) => code === "LEG1115");
    assert.equal(told.length, 1, JSON.stringify(told));
    const [diagnostic] = told;
    assert.ok(diagnostic !== undefined);
    assert.equal(wordsAt(text, diagnostic), at);
    assert.match(diagnostic.summary, summary);
    assert.doesNotMatch(JSON.stringify(diagnostic), /hunter/);
  });
}
