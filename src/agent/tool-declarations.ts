import { textHash } from "../lib/hash.ts";
import type { FunctionDeclaration } from "../router/contract.ts";
import type { ToolBinding, Toolbox } from "../tools/contract.ts";

/** The functions that the model of an agent in mode tools may call. */
export interface ToolDeclarations {
  /** Sorted by name: the same text for the same tools, so that providers' caches hit. */
  readonly declarations: readonly FunctionDeclaration[];
  /** The function that a name of a declaration stands for, in the words of the toolbox. */
  find(name: string): CalledFunction | undefined;
}

export interface CalledFunction {
  /** The name of the tool in code: tools.<tool>. */
  readonly tool: string;
  readonly function: string;
}

/** Names that every provider takes. */
const NAME_LENGTH_MAX = 64;
const validName = /^[a-zA-Z0-9_-]{1,64}$/;
const HASH_LENGTH = 8;

/**
 * What a toolbox offers natively. A function has its own name; where functions of two tools have the same one, it is
 * `tool__function`. A name that providers do not take, or that is taken by then, gets its odd characters replaced and ends with a hash of
 * the whole name. The names depend on nothing but the tools, so a conversation keeps them through restarts.
 */
export function toolDeclarations({ tools }: Pick<Toolbox, "tools">): ToolDeclarations {
  const known = made.get(tools);
  if (known !== undefined) return known;
  const declared = declare(tools);
  made.set(tools, declared);
  return declared;
}

/** Every step of a turn asks for those of the same toolbox. */
const made = new WeakMap<readonly ToolBinding[], ToolDeclarations>();

function declare(tools: readonly ToolBinding[]): ToolDeclarations {
  const offered = tools.flatMap((binding) =>
    binding.functions.map((name) => ({ binding, called: { tool: binding.as, function: name } })),
  );
  const names = wireNames(offered.map(({ called }) => called));
  const byName = new Map<string, (typeof offered)[number]>();
  for (const [index, entry] of offered.entries()) byName.set(names[index] ?? "", entry);
  const declarations = [...byName]
    .map(([name, { binding, called }]) => declaration(name, binding, called.function))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { declarations, find: (name) => byName.get(name)?.called };
}

function declaration(name: string, { tool }: ToolBinding, given: string): FunctionDeclaration {
  const spec = tool.functions[given];
  const parameters = spec?.parameters ?? {};
  return {
    name,
    description: spec?.description ?? "",
    // Providers refuse a schema whose root is no object, and some one without properties.
    parameters: { ...parameters, type: "object", properties: parameters.properties ?? {} },
  };
}

/** The names on the wire of all functions, in the same order; no two are equal. */
function wireNames(functions: readonly CalledFunction[]): readonly string[] {
  const plain = counted(functions.map((called) => called.function));
  const wanted = functions.map((called) =>
    plain.get(called.function) === 1 ? called.function : `${called.tool}__${called.function}`,
  );
  const taken = counted(wanted);
  return functions.map((called, index) => {
    const name = wanted[index] ?? "";
    return validName.test(name) && taken.get(name) === 1 ? name : hashed(called);
  });
}

function hashed({ tool, function: name }: CalledFunction): string {
  const readable = `${tool}__${name}`.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  const hash = textHash(`${tool}.${name}`).slice(0, HASH_LENGTH);
  return `${readable.slice(0, NAME_LENGTH_MAX - HASH_LENGTH - 1)}_${hash}`;
}

function counted(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
