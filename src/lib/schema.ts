import type { ValidateFunction } from "ajv";
import { LegionError, messageOf } from "./errors.ts";
import type { JsonSchema } from "./json.ts";
import { issuesOf, type SchemaIssue } from "./schema-issues.ts";

/** Checks a value; an empty list means that it is valid. Never throws. */
export type Validate = (value: unknown) => readonly SchemaIssue[];

let compilers: Promise<(schema: JsonSchema) => ValidateFunction> | undefined;
const compiled = new WeakMap<JsonSchema, Validate>();

/**
 * A validator for a JSON Schema (draft 2020-12). Loads Ajv on first use; compiles each schema object once.
 * Throws LEG1090 when the schema itself is not valid.
 */
export async function compileSchema(schema: JsonSchema): Promise<Validate> {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  compilers ??= loadAjv();
  const compile = await compilers;
  let check: ValidateFunction;
  try {
    check = compile(schema);
  } catch (error) {
    throw new LegionError({
      code: "LEG1090",
      message: `the JSON Schema is not valid: ${messageOf(error).replace(/^schema is invalid: data/, "")}`,
      hint: "write it in JSON Schema draft 2020-12",
    });
  }
  const validate: Validate = (value) => (check(value) ? [] : issuesOf(check.errors ?? [], value));
  compiled.set(schema, validate);
  return validate;
}

async function loadAjv(): Promise<(schema: JsonSchema) => ValidateFunction> {
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  // Schemas come from manifests and tools: unknown keywords are theirs, not faults. Each compile has an instance
  // of its own, so that equal $ids do not clash and nothing is kept for ever.
  return (schema) =>
    new Ajv2020({ allErrors: true, strict: false, logger: false, verbose: true }).compile({
      ...schema,
    });
}
