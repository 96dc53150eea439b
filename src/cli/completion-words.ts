import type { Definition } from "clipanion";
import { type AgentWord, completeAgents } from "./completion-agents.ts";
import { type Candidate, completeObjects } from "./completion-objects.ts";
import { shells } from "./completion-scripts.ts";
import type { CommandContext } from "./context.ts";
import { flagsOf, pathWords, positionalsOf } from "./usage-error.ts";

/** Values of flags that are words of a small list. */
const flagValues: Readonly<Record<string, readonly string[]>> = {
  "--about": ["object", "run", "all"],
  "--dry-run": ["client", "server"],
  "--watch-method": ["events", "poll"],
};

/** What a wait waits for; its --for is not the one of events. */
const goals = ["condition=Ready", "condition=Accepted", "delete", "jsonpath="] as const;

/** Prints what may stand in place of the last of the words, a candidate a line; nothing where a file is meant. It never fails. */
export async function complete(
  argv: readonly string[],
  definitions: readonly Definition[],
  context: CommandContext,
): Promise<number> {
  const words = argv[0] === "--" ? argv.slice(1) : argv;
  const current = words.at(-1) ?? "";
  // bash takes `--output=json` for three words.
  const before = words.slice(0, -1).filter((word) => word !== "=");
  const candidates = await candidatesFor(
    before,
    current === "=" ? "" : current,
    definitions,
    context,
  );
  const prefix = current === "=" ? "" : current;
  const lines = candidates
    .filter(({ word }) => word.startsWith(prefix))
    .map(({ word, remark = "" }) => `${word}\t${remark}\n`);
  context.stdout.write(lines.join(""));
  return 0;
}

async function candidatesFor(
  before: readonly string[],
  current: string,
  definitions: readonly Definition[],
  context: CommandContext,
): Promise<readonly Candidate[]> {
  if (before.includes("--")) return [];
  const isHelp = before[0] === "help";
  const typed = isHelp ? before.slice(1) : before;
  const definition = commandOf(typed, definitions);
  if (isHelp || definition === undefined) return nextWords(typed, definitions, current);
  const flags = flagsOf(definition);
  const flag = before.at(-1) ?? "";
  if (flags.get(flag) === true) return valuesOf(flag, definition, { before, current }, context);
  const inline = /^(--[\w-]+)=(.*)$/s.exec(current);
  if (inline !== null) {
    const [, name = "", value = ""] = inline;
    const values = await valuesOf(name, definition, { before, current: value }, context);
    return values.map(({ word, ...rest }) => ({ word: `${name}=${word}`, ...rest }));
  }
  if (current.startsWith("-")) return flagCandidates(definition, before);
  const own = await positionals(definition, flags, { before, current }, context);
  // Other commands may begin with the words of this one.
  const isWhole = typed.length === pathWords(definition.path).length;
  return isWhole ? [...nextWords(typed, definitions, current), ...own] : own;
}

interface Typed {
  readonly before: readonly string[];
  readonly current: string;
}

/** The command whose words are all there; a flag may not stand before them. */
function commandOf(words: readonly string[], definitions: readonly Definition[]) {
  return definitions
    .filter(({ path }) => pathWords(path).every((word, index) => word === words[index]))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
}

/** The words that commands have after those that are typed. */
function nextWords(
  typed: readonly string[],
  definitions: readonly Definition[],
  current: string,
): readonly Candidate[] {
  const remarks = new Map<string, string>();
  for (const { path, description = "" } of definitions) {
    const words = pathWords(path);
    const next = words[typed.length];
    if (next === undefined || !typed.every((word, index) => word === words[index])) continue;
    const isLast = words.length === typed.length + 1;
    remarks.set(next, isLast ? flat(description) : `${next} commands`);
  }
  const own = [...remarks].map(([word, remark]) => ({ word, remark }));
  if (typed.length > 0) return own;
  const more = current.startsWith("-")
    ? [
        { word: "--help", remark: "show the commands" },
        { word: "--version", remark: "print the version" },
      ]
    : [{ word: "help", remark: "show the help of a command" }];
  return [...own, ...more];
}

function flagCandidates(definition: Definition, before: readonly string[]): readonly Candidate[] {
  const own = definition.options.flatMap(({ definition: names, description = "" }) => {
    const spellings = (names.split(" ")[0] ?? "").split(",");
    const isUsed = spellings.some((name) => before.includes(name));
    return isUsed ? [] : spellings.map((word) => ({ word, remark: flat(description) }));
  });
  return [...own, { word: "--help", remark: "show the help of the command" }];
}

async function valuesOf(
  flag: string,
  definition: Definition,
  typed: Typed,
  context: CommandContext,
): Promise<readonly Candidate[]> {
  if (flag === "-o" || flag === "--output") return outputsOf(definition);
  if (flag === "-n" || flag === "--namespace") {
    return completeObjects({ ...typed, wanted: "namespace" }, context);
  }
  if (flag === "--for") {
    return definition.path === "legion wait"
      ? goals.map((word) => ({ word }))
      : completeObjects({ ...typed, wanted: "reference" }, context);
  }
  if (flag === "--conversation") {
    const agent = typed.before.find((word) => word.startsWith("agent/")) ?? "";
    return completeAgents({ before: typed.before, wanted: "conversation", agent }, context);
  }
  if (flag === "--source" && definition.path.startsWith("legion trigger")) {
    const { sources } = await import("../trigger/roots.ts");
    return sources.map((word) => ({ word }));
  }
  return (flagValues[flag] ?? []).map((word) => ({ word }));
}

/** The formats, as the description of the flag lists them. */
function outputsOf({ options }: Definition): readonly Candidate[] {
  const { description = "" } =
    options.find(({ definition }) => definition.split(/[ ,]/).includes("--output")) ?? {};
  return flat(description)
    .split(/, | or /)
    .filter((text) => /^[a-z-]+(=\S*)?$/.test(text))
    .map((text) => ({ word: text.replace(/=.*/, "=") }));
}

/** What the id of a command is one of. */
function idWanted(path: string, takes: string): AgentWord | undefined {
  if (/^\[?<?RUN\b/.test(takes)) return "run";
  if (/^\[?<?ID\b/.test(takes)) return path.endsWith("respond") ? "question" : "approval";
  return path.endsWith("graveyard restore") ? "grave" : undefined;
}

function positionals(
  definition: Definition,
  flags: ReadonlyMap<string, boolean>,
  typed: Typed,
  context: CommandContext,
): Promise<readonly Candidate[]> | readonly Candidate[] {
  const takes = positionalsOf(definition).join(" ");
  const rest = typed.before.slice(pathWords(definition.path).length);
  const words = rest.filter(
    (word, index) => !word.startsWith("-") && flags.get(rest[index - 1] ?? "") !== true,
  );
  if (takes.includes("shell")) return shells.map((word) => ({ word }));
  if (takes.includes("FUNCTION")) return words.length > 0 ? [] : triggerFunctionWords();
  if (/^\[(topic|kind)\]/.test(takes)) {
    return words.length > 0 ? [] : completeObjects({ ...typed, wanted: "kind" }, context);
  }
  if (takes.includes("agent/NAME")) {
    if (words.length === 0) return completeObjects({ ...typed, wanted: "agent" }, context);
    const [agent = ""] = words;
    const isName = takes.includes("CONVERSATION") && words.length === 1;
    return isName
      ? completeAgents({ before: typed.before, wanted: "conversation", agent }, context)
      : [];
  }
  const wantedId = idWanted(definition.path, takes);
  if (wantedId !== undefined) {
    return words.length > 0
      ? []
      : completeAgents({ before: typed.before, wanted: wantedId }, context);
  }
  const only = (["watcher", "cron"] as const).find((kind) => takes.includes(`${kind}/NAME`));
  if (only !== undefined)
    return words.length > 0 ? [] : completeObjects({ ...typed, wanted: only }, context);
  if (!takes.includes("KIND/NAME")) return [];
  const [first] = words;
  if (first === undefined || first.includes("/")) {
    const wanted = typed.current.includes("/") || first !== undefined ? "reference" : "kinds";
    return completeObjects({ ...typed, wanted }, context);
  }
  return completeObjects({ ...typed, wanted: "name", kind: first }, context);
}

async function triggerFunctionWords(): Promise<readonly Candidate[]> {
  const { functionPages } = await import("./trigger-functions.ts");
  const pages = await functionPages();
  return pages.map(({ name, doc }) => ({ word: name.replace(/^\./, ""), remark: doc }));
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().replace(/\.$/, "");
}
