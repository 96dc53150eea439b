import { Transform } from "node:stream";

/** Stands for a line break of pasted text until the line is sent. */
export const PASTED_BREAK = "␤";
/** Makes a terminal mark what is pasted; and no more. */
export const MARK_PASTES = "\x1b[?2004h";
export const MARK_NO_PASTES = "\x1b[?2004l";

const BEGIN = "\x1b[200~";
const END = "\x1b[201~";

type Keyboard = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  readonly isRaw?: boolean;
  setRawMode?: (isRaw: boolean) => unknown;
};

/** A keyboard whose pasted line breaks do not send the line. */
export function pastedInput(keyboard: Keyboard): Transform & Keyboard {
  const text = pasteText();
  const transform = new Transform({
    transform(chunk, _encoding, done) {
      done(null, text(String(chunk)));
    },
  });
  keyboard.pipe(transform);
  return Object.assign(transform, {
    isTTY: keyboard.isTTY === true,
    isRaw: false,
    setRawMode: (isRaw: boolean) => keyboard.setRawMode?.(isRaw),
  });
}

/** What was typed, with the breaks of pasted parts replaced; a mark may come in pieces. */
export function pasteText(): (chunk: string) => string {
  let isPasting = false;
  let rest = "";
  return (chunk) => {
    let text = rest + chunk;
    rest = "";
    let out = "";
    for (;;) {
      const mark = isPasting ? END : BEGIN;
      const at = text.indexOf(mark);
      if (at === -1) break;
      out += shown(text.slice(0, at), isPasting);
      text = text.slice(at + mark.length);
      isPasting = !isPasting;
    }
    const half = halfMark(text, isPasting ? END : BEGIN);
    rest = text.slice(text.length - half);
    return out + shown(text.slice(0, text.length - half), isPasting);
  };
}

function shown(text: string, isPasted: boolean): string {
  return isPasted ? text.replaceAll(/\r\n|\r|\n/g, PASTED_BREAK) : text;
}

/** How many characters at the end may be the beginning of a mark. A lone Escape is a key of its own. */
function halfMark(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 1; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
