import { Command, Option } from "clipanion";
import { type CodePage, codes, type ErrorCode } from "../lib/codes.ts";
import { LegionError } from "../lib/errors.ts";
import type { FieldDoc } from "../manifest/explain.ts";
import { LegionCommand } from "./base-command.ts";
import { table, wrap } from "./help.ts";

const WIDTH = 80;

export class ExplainCommand extends LegionCommand {
  static override paths = [["explain"]];
  static override usage = Command.Usage({
    description: "tell about a kind, a field, a builtin tool or an error code",
    details:
      "Without a topic it lists the kinds and the error codes. The texts of fields are those of the JSON Schemas.",
    examples: [
      ["The fields of an agent", "$0 explain agent"],
      ["One field, with its type, default and meaning", "$0 explain agent.spec.sandbox.memory"],
      ["What an error means and how to mend it", "$0 explain LEG1007"],
      ["What the trigger language says against a trigger", "$0 explain E401"],
      ["The functions and the config of a builtin tool", "$0 explain builtin.files"],
    ],
  });

  topic = Option.String({ required: false, name: "topic" });

  async execute(): Promise<number> {
    this.checkOutput();
    const topic = this.topic ?? "";
    if (topic === "") await this.listTopics();
    else if (/^(leg)?\d/i.test(topic))
      await this.explainCode(topic.toUpperCase().replace(/^(?=\d)/, "LEG"));
    else if (/^e\d/i.test(topic)) await this.explainProblem(topic.toUpperCase());
    else if (/^builtins?(\.|$)/.test(topic)) await this.explainBuiltin(topic.split(".")[1]);
    else await this.explainField(topic);
    return 0;
  }

  private async listTopics(): Promise<void> {
    const [{ explainedKinds }, { builtinNames }, { problemTitles }] = await Promise.all([
      import("../manifest/explain.ts"),
      import("./builtin-text.ts"),
      import("../trigger/problems.ts"),
    ]);
    const rows = Object.entries(codes).map(([code, page]) => [code, page.title] as const);
    const kinds = explainedKinds.map((kind) => kind.toLowerCase());
    const tools = builtinNames.map((name) => `builtin.${name}`);
    const text = [
      `Kinds and their fields: ${kinds.join(", ")}, agent.spec.tools ...`,
      `Builtin tools: ${tools.join(", ")}`,
      "The trigger of a watcher: legion explain trigger NAME",
      "Error codes:",
      ...table(rows),
      "Codes of the trigger language (LEG1115):",
      ...table(Object.entries(problemTitles)),
    ].join("\n");
    const known = Object.fromEntries(rows);
    await this.print({ kinds, builtins: tools, codes: known, problems: problemTitles }, text);
  }

  /** A code of the trigger language. */
  private async explainProblem(code: string): Promise<void> {
    const { isProblemCode, problemPage } = await import("../trigger/problem-pages.ts");
    if (!isProblemCode(code)) {
      const { problemTitles } = await import("../trigger/problems.ts");
      throw unknownCode(code, Object.keys(problemTitles));
    }
    const page = problemPage(code);
    const head = `${code}: ${page.title} (trigger language)`;
    await this.print({ code, ...page }, pageText(head, page));
  }

  private async explainCode(code: string): Promise<void> {
    if (!Object.hasOwn(codes, code)) throw unknownCode(code, Object.keys(codes));
    const page: CodePage = codes[code as ErrorCode];
    const head = `${code}: ${page.title} (exit code ${page.exit ?? 1})`;
    await this.print({ code, ...page }, pageText(head, page));
  }

  private async explainBuiltin(name: string | undefined): Promise<void> {
    const { builtinNames, builtinPage } = await import("./builtin-text.ts");
    if (name === undefined) {
      const text = builtinNames.map((known) => `builtin.${known}`).join("\n");
      return this.print(builtinNames, text);
    }
    const { value, text } = builtinPage(name);
    await this.print(value, text);
  }

  private async explainField(topic: string): Promise<void> {
    const { explainField } = await import("../manifest/explain.ts");
    const doc = explainField(topic);
    await this.print(doc, fieldText(doc));
  }
}

function unknownCode(code: string, valid: readonly string[]): LegionError {
  return new LegionError({
    code: "LEG7004",
    message: `there is no error code ${code}`,
    hint: "legion explain lists all of them",
    valid,
  });
}

type PageText = Pick<CodePage, "fix" | "example"> & Partial<Pick<CodePage, "why">>;

function pageText(head: string, { why, fix, example }: PageText): string {
  return [
    head,
    ...(why === undefined ? [] : section("Why", wrap(why, WIDTH - 2))),
    ...section("What to do", wrap(fix, WIDTH - 2)),
    ...(example === undefined ? [] : section("Wrong", example.wrong.trimEnd().split("\n"))),
    ...(example === undefined ? [] : section("Right", example.right.trimEnd().split("\n"))),
  ].join("\n");
}

function fieldText(doc: FieldDoc): string {
  const facts: [name: string, text: string | undefined][] = [
    ["required", doc.required && doc.path.includes(".") ? "yes" : undefined],
    ["default", doc.default === undefined ? undefined : JSON.stringify(doc.default)],
    ["allowed", doc.enum?.map(String).join(", ")],
    ["limits", doc.limits?.join("; ")],
    ["example", doc.examples?.map((example) => JSON.stringify(example)).join("  or  ")],
  ];
  const told = facts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
  const fields = doc.fields.map(({ name, type, required, description }) => {
    return [`${name}${required ? "*" : ""}`, `(${type}) ${description}`] as const;
  });
  return [
    `${doc.path} (${doc.type})`,
    ...section("", wrap(doc.description, WIDTH - 2)),
    ...(told.length === 0 ? [] : ["", ...table(told)]),
    ...(fields.length === 0 ? [] : ["", fieldsHead(doc), ...table(fields)]),
  ].join("\n");
}

function fieldsHead({ fields }: FieldDoc): string {
  return fields.some(({ required }) => required) ? "Fields (* required):" : "Fields:";
}

function section(label: string, lines: readonly string[]): string[] {
  const text = lines.filter((line) => line !== "").map((line) => `  ${line}`);
  if (text.length === 0) return [];
  return label === "" ? text : ["", `${label}:`, ...text];
}
