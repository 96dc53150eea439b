import { extname } from "node:path";
import type { JsonPath } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import {
  type CodeFacts,
  type CodeName,
  type CodeProblem,
  type ModuleExtension,
  moduleExtensions,
} from "../code/contract.ts";
import type { Fault, Spot } from "../fault.ts";
import type { ManifestObject } from "../objects.ts";
import type { SourceText } from "../source-text.ts";
import { type CheckContext, faultAt, listOf } from "./context.ts";

type Tool = ManifestObject<"Tool">;

/** Where code stands: in the manifest, or in a file of its own. */
interface CodePlace {
  readonly file: string;
  readonly shown: string;
  spot(start: number, end: number): Spot;
}

/** The JavaScript in a manifest parses and has the functions that the manifest declares. */
export async function checkSource(tool: Tool, context: CheckContext): Promise<void> {
  const { source } = tool.spec;
  if (source === undefined) return;
  const { file, shown, document } = tool.source;
  const facts = await context.code.read({ text: source, form: "script" });
  const path: JsonPath = ["spec", "source"];
  const spot = (start: number, end: number) =>
    ({ document, path, part: "value", inside: { start, end } }) as const;
  if (facts === undefined) return;
  for (const fault of faultsOf(tool, facts, { file, shown, spot })) context.report(fault);
}

interface CodeFile {
  /** The field that names it. */
  readonly path: JsonPath;
  readonly name: string;
  readonly file: string;
}

/** The same of code in a file; a module has to export the functions. */
export async function checkCodeFile(
  tool: Tool,
  { path, name, file }: CodeFile,
  source: SourceText,
  context: CheckContext,
): Promise<void> {
  const form = tool.spec.type === "module" ? extensionOf(name) : "script";
  if (form === undefined) {
    const summary = `"${name}" is no module: its name has none of the extensions ${moduleExtensions.join(" ")}`;
    const detail = "name a TypeScript or JavaScript module";
    context.report(faultAt(tool, { code: "LEG1061", path, summary, detail }));
    return;
  }
  const facts = await context.code.read({ text: source.text, form });
  if (facts === undefined) return;
  const spot = (start: number, end: number) => ({ start, end });
  const faults = faultsOf(tool, facts, { file, shown: source.shown, spot });
  if (faults.length > 0) context.addText(file, source);
  for (const fault of faults) context.report(fault);
}

function extensionOf(name: string): ModuleExtension | undefined {
  return moduleExtensions.find((extension) => extension === extname(name));
}

/** What is wrong with code: that it cannot be loaded, or else the functions that it lacks, as far as that can be told. */
function faultsOf(tool: Tool, { problem, names, isOpen }: CodeFacts, place: CodePlace): Fault[] {
  if (problem !== undefined) return [unloadable(tool, problem, place)];
  return Object.keys(tool.spec.functions ?? {}).flatMap((name) => {
    // Of two declarations of one name the later one counts.
    const found = names.findLast((candidate) => candidate.name === name);
    if (found === undefined ? isOpen : callable(found)) return [];
    return [lacking(tool, name, found, names.filter(callable), place)];
  });
}

function unloadable(
  { name, source }: Tool,
  { message, hint, start, end }: CodeProblem,
  { file, shown, spot }: CodePlace,
): Fault {
  const summary = `the code of Tool "${name}" cannot be loaded: ${message}`;
  const place = { file, shown, spot: spot(start, end), blames: source };
  return { severity: "error", code: "LEG1062", summary, detail: hint, ...place };
}

/** A function that is declared, and what the code has in its place. */
function lacking(
  tool: Tool,
  name: string,
  found: CodeName | undefined,
  known: readonly CodeName[],
  { file, spot }: CodePlace,
): Fault {
  const isModule = tool.spec.type === "module";
  const how = isModule ? "does not export" : "does not have at its top level";
  const has = found === undefined ? how : `has as ${nounOf[found.is]}`;
  const names = known.map((candidate) => candidate.name);
  const near = suggest(name, names);
  const meant = found ?? known.find((candidate) => candidate.name === near);
  const example = `write it: ${isModule ? "export " : ""}function ${name}(args, { config }) { ... }`;
  return faultAt(tool, {
    code: "LEG1063",
    path: ["spec", "functions", name],
    part: "key",
    summary: `Tool "${tool.name}" declares function "${name}", which its code ${has}`,
    detail: (where) => {
      if (meant === undefined) return listOf(names, example);
      const at = where(file, spot(meant.start, meant.end));
      return found === undefined
        ? `did you mean "${meant.name}" (${at})?`
        : `write a function in its place (${at})`;
    },
  });
}

function callable({ is }: CodeName): boolean {
  return is === "function" || is === "unclear";
}

const nounOf: Readonly<Record<CodeName["is"], string>> = {
  class: "a class",
  data: "a value that is no function",
  function: "a function",
  unclear: "a value",
};
