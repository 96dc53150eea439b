import { Cli, type Command, type Definition } from "clipanion";
import { errorData, LegionError, messageOf } from "../lib/errors.ts";
import { commands } from "./commands.ts";
import type { CommandContext } from "./context.ts";
import { renderError } from "./error-text.ts";
import { commandHelp, overview } from "./help.ts";
import { unknownCommand, wrongWords } from "./usage-error.ts";

/** Runs one command line and returns its exit code. Results go to stdout, all else to stderr; it never rejects. */
export async function runCommandLine(
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const cli = new Cli<CommandContext>({ binaryName: "legion" });
  for (const command of commands) cli.register(command);
  const definitions = cli.definitions({ colored: false });
  try {
    const help = helpFor(argv, definitions);
    if (help === undefined) return await commandOf(cli, argv, context).validateAndExecute();
    context.stdout.write(help);
    return 0;
  } catch (error) {
    return reportError(error, context);
  }
}

function definitionOf(word: string, definitions: readonly Definition[]): Definition {
  const definition = definitions.find(({ path }) => path === `legion ${word}`);
  if (definition === undefined) throw unknownCommand(word, definitions);
  return definition;
}

/** The help page that is asked for: `--help` anywhere before `--`, `help`, or no words at all. */
function helpFor(argv: readonly string[], definitions: readonly Definition[]): string | undefined {
  const flags = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const isHelp = argv[0] === "help";
  if (argv.length > 0 && !isHelp && !flags.includes("-h") && !flags.includes("--help")) return;
  const [topic] = argv.slice(isHelp ? 1 : 0).filter((word) => !word.startsWith("-"));
  return topic === undefined
    ? overview(definitions)
    : commandHelp(definitionOf(topic, definitions));
}

/** Finds the command and fills in its options; what clipanion would say itself becomes LEG7001. */
function commandOf(
  cli: Cli<CommandContext>,
  argv: readonly string[],
  context: CommandContext,
): Command<CommandContext> {
  const definition = definitionOf(argv[0] ?? "", cli.definitions({ colored: false }));
  try {
    return cli.process([...argv], context);
  } catch {
    throw wrongWords(argv, definition);
  }
}

function reportError(error: unknown, context: CommandContext): number {
  context.stderr.write(renderError(errorData(error), context.stderr));
  if (!(error instanceof LegionError) && context.env.LEGION_LOG === "debug") {
    context.stderr.write(`${error instanceof Error ? error.stack : messageOf(error)}\n`);
  }
  return error instanceof LegionError ? error.exitCode : 1;
}
