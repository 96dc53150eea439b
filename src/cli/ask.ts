import { Command, Option } from "clipanion";
import type { TurnResult } from "../agent/contract.ts";
import { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { formatDuration } from "../lib/quantities.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { MessageOutcome } from "../reconcile/agents-contract.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { MessageCommand } from "./message-command.ts";
import { createProgress } from "./progress.ts";
import type { OutputStream } from "./terminal-width.ts";
import { followTurn } from "./turn-progress.ts";
import { answerText, turnExitCode, turnNotes } from "./turn-report.ts";

export class AskCommand extends MessageCommand {
  static override paths = [["ask"]];
  static override usage = Command.Usage({
    description: "send a running agent a message and wait for its answer",
    details:
      "The agent remembers its conversation and answers messages one after the other. The answer goes to stdout, the rest to stderr: warnings, and on a terminal or with -v the steps. A task of - is read from stdin. When --timeout is over or Ctrl-C is pressed only the waiting ends, not the turn. Exit codes as of legion run; 4: no daemon runs.",
    examples: [
      ["Ask an agent", "$0 ask agent/assistant 'What did I ask you before?'"],
      ["The answer with its figures, as JSON", "$0 ask agent/reviewer - -o json < diff.txt"],
    ],
  });

  timeout = Option.String("--timeout", { description: "the most time to wait; default: no limit" });
  verbose = Option.Boolean("-v,--verbose", false, {
    description: "print what the model writes and what it gets back, on stderr",
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const timeoutMs = positiveDuration("--timeout", this.timeout);
    const key = agentTarget(this.reference, this.scope(), "ask");
    const { name } = key;
    const task = await this.requiredTask("ask");
    await using open = await this.openDaemon();
    const signal = limited(this.context.signal, timeoutMs);
    const title = titleOf(key);
    const outcome = await withAgent(open.plane, key, () =>
      this.answer(open.daemon, key, task, signal),
    );
    if (outcome !== undefined) return this.report(outcome);
    if (isTimeout(signal)) {
      throw new LegionError({
        code: "LEG7033",
        message: `${title} has not answered after ${formatDuration(timeoutMs ?? 0)}; only the waiting has ended`,
        hint: `follow it with legion logs agent/${name} -f`,
      });
    }
    this.context.stderr.write(`no longer waiting; ${title} goes on with its turn\n`);
    return 130;
  }

  /** What came of the message; undefined when the waiting was ended. */
  private async answer(
    daemon: DaemonPlane,
    agent: ResourceKey,
    task: string,
    signal: AbortSignal,
  ): Promise<MessageOutcome | undefined> {
    const { namespace, name } = agent;
    const { stderr } = this.context;
    const activity = `waiting for ${titleOf(agent)}`;
    const progress = createProgress(stderr, { isVerbose: this.verbose, activity });
    const id = newId(Date.now());
    const follower = followTurn(daemon, agent, id, (event) => {
      if (this.isShown(event)) progress.onEvent(event);
    });
    try {
      const outcome = await daemon.ask(
        { ...{ namespace, name, task, id, from: "legion ask" }, ...(await this.addressed()) },
        signal,
      );
      await follower.ended(String(outcome.result.run));
      return outcome;
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      follower.stop();
      progress.end();
    }
  }

  /** Steps are for people who watch; warnings are for everybody. */
  private isShown({ kind }: LegionEvent): boolean {
    if (this.quiet) return false;
    const { isTTY }: OutputStream = this.context.stderr;
    return this.verbose || isTTY === true || kind === "legion.llm.warning";
  }

  private async report({ message, generation, result }: MessageOutcome): Promise<number> {
    const { stdout, stderr } = this.context;
    const turn = result as unknown as TurnResult;
    const value = { ...result, message, generation };
    if (turn.status === "ok") await this.print(value, answerText(turn, stdout));
    else if (this.output !== "text") await this.print(value, "");
    stderr.write(turnNotes(turn, stderr, this.quiet));
    return turnExitCode(turn);
  }
}
