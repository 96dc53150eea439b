import { forTerminal } from "../lib/text.ts";
import { style } from "./error-text.ts";

const REDRAW_MS = 100;
const WIDTH_MAX = 80;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

type ErrorStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** One line on stderr that says what is waited for; it moves on a terminal and is not there elsewhere. */
export interface LiveLine {
  /** Whether anybody sees it. */
  readonly isShown: boolean;
  /** What is waited for now. */
  say(text: string): void;
  /** Takes the line away, before anything else is written. */
  end(): void;
}

/** Shows what a command waits for while it waits. Without a terminal nothing is written. */
export function createLiveLine(stream: ErrorStream): LiveLine {
  if (stream.isTTY !== true) return { isShown: false, say: () => {}, end: () => {} };
  let text = "";
  let frame = 0;
  const draw = (): void => {
    if (text === "") return;
    frame += 1;
    const line = `${frames[frame % frames.length]} ${text}`;
    stream.write(
      `\r\x1b[K${style("dim", line.slice(0, (stream.columns ?? WIDTH_MAX) - 1), stream)}`,
    );
  };
  const timer = setInterval(draw, REDRAW_MS);
  timer.unref();
  return {
    isShown: true,
    say: (next) => {
      text = forTerminal(next).replaceAll("\n", " ");
    },
    end: () => {
      clearInterval(timer);
      if (frame > 0) stream.write("\r\x1b[K");
    },
  };
}
