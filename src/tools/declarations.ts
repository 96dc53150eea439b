import { LegionError } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { count } from "../lib/text.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { HostReply } from "../sandbox/contract.ts";
import { noFunction, noTool } from "./call/lookup.ts";
import type { ToolBinding, Toolbox } from "./contract.ts";
import { oneLine } from "./declarations/glossary.ts";
import { findFunctions } from "./declarations/search-index.ts";
import { declarations, functionHelp, signature } from "./declarations/write.ts";
import { exampleCall } from "./example.ts";
import { hostError } from "./host-error.ts";

/** Tokens that `auto` spends at most on every signature, and on a line a tool. */
export const INLINE_TOKENS_MAX = 6_000;
export const INDEX_TOKENS_MAX = 3_000;
/** Near enough for English and code, and costs nothing. */
const CHARACTERS_PER_TOKEN = 4;

type Bindings = Pick<Toolbox, "tools">;

/** The section of the prompt about tools; the same text for the same tools. Empty when there are none. */
export function toolSection({ tools }: Bindings, mode: AgentSpec["toolDocs"]): string {
  if (tools.length === 0) return "";
  if (mode !== "auto") return sections[mode](tools);
  const inline = sections.inline(tools);
  if (inline.length <= INLINE_TOKENS_MAX * CHARACTERS_PER_TOKEN) return inline;
  const index = sections.index(tools);
  return index.length <= INDEX_TOKENS_MAX * CHARACTERS_PER_TOKEN ? index : sections.search(tools);
}

/** The three ways of telling, fullest first. */
const sections: Readonly<
  Record<Exclude<AgentSpec["toolDocs"], "auto">, (tools: readonly ToolBinding[]) => string>
> = {
  inline: (tools) =>
    `${howToCall(tools)} await help("tool.function") tells more of one.\n\n\`\`\`ts\n${declarations(tools)}\n\`\`\``,
  index: (tools) =>
    `${howToCall(tools)} Each line is a tool with its functions. Before you use one, await help("tool") for what they take; await search("words") finds functions.\n\n${tools.map(indexLine).join("\n")}`,
  search: (tools) => {
    const functions = tools.reduce((sum, tool) => sum + tool.functions.length, 0);
    return `You have ${count(tools.length, "tool")} with ${count(functions, "function")}, too many to list. await search("words") finds functions for a purpose and tells what they take; await help("tool.function") tells more of one. ${howToCall(tools)}`;
  },
};

function howToCall(tools: readonly ToolBinding[]): string {
  const [first] = tools;
  const example = first?.functions[0];
  const call =
    first === undefined || example === undefined
      ? "await tools.<tool>.<function>({...})"
      : exampleCall(first, example);
  return `Every function takes one object and answers with a promise: \`${call}\`.`;
}

function indexLine({ as, tool, functions }: ToolBinding): string {
  const about = oneLine(tool.description);
  return `- ${as} (${functions.join(", ")})${about === "" ? "" : `: ${about}`}`;
}

/** Everything about a function ("files.read"), the functions of a tool ("files"), or, without a name, the names of all tools. */
export function helpFor({ tools }: Bindings, name: Json | undefined): HostReply {
  if (name === undefined || name === null || name === "")
    return { ok: true, value: tools.map(indexLine).join("\n") };
  if (typeof name !== "string") {
    const error = new LegionError({
      code: "LEG4003",
      message: "help takes the name of a tool or function as text",
      hint: 'write await help("files.read")',
    });
    return { ok: false, error: hostError(error) };
  }
  const [as = "", ...rest] = name
    .replace(/^tools\./, "")
    .replace(/\(.*$/, "")
    .split(".");
  const target = { tool: as, function: rest.join(".") };
  const binding = tools.find((one) => one.as === as);
  if (binding === undefined) return { ok: false, error: hostError(noTool(tools, target)) };
  if (target.function === "") return { ok: true, value: declarations([binding]) };
  const spec = binding.functions.includes(target.function)
    ? binding.tool.functions[target.function]
    : undefined;
  if (spec === undefined) return { ok: false, error: hostError(noFunction(binding, target)) };
  return { ok: true, value: functionHelp(binding, target.function, spec) };
}

/** The functions that fit a query best, each with its signature. */
export async function searchTools(
  { tools }: Bindings,
  query: Json | undefined,
): Promise<HostReply> {
  if (typeof query !== "string" || query.trim() === "") {
    const error = new LegionError({
      code: "LEG4003",
      message: "search takes the words to look for as text",
      hint: 'write await search("read a file")',
    });
    return { ok: false, error: hostError(error) };
  }
  const found = await findFunctions(tools, query);
  return { ok: true, value: found.flatMap(({ binding, name }) => foundFunction(binding, name)) };
}

function foundFunction({ as, tool }: ToolBinding, name: string): Json[] {
  const spec = tool.functions[name];
  return spec === undefined
    ? []
    : [
        {
          name: `${as}.${name}`,
          signature: signature(as, name, spec),
          description: oneLine(spec.description),
        },
      ];
}
