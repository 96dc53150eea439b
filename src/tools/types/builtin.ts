import { LegionError } from "../../lib/errors.ts";
import type { JsonSchema } from "../../lib/json.ts";
import { compileSchema } from "../../lib/schema.ts";
import type { SchemaIssue } from "../../lib/schema-issues.ts";
import type { BuiltinFacts } from "../../manifest/checks/context.ts";
import type { ToolSpec } from "../../manifest/generated/tool.ts";
import { filesBuiltin } from "../builtins/files.ts";
import { humanBuiltin } from "../builtins/human.ts";
import { kvBuiltin } from "../builtins/kv.ts";
import { nowBuiltin } from "../builtins/now.ts";
import { type FunctionSpec, needsPerson, type Tool } from "../contract.ts";
import type { ToolBody, ToolParts } from "../registry.ts";

/** A tool that comes with Legion: what it is as data, and how one is made. */
export interface Builtin {
  readonly description: string;
  readonly functions: Readonly<Record<string, FunctionSpec>>;
  /** Schema of spec.config. */
  readonly config: JsonSchema;
  /** Throws a LegionError when the config, which meets the schema, cannot be used. */
  create(parts: ToolParts): Promise<Tool["call"]>;
}

/** Every builtin: adding one is a file and a line. Importing this runs nothing. */
export const builtins = {
  files: filesBuiltin,
  human: humanBuiltin,
  kv: kvBuiltin,
  now: nowBuiltin,
} satisfies Record<NonNullable<ToolSpec["builtin"]>, Builtin>;

/** The functions and the config of each builtin, by name: what manifests can be checked against. */
export const builtinFacts: Readonly<Record<string, BuiltinFacts>> = Object.fromEntries(
  Object.entries<Builtin>(builtins).map(([name, { functions, config }]) => [
    name,
    {
      ...{ functions: Object.keys(functions), config },
      withPeople: Object.keys(functions).filter((each) => needsPerson(functions[each])),
    },
  ]),
);

/** A tool of type builtin. */
export async function builtinTool(parts: ToolParts): Promise<ToolBody> {
  const { spec, name } = parts.object;
  // Validation has seen to it that a builtin is named.
  const builtin: Builtin = builtins[spec.builtin ?? "now"];
  const validate = await compileSchema(builtin.config, { isOwn: true });
  const [issue] = validate(parts.config);
  if (issue !== undefined) throw wrongConfig(name, issue);
  return {
    description: builtin.description,
    functions: builtin.functions,
    call: await builtin.create(parts),
  };
}

function wrongConfig(name: string, { path, kind, message, hint, valid }: SchemaIssue): LegionError {
  const holder = ["config", ...(kind === "unknown" ? path.slice(0, -1) : path)].join(".");
  const what = `${holder} of the tool "${name}" ${kind === "unknown" ? `has an ${message}` : message}`;
  return new LegionError({ code: "LEG4012", message: what, hint, ...(valid && { valid }) });
}
