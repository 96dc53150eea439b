import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { isObject, type Json } from "../lib/json.ts";
import { forTerminal } from "../lib/text.ts";
import type { RunDetail } from "../reconcile/agents-contract.ts";
import type { JournalStep } from "../state/journal.ts";
import { readableReply } from "./progress.ts";
import { RunIdCommand } from "./run-command.ts";
import { runsTable } from "./runs-list.ts";
import { renderTable } from "./table.ts";

export class RunsShowCommand extends RunIdCommand {
  static override paths = [["runs", "show"]];
  static override usage = Command.Usage({
    description: "tell a run step by step, with the runs that it started",
    details:
      "The record has everything that the model wrote and every call with its result, secrets out; -o json prints all of it, --wide does not cut the lines.",
    examples: [
      ["A run by the end of its id", "$0 runs show 7Q2M4K1T"],
      ["Everything, for a program", "$0 runs show 7Q2M4K1T -o json"],
    ],
  });

  wide = Option.Boolean("--wide", false, { description: "do not cut long lines" });

  async execute(): Promise<number> {
    this.checkOutput();
    const id = this.runId("show");
    await using open = await this.openDaemon();
    const detail = await open.daemon.runDetail(id);
    await this.print(detail, () => this.text(detail));
    return 0;
  }

  private text({ run, steps, children }: RunDetail): string {
    const { stdout: stream } = this.context;
    const facts = [
      ["Run:", run.run],
      ["Agent:", `${run.agent}, generation ${run.generation}`],
      ["Conversation:", run.conversation],
      ["Status:", run.reason === undefined ? run.status : `${run.status} (${run.reason})`],
      ["Started:", run.startedAt],
      ...(run.endedAt === undefined ? [] : [["Ended:", run.endedAt]]),
      ...(run.message === undefined ? [] : [["Message:", run.message]]),
      ...(run.parent === undefined ? [] : [["Started by:", run.parent]]),
      ["Tokens:", `${run.tokens}`],
    ].map(([name = "", value = ""]) => `${name.padEnd(15)}${value}\n`);
    const table = renderTable(
      [
        { title: "#", align: "right" },
        { title: "at" },
        { title: "step" },
        { title: "what", isFree: true },
      ],
      steps.map((step) => [`${step.seq}`, step.at.slice(11, 23), step.type, stepText(step)]),
      { stream, isEndless: this.wide },
    );
    const started =
      children.length === 0 ? "" : `\nStarted:\n${runsTable(children, stream, systemClock.now())}`;
    return `${facts.join("")}\n${table}${started}`;
  }
}

/** The one thing of a step that tells most. */
export function stepText({ type, data }: JournalStep): string {
  const pick = {
    "turn.started": () => data.task,
    "model.response": () => (isObject(data.completion) ? completionText(data.completion) : data),
    "eval.started": () => data.code,
    "call.started": () => `${data.name} ${short(data.argument)}`,
    "call.result": () => (isObject(data.reply) ? replyText(data.reply) : data.reply),
    "eval.result": () => (isObject(data.evaluation) ? evaluationText(data.evaluation) : data),
    "turn.finished": () => (isObject(data.result) ? resultText(data.result) : data),
    "call.reverted": () => data,
  } as const;
  return forTerminal(short(pick[type]() as Json));
}

/** What the model wrote or called. */
function completionText(completion: object): Json {
  const { text, toolCalls = [] } = completion as {
    text?: string;
    toolCalls?: readonly { readonly name: string; readonly arguments: string }[];
  };
  const calls = toolCalls.map(({ name, arguments: given }) => `${name} ${given}`);
  return [...(text ? [readableReply(text)] : []), ...calls].join("; ");
}

function replyText(reply: object): Json {
  return "ok" in reply && reply.ok === true && "value" in reply
    ? (reply.value as Json)
    : ((reply as { error?: Json }).error ?? null);
}

function evaluationText(evaluation: object): Json {
  const { ok, value, error } = evaluation as { ok?: boolean; value?: Json; error?: Json };
  return ok === true ? (value ?? null) : (error ?? null);
}

function resultText(result: object): Json {
  const { status, value, reason } = result as { status?: string; value?: Json; reason?: string };
  return status === "ok" ? `ok ${short(value)}` : `${status} ${reason}`;
}

function short(value: Json | undefined): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
