import { type ChildProcess, spawn } from "node:child_process";
import { formatDuration, formatSize } from "../lib/quantities.ts";
import { endGroup, watchGroup } from "../security/process-group.ts";
import { programEnvironment } from "../security/program-environment.ts";
import { parsedText } from "./answers.ts";
import {
  HANDLER_BYTES_MAX,
  type Handler,
  type HandlerAnswer,
  type HandlerParts,
} from "./handler.ts";

/**
 * Runs a program without a shell, the question on its standard input; what it writes is the answer, as JSON or as text, and a program
 * that writes nothing leaves the question to people. Throws an Error that says what went wrong, without what the program wrote.
 */
export async function runCommandHandler(
  { command, folder, timeoutMs }: Extract<Handler, { readonly type: "command" }>,
  question: string,
  { env, timers, signal }: HandlerParts,
): Promise<HandlerAnswer> {
  const [program = "", ...rest] = command;
  signal.throwIfAborted();
  const child = spawn(program, rest, {
    cwd: folder,
    env: programEnvironment(env, ["LC_ALL"]),
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  watchGroup(child);
  const ended = outputOf(child);
  const given = Promise.withResolvers<never>();
  let isGivenUp = false;
  const giveUp = (what: string) => {
    if (isGivenUp) return;
    isGivenUp = true;
    child.stdout.destroy();
    void endGroup(child).then(() => given.reject(new Error(what)));
  };
  const interrupt = () => giveUp("was ended");
  const late = `took longer than ${formatDuration(timeoutMs)}`;
  const stopTimer = timers.after(timeoutMs, () => giveUp(late));
  signal.addEventListener("abort", interrupt, { once: true });
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > HANDLER_BYTES_MAX) giveUp(`wrote more than ${formatSize(HANDLER_BYTES_MAX)}`);
  });
  // A program may end without having read the question.
  child.stdin.on("error", () => {});
  child.stdin.end(question);
  try {
    const text = await Promise.race([given.promise, ended.then(unlessGivenUp, orGivenUp)]);
    return text === "" ? undefined : [...parsedText(text), text];
  } finally {
    stopTimer();
    signal.removeEventListener("abort", interrupt);
  }

  // A program that was given up is told of when all that it started has ended; what it wrote is no answer.
  function unlessGivenUp(text: string): string | Promise<never> {
    return isGivenUp ? given.promise : text;
  }

  function orGivenUp(error: unknown): Promise<never> {
    return isGivenUp ? given.promise : Promise.reject(error);
  }
}

/** What a program wrote, without spaces around it, when it has ended well. */
function outputOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.on("error", (cause) => reject(new Error("could not be started", { cause })));
  child.on("close", (code, by) => {
    if (code === 0) resolve(Buffer.concat(chunks).toString("utf8").trim());
    else reject(new Error(code === null ? `was ended by ${by}` : `failed with exit code ${code}`));
  });
  return promise;
}
