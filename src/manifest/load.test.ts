// Goal: valid manifests give the same objects however they are written, every field of every kind among them.
// Method: load fixtures/valid as it is and rewritten (order, comments, line ends, JSON, split, joined) and compare.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isMap, parseAllDocuments, visit } from "yaml";
import { isObject } from "../lib/json.ts";
import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import { kindNames } from "./kinds.ts";
import { loadManifests, type TextInput } from "./load.ts";
import type { ManifestSet } from "./objects.ts";

const folder = fileURLToPath(new URL("../../fixtures/valid/", import.meta.url));
const files = readdirSync(folder).filter(
  (name) => /\.(yaml|json)$/.test(name) && name !== "replies.yaml",
);
const inputs = files.map((filename) => ({
  filename,
  text: readFileSync(folder + filename, "utf8"),
}));
const options = { cwd: folder, env: {} };

/** What counts of a set: everything but where it was found. */
function content(set: ManifestSet) {
  assert.deepEqual(
    set.diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  return set.objects.map(({ source: _, ...rest }) => rest);
}

const expected = content(await loadManifests(["."], options));

test("a folder gives its objects sorted, with defaults, and only the warning that is due", async () => {
  const set = await loadManifests(["."], options);
  assert.equal(set.objects.length, 31);
  assert.equal(set.files, files.length + 1);
  assert.deepEqual(
    set.diagnostics.map(({ code }) => code),
    ["LEG1071"],
  );
  const greeter = set.get("Agent", "greeter");
  assert.equal(greeter?.spec.maxIterations, 10);
  assert.equal(
    greeter?.spec.instructions,
    "Say hello in the language of the person.\nKeep it to one sentence.",
  );
  assert.equal(greeter?.spec.sandbox.memory, "64MiB");
  assert.deepEqual(greeter?.spec.outputSchema, { type: "string" });
  assert.equal(greeter?.namespace, "default");
  assert.equal(set.get("Provider", "cloud")?.spec.baseUrl, "https://models.example.com/v1");
  assert.equal(set.get("Agent", "nobody"), undefined);
  assert.deepEqual(
    set.all("Agent").map(({ name }) => name),
    ["greeter", "reviewer"],
  );
});

test("locate tells where a field stands, and where the object stands for one that is not written", async () => {
  const set = await loadManifests(["."], options);
  const reviewer = set.get("Agent", "reviewer");
  assert.ok(reviewer);
  const memory = set.locate(reviewer, ["spec", "sandbox", "memory"]);
  assert.equal(memory?.filename, "agents.yaml");
  const line = inputs.find(({ filename }) => filename === "agents.yaml")?.text.split("\n")[
    (memory?.start.line ?? 0) - 1
  ];
  assert.equal(line, "    memory: 128MiB");
  assert.equal(memory?.start.column, 13);
  assert.equal(memory?.end.column, 19);
  const greeter = set.get("Agent", "greeter");
  assert.ok(greeter);
  assert.equal(set.locate(greeter, ["spec", "model"])?.start.column, 1);
});

test("the hash of a spec changes exactly when the spec does", async () => {
  const agent = (maxIterations: number, team: string) => ({
    filename: "a.yaml",
    text: `apiVersion: legion.dev/v1\nkind: Tool\nmetadata: {name: a, labels: {team: ${team}}}\nspec: {type: builtin, builtin: kv, config: {n: ${maxIterations}}}\n`,
  });
  const hash = async (input: TextInput) =>
    (await loadManifests([input], options)).get("Tool", "a")?.specHash;
  assert.equal(await hash(agent(1, "x")), await hash(agent(1, "y")));
  assert.notEqual(await hash(agent(1, "x")), await hash(agent(2, "x")));
});

const rewritings: readonly { name: string; rewrite: (input: TextInput) => TextInput[] }[] = [
  { name: "read as texts", rewrite: (input) => [input] },
  {
    name: "with the keys of every map in reverse order",
    rewrite: ({ filename, text }) => [{ filename, text: reversed(text) }],
  },
  {
    name: "with comments and blank lines between documents",
    rewrite: ({ filename, text }) => [
      {
        filename,
        text: `# top\n\n${text.replaceAll("\n---\n", "\n# end\n---\n# begin\n\n")}\n# bottom\n`,
      },
    ],
  },
  {
    name: "with Windows line ends",
    rewrite: ({ filename, text }) => [{ filename, text: text.replaceAll("\n", "\r\n") }],
  },
  {
    name: "with a byte order mark",
    rewrite: ({ filename, text }) => [{ filename, text: `\ufeff${text}` }],
  },
  {
    name: "with empty documents in between",
    rewrite: ({ filename, text }) => [
      {
        filename,
        text: `---\n---\n${text.replaceAll("\n---\n", "\n---\n# nothing\n---\n")}\n---\n`,
      },
    ],
  },
  {
    name: "as JSON, a document a file",
    rewrite: ({ filename, text }) =>
      parseAllDocuments(text).map((document, index) => ({
        filename: `${filename}-${index}.json`,
        text: JSON.stringify(document, null, 2),
      })),
  },
  {
    name: "split, a document a file",
    rewrite: ({ filename, text }) =>
      text
        .split("\n---\n")
        .map((part, index) => ({ filename: `${filename}-${index}.yaml`, text: part })),
  },
];

for (const { name, rewrite } of rewritings) {
  test(`manifests ${name} give the same objects`, async () => {
    assert.deepEqual(content(await loadManifests(inputs.flatMap(rewrite), options)), expected);
  });
}

test("manifests joined into one text give the same objects", async () => {
  const text = inputs.map((input) => input.text).join("\n---\n");
  assert.deepEqual(
    content(await loadManifests([{ filename: "all.yaml", text }], options)),
    expected,
  );
});

test("the order of the inputs does not change the objects", async () => {
  assert.deepEqual(content(await loadManifests(inputs.toReversed(), options)), expected);
});

test("a file that is named twice, or stands in a folder that is named too, counts once", async () => {
  const set = await loadManifests([".", "tools.yaml", "./tools.yaml"], options);
  assert.deepEqual(content(set), expected);
});

for (const kind of kindNames) {
  test(`every field of ${kind} occurs in a valid fixture`, () => {
    const documents = inputs.flatMap(({ text }) =>
      parseAllDocuments(text).map((document) => document.toJS()),
    );
    const replies = parseAllDocuments(readFileSync(`${folder}replies.yaml`, "utf8"))[0]?.toJS();
    const all = [...documents.filter((document) => document.kind === kind), { spec: { replies } }];
    assert.deepEqual(unusedFields(schemas[kind], all, kind), []);
  });
}

/** The fields of a schema that none of the values has. */
function unusedFields(schema: FieldSchema, values: readonly unknown[], path: string): string[] {
  const objects = values.filter(isObject);
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    // What Legion fills in stands in no manifest.
    if (field.readOnly === true) return [];
    const found = objects
      .filter((object) => Object.hasOwn(object, name))
      .map((object) => object[name]);
    return found.length === 0 ? [`${path}.${name}`] : unusedFields(field, found, `${path}.${name}`);
  });
  const items = values.filter((value) => Array.isArray(value)).flat();
  const inItems = schema.items === undefined ? [] : unusedFields(schema.items, items, `${path}[]`);
  const open =
    typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const inMaps =
    open === undefined ? [] : unusedFields(open, objects.flatMap(Object.values), `${path}.*`);
  return [...fields, ...inItems, ...inMaps];
}

function reversed(text: string): string {
  return parseAllDocuments(text)
    .map((document) => {
      visit(document, { Map: (_, map) => void (isMap(map) && map.items.reverse()) });
      return document.toString();
    })
    .join("---\n");
}
