import type { styleText } from "node:util";
import stringWidth from "string-width";
import { forTerminal } from "../lib/text.ts";
import { style } from "./error-text.ts";
import { type OutputStream, terminalWidth } from "./terminal-width.ts";

/** What stays of a column that is cut, whatever the width. */
const COLUMN_WIDTH_MIN = 4;
/** What the first column keeps when it is to stay whole: a longer text has a line of its own. */
const FIRST_WIDTH_MIN = 16;
const GAP = "  ";

export type TextStyle = Parameters<typeof styleText>[0];

export interface TableColumn {
  /** Shown in upper case. */
  readonly title: string;
  /** Free text: cut before the others where the terminal is narrow. */
  readonly isFree?: boolean;
  /** Never cut: what other commands are given. In the first column, a text that leaves the others no room stands on a line of its own. */
  readonly isWhole?: boolean;
  /** Left out where the terminal has no room for it; the last of these goes first. */
  readonly isSpare?: boolean;
  readonly align?: "left" | "right";
  /** What a table that grows keeps free, so that later rows stand under the first ones. */
  readonly reserve?: number;
}

/** A text, or one with a style for terminals that want colour. */
export type Cell = string | { readonly text: string; readonly style: TextStyle };
export type Row = readonly Cell[];

export interface TableOptions {
  /** Its width limits the table, and its colours are used, where it is a terminal. */
  readonly stream: OutputStream;
  /** Limits the table in place of the stream. */
  readonly width?: number;
  /** Without the line of titles. */
  readonly noHeaders?: boolean;
  /** Nothing is cut or left out, whatever the width. */
  readonly isEndless?: boolean;
}

/** A table as text with its line end; an empty text when there is neither a row nor a title. No line is wider than the terminal, unless a column is to stay whole or the table is endless. */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly Row[],
  options: TableOptions,
): string {
  return tableWriter(columns, options, () => 0).write(rows);
}

/** A table that grows: rows that come later stand under the titles that were printed with the first ones. */
export function createTableWriter(
  columns: readonly TableColumn[],
  options: TableOptions,
): TableWriter {
  return tableWriter(columns, options, ({ reserve = 0 }) => reserve);
}

export interface TableWriter {
  write(rows: readonly Row[]): string;
}

function tableWriter(
  columns: readonly TableColumn[],
  { stream, width: given, noHeaders = false, isEndless = false }: TableOptions,
  reserveOf: (column: TableColumn) => number,
): TableWriter {
  const titles = columns.map(({ title }) => title.toUpperCase());
  const floor = noHeaders ? titles.map(() => 0) : titles.map((title) => stringWidth(title));
  let widths = columns.map((column, index) => Math.max(floor[index] ?? 0, reserveOf(column)));
  let isBegun = noHeaders;
  let shown: readonly number[] | undefined;
  const limit = isEndless ? undefined : (given ?? terminalWidth(stream));
  return {
    write: (rows) => {
      const clean = rows.map((row) => row.map(cleanCell));
      const wanted = widths.map((width, index) =>
        Math.max(width, ...clean.map((row) => stringWidth(row[index]?.text ?? ""))),
      );
      shown ??= withRoom(wanted, columns, floor, limit);
      widths = fitted(wanted, shown, columns, floor, limit);
      const places = shown;
      const lines = clean.map((row) => line(row, places, widths, columns, stream));
      if (!isBegun) lines.unshift(line(titles.map(cleanCell), places, widths, columns, stream));
      isBegun = true;
      return lines.map((text) => `${text}\n`).join("");
    },
  };
}

/** The text, cut with an ellipsis where it is wider. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    const next = used + stringWidth(character);
    if (next > width - 1) break;
    kept += character;
    used = next;
  }
  return width <= 0 ? "" : `${kept}…`;
}

interface CleanCell {
  readonly text: string;
  readonly style?: TextStyle;
}

/** One line of harmless characters; an empty value shows as such. */
function cleanCell(cell: Cell): CleanCell {
  const { text, ...rest } = typeof cell === "string" ? { text: cell } : cell;
  return { text: forTerminal(text).replaceAll(/\s+/g, " ").trim(), ...rest };
}

/** Which columns are shown: all, or without as many of the spare ones as it takes, so that the others fit when they are cut. */
function withRoom(
  wanted: readonly number[],
  columns: readonly TableColumn[],
  floor: readonly number[],
  limit = Infinity,
): readonly number[] {
  const least = (index: number) =>
    columns[index]?.isWhole === true
      ? (wanted[index] ?? 0)
      : Math.min(wanted[index] ?? 0, Math.max(COLUMN_WIDTH_MIN, floor[index] ?? 0));
  const shown = [...columns.keys()];
  const needed = () => shown.reduce((sum, index) => sum + least(index) + GAP.length, -GAP.length);
  while (needed() > limit) {
    const spare = shown.findLastIndex((index) => columns[index]?.isSpare === true);
    if (spare === -1) break;
    shown.splice(spare, 1);
  }
  return shown;
}

/** Widths that fit: free text gives way first, the widest column before the others, then the room of long names, then the rest likewise. */
function fitted(
  wanted: readonly number[],
  shown: readonly number[],
  columns: readonly TableColumn[],
  floor: readonly number[],
  limit: number | undefined,
): number[] {
  // What is not shown takes no room, and has none to give.
  const widths = wanted.map((width, index) => (shown.includes(index) ? width : 0));
  if (limit === undefined) return widths;
  const isWhole = (index: number) => columns[index]?.isWhole === true;
  const isFree = (index: number) => columns[index]?.isFree === true;
  const rounds: ((index: number) => number)[] = [
    (index) => (isFree(index) ? Math.max(COLUMN_WIDTH_MIN, floor[index] ?? 0) : Infinity),
    (index) =>
      index === shown[0] && isWhole(index)
        ? Math.max(FIRST_WIDTH_MIN, floor[index] ?? 0)
        : Infinity,
    (index) => (isWhole(index) ? Infinity : Math.max(COLUMN_WIDTH_MIN, floor[index] ?? 0)),
    (index) => (isWhole(index) ? Infinity : 1),
  ];
  for (const least of rounds) shrink(widths, least, limit - GAP.length * (shown.length - 1));
  return widths;
}

/** Takes from the widest column that has something left to give, until all fit. */
function shrink(widths: number[], least: (index: number) => number, limit: number): void {
  let over = widths.reduce((total, width) => total + width, 0) - limit;
  while (over > 0) {
    const widest = widths.reduce(
      (best, width, index) => (width > least(index) && width > (widths[best] ?? 0) ? index : best),
      -1,
    );
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
}

function line(
  row: readonly CleanCell[],
  places: readonly number[],
  widths: readonly number[],
  columns: readonly TableColumn[],
  stream: OutputStream,
): string {
  const cells = places.map((index) => {
    const { text = "", style: styles } = row[index] ?? {};
    const width = widths[index] ?? 0;
    const isAlone = columns[index]?.isWhole === true && stringWidth(text) > width;
    const shown = isAlone ? `${text}\n${" ".repeat(width)}` : cut(text, width);
    const coloured = styles === undefined ? shown : style(styles, shown, stream);
    const room = " ".repeat(Math.max(0, width - stringWidth(shown)));
    return columns[index]?.align === "right" ? `${room}${coloured}` : `${coloured}${room}`;
  });
  return cells.join(GAP).trimEnd();
}
