import path from "node:path";
import { pathToFileURL } from "node:url";
import { LegionError } from "../../lib/errors.ts";
import { textHash } from "../../lib/hash.ts";
import type { Json, JsonObject } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import { publicMessage } from "../call/public-message.ts";
import type { ToolContext } from "../contract.ts";
import type { ToolBody, ToolParts } from "../registry.ts";
import { declaredFunctions } from "./declared.ts";
import { readToolFile, type ToolFile } from "./tool-file.ts";

const extensions: readonly string[] = [".ts", ".mts", ".js", ".mjs"];
/** The most time that the top level of a module may take. */
const LOAD_MS_MAX = 10_000;

type ModuleFunction = (
  args: JsonObject,
  context: Omit<ToolContext, "onCall">,
) => Json | undefined | Promise<Json | undefined>;

/** A tool of type module: a trusted file of the manifest repository; the functions are its named exports, called with (args, context). */
export async function moduleTool({ object }: Pick<ToolParts, "object">): Promise<ToolBody> {
  // Validation has seen to it that a module is named.
  const given = object.spec.module ?? "";
  if (!extensions.includes(path.extname(given))) {
    throw loadError(
      object.name,
      given,
      `has none of the extensions ${extensions.join(" ")}`,
      "name a TypeScript or JavaScript module",
    );
  }
  const exported = await load(object.name, given, await readToolFile(object, given));
  const functions = declaredFunctions(object.spec);
  const known = Object.keys(exported).filter((key) => typeof exported[key] === "function");
  const missing = Object.keys(functions).find((name) => !known.includes(name));
  if (missing !== undefined) throw lacks(object.name, given, missing, known);
  return {
    functions,
    call: async (name, args, { onCall: _, ...context }) =>
      (exported[name] as ModuleFunction)(args, context),
  };
}

/** Imports the file anew when its content has changed: node keeps modules by URL for ever. Modules that it imports are not looked at. */
async function load(
  name: string,
  given: string,
  { file, content }: ToolFile,
): Promise<Record<string, unknown>> {
  const url = pathToFileURL(file);
  url.searchParams.set("v", textHash(content).slice(0, 16));
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`its top level took longer than ${LOAD_MS_MAX} ms`)),
    LOAD_MS_MAX,
  );
  try {
    return await Promise.race([import(url.href) as Promise<Record<string, unknown>>, late.promise]);
  } catch (error) {
    throw loadError(
      name,
      given,
      `cannot be loaded: ${publicMessage(error)}`,
      "correct the fault in the file",
      error,
    );
  } finally {
    clearTimeout(timer);
  }
}

function loadError(
  name: string,
  given: string,
  what: string,
  hint: string,
  cause?: unknown,
): LegionError {
  return new LegionError(
    { code: "LEG4014", message: `"${given}" of the tool "${name}" ${what}`, hint },
    cause,
  );
}

function lacks(
  name: string,
  given: string,
  missing: string,
  known: readonly string[],
): LegionError {
  const near = suggest(missing, known);
  return new LegionError({
    code: "LEG4015",
    message: `"${given}" of the tool "${name}" does not export a function "${missing}"`,
    hint:
      near !== undefined
        ? `did you mean "${near}"?`
        : known.length > 0
          ? `it exports: ${known.join(", ")}`
          : "it exports no functions: write `export function`",
    valid: known,
    example: `export async function ${missing}(args, { config, signal }) { return null; }`,
  });
}
