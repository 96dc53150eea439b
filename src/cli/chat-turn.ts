import type { TurnResult } from "../agent/contract.ts";
import { newId } from "../lib/ids.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import type { ChatScreen } from "./chat-screen.ts";
import { renderError, style } from "./error-text.ts";
import { followTurn } from "./turn-progress.ts";
import { answerText } from "./turn-report.ts";

export interface ChatTurnOptions {
  readonly daemon: DaemonPlane;
  readonly agent: ResourceKey;
  readonly conversation: string;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  readonly screen: ChatScreen;
  readonly signal: AbortSignal;
  /** A question of the turn waits for a person, or does not wait any more. */
  readonly onQuestion: (question: string, isOpen: boolean) => void;
}

/** Sends one message and prints the answer as it comes. */
export async function chatTurn(task: string, options: ChatTurnOptions): Promise<TurnResult> {
  const { daemon, agent, conversation, stdout, stderr, screen, signal } = options;
  const { namespace, name } = agent;
  const id = newId(Date.now());
  const isLive = stdout.isTTY === true;
  const follower = followTurn(daemon, agent, id, (event) => {
    if (event.kind === "legion.human.input_required") options.onQuestion(event.data.question, true);
    if (event.kind === "legion.human.input_received")
      options.onQuestion(event.data.question, false);
    if (isLive) showEvent(event, screen);
  });
  if (isLive) screen.say(`waiting for ${name}`);
  try {
    const message = { ...{ namespace, name, task, id, conversation }, from: "legion chat" };
    const outcome = await daemon.ask(message, signal);
    const result = outcome.result as unknown as TurnResult;
    await follower.ended(String(result.run));
    if (result.status === "ok") screen.finish(answerText(result, stdout));
    screen.end();
    if (result.status === "cancel") stderr.write(endText(result, stderr));
    return result;
  } finally {
    follower.stop();
    screen.end();
  }
}

/** Why there is no answer. An interruption is nothing that went wrong. */
function endText(
  { reason, error }: Extract<TurnResult, { status: "cancel" }>,
  stderr: NodeJS.WritableStream,
): string {
  if (reason !== "interrupted") return renderError(error, stderr);
  return `${style("yellow", "interrupted; send it again if it is still wanted", stderr)}\n`;
}

function showEvent(event: LegionEvent, screen: ChatScreen): void {
  switch (event.kind) {
    case "legion.llm.request.start":
      screen.restart();
      screen.say("thinking");
      break;
    case "legion.llm.delta":
      if (event.data.type === "reset") screen.restart();
      else if (event.data.type === "text") screen.add(event.data.text);
      break;
    case "legion.sandbox.eval.start":
      screen.say("running its code");
      break;
    case "legion.tool.call.start":
      screen.say(`calling ${event.data.tool}.${event.data.function}`);
      break;
    case "legion.tool.call.stop": {
      const { tool, function: called, ok } = event.data;
      screen.note(`  · ${tool}.${called}${ok ? "" : " failed"}`);
      break;
    }
    case "legion.llm.warning":
      screen.note(`  warning: ${event.data.message}`);
      break;
  }
}
