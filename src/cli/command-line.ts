import type { Cli, Command, Definition } from "clipanion";
import { errorData, LegionError, messageOf } from "../lib/errors.ts";
import type { CommandEntry } from "./command-entry.ts";
import { commands } from "./commands.ts";
import type { CommandContext } from "./context.ts";
import { commandHelp, groupHelp, overview } from "./help.ts";
import { unknownCommand, wrongWords } from "./usage-error.ts";

/** What the completion scripts call; it is no command for people. */
const COMPLETE = "__complete";

/** Runs one command line and returns its exit code. Results go to stdout, all else to stderr; it never rejects. */
export async function runCommandLine(
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  try {
    if (argv[0] === COMPLETE) {
      const { complete } = await import("./completion-words.ts");
      return await complete(argv.slice(1), definitionsOf(await cliWith(commands)), context);
    }
    const topic = helpTopic(argv);
    if (topic === undefined) return await (await commandOf(argv, context)).validateAndExecute();
    context.stdout.write(await helpPage(topic));
    return 0;
  } catch (error) {
    const exitCode = await reportError(error, context);
    // There 2 says that there are changes, so that wrong words end with 1 too.
    return argv.some((word) => /^--?detailed-exitcode$/.test(word))
      ? Math.min(exitCode, 1)
      : exitCode;
  }
}

/** A command line that knows some of the commands. */
async function cliWith(entries: readonly CommandEntry[]): Promise<Cli<CommandContext>> {
  const { Cli } = await import("clipanion");
  const cli = new Cli<CommandContext>({ binaryName: "legion" });
  for (const command of await Promise.all(entries.map(({ load }) => load()))) cli.register(command);
  return cli;
}

function definitionsOf(cli: Cli<CommandContext>): readonly Definition[] {
  return cli.definitions({ colored: false });
}

/** The command that the words begin with; the longest name wins. */
function entryOf(words: readonly string[]): CommandEntry | undefined {
  return commands
    .filter(({ name }) => isStartOf(name.split(" "), words))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
}

function isStartOf(name: readonly string[], words: readonly string[]): boolean {
  return name.every((word, index) => word === words[index]);
}

/** The words whose help is asked for: by `--help` anywhere before `--`, by `help`, or by no words at all. */
function helpTopic(argv: readonly string[]): readonly string[] | undefined {
  const flags = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const isHelp = argv[0] === "help";
  if (argv.length > 0 && !isHelp && !flags.includes("-h") && !flags.includes("--help")) return;
  return argv.slice(isHelp ? 1 : 0).filter((word) => !word.startsWith("-"));
}

async function helpPage(words: readonly string[]): Promise<string> {
  const [topic] = words;
  if (topic === undefined) return overview(commands);
  const entry = entryOf(words);
  const [definition] = entry === undefined ? [] : definitionsOf(await cliWith([entry]));
  if (definition !== undefined) return commandHelp(definition);
  const members = commands.filter(({ name }) => name.split(" ")[0] === topic);
  if (members.length === 0 || words.length > 1) throw unknownCommand(words, commands);
  return groupHelp(topic, members);
}

/** Finds the command and fills in its options; what clipanion would say itself becomes LEG7001. */
async function commandOf(
  argv: readonly string[],
  context: CommandContext,
): Promise<Command<CommandContext>> {
  const entry = entryOf(argv);
  if (entry === undefined) throw unknownCommand(argv, commands);
  const cli = await cliWith([entry]);
  try {
    return cli.process([...argv], context);
  } catch {
    const [definition] = definitionsOf(cli);
    throw definition === undefined ? unknownCommand(argv, commands) : wrongWords(argv, definition);
  }
}

async function reportError(error: unknown, context: CommandContext): Promise<number> {
  const { renderError } = await import("./error-text.ts");
  context.stderr.write(renderError(errorData(error), context.stderr));
  if (!(error instanceof LegionError) && context.env.LEGION_LOG === "debug") {
    context.stderr.write(`${error instanceof Error ? error.stack : messageOf(error)}\n`);
  }
  return error instanceof LegionError ? error.exitCode : 1;
}
