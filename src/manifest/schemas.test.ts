// Goal: the schemas, what is generated from them and what they say by example hold together.
// Method: validate every default and example by its own schema, every valid fixture by the schema for editors, and compare the generated copy with the files.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parseAllDocuments } from "yaml";
import { compileSchema } from "../lib/schema.ts";
import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import { kindNames } from "./kinds.ts";
import { schemaFaults } from "./schema-faults.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string) => JSON.parse(readFileSync(at(path), "utf8"));

for (const kind of kindNames) {
  test(`the defaults and examples of ${kind} are valid by their own schemas`, async () => {
    for (const { path, field } of fieldsOf(schemas[kind], kind)) {
      const validate = await compileSchema(field);
      const shown = [
        ...(field.default === undefined ? [] : [field.default]),
        ...(field.examples ?? []),
      ];
      for (const value of shown)
        assert.deepEqual(validate(value), [], `${path}: ${JSON.stringify(value)}`);
    }
  });

  test(`the generated schema of ${kind} is that of its file`, () => {
    const file = read(`schemas/${kind.toLowerCase()}.json`);
    assert.deepEqual(
      Object.keys(schemas[kind].properties?.spec?.properties ?? {}),
      Object.keys(file.properties.spec.properties),
    );
    const texts = (schema: unknown) => JSON.stringify(schema).match(/"description":"[^"]*"/g) ?? [];
    const generated = new Set(texts(schemas[kind]));
    for (const text of texts(file)) assert.ok(generated.has(text), `run npm run build: ${text}`);
  });
}

test("the schema for editors knows every kind and accepts every valid fixture", () => {
  const ajv = new Ajv2020({ strict: false });
  for (const file of ["common", ...kindNames.map((kind) => kind.toLowerCase())])
    ajv.addSchema(read(`schemas/${file}.json`));
  const editor = read("schemas/legion.json");
  assert.deepEqual(editor.properties.kind.enum, kindNames);
  const validate = ajv.compile(editor);
  const names = readdirSync(at("fixtures/valid")).filter(
    (name) => /\.(yaml|json)$/.test(name) && name !== "replies.yaml",
  );
  const documents = names.flatMap((name) =>
    parseAllDocuments(readFileSync(at(`fixtures/valid/${name}`), "utf8")),
  );
  for (const document of documents)
    assert.ok(validate(document.toJS()), JSON.stringify(validate.errors));
  assert.equal(validate({ ...documents[0]?.toJS(), extra: 1 }), false);
});

test("the schemas are valid JSON Schemas by the check that manifests get", () => {
  for (const kind of kindNames)
    assert.deepEqual(schemaFaults(JSON.parse(JSON.stringify(schemas[kind]))), [], kind);
});

test("the generated validators make no code when they run (security S37)", () => {
  const code = readFileSync(at("src/manifest/generated/validators.ts"), "utf8");
  assert.doesNotMatch(code, /new Function|eval\(|require\(/);
});

function fieldsOf(schema: FieldSchema, path: string): { path: string; field: FieldSchema }[] {
  const inner = [
    ...Object.entries(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [["[]", schema.items] as const]),
    ...(typeof schema.additionalProperties === "object"
      ? [["*", schema.additionalProperties] as const]
      : []),
  ];
  return [
    { path, field: schema },
    ...inner.flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`)),
  ];
}
