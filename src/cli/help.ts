import type { Definition } from "clipanion";
import type { CommandEntry } from "./command-entry.ts";
import { positionalsOf } from "./usage-error.ts";

const WIDTH = 80;

/** `legion --help`: what it is, its commands, examples; fits 80 columns. */
export function overview(entries: readonly CommandEntry[]): string {
  const groups = Map.groupBy(entries, ({ name }) => name.split(" ")[0] ?? name);
  const rows = [...groups].map(([name, members]) => summaryOf(name, members));
  return [
    "Legion runs AI agents that are declared in YAML manifests.",
    "",
    "Usage: legion <command> [flags]",
    "",
    "Commands:",
    ...table([...rows, ["help", "show this, or the help of a command"]]),
    "",
    "Flags:",
    ...table([
      ["-h, --help", "show the help of a command, with examples"],
      ["-V, --version", "print the version"],
    ]),
    "",
    "Examples:",
    ...example(
      "Write a small manifest repository and run its agent",
      "legion init demo && cd demo && legion run agent/assistant 'Hello'",
    ),
    ...example("Check the manifests of the working folder", "legion validate"),
    ...example("Read about a field or an error", "legion explain agent.spec.tools"),
    "",
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 conflict, 4 no daemon, 124 timeout,",
    "130 and 143 signal.",
    "Results go to stdout, all else to stderr.",
    "",
  ].join("\n");
}

/** What the commands of a group are about. */
const groupTitles: Readonly<Record<string, string>> = {
  rollout: "generations of an object",
  conversations: "what an agent remembers",
  runs: "what agents have done",
  inbox: "messages that were given up",
  graveyard: "agents that are gone",
  watch: "watchers without a daemon",
  cron: "schedules and their runs",
};

/** The line of a command, or of all commands of a group. */
function summaryOf(name: string, members: readonly CommandEntry[]): Row {
  const [only] = members;
  if (only !== undefined && only.name === name) return rowOf(only);
  const words = members.map((member) => member.name.slice(name.length + 1)).join(", ");
  return [name, `${groupTitles[name] ?? name}: ${words}`];
}

/** `legion rollout --help`: the commands of a group. */
export function groupHelp(group: string, members: readonly CommandEntry[]): string {
  const rows = members.map(rowOf);
  return [
    `Usage: legion ${group} <command> [flags]`,
    "",
    "Commands:",
    ...table(rows),
    "",
    `legion ${group} <command> --help tells about one of them.`,
    "",
  ].join("\n");
}

/** `legion <command> --help`. */
export function commandHelp(definition: Definition): string {
  const { description = "", details = "", examples = [], options } = definition;
  const flags = [
    ...options.filter(({ definition: names }) => !isShared(names)),
    ...options.filter(({ definition: names }) => isShared(names)),
  ].map(
    ({ definition: names, description: text = "" }): Row => [
      names.replace(",--", ", --").replaceAll("#0", valueName(names)),
      flat(text),
    ],
  );
  const lines = [`${capital(flat(description))}.`, "", `Usage: ${usageLine(definition)}`];
  if (details !== "") lines.push("", ...wrap(`${flat(details)}.`, WIDTH));
  lines.push("", "Flags:", ...table([...flags, ["-h, --help", "show this"]]));
  if (examples.length > 0)
    lines.push("", "Examples:", ...examples.flatMap(([label, line]) => example(flat(label), line)));
  return `${lines.join("\n")}\n`;
}

/** What a flag takes, in one word: `--timeout DURATION`. */
function valueName(names: string): string {
  const spellings = names.split(/[ ,]/);
  return (
    valueNames.find(([, flags]) => flags.some((flag) => spellings.includes(flag)))?.[0] ?? "VALUE"
  );
}

const valueNames: readonly (readonly [name: string, flags: readonly string[]])[] = [
  [
    "FILE",
    ["--token-file", "--ca-file", "--tls-cert", "--tls-key", "--out", "--sample", "--schema"],
  ],
  ["PATH", ["--file", "--manifests"]],
  ["FOLDER", ["--state-dir", "--dir"]],
  ["DURATION", ["--timeout", "--grace", "--since", "--interval"]],
  ["NAME", ["--namespace", "--source", "--field-manager"]],
  ["LABELS", ["--selector"]],
  ["ADDRESS", ["--server", "--listen"]],
  ["ZONE", ["--timezone"]],
  ["MOMENT", ["--from"]],
  ["FORMAT", ["--output"]],
  ["NUMBER", ["--tail", "--revision", "--to-revision", "--count", "--limit"]],
  ["NAME=VALUE", ["--input"]],
];

/** Flags that many commands have stand after those of the command itself. */
const sharedFlags = [
  "--output",
  "--state-dir",
  "--server",
  "--token-file",
  "--ca-file",
  "--quiet",
] as const;

function isShared(names: string): boolean {
  return sharedFlags.some((flag) => names.split(/[ ,]/).includes(flag));
}

type Row = readonly [name: string, text: string];

function rowOf({ name, description }: CommandEntry): Row {
  return [name, description];
}

/** Two columns, the second one wrapped. */
export function table(rows: readonly Row[]): string[] {
  const nameWidth = Math.min(24, Math.max(...rows.map(([name]) => name.length)));
  return rows.flatMap(([name, text]) => {
    const [first = "", ...rest] = wrap(text, WIDTH - nameWidth - 4);
    const margin = " ".repeat(nameWidth + 4);
    const head =
      name.length > nameWidth
        ? [`  ${name}`, `${margin}${first}`]
        : [`  ${name.padEnd(nameWidth)}  ${first}`];
    return [...head, ...rest.map((line) => `${margin}${line}`)];
  });
}

/** Text broken at spaces into lines of at most `width` characters; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function usageLine(definition: Definition): string {
  return [definition.path, "[flags]", ...positionalsOf(definition)].join(" ");
}

function example(label: string, line: string): string[] {
  return [`  # ${label.replace(/\.$/, "")}`, `  ${line}`];
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().replace(/\.$/, "");
}

function capital(text: string): string {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;
}
