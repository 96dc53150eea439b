import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import { triggerLanguage } from "../trigger/language.ts";
import type { PlacedProblem } from "../trigger/placed.ts";
import type { TriggerOptions } from "../trigger/trigger.ts";
import { timestampText } from "../trigger/values.ts";
import { actionText, type Replayed, replay } from "../watch/cases.ts";
import { renderTable } from "./table.ts";
import { sampleText, TriggerTextCommand, usage } from "./trigger-input.ts";
import { isBareExpression } from "./trigger-kind.ts";
import { outcomeColumns, outcomeRow, resultText } from "./trigger-outcome.ts";
import { momentText, type Polls, samplesIn, timedPolls } from "./trigger-samples.ts";
import { problemData, problemsText } from "./trigger-text.ts";
import { treeText } from "./trigger-tree.ts";

/** What an evaluation gave: data, text, and the exit code. */
interface Evaluated {
  readonly errors: readonly PlacedProblem[];
  readonly data: object;
  readonly text: string;
  readonly tree: readonly ExplainedLine[];
  readonly isFaulty: boolean;
}

export class TriggerEvalCommand extends TriggerTextCommand {
  static override paths = [["trigger", "eval"]];
  static override usage = Command.Usage({
    description: "try an expression or a trigger on samples, without a watcher",
    details:
      "Samples are JSON: one object, a list, or one a line; each is one poll, with at for its moment (90s after the start, or a moment with its zone). An expression gives its value; a trigger tells what it did at each poll. Exit code 1 for an error of the data.",
    examples: [
      [
        "The value of an expression",
        `echo '{"status":503}' | $0 trigger eval 'status >= 500' --source httpPoll`,
      ],
      [
        "A trigger over the polls of a file",
        "$0 trigger eval -f t.trigger --source httpPoll --sample polls.json",
      ],
      [
        "With the value of every part",
        "$0 trigger eval ok --source tcpProbe --sample '{\"ok\":true}' --explain",
      ],
    ],
  });

  sample = Option.String("--sample", "-", {
    description: "a file with the samples, or samples as JSON; default: - for standard input",
  });
  interval = Option.String("--interval", "30s", {
    description: "between samples without at; default: 30s",
  });
  start = Option.String("--start", {
    description: "the moment of the first poll; default: that of the first sample, else now",
  });
  explain = Option.Boolean("--explain", false, {
    description: "show the value of every part at the last poll",
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const options = await this.triggerOptions();
    if (this.isFromStdin && this.sample === "-")
      throw usage(
        "the trigger and the samples cannot both come from standard input",
        "name a file with --sample",
      );
    const { text, shown } = await this.triggerText();
    const language = await triggerLanguage.get();
    const samples = samplesIn(await sampleText(this.sample, this.context));
    const roots = language.rootsOf(options.source, options.schema);
    const { interval, start } = this;
    const polls = timedPolls(
      samples,
      { source: options.source, roots },
      { interval, start, nowMs: systemClock.now() },
    );
    const isBare = isBareExpression(text, language);
    const done = isBare
      ? await this.evaluated(text, options, polls)
      : await this.triggered(text, options, polls);
    const { stdout, stderr } = this.context;
    if (done.errors.length > 0) {
      if (this.output === "text") stderr.write(problemsText(done.errors, stderr, shown));
      else await this.print({ ok: false, errors: done.errors.map(problemData) }, "");
      return 1;
    }
    const tree = this.explain ? `\n${treeText(done.tree, stdout)}` : "";
    const data = { ...done.data, ...(this.explain && { tree: done.tree }) };
    await this.print(data, `${done.text}${tree}`);
    return done.isFaulty ? 1 : 0;
  }

  private async evaluated(
    text: string,
    { source, schema }: TriggerOptions,
    polls: Polls,
  ): Promise<Evaluated> {
    const { compileExpression, rootsOf } = await triggerLanguage.get();
    const { compiled, errors } = compileExpression(text, rootsOf(source, schema));
    if (compiled === undefined) return { errors, data: {}, text: "", tree: [], isFaulty: true };
    const { type } = compiled;
    const results = polls.polls.map((poll) => ({
      poll,
      result: compiled.evaluate(poll.sample, polls.startMs + poll.offsetMs),
    }));
    const lines = results.map(({ poll, result }) => {
      const value = resultText(result, type);
      return results.length === 1 ? value : `${momentText(poll, polls)}  ${value}`;
    });
    const values = results.map(({ poll, result }) => ({ at: isoOf(poll, polls), ...result }));
    return {
      errors: [],
      data: { type, polls: values },
      text: `${lines.join("\n")}\n`,
      tree: compiled.explain(),
      isFaulty: results.some(({ result }) => "error" in result),
    };
  }

  private async triggered(text: string, options: TriggerOptions, polls: Polls): Promise<Evaluated> {
    const { compileTrigger } = await triggerLanguage.get();
    const { machine, errors } = compileTrigger(text, options);
    if (machine === undefined) return { errors, data: {}, text: "", tree: [], isFaulty: true };
    const replayed = replay(machine, polls.polls, polls.startMs);
    const rows = replayed.map((each) => outcomeRow(each, polls));
    return {
      errors: [],
      data: { polls: replayed.map((each) => pollData(each, polls)) },
      text: renderTable(outcomeColumns, rows, { stream: this.context.stdout }),
      tree: machine.explain(),
      isFaulty: replayed.some(({ outcome }) => outcome.error !== undefined),
    };
  }
}

function isoOf({ offsetMs }: { readonly offsetMs: number }, { startMs }: Polls): string {
  return timestampText(startMs + offsetMs);
}

/** A poll as data; actions also as text. */
function pollData(replayed: Replayed, polls: Polls) {
  const { outcome } = replayed;
  const texts = outcome.fire?.actions.map(actionText);
  return { at: isoOf(replayed, polls), ...outcome, ...(texts !== undefined && { texts }) };
}
