import { userInfo } from "node:os";
import { LegionError } from "../lib/errors.ts";
import { forTerminal } from "../lib/text.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import type { Question } from "../state/questions.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { ChatInput } from "./chat-input.ts";
import { type ChatScreen, createChatScreen } from "./chat-screen.ts";
import { chatTurn } from "./chat-turn.ts";
import { renderError, style } from "./error-text.ts";
import { readableReply } from "./progress.ts";
import { nextCommand, questionText } from "./questions-text.ts";
import { turnExitCode } from "./turn-report.ts";

const HELP = `/help          this
/new NAME      go on in another conversation
/messages      what was said in this one
A line that ends with \\ goes on; pasted text is one message.
^C interrupts the turn, not the agent; ^D leaves.
`;
const MESSAGES_SHOWN = 20;

type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface ChatSessionOptions {
  readonly daemon: DaemonPlane;
  readonly agent: ResourceKey;
  readonly conversation: string;
  readonly input: ChatInput;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal: AbortSignal;
  /** For people at a terminal only. */
  readonly remark: (text: string) => void;
}

export interface ChatSession {
  /** Until there is no more input. */
  converse(): Promise<void>;
  interrupt(): void;
  /** Of the last turn. */
  exitCode(): number;
}

/** A person and an agent, message by message; a line that comes while a question waits is its answer. */
export function createChatSession(options: ChatSessionOptions): ChatSession {
  const { daemon, agent, input, stdout, stderr, signal, remark } = options;
  const screen = createChatScreen(stdout, stderr, input);
  let { conversation } = options;
  const asked = createAsked(options, screen);
  let turn: Promise<void> | undefined;
  let exitCode = 0;

  async function answer(task: string): Promise<void> {
    try {
      const result = await chatTurn(task, {
        ...{ daemon, agent, conversation, stdout, stderr, screen, signal },
        onQuestion: (id, isOpen) => {
          if (isOpen) asked.add(id).catch(() => {});
          else asked.remove(id);
        },
      });
      exitCode = turnExitCode(result);
    } catch (error) {
      if (signal.aborted) return;
      exitCode = 1;
      tell(error, stderr);
    } finally {
      turn = undefined;
      asked.clear();
      input.show();
    }
  }

  /** One line of the person: a command, the answer to a question, or a message. */
  async function take(line: string): Promise<void> {
    const question = asked.first();
    try {
      if (line.startsWith("/")) conversation = await command(options, conversation, line);
      else if (question !== undefined) await asked.decide(question, line);
      else turn = answer(line);
    } catch (error) {
      tell(error, stderr);
    }
  }

  return {
    async converse() {
      for (;;) {
        // The next line is for the next turn, or for a question of this one.
        if (turn !== undefined) await Promise.race([turn, asked.next()]);
        const line = await input.next(asked.first() !== undefined);
        if (line === undefined) break;
        if (line.trim() !== "") await take(line.trim());
      }
      await turn;
    },
    interrupt() {
      // At a question the first one takes back what is typed.
      if (asked.first() !== undefined && input.clear()) return input.show();
      if (turn !== undefined) {
        screen.end();
        remark("interrupting the turn");
        daemon.interrupt(agent, conversation).catch(() => {});
        return;
      }
      if (!input.clear()) {
        input.hide();
        remark("^D leaves");
      }
      input.show();
    },
    exitCode: () => exitCode,
  };
}

/** Questions of the turn that wait, oldest first. */
function createAsked({ daemon, agent, stdout, stderr }: ChatSessionOptions, screen: ChatScreen) {
  let waiting: Question[] = [];
  let generation = 0;
  let onAsked = () => {};
  return {
    first: () => waiting[0],
    /** Resolves when one waits. */
    async next(): Promise<void> {
      if (waiting.length > 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onAsked = resolve;
      await promise;
    },
    async add(id: string): Promise<void> {
      const ofTurn = generation;
      const pending = await daemon.questions({ agent: agent.name });
      const question = pending.find((each) => each.id === id);
      if (question === undefined || ofTurn !== generation) return;
      waiting.push(question);
      const hint = stdout.isTTY === true ? "" : `  ${nextCommand(question)}\n`;
      screen.print(`${style("yellow", forTerminal(questionLine(question)), stderr)}\n${hint}`);
      screen.giveWay();
      onAsked();
    },
    /** It was decided, here or elsewhere. */
    remove(id: string): void {
      const before = waiting.length;
      waiting = waiting.filter((question) => question.id !== id);
      if (before > 0 && waiting.length === 0 && stdout.isTTY === true) screen.say("going on");
    },
    async decide({ id, type }: Question, line: string): Promise<void> {
      await daemon.decide(id, decisionOf(type, line));
      waiting = waiting.filter((question) => question.id !== id);
    },
    clear(): void {
      waiting = [];
      generation += 1;
    },
  };
}

function tell(error: unknown, stderr: Output): void {
  if (!(error instanceof LegionError)) throw error;
  stderr.write(renderError(error, stderr));
}

/** Does what a line with a slash says; gives the conversation to go on in. */
async function command(
  { daemon, agent, stdout, stderr, remark }: ChatSessionOptions,
  conversation: string,
  line: string,
): Promise<string> {
  const [word = "", name] = line.slice(1).split(/\s+/);
  if (word === "new" && name !== undefined) {
    remark(`conversation ${name}`);
    return name;
  }
  if (word === "messages") {
    const messages = await daemon.messages(agent, conversation, MESSAGES_SHOWN);
    for (const { type, text } of messages) {
      const shown = forTerminal(type === "assistant" ? readableReply(text) : text);
      stdout.write(`${style("bold", type, stdout)} ${shown}\n`);
    }
  } else if (word === "new") stderr.write("write /new NAME, for example /new ada\n");
  else if (word === "help") stderr.write(HELP);
  else stderr.write(`there is no command /${word}; /help lists those that there are\n`);
  return conversation;
}

/** What is asked, and how to answer. */
function questionLine(question: Question): string {
  const { type, text } = question;
  if (type === "question") return `? ${questionText(question)}`;
  return `? ${text}\n  ${questionText(question)}\n  y allows it, anything else refuses it and is the reason`;
}

function decisionOf(type: Question["type"], line: string) {
  const by = userInfo().username;
  if (type === "question") return { type: "answer", answer: line, by } as const;
  if (/^y(es)?$/i.test(line)) return { type: "approve", by } as const;
  return { type: "deny", by, ...(!/^no?$/i.test(line) && { reason: line }) } as const;
}
