import { styleText } from "node:util";
import type { ErrorData } from "../lib/errors.ts";
import { forTerminal } from "../lib/text.ts";
import { type OutputStream, terminalWidth } from "./terminal-width.ts";
import { wrapText } from "./wrap-text.ts";

/** However narrow the terminal is. */
const LINE_CHARS_MIN = 20;

type Styles = Parameters<typeof styleText>[0];

/** Text in a style where the stream is a terminal that wants colour, plain text elsewhere. */
export function style(styles: Styles, text: string, stream: NodeJS.WritableStream): string {
  return styleText(styles, text, { stream, validateStream: true });
}

/** An error as lines for a person: code and sentence, the next step, an example, where to read more; broken at the width of a terminal. */
export function renderError(error: ErrorData, stream: OutputStream): string {
  const head = style(["red", "bold"], `error[${error.code}]`, stream);
  const used = `error[${error.code}]: `.length;
  const [first = "", ...rest] = brokenLines(forTerminal(error.message), used, stream);
  const lines = [
    `${head}: ${first}`,
    ...rest,
    ...indented("next", forTerminal(error.hint), stream),
  ];
  if (error.example !== undefined) lines.push(...indented("for example", error.example, stream));
  lines.push(...indented("more", `legion explain ${error.code}`, stream));
  return `${lines.join("\n")}\n`;
}

/** The lines of a text; on a terminal those that are too wide are broken. What stands before the first line is `used`. */
function brokenLines(text: string, used: number, stream: OutputStream): readonly string[] {
  const width = terminalWidth(stream);
  const lines = text.split("\n");
  if (width === undefined) return lines;
  return lines.flatMap((line, index) => {
    const margin = /^ */.exec(line)?.[0] ?? "";
    const room = Math.max(LINE_CHARS_MIN, width - used - margin.length);
    const isShort = line.length <= (index === 0 ? room : width);
    return isShort ? [line] : wrapText(line.trim(), room).map((part) => `${margin}${part}`);
  });
}

function indented(label: string, text: string, stream: OutputStream): string[] {
  if (text === "") return [];
  const [first = "", ...rest] = brokenLines(text, label.length + 4, stream);
  const margin = " ".repeat(label.length + 4);
  return [
    `  ${style("cyan", `${label}:`, stream)} ${first}`,
    ...rest.map((line) => `${margin}${line}`),
  ];
}
