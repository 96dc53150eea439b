import stringWidth from "string-width";
import { forTerminal } from "../lib/text.ts";

/** Text as harmless lines that are at most so wide on a terminal: broken at spaces, and within words that are wider than a line. Nothing is lost but spaces. */
export function wrapText(text: string, width: number): readonly string[] {
  return forTerminal(text)
    .split("\n")
    .flatMap((line) => wrapLine(line, width));
}

function wrapLine(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).flatMap((one) => pieces(one, width))) {
    if (line !== "" && stringWidth(`${line} ${word}`) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A word, or what fits of it into each line. */
function pieces(word: string, width: number): readonly string[] {
  if (stringWidth(word) <= width) return [word];
  const found: string[] = [];
  let piece = "";
  for (const { segment } of new Intl.Segmenter().segment(word)) {
    if (piece !== "" && stringWidth(piece + segment) > width) {
      found.push(piece);
      piece = segment;
    } else piece += segment;
  }
  return [...found, piece];
}
