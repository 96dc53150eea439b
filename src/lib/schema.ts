import type { CodeOptions, ValidateFunction } from "ajv";
import { LegionError, messageOf } from "./errors.ts";
import type { JsonSchema } from "./json.ts";
import { linearPattern } from "./patterns.ts";
import { issuesOf, type SchemaIssue } from "./schema-issues.ts";

type RegExpEngine = NonNullable<CodeOptions["regExp"]>;

/** Checks a value; an empty list means that it is valid. Never throws. */
export type Validate = (value: unknown) => readonly SchemaIssue[];

type Compile = (schema: JsonSchema, isOwn: boolean) => ValidateFunction;

let compilers: Promise<Compile> | undefined;
const compiled = new WeakMap<JsonSchema, Validate>();

/**
 * A validator for a JSON Schema (draft 2020-12). Loads Ajv on first use; compiles each schema object once.
 * Throws LEG1090 when the schema itself is not valid; that Legion's own ones are is not checked, which takes far longer
 * than to compile them.
 */
export async function compileSchema(
  schema: JsonSchema,
  { isOwn = false }: { readonly isOwn?: boolean } = {},
): Promise<Validate> {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  compilers ??= loadAjv();
  const compile = await compilers;
  let check: ValidateFunction;
  try {
    check = compile(schema, isOwn);
  } catch (error) {
    throw new LegionError({
      code: "LEG1090",
      message: `the JSON Schema is not valid: ${messageOf(error).replace(/^schema is invalid: data/, "")}`,
      hint: "write it in JSON Schema draft 2020-12",
    });
  }
  const validate: Validate = (value) => {
    try {
      return check(value) ? [] : issuesOf(check.errors ?? [], value);
    } catch (error) {
      return [unchecked(error)];
    }
  };
  compiled.set(schema, validate);
  return validate;
}

/** A schema that refers to itself without end, or a value that nests too deeply for it. */
function unchecked(error: unknown): SchemaIssue {
  return {
    path: [],
    kind: "value",
    message: `cannot be checked against the schema: ${messageOf(error)}`,
    hint: "write a value that nests less, or a schema that does not refer to itself alone",
  };
}

/** A pattern as Ajv wants it; by its text it knows which ones are the same. */
const regExp = Object.assign(
  (source: string) => Object.assign(linearPattern(source), { toString: () => source }),
  { code: "linearPattern" },
);

async function loadAjv(): Promise<Compile> {
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  // Schemas come from manifests and tools: unknown keywords are theirs, not faults. Each compile has an instance
  // of its own, so that equal $ids do not clash and nothing is kept for ever.
  return (schema, isOwn) =>
    new Ajv2020({
      allErrors: true,
      strict: false,
      validateSchema: !isOwn,
      logger: false,
      verbose: true,
      ownProperties: true,
      code: { regExp: regExp as unknown as RegExpEngine },
    }).compile({ ...schema });
}
