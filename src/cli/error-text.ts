import { styleText } from "node:util";
import type { ErrorData } from "../lib/errors.ts";
import { forTerminal } from "../lib/text.ts";

type Styles = Parameters<typeof styleText>[0];

/** Text in a style where the stream is a terminal that wants colour, plain text elsewhere. */
export function style(styles: Styles, text: string, stream: NodeJS.WritableStream): string {
  return styleText(styles, text, { stream, validateStream: true });
}

/** An error as lines for a person: code and sentence, the next step, an example, where to read more. */
export function renderError(error: ErrorData, stream: NodeJS.WritableStream): string {
  const head = style(["red", "bold"], `error[${error.code}]`, stream);
  const lines = [
    `${head}: ${forTerminal(error.message)}`,
    ...indented("next", forTerminal(error.hint), stream),
  ];
  if (error.example !== undefined) lines.push(...indented("for example", error.example, stream));
  lines.push(...indented("more", `legion explain ${error.code}`, stream));
  return `${lines.join("\n")}\n`;
}

function indented(label: string, text: string, stream: NodeJS.WritableStream): string[] {
  if (text === "") return [];
  const [first = "", ...rest] = text.split("\n");
  const margin = " ".repeat(label.length + 4);
  return [
    `  ${style("cyan", `${label}:`, stream)} ${first}`,
    ...rest.map((line) => `${margin}${line}`),
  ];
}
