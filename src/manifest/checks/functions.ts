import type { JsonPath } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import type { ManifestObject } from "../objects.ts";
import { type CheckContext, faultAt, listOf } from "./context.ts";

/** The names of a Tool's functions; undefined when they cannot be told. */
export function functionsOf(
  tool: string,
  namespace: string,
  { object, options }: CheckContext,
): readonly string[] | undefined {
  const spec = object("Tool", namespace, tool)?.spec;
  if (spec === undefined) return undefined;
  if (spec.type === "builtin") return options.builtins?.[spec.builtin ?? ""]?.functions;
  return Object.keys(spec.functions ?? {});
}

interface FunctionReference {
  readonly tool: string;
  readonly name: string;
  readonly path: JsonPath;
  readonly words?: string;
  readonly inside?: { readonly start: number; readonly end: number };
}

/** A function that is referenced exists in its Tool. */
export function checkFunction(
  object: ManifestObject,
  { tool, name, ...spot }: FunctionReference,
  context: CheckContext,
): void {
  const known = functionsOf(tool, object.namespace, context);
  if (known === undefined || known.includes(name)) return;
  const near = suggest(name, known);
  const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
  const summary = `Tool "${tool}" has no function "${name}"`;
  context.report(
    faultAt(object, {
      code: "LEG1051",
      summary,
      detail: hint + listOf(known, "it has none"),
      ...spot,
    }),
  );
}

/** Names that every JavaScript object has already would be found where there is no function. */
export function checkFunctionNames(tool: ManifestObject<"Tool">, { report }: CheckContext): void {
  for (const name of Object.keys(tool.spec.functions ?? {})) {
    if (!(name in Object.prototype)) continue;
    const summary = `"${name}" cannot be the name of a function`;
    const detail = "every JavaScript object has it already: choose another name";
    report(
      faultAt(tool, {
        code: "LEG1057",
        path: ["spec", "functions", name],
        part: "key",
        summary,
        detail,
      }),
    );
  }
}

/** What undoes a function is a function of the same tool. */
export function checkReverts(tool: ManifestObject<"Tool">, context: CheckContext): void {
  for (const [name, { revert }] of Object.entries(tool.spec.functions ?? {})) {
    if (revert === undefined) continue;
    const path = ["spec", "functions", name, "revert"];
    checkFunction(tool, { tool: tool.name, name: revert, path }, context);
  }
}
