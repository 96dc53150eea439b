import { LegionError } from "../lib/errors.ts";
import type { CommandContext } from "./context.ts";
import { readAll } from "./manifest-flags.ts";

export interface TaskFlags {
  /** The word; `-` is standard input. */
  readonly task: string | undefined;
  /** `name=value`, each. */
  readonly input: readonly string[];
  /** The manifests of the command, which may want standard input too. */
  readonly file?: readonly string[];
}

/** What an agent is told to do: the task, then the inputs as JSON. Empty without either. */
export async function fullTask(
  context: CommandContext,
  { task, input, file = [] }: TaskFlags,
): Promise<string> {
  if (task === "-" && file.includes("-")) {
    throw new LegionError({
      code: "LEG7001",
      message: "the manifests and the task cannot both be read from stdin",
      hint: "put one of them into a file",
    });
  }
  const text = task === "-" ? await readAll(context) : (task ?? "");
  const inputs = Object.fromEntries(input.map(nameAndValue));
  const given =
    input.length === 0 ? "" : `Inputs:\n\`\`\`json\n${JSON.stringify(inputs, null, 2)}\n\`\`\``;
  return [text, given].filter((part) => part !== "").join("\n\n");
}

function nameAndValue(input: string): [name: string, value: string] {
  const at = input.indexOf("=");
  if (at > 0) return [input.slice(0, at), input.slice(at + 1)];
  throw new LegionError({
    code: "LEG7001",
    message: `--input does not take "${input}"`,
    hint: "write name=value",
  });
}
