import { forTerminal } from "../lib/text.ts";
import type { ChatInput } from "./chat-input.ts";
import { style } from "./error-text.ts";
import { createLiveLine, type LiveLine } from "./live-line.ts";
import { spokenText } from "./spoken-text.ts";

type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** What a chat shows while a turn runs: the answer as it grows, notes, and meanwhile what the agent is at. */
export interface ChatScreen {
  /** More of what the model writes. */
  add(text: string): void;
  /** Another attempt of the model, or another step, begins. */
  restart(): void;
  note(text: string): void;
  /** Lines of several styles, as they are. */
  print(text: string): void;
  /** What the agent is at, while nothing else is shown. */
  say(activity: string): void;
  /** A question was told: a person types now. */
  giveWay(): void;
  finish(answer: string): void;
  /** Takes what moves away. */
  end(): void;
}

/** What a chat shows, over two streams of one terminal and the prompt on it. */
export function createChatScreen(
  stdout: Stream,
  stderr: Stream,
  input: Pick<ChatInput, "hide" | "show">,
): ChatScreen {
  const paper = createPaper(stdout, stderr, input);
  let raw = "";
  let shown = "";
  return {
    add(text) {
      raw += text;
      const said = forTerminal(spokenText(raw));
      if (!said.startsWith(shown)) return;
      paper.write(said.slice(shown.length));
      shown = said;
    },
    restart() {
      paper.endLine();
      raw = "";
      shown = "";
    },
    note: (text) => paper.print(`${style("dim", text, stderr)}\n`),
    print: paper.print,
    say: paper.say,
    giveWay() {
      paper.end();
      input.show();
    },
    finish(answer) {
      if (!answer.startsWith(shown)) {
        paper.endLine();
        paper.write(answer);
      } else paper.write(answer.slice(shown.length));
      paper.endLine();
    },
    end: paper.end,
  };
}

/** Keeps apart the answer, which may end within a line, whole lines, and a line that moves while nothing else is written. */
function createPaper(stdout: Stream, stderr: Stream, input: Pick<ChatInput, "hide">) {
  let isLineOpen = false;
  let live: LiveLine | undefined;
  let activity = "";
  const clear = () => {
    live?.end();
    live = undefined;
    input.hide();
  };
  const endLine = () => {
    if (isLineOpen) stdout.write("\n");
    isLineOpen = false;
  };
  const wait = () => {
    // The line that moves would take an open line with it.
    if (isLineOpen || activity === "") return;
    live ??= createLiveLine(stderr);
    live.say(activity);
  };
  return {
    endLine,
    write(text: string) {
      if (text === "") return;
      clear();
      stdout.write(text);
      isLineOpen = !text.endsWith("\n");
    },
    print(text: string) {
      clear();
      endLine();
      stderr.write(text);
      wait();
    },
    say(now: string) {
      activity = now;
      input.hide();
      wait();
    },
    end() {
      activity = "";
      clear();
      endLine();
    },
  };
}
