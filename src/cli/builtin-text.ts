import { unknownName } from "../lib/errors.ts";
import { isObject, type JsonSchema } from "../lib/json.ts";
import { suggest } from "../lib/suggest.ts";
import { type Builtin, builtins } from "../tools/types/builtin.ts";
import { table, wrap } from "./help.ts";

export const builtinNames: readonly string[] = Object.keys(builtins);

/** What `legion explain builtin.NAME` tells: the builtin as data and as text. Throws LEG7004 for one that does not exist. */
export function builtinPage(name: string): { readonly value: object; readonly text: string } {
  const known = Object.entries<Builtin>(builtins).find(([key]) => key === name);
  if (known === undefined) {
    throw unknownName("LEG7004", "builtin tool", name, builtinNames, suggest(name, builtinNames));
  }
  const { description, config, functions } = known[1];
  const blocks = Object.entries(functions).flatMap(
    ([key, { description: what, parameters, returns }]) => [
      "",
      `  tools.${name}.${key}({ ... }) -> ${typeOf(returns ?? {})}`,
      ...wrap(what, 76).map((line) => `    ${line}`),
      ...table(rowsOf(parameters)).map((line) => `  ${line}`),
    ],
  );
  const text = [
    `builtin ${name}: ${description}`,
    "",
    "spec.config of the Tool, or config in an agent's tools:",
    ...table(rowsOf(config)),
    "",
    "Functions (* required):",
    ...blocks.slice(1),
  ];
  return { value: { name, description, config, functions }, text: text.join("\n") };
}

/** A row for each field of an object's schema. */
function rowsOf({ properties, required }: JsonSchema): (readonly [name: string, text: string])[] {
  if (!isObject(properties) || Object.keys(properties).length === 0) return [["(none)", ""]];
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.entries(properties).map(([name, field]) => {
    const schema = isObject(field) ? field : {};
    const what = typeof schema.description === "string" ? ` ${schema.description}` : "";
    return [`${name}${needed.includes(name) ? "*" : ""}`, `(${typeOf(schema)})${what}`] as const;
  });
}

function typeOf({ type, enum: values, items }: JsonSchema): string {
  if (Array.isArray(values)) return values.map(String).join(" | ");
  if (type === "array") return isObject(items) ? `list of ${typeOf(items)}` : "list";
  return typeof type === "string" ? type : "any";
}
