import { isObject } from "../../lib/json.ts";
import { keyName, pathInCode } from "../code-name.ts";
import type { FunctionSpec, ToolBinding } from "../contract.ts";
import { exampleCall } from "../example.ts";
import { type Glossary, glossaryOf, oneLine } from "./glossary.ts";
import { schemaType } from "./schema-type.ts";

/** TypeScript that declares `tools`: a line a function, after a glossary of the parameters that several have. */
export function declarations(tools: readonly ToolBinding[]): string {
  const glossary = glossaryOf(tools);
  const entries = glossary.entries.map(({ name, description }) => `// ${name}: ${description}`);
  return [
    ...entries,
    "declare const tools: {",
    ...tools.flatMap((binding) => toolLines(binding, glossary)),
    "}",
  ].join("\n");
}

function toolLines({ as, tool, functions }: ToolBinding, glossary: Glossary): string[] {
  const about = oneLine(tool.description);
  const lines = functions.map((name) => functionLine(name, tool.functions[name], glossary));
  return [`${keyName(as)}: {${about === "" ? "" : ` // ${about}`}`, ...lines, "}"];
}

function functionLine(name: string, spec: FunctionSpec | undefined, glossary: Glossary): string {
  if (spec === undefined) return "";
  const notes = [oneLine(spec.description), ...glossary.rest(spec)].filter((note) => note !== "");
  return `${keyName(name)}${parametersAndResult(spec)}${notes.length === 0 ? "" : ` // ${notes.join(". ")}`}`;
}

/** `tools.files.read(_: { path: string; offset?: number }): Promise<string>`. */
export function signature(as: string, name: string, spec: FunctionSpec): string {
  return `${pathInCode(as, name)}${parametersAndResult(spec)}`;
}

/** Without a schema of the result there is no result type. */
function parametersAndResult({ parameters, returns }: FunctionSpec): string {
  const result = returns === undefined ? "" : `: Promise<${schemaType(returns)}>`;
  const type = schemaType(parameters);
  if (type === "{}") return `()${result}`;
  const optional = !Array.isArray(parameters.required) || parameters.required.length === 0;
  return `(_${optional ? "?" : ""}: ${type})${result}`;
}

/** All that is known of a function, as a comment and its signature. */
export function functionHelp(binding: ToolBinding, name: string, spec: FunctionSpec): string {
  const properties = isObject(spec.parameters.properties) ? spec.parameters.properties : {};
  const parameters = Object.entries(properties).map(([parameter, schema]) =>
    ` * @param _.${oneLine(parameter)} ${facts(schema)}`.trimEnd(),
  );
  return [
    "/**",
    ` * ${spec.description.replaceAll("*/", "* /").trim().replaceAll("\n", "\n * ")}`,
    ...parameters,
    ` * @example ${exampleCall(binding, name).replaceAll("*/", "* /")}`,
    " */",
    signature(binding.as, name, spec),
  ].join("\n");
}

/** What a type cannot say of a parameter: its description, and its limits. */
function facts(schema: unknown): string {
  if (!isObject(schema)) return "";
  const limits = Object.entries(limitWords).flatMap(([keyword, words]) => {
    const value = schema[keyword];
    return value === undefined
      ? []
      : [`${words} ${typeof value === "string" ? value : JSON.stringify(value)}`];
  });
  const description =
    typeof schema.description === "string" ? [schema.description.trim().replace(/\.$/, "")] : [];
  return [...description, ...limits].join("; ").replaceAll(/\s+/g, " ").replaceAll("*/", "* /");
}

const limitWords: Readonly<Record<string, string>> = {
  default: "default",
  minimum: "at least",
  exclusiveMinimum: "more than",
  maximum: "at most",
  exclusiveMaximum: "less than",
  multipleOf: "a multiple of",
  minLength: "characters at least",
  maxLength: "characters at most",
  minItems: "items at least",
  maxItems: "items at most",
  pattern: "must match",
  format: "format",
};
