import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { styleText } from "node:util";
import { type CodePage, codes } from "../lib/codes.ts";
import { count } from "../lib/text.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { frameOf, printable, wrapLine } from "./frame.ts";
import { LINES_MAX, SHOWN_MAX } from "./limits.ts";
import { filenameOf } from "./place.ts";

export interface TextOptions {
  /** How many to show whole; the others get a line each, up to a limit, and are counted beyond it. */
  readonly max?: number;
  /** Where the text goes: it is coloured when that is a terminal that wants colour. Without one there is no colour. */
  readonly stream?: NodeJS.WritableStream;
}

/** For people: each with its place, a frame of the lines, the next step and the path; then how many there are. Empty when there are none. */
export function renderText(
  diagnostics: readonly Diagnostic[],
  { max = SHOWN_MAX, stream }: TextOptions = {},
): string {
  if (diagnostics.length === 0) return "";
  const paint: Paint = (format, text) =>
    stream === undefined ? text : styleText(format, text, { stream });
  const blocks = diagnostics
    .slice(0, max)
    .map((diagnostic) => blockOf(diagnostic, paint).join("\n"));
  const rest = diagnostics.slice(max);
  return `${[...blocks, ...shortened(rest, paint), totals(diagnostics)].join("\n\n")}\n`;
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** The diagnostics that are too many to be shown whole. */
function shortened(rest: readonly Diagnostic[], paint: Paint): string[] {
  if (rest.length === 0) return [];
  const lines = rest.slice(0, LINES_MAX).map((diagnostic) => lineOf(diagnostic, paint));
  const left = rest.length - lines.length;
  const head = `and ${rest.length} more${lines.length > 0 ? ":" : ""}`;
  return [[head, ...lines, ...(left > 0 ? [`and ${left} more`] : [])].join("\n")];
}

/** Place, sentence and next step in one line. */
function lineOf(diagnostic: Diagnostic, paint: Paint): string {
  const [advice = ""] = diagnostic.detail.split("\n");
  return `${headOf(diagnostic, paint)}${advice === "" ? "" : `; ${printable(advice)}`}`;
}

function headOf(diagnostic: Diagnostic, paint: Paint): string {
  const { severity, code, summary } = diagnostic;
  const label = paint([colourOf(diagnostic), "bold"], `${severity}[${code}]`);
  return `${paint("bold", placeOf(diagnostic))}: ${label}: ${printable(summary)}`;
}

function colourOf({ severity }: Diagnostic): "red" | "yellow" {
  return severity === "error" ? "red" : "yellow";
}

function blockOf(diagnostic: Diagnostic, paint: Paint): string[] {
  const { detail, path } = diagnostic;
  const frame = frameOf(diagnostic);
  const advice = detail.split("\n").filter((line) => line !== "");
  return [
    headOf(diagnostic, paint),
    ...(frame === undefined ? [] : [...frame.lines, paint(colourOf(diagnostic), frame.caret)]),
    ...advice.flatMap((line) => wrapLine(printable(line), "  ")),
    ...(path === undefined || path === "" ? [] : [`  at ${printable(path)}`]),
  ];
}

function placeOf(diagnostic: Diagnostic): string {
  const { range } = diagnostic;
  const filename = printable(filenameOf(diagnostic));
  return range === undefined ? filename : `${filename}:${range.start.line}:${range.start.column}`;
}

function totals(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = diagnostics.length - errors;
  return [errors > 0 && count(errors, "error"), warnings > 0 && count(warnings, "warning")]
    .filter((part) => part !== false)
    .join(", ");
}

/** As JSON, all of them. */
export function renderJson(diagnostics: readonly Diagnostic[]): string {
  return `${JSON.stringify(diagnostics, null, 2)}\n`;
}

/** As workflow commands of GitHub Actions, which shows them beside the lines of a pull request. */
export function renderGithub(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map((diagnostic) => {
      const { severity, code, summary, detail, range } = diagnostic;
      const place = range && {
        line: range.start.line,
        col: range.start.column,
        endLine: range.end.line,
        endColumn: range.end.column,
      };
      const properties = Object.entries({ file: filenameOf(diagnostic), ...place, title: code });
      const list = properties
        .map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
        .join(",");
      return `::${severity} ${list}::${escapeData(printableLines(`${summary}\n${detail}`.trimEnd()))}\n`;
    })
    .join("");
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** As SARIF 2.1.0, for code scanning. */
export function renderSarif(diagnostics: readonly Diagnostic[]): string {
  const used = [...new Set(diagnostics.map(({ code }) => code))].toSorted();
  const rules = used.map((id) => {
    const { title, why, fix }: CodePage = codes[id];
    return {
      id,
      shortDescription: { text: title },
      fullDescription: { text: why },
      help: { text: fix },
    };
  });
  const driver = { name: "legion", rules };
  const results = diagnostics.map(resultOf);
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, columnKind: "utf16CodeUnits", results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function resultOf(diagnostic: Diagnostic): object {
  const { severity, code, summary, detail, range, snippet } = diagnostic;
  const region = range && {
    startLine: range.start.line,
    startColumn: range.start.column,
    endLine: range.end.line,
    endColumn: range.end.column,
  };
  const context = range &&
    snippet !== undefined && {
      startLine: range.start.line - snippet.split("\n").length + 1,
      snippet: { text: snippet },
    };
  const physicalLocation = {
    artifactLocation: { uri: uriOf(filenameOf(diagnostic)) },
    ...(region && { region }),
    ...(context && { contextRegion: context }),
  };
  const text = detail === "" ? summary : `${summary}\n${detail}`;
  return { ruleId: code, level: severity, message: { text }, locations: [{ physicalLocation }] };
}

function uriOf(filename: string): string {
  return resolve(filename) === filename
    ? pathToFileURL(filename).href
    : filename.split("/").map(encodeURIComponent).join("/");
}
