import { Cli, type Command, type Definition } from "clipanion";
import { errorData, LegionError, messageOf } from "../lib/errors.ts";
import { commands } from "./commands.ts";
import type { CommandContext } from "./context.ts";
import { renderError } from "./error-text.ts";
import { commandHelp, groupHelp, overview } from "./help.ts";
import { pathWords, unknownCommand, wrongWords } from "./usage-error.ts";

/** What the completion scripts call; it is no command for people. */
const COMPLETE = "__complete";

/** Runs one command line and returns its exit code. Results go to stdout, all else to stderr; it never rejects. */
export async function runCommandLine(
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const cli = new Cli<CommandContext>({ binaryName: "legion" });
  for (const command of commands) cli.register(command);
  const definitions = cli.definitions({ colored: false });
  try {
    if (argv[0] === COMPLETE) {
      const { complete } = await import("./completion-words.ts");
      return await complete(argv.slice(1), definitions, context);
    }
    const help = helpFor(argv, definitions);
    if (help === undefined) return await commandOf(cli, argv, context).validateAndExecute();
    context.stdout.write(help);
    return 0;
  } catch (error) {
    const exitCode = reportError(error, context);
    // There 2 says that there are changes, so that wrong words end with 1 too.
    return argv.some((word) => /^--?detailed-exitcode$/.test(word))
      ? Math.min(exitCode, 1)
      : exitCode;
  }
}

/** The definition of the command that the words begin with; the longest path wins. */
function definitionOf(
  words: readonly string[],
  definitions: readonly Definition[],
): Definition | undefined {
  return definitions
    .filter(({ path }) => isStartOf(pathWords(path), words))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
}

function isStartOf(path: readonly string[], words: readonly string[]): boolean {
  return path.every((word, index) => word === words[index]);
}

/** The help page that is asked for: `--help` anywhere before `--`, `help`, or no words at all. */
function helpFor(argv: readonly string[], definitions: readonly Definition[]): string | undefined {
  const flags = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const isHelp = argv[0] === "help";
  if (argv.length > 0 && !isHelp && !flags.includes("-h") && !flags.includes("--help")) return;
  const words = argv.slice(isHelp ? 1 : 0).filter((word) => !word.startsWith("-"));
  const [topic] = words;
  if (topic === undefined) return overview(definitions);
  const definition = definitionOf(words, definitions);
  if (definition !== undefined) return commandHelp(definition);
  const members = definitions.filter(({ path }) => pathWords(path)[0] === topic);
  if (members.length === 0 || words.length > 1) throw unknownCommand(words, definitions);
  return groupHelp(topic, members);
}

/** Finds the command and fills in its options; what clipanion would say itself becomes LEG7001. */
function commandOf(
  cli: Cli<CommandContext>,
  argv: readonly string[],
  context: CommandContext,
): Command<CommandContext> {
  const definitions = cli.definitions({ colored: false });
  const definition = definitionOf(argv, definitions);
  if (definition === undefined) throw unknownCommand(argv, definitions);
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
