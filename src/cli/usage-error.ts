import type { Definition } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { count } from "../lib/text.ts";
import type { CommandEntry } from "./command-entry.ts";

/** Words that are understood besides the commands. */
const builtinWords = ["help"] as const;

/** `legion rollout status` -> `rollout`, `status`. */
export function pathWords(path: string): readonly string[] {
  return path.split(" ").slice(1);
}

/** The error for a command that does not exist, or for the first word of a group without a second one. */
export function unknownCommand(
  argv: readonly string[],
  entries: readonly CommandEntry[],
): LegionError {
  const [first = "", second] = argv;
  const paths = entries.map(({ name }) => name.split(" "));
  const members = paths.filter(([word, ...rest]) => word === first && rest.length > 0);
  if (members.length > 0) return unknownMember(first, second, members);
  const names = [...new Set(paths.flatMap(([word = ""]) => word)), ...builtinWords];
  if (first.startsWith("-")) return unknownFlag(first);
  const near = suggest(first, names);
  return new LegionError({
    code: "LEG7001",
    message: `there is no command "${first}"`,
    hint: near === undefined ? `use one of: ${names.join(", ")}` : `did you mean "legion ${near}"?`,
    valid: names,
  });
}

/** The error for a flag before the command. */
function unknownFlag(flag: string): LegionError {
  const known = ["--help", "--version", "-h", "-V"];
  const near = flag === "-v" ? "-V" : suggest(flag, known);
  return new LegionError({
    code: "LEG7001",
    message: `there is no flag "${flag}" before a command`,
    hint:
      near === undefined
        ? `use one of: ${known.join(", ")}; the flags of a command stand behind its name`
        : `did you mean "legion ${near}"?`,
    valid: known,
  });
}

function unknownMember(
  group: string,
  word: string | undefined,
  members: readonly (readonly string[])[],
): LegionError {
  const names = members.map(([, name = ""]) => name);
  const near = word === undefined ? undefined : suggest(word, names);
  return new LegionError({
    code: "LEG7001",
    message:
      word === undefined || word.startsWith("-")
        ? `legion ${group} needs a word after it`
        : `there is no command "${group} ${word}"`,
    hint:
      near === undefined
        ? `use one of: ${names.map((name) => `legion ${group} ${name}`).join(", ")}`
        : `did you mean "legion ${group} ${near}"?`,
    valid: names,
  });
}

/** What is wrong with the words after a command: an unknown flag, a flag without its value, a word too many. */
export function wrongWords(argv: readonly string[], definition: Definition): LegionError {
  const command = definition.path;
  const flags = flagsOf(definition);
  const { words, unknown, unfinished } = sorted(argv.slice(pathWords(command).length), flags);
  const usage = (message: string, hint = `see ${command} --help`) =>
    new LegionError({ code: "LEG7001", message: `${command} ${message}`, hint });
  if (unknown !== undefined) {
    const near = suggest(unknown, [...flags.keys()]);
    const known = [...flags.keys(), "--help"].filter((name) => name.startsWith("--"));
    return usage(
      `has no flag ${unknown}`,
      near === undefined ? `use one of: ${known.join(", ")}` : `did you mean ${near}?`,
    );
  }
  if (unfinished !== undefined) return usage(`${unfinished} needs a value after it`);
  const names = positionalsOf(definition);
  const [tooMany] = words.slice(names.length);
  if (tooMany === undefined) return usage("does not take these words together");
  const takes =
    names.length === 0 ? "no words" : `${count(names.length, "word")}: ${names.join(" ")}`;
  return usage(
    `takes ${takes}; "${tooMany}" is one too many`,
    "put a text with spaces into quotes",
  );
}

/** What the words of commands are that take any number of them, where they do not only name objects. */
const restNames: Readonly<Record<string, string>> = {
  "legion validate": "path ...",
  "legion up": "path ...",
  "legion inbox redrive": "agent/NAME MESSAGE ...",
  "legion logs": "agent/NAME",
  "legion label": "KIND/NAME ... KEY=VALUE ...",
  "legion annotate": "KIND/NAME ... KEY=VALUE ...",
};

/** The positional arguments of a command, as its usage writes them: `[agent/NAME]`. */
export function positionalsOf({ path, usage }: Definition): string[] {
  const parts = usage.split(" ").slice(path.split(" ").length);
  return parts.flatMap((part) => {
    if (part === "...") return [`[${restNames[path] ?? "KIND/NAME ..."}]`];
    return /^[<[][^-]/.test(part) ? [part] : [];
  });
}

/** Every spelling of a command's flags, and whether a value follows it. */
export function flagsOf({ options }: Definition): Map<string, boolean> {
  const spellings = options.flatMap(({ definition }) => {
    const [names = "", value] = definition.split(" ");
    return names.split(",").map((name) => [name, value !== undefined] as const);
  });
  return new Map(spellings);
}

function sorted(argv: readonly string[], flags: ReadonlyMap<string, boolean>) {
  const words: string[] = [];
  let unfinished: string | undefined;
  for (const word of argv) {
    if (unfinished !== undefined) unfinished = undefined;
    else if (!word.startsWith("-") || word === "-") words.push(word);
    else {
      const [name = ""] = word.split("=");
      const takesValue = flags.get(name);
      if (takesValue === undefined) return { words, unknown: word, unfinished: undefined };
      if (takesValue && !word.includes("=")) unfinished = word;
    }
  }
  return { words, unknown: undefined, unfinished };
}
