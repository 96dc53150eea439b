import { byteLength, headBytes } from "../lib/text.ts";

const LINES_MAX = 1000;

/** The console of one evaluation: the first lines, up to a number of bytes. */
export class LogLines {
  readonly lines: string[] = [];
  readonly #bytesMax: number;
  #bytes = 0;
  isCut = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(line: string): void {
    if (this.isCut) return;
    const text = headBytes(line, this.#bytesMax - this.#bytes);
    this.isCut = text.length < line.length || this.lines.length >= LINES_MAX;
    if (this.lines.length < LINES_MAX && (text !== "" || !this.isCut)) this.lines.push(text);
    this.#bytes += byteLength(text) + 1;
  }
}
