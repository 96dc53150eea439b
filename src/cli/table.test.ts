// Goal: a table is never wider than its terminal, cuts free text first, and lets no character through that would break it.
// Method: render tables of hostile and random cells against a terminal of a given width and measure every line.
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import stringWidth from "string-width";
import { createTableWriter, cut, renderTable, type TableColumn } from "./table.ts";
import type { OutputStream } from "./terminal-width.ts";

const columns: readonly TableColumn[] = [
  { title: "name" },
  { title: "ready" },
  { title: "gen", align: "right" },
  { title: "message", isFree: true },
];

function terminal(width?: number): OutputStream {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  return width === undefined ? stream : Object.assign(stream, { isTTY: true, columns: width });
}

function lines(text: string): string[] {
  return stripVTControlCharacters(text).split("\n").slice(0, -1);
}

test("titles are upper case, numbers stand right, nothing is cut without a terminal", () => {
  const long = "x".repeat(200);
  const text = renderTable(columns, [["a", "True", "7", long]], { stream: terminal() });
  assert.deepEqual(lines(text), [`NAME  READY  GEN  MESSAGE`, `a     True     7  ${long}`]);
});

test("free text is cut before names", () => {
  const name = "n".repeat(30);
  const text = renderTable(columns, [[name, "True", "1", "word ".repeat(40)]], {
    stream: terminal(80),
  });
  const [, row = ""] = lines(text);
  assert.ok(row.startsWith(`${name}  True`), row);
  assert.equal(stringWidth(row), 80);
  assert.ok(row.endsWith("…"));
});

test("without headers there is no title, and an empty table is an empty text", () => {
  const stream = terminal();
  assert.equal(renderTable(columns, [], { stream, noHeaders: true }), "");
  assert.equal(renderTable([{ title: "name" }], [["a"]], { stream, noHeaders: true }), "a\n");
});

test("control characters, line breaks and changes of direction do not reach the terminal", () => {
  const text = renderTable(columns, [["a\u001b[31mred", "b\nc", "\u202e1", "\u0007"]], {
    stream: terminal(),
  });
  assert.equal(lines(text).length, 2);
  assert.doesNotMatch(text, /[[\p{Cc}\u202e]--[\n]]/v);
});

test("colours are for terminals that want them", () => {
  const row = [{ text: "True", style: "green" as const }];
  const one = [{ title: "ready" }];
  assert.doesNotMatch(renderTable(one, [row], { stream: terminal() }), /[[\p{Cc}]--[\n]]/v);
});

test("always: every line fits the terminal", () => {
  const cell = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell, cell, cell), { maxLength: 8 }),
      fc.integer({ min: 20, max: 120 }),
      (rows, width) => {
        const text = renderTable(columns, rows, { stream: terminal(width) });
        assert.equal(lines(text).length, rows.length + 1);
        for (const line of lines(text)) assert.ok(stringWidth(line) <= width, line);
      },
    ),
  );
});

test("wide characters count as two columns, and none is cut in half", () => {
  assert.equal(cut("日本語", 6), "日本語");
  assert.equal(cut("日本語", 5), "日本…");
  assert.equal(cut("日本語", 4), "日…");
  assert.equal(cut("abc", 0), "");
});

test("rows that come later stand under the titles of the first ones", () => {
  const table = createTableWriter([{ title: "name" }, { title: "age" }], { stream: terminal() });
  assert.equal(table.write([["reviewer", "1s"]]), "NAME      AGE\nreviewer  1s\n");
  assert.equal(table.write([["a", "2s"]]), "a         2s\n");
});

test("a column that is to stay whole is not cut: spare ones go first, the last of them before the others", () => {
  const spare = [
    { title: "name", isWhole: true },
    { title: "ready" },
    { title: "model", isFree: true, isSpare: true },
    { title: "age", isSpare: true },
  ];
  const row = ["n".repeat(24), "True", "m".repeat(20), "12m"];
  const at = (width: number, noHeaders = false) =>
    lines(renderTable(spare, [row], { stream: terminal(width), noHeaders }))
      .at(-1)
      ?.split(/ +/);
  assert.deepEqual(at(60), row);
  assert.deepEqual(at(45), [row[0], "True", `${"m".repeat(6)}…`, "12m"]);
  assert.deepEqual(at(40), [row[0], "True", `${"m".repeat(6)}…`]);
  assert.deepEqual(at(32), [row[0], "True"]);
  const narrow = renderTable(spare, [row], { stream: terminal(25) });
  assert.equal(narrow, `NAME                READY\n${row[0]}\n${" ".repeat(20)}True\n`);
});

test("a long name leaves the columns after it whole: it stands on a line of its own", () => {
  const watchers = [
    { title: "name", isWhole: true },
    { title: "state" },
    { title: "since", align: "right" as const },
    { title: "suppressed" },
  ];
  const rows = [
    ["n".repeat(32), "firing", "12s", "silenced 3"],
    ["disk", "no_data", "2m", "-"],
  ];
  const at = (width: number) => renderTable(watchers, rows, { stream: terminal(width) });
  assert.equal(
    at(48),
    `NAME                  STATE    SINCE  SUPPRESSED
${"n".repeat(32)}
                      firing     12s  silenced 3
disk                  no_data     2m  -
`,
  );
  assert.equal(lines(at(80))[1], `${"n".repeat(32)}  firing     12s  silenced 3`);
  const endless = renderTable(watchers, rows, { stream: terminal(30), isEndless: true });
  assert.equal(lines(endless)[1], lines(at(80))[1]);
});
