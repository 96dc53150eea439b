import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { DecisionCommand } from "./decision-command.ts";
import { readAll } from "./manifest-flags.ts";

export class RespondCommand extends DecisionCommand {
  static override paths = [["respond"]];
  static override usage = Command.Usage({
    description: "answer the question of an agent, which then goes on",
    details:
      "The answer is text, or with --json any JSON; it is checked against the choices and the schema of the question. An answer of - is read from stdin. legion get questions lists the questions.",
    examples: [
      ["Answer one", "$0 respond 7Q2M4K1T 'Use the blue one'"],
      ["With data", "$0 respond 7Q2M4K1T --json '{\"amount\": 12}'"],
    ],
  });

  answer = Option.String({ required: false, name: "ANSWER" });
  json = Option.Boolean("--json", false, { description: "the answer is JSON" });

  async execute(): Promise<number> {
    this.checkOutput();
    const text = this.answer === "-" ? await readAll(this.context) : this.answer;
    if (text === undefined && this.question !== undefined) throw noAnswer(this.question);
    const answer = this.json ? parsed(text ?? "") : (text ?? "");
    return this.decided("respond", (by) => ({ type: "answer", answer, by }));
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new LegionError({
      code: "LEG7001",
      message: `the answer is no JSON: ${(error as Error).message}`,
      hint: "leave --json out to answer with plain text",
    });
  }
}

function noAnswer(id: string): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: "legion respond needs an answer",
    hint: `write it in quotes: legion respond ${id} 'yes'`,
  });
}
