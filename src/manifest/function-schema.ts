import type { JsonSchema } from "../lib/json.ts";
import { DEFAULT_NAMESPACE } from "./loaded.ts";
import type { ManifestObject } from "./objects.ts";

/** A function of a tool by its full name, `tool.function`. Names of tools have no dots. */
export interface FunctionName {
  readonly tool: string;
  /** Empty where the name is that of a tool alone. */
  readonly name: string;
}

export function splitFunction(text: string): FunctionName {
  const dot = text.indexOf(".");
  return dot === -1
    ? { tool: text, name: "" }
    : { tool: text.slice(0, dot), name: text.slice(dot + 1) };
}

/** What a Tool declares of one of its functions; undefined where it declares nothing, as a builtin does. */
export function declaredFunction(
  tool: ManifestObject<"Tool"> | undefined,
  name: string,
): NonNullable<ManifestObject<"Tool">["spec"]["functions"]>[string] | undefined {
  const functions = tool?.spec.functions;
  return functions !== undefined && Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** The JSON Schema of what `tool.function` returns, as the manifest of the Tool declares it: the roots of a custom watcher. */
export function schemaOfFunction(
  objects: Iterable<ManifestObject>,
  fullName: string,
  namespace: string = DEFAULT_NAMESPACE,
): JsonSchema | undefined {
  const { tool, name } = splitFunction(fullName);
  for (const object of objects)
    if (object.kind === "Tool" && object.name === tool && object.namespace === namespace)
      return declaredFunction(object as ManifestObject<"Tool">, name)?.returns as
        | JsonSchema
        | undefined;
  return undefined;
}

/** Whether `tool.function` may be called again with the same idempotency key, as the manifest of the Tool says. */
export function isIdempotent(
  { get }: { get(kind: "Tool", name: string): ManifestObject<"Tool"> | undefined },
  fullName: string,
): boolean {
  const { tool, name } = splitFunction(fullName);
  return declaredFunction(get("Tool", tool), name)?.idempotent === true;
}
