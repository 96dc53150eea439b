import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { forTerminal } from "../lib/text.ts";
import { MARK_NO_PASTES, MARK_PASTES, PASTED_BREAK, pastedInput } from "./pasted-input.ts";
import { promptOutput, type Terminal } from "./prompt-output.ts";

const HISTORY_MAX = 1_000;
const PROMPT = "> ";
const CONTINUATION = "… ";

export interface ChatInputOptions {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Terminal;
  /** Where what was typed is kept, for the next time; nowhere without it. */
  readonly historyFile?: string;
  /** Ctrl-C. */
  readonly onInterrupt: () => void;
}

/** What a person types, message by message. The prompt is there only while a message is waited for. */
export interface ChatInput {
  /** The next message; undefined when there are no more. An answer is never what was typed before the person saw the question. */
  next(isAnswer: boolean): Promise<string | undefined>;
  /** Takes the prompt away so that something else can be written; what is typed stays. */
  hide(): void;
  /** Shows the prompt again, when a message is still waited for. */
  show(): void;
  /** Takes away what is typed and not sent; whether there was anything. */
  clear(): boolean;
  close(): Promise<void>;
}

/** Lines of a terminal with editing, history and pastes of many lines, or of a pipe. A line that ends with \ goes on. */
export async function openChatInput(options: ChatInputOptions): Promise<ChatInput> {
  const { stdin, stdout, historyFile } = options;
  if (stdin.isTTY !== true || stdout.isTTY !== true) return linesOf(stdin, options.onInterrupt);
  stdout.write(MARK_PASTES);
  let history = await readHistory(historyFile);
  const output = promptOutput(stdout);
  const editor = createInterface({
    ...{ input: pastedInput(stdin), output: output.stream, terminal: true },
    ...{ history, historySize: HISTORY_MAX, prompt: PROMPT, removeHistoryDuplicates: true },
  });
  editor.on("history", (now: string[]) => {
    history = now;
  });
  const queue = createQueue();
  const show = () => {
    if (!queue.isWaiting()) return;
    output.isHidden = false;
    editor.setPrompt(queue.isBegun() ? CONTINUATION : PROMPT);
    editor.prompt(true);
  };
  editor.on("SIGINT", options.onInterrupt);
  editor.on("line", (line: string) => {
    if (queue.add(line)) output.isHidden = true;
    else show();
  });
  editor.on("close", queue.end);
  return {
    async next(isAnswer) {
      const typed = isAnswer ? undefined : queue.shift();
      // It was typed while there was no prompt to show it.
      if (typed !== undefined) stdout.write(`${PROMPT}${forTerminal(typed)}\n`);
      if (typed !== undefined || queue.isOver()) return typed;
      const message = queue.wait();
      show();
      return message;
    },
    hide() {
      if (output.isHidden) return;
      output.isHidden = true;
      stdout.write(`${"\x1b[A".repeat(editor.getCursorPos().rows)}\r\x1b[J`);
    },
    show,
    clear() {
      const had = editor.line !== "" || queue.isBegun();
      queue.clear();
      // Ctrl-E, then Ctrl-U: the whole line goes.
      if (had) {
        editor.write(null, { ctrl: true, name: "e" });
        editor.write(null, { ctrl: true, name: "u" });
      }
      return had;
    },
    async close() {
      editor.close();
      output.close();
      stdout.write(MARK_NO_PASTES);
      await keepHistory(historyFile, history);
    },
  };
}

/** Messages of a pipe: there is nothing to show. */
function linesOf(stdin: NodeJS.ReadableStream, onInterrupt: () => void): ChatInput {
  const lines = createInterface({ input: stdin, terminal: false });
  const queue = createQueue();
  lines.on("SIGINT", onInterrupt);
  lines.on("line", queue.add);
  lines.on("close", queue.end);
  return {
    next: async () => queue.shift() ?? (queue.isOver() ? undefined : queue.wait()),
    ...{ hide: () => {}, show: () => {} },
    clear: () => false,
    close: async () => lines.close(),
  };
}

/** Lines become messages, and messages find who waits for them. */
function createQueue() {
  const messages: string[] = [];
  let waiting: ((message: string | undefined) => void) | undefined;
  let begun = "";
  let isOver = false;
  const give = (message: string | undefined) => {
    const taker = waiting;
    waiting = undefined;
    taker?.(message);
  };
  return {
    isWaiting: () => waiting !== undefined,
    isBegun: () => begun !== "",
    isOver: () => isOver,
    shift: () => messages.shift(),
    /** Whether the message is whole with this line. */
    add(line: string): boolean {
      if (line.endsWith("\\")) {
        begun += `${line.slice(0, -1)}\n`;
        return false;
      }
      const message = (begun + line).replaceAll(PASTED_BREAK, "\n");
      begun = "";
      if (waiting === undefined) messages.push(message);
      else give(message);
      return true;
    },
    clear() {
      begun = "";
    },
    wait(): Promise<string | undefined> {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      waiting = resolve;
      return promise;
    },
    /** No more will come: what was begun is a message as it stands. */
    end() {
      isOver = true;
      const rest = begun.replace(/\n$/, "").replaceAll(PASTED_BREAK, "\n");
      begun = "";
      if (waiting !== undefined) give(rest === "" ? undefined : rest);
      else if (rest !== "") messages.push(rest);
    },
  };
}

async function readHistory(file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/** It is a convenience: where it cannot be kept, nothing is lost. */
async function keepHistory(file: string | undefined, history: readonly string[]): Promise<void> {
  if (file === undefined) return;
  const text = history.slice(0, HISTORY_MAX).map((line) => `${line}\n`);
  await writeFile(file, text.join(""), { mode: 0o600 }).catch(() => {});
}
