/**
 * Build step: writes generated/ from schemas/, the single source of the manifest format:
 * a file of TypeScript types a kind (as the objects are once defaults are filled in),
 * validators that need no code generation at run time, and the schemas without references.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { AnySchemaObject } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import { compile } from "json-schema-to-typescript";
import { isObject } from "../lib/json.ts";

const schemas = fileURLToPath(new URL("../../schemas/", import.meta.url));
const target = fileURLToPath(new URL("./generated/", import.meta.url));
const kinds = {
  Source: "source",
  Agent: "agent",
  Tool: "tool",
  Provider: "provider",
  Router: "router",
  Watcher: "watcher",
  Cron: "cron",
} as const;
/** What is written like an object and is none. */
const files = { Overlay: "overlay" } as const;
const banner = "/** Generated from schemas/ by generate.ts; not edited by hand. */";

async function readSchema(file: string): Promise<AnySchemaObject> {
  return JSON.parse(await readFile(`${schemas}${file}`, "utf8"));
}

/** A field with a default is always there once defaults are filled in. */
function requireDefaulted(schema: unknown): void {
  if (!isObject(schema) && !Array.isArray(schema)) return;
  for (const value of Object.values(schema)) requireDefaulted(value);
  const { properties, required } = schema as { properties?: object; required?: string[] };
  if (!isObject(properties)) return;
  const defaulted = Object.entries(properties).flatMap(([name, field]) =>
    isObject(field) && "default" in field ? [name] : [],
  );
  Object.assign(schema, { required: [...new Set([...(required ?? []), ...defaulted])] });
}

async function writeTypes(kind: string): Promise<void> {
  const schema = await readSchema(`${kind}.json`);
  requireDefaulted(schema);
  const types = await compile(schema, kind, {
    cwd: schemas,
    bannerComment: banner,
    format: false,
    ignoreMinAndMaxItems: true,
  });
  await writeFile(`${target}${kind}.ts`, types);
}

/** Ajv's standalone code asks for its run-time parts with require(), which ES modules do not have. */
function importsFor(code: string): string {
  const imports: string[] = [];
  const body = code.replaceAll(/require\("(ajv\/dist\/runtime\/(\w+))"\)/g, (_, path, name) => {
    const line = `import ${name} from "${path}.js";`;
    if (!imports.includes(line)) imports.push(line);
    return name;
  });
  if (body.includes("require(")) throw new Error("a require() is left in the generated validators");
  return `${imports.join("\n")}\n${body}`;
}

async function writeValidators(): Promise<void> {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    allowUnionTypes: true,
    strictTypes: false,
    strictRequired: false,
    code: { source: true, esm: true, lines: true },
  });
  for (const file of ["common", ...Object.values({ ...kinds, ...files })])
    ajv.addSchema(await readSchema(`${file}.json`));
  const provider = await readSchema("provider.json");
  ajv.addSchema({
    $id: "https://legion.dev/schemas/v1/replies.json",
    $ref: `${provider.$id}#/properties/spec/properties/replies`,
  });
  const exported = Object.fromEntries(
    Object.entries({ ...kinds, ...files }).map(([kind, file]) => [
      kind,
      `https://legion.dev/schemas/v1/${file}.json`,
    ]),
  );
  const code = standalone.default(ajv, {
    ...exported,
    Replies: "https://legion.dev/schemas/v1/replies.json",
    JsonSchema: "https://json-schema.org/draft/2020-12/schema",
  });
  const typed = importsFor(code).replaceAll(
    /^export const (\w+) = /gm,
    "export const $1: ValidateFunction = ",
  );
  const type = 'import type { ValidateFunction } from "ajv";';
  await writeFile(`${target}validators.ts`, `// @ts-nocheck\n${banner}\n${type}\n${typed}\n`);
}

/** The schema with every $ref replaced by what it names; fields beside a $ref win. */
function dereference(
  node: unknown,
  document: unknown,
  documents: ReadonlyMap<string, unknown>,
): unknown {
  if (Array.isArray(node)) return node.map((item) => dereference(item, document, documents));
  if (!isObject(node)) return node;
  const { $ref, ...rest } = node;
  const own = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, dereference(value, document, documents)]),
  );
  if (typeof $ref !== "string") return own;
  const [file = "", pointer = ""] = $ref.split("#");
  const home = file === "" ? document : documents.get(file);
  let found = home;
  for (const part of pointer.split("/").slice(1)) found = isObject(found) ? found[part] : undefined;
  if (!isObject(found)) throw new Error(`cannot resolve ${$ref}`);
  return { ...(dereference(found, home, documents) as object), ...own };
}

async function writeSchemas(): Promise<void> {
  const documents = new Map<string, unknown>();
  for (const file of ["common", ...Object.values({ ...kinds, ...files })])
    documents.set(`${file}.json`, await readSchema(`${file}.json`));
  const plain = Object.entries({ ...kinds, ...files }).map(([kind, file]) => {
    const document = documents.get(`${file}.json`);
    return [kind, dereference(document, document, documents)];
  });
  const text = JSON.stringify(Object.fromEntries(plain), null, 1);
  const type =
    'import type { FieldSchema } from "../field-schema.ts";\nimport type { Kind } from "../objects.ts";\n';
  await writeFile(
    `${target}schemas.ts`,
    `${banner}\n${type}\nexport const schemas: Readonly<Record<Kind | "Overlay", FieldSchema>> = ${text};\n`,
  );
}

await mkdir(target, { recursive: true });
for (const kind of Object.values({ ...kinds, ...files })) await writeTypes(kind);
await writeValidators();
await writeSchemas();
