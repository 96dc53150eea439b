import { isObject } from "../../lib/json.ts";
import type { FunctionSpec, ToolBinding } from "../contract.ts";

/** What parameters mean, told once where several functions say the same of a parameter of the same name. */
export interface Glossary {
  /** Sorted by name. */
  readonly entries: readonly { readonly name: string; readonly description: string }[];
  /** What the glossary does not say of a function's own parameters: `encoding: base64 for files that are not text`. */
  rest(spec: FunctionSpec): string[];
}

/** The most characters of a description in a prompt; help has the whole. */
const DESCRIPTION_LENGTH_MAX = 300;

/** Collects the descriptions of the top-level parameters of all functions that may be called. */
export function glossaryOf(tools: readonly ToolBinding[]): Glossary {
  const uses = new Map<string, Map<string, number>>();
  for (const { tool, functions } of tools) {
    for (const name of functions)
      for (const [parameter, description] of described(tool.functions[name])) {
        const of = uses.get(parameter) ?? new Map<string, number>();
        of.set(description, (of.get(description) ?? 0) + 1);
        uses.set(parameter, of);
      }
  }
  const shared = new Map<string, string>();
  for (const [name, descriptions] of uses) {
    const [most] = [...descriptions].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    if (most !== undefined && most[1] > 1) shared.set(name, most[0]);
  }
  return {
    entries: [...shared]
      .map(([name, description]) => ({ name, description }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    rest: (spec) =>
      described(spec).flatMap(([name, description]) =>
        shared.get(name) === description ? [] : [`${name}: ${description}`],
      ),
  };
}

function described(spec: FunctionSpec | undefined): [string, string][] {
  const properties = spec?.parameters.properties;
  return Object.entries(isObject(properties) ? properties : {}).flatMap(
    ([name, field]): [string, string][] => {
      const description =
        isObject(field) && typeof field.description === "string" ? oneLine(field.description) : "";
      return description === "" ? [] : [[oneLine(name), description]];
    },
  );
}

/** A description as one line of bounded length without its last full stop, fit for a comment of TypeScript. */
export function oneLine(text: string): string {
  const line = text
    .replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, " ")
    .replaceAll("*/", "* /")
    .trim()
    .replace(/\.$/, "");
  return line.length > DESCRIPTION_LENGTH_MAX
    ? `${line.slice(0, DESCRIPTION_LENGTH_MAX).toWellFormed()}…`
    : line;
}
