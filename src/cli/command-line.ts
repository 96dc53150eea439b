import { Cli } from "clipanion";
import { codes } from "../lib/codes.ts";
import { errorData, LegionError, messageOf } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { commands } from "./commands.ts";
import type { CommandContext } from "./context.ts";
import { renderError } from "./error-text.ts";
import { commandHelp, overview } from "./help.ts";

/** Runs one command line and returns its exit code. Results go to stdout, all else to stderr; it never rejects. */
export async function runCommandLine(
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const cli = new Cli<CommandContext>({ binaryName: "legion" });
  for (const command of commands) cli.register(command);
  const definitions = cli.definitions({ colored: false });
  const words = argv.filter((word) => !word.startsWith("-"));
  const asked = argv
    .slice(0, argv.indexOf("--") >>> 0)
    .some((word) => word === "-h" || word === "--help");
  if (asked || argv.length === 0 || words[0] === "help") {
    const topic = words[0] === "help" ? words[1] : words[0];
    const definition = definitions.find(({ path }) => path === `legion ${topic}`);
    if (topic === undefined || definition !== undefined) {
      context.stdout.write(
        definition === undefined ? overview(definitions) : commandHelp(definition),
      );
      return 0;
    }
  }
  try {
    const command = process(cli, argv, context);
    return await command.validateAndExecute();
  } catch (error) {
    return reportError(error, context);
  }
}

function reportError(error: unknown, context: CommandContext): number {
  context.stderr.write(renderError(errorData(error), context.stderr));
  if (!(error instanceof LegionError) && context.env.LEGION_LOG === "debug") {
    context.stderr.write(`${error instanceof Error ? error.stack : messageOf(error)}\n`);
  }
  return error instanceof LegionError ? error.exitCode : 1;
}

/** Finds the command and fills in its options; what clipanion would print itself becomes LEG7001. */
function process(cli: Cli<CommandContext>, argv: readonly string[], context: CommandContext) {
  try {
    return cli.process([...argv], context);
  } catch (error) {
    throw usageError(error, cli, argv);
  }
}

function usageError(
  error: unknown,
  cli: Cli<CommandContext>,
  argv: readonly string[],
): LegionError {
  const names = cli.definitions().map(({ path }) => path.replace("legion ", ""));
  const word = argv.find((argument) => !argument.startsWith("-")) ?? "";
  const definition = cli.definitions().find(({ path }) => path === `legion ${word}`);
  if (definition === undefined) {
    const near = suggest(word, names);
    return new LegionError({
      code: "LEG7001",
      message: word === "" ? `no command in "${argv.join(" ")}"` : `there is no command "${word}"`,
      hint:
        near === undefined ? `use one of: ${names.join(", ")}` : `did you mean "legion ${near}"?`,
      valid: names,
    });
  }
  const flags = definition.options.flatMap((option) =>
    option.definition.split(/[ ,#]/).filter((part) => part.startsWith("-")),
  );
  const unknown = argv.find(
    (argument) =>
      argument.startsWith("-") &&
      argument.length > 1 &&
      !flags.includes(argument.split("=")[0] ?? ""),
  );
  const near = unknown === undefined ? undefined : suggest(unknown, flags);
  return new LegionError({
    code: "LEG7001",
    message:
      unknown === undefined
        ? `legion ${word}: ${reasonOf(error)}`
        : `legion ${word} has no flag ${unknown}`,
    hint: near === undefined ? `see legion ${word} --help` : `did you mean ${near}?`,
    ...(unknown !== undefined && { valid: flags }),
  });
}

/** Clipanion's reason without its prompt signs and usage lines. */
function reasonOf(error: unknown): string {
  const reason = messageOf(error).split("\n")[0]?.replace(/\.$/, "") ?? "";
  if (reason.startsWith("Command not found")) return "the words do not fit its usage";
  return reason === "" ? codes.LEG7001.title : `${reason[0]?.toLowerCase()}${reason.slice(1)}`;
}
