// Goal: references, models and names are judged as the loaded set says, without echoes of other faults and without end.
// Method: tables of small texts through the whole loader; each row lists the codes that are due. The wording is held by fixtures/invalid.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadManifests } from "../load.ts";
import type { ManifestSet } from "../objects.ts";
import { renderText } from "../render.ts";

const object = (kind: string, name: string, spec: string, namespace = "default") =>
  `apiVersion: legion.dev/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;
const agent = (spec: string, namespace?: string) =>
  object("Agent", "a", `{ description: x, ${spec} }`, namespace);
const js = (name: string, capabilities = "") =>
  object(
    "Tool",
    name,
    `{ type: js, source: "function run() {}", capabilities: [${capabilities}], functions: { run: { description: x } } }`,
  );
const kv = object("Tool", "kv", "{ type: builtin, builtin: kv }");
const cloud = object(
  "Provider",
  "cloud",
  "{ wire: openai-chat, baseUrl: 'http://127.0.0.1/v1', models: [{ name: big }, { name: a/b }] }",
);
const router = object(
  "Router",
  "default",
  "{ tiers: [{ name: fast, targets: [cloud/big] }], aliases: { smart: fast } }",
);
const model = "model: cloud/big";
const canned = object("Provider", "canned", "{ wire: scripted, replies: [{ text: Hello. }] }");
const mixed = (more: string) =>
  object(
    "Router",
    "default",
    `{ tiers: [{ name: real, targets: [cloud/big] }, { name: script, targets: [canned/x] }], ${more} }`,
  );

async function load(documents: readonly string[]): Promise<ManifestSet> {
  const builtins = { kv: { functions: ["get", "set"], config: {} } };
  return loadManifests([{ filename: "x.yaml", text: documents.join("---\n") }], {
    cwd: "/",
    env: {},
    builtins,
  });
}

const rows: readonly { name: string; documents: readonly string[]; codes: readonly string[] }[] = [
  {
    name: "a model may be a router",
    documents: [agent("model: default"), router, cloud],
    codes: [],
  },
  {
    name: "a model may be an alias of a router",
    documents: [agent("model: smart"), router, cloud],
    codes: [],
  },
  { name: "a model may be provider/model", documents: [agent(model), cloud], codes: [] },
  {
    name: "a model's name may hold a slash",
    documents: [agent("model: cloud/a/b"), cloud],
    codes: [],
  },
  {
    name: "a tier is no model",
    documents: [agent("model: fast"), router, cloud],
    codes: ["LEG1052"],
  },
  {
    name: "a model that its provider does not list is an error",
    documents: [agent("model: cloud/small"), cloud],
    codes: ["LEG1052"],
  },
  {
    name: "a provider without a list takes every model",
    documents: [
      agent("model: open/x"),
      object("Provider", "open", "{ wire: openai-chat, baseUrl: 'http://127.0.0.1/v1' }"),
    ],
    codes: [],
  },
  {
    name: "a builtin's function is checked by the table that was given",
    documents: [agent(`${model}, tools: [{ name: kv, functions: [get, put] }]`), kv, cloud],
    codes: ["LEG1051"],
  },
  {
    name: "a builtin that is not in the table is not checked",
    documents: [
      agent(`${model}, tools: [{ name: now, functions: [put] }]`),
      object("Tool", "now", "{ type: builtin, builtin: now }"),
      cloud,
    ],
    codes: [],
  },
  {
    name: "a tool that is there but not valid is not reported as missing too",
    documents: [
      agent(`${model}, tools: [{ name: bad, functions: [x] }]`),
      object("Tool", "bad", "{ type: builtin }"),
      cloud,
    ],
    codes: ["LEG1008"],
  },
  {
    name: "a router that is there but not valid may have any alias",
    documents: [agent("model: smart"), object("Router", "default", "{ tears: [] }")],
    codes: ["LEG1007", "LEG1008"],
  },
  {
    name: "names in code are camelCase",
    documents: [agent(`${model}, tools: [my-tool], answerCheck: myTool.run`), js("my-tool"), cloud],
    codes: [],
  },
  {
    name: "two names may collide once they are in camelCase",
    documents: [
      agent(`${model}, tools: [my-tool, { name: kv, as: myTool }]`),
      js("my-tool"),
      kv,
      cloud,
    ],
    codes: ["LEG1056"],
  },
  {
    name: "a name in code cannot be one that every object has",
    documents: [agent(`${model}, tools: [{ name: kv, as: toString }]`), kv, cloud],
    codes: ["LEG1057"],
  },
  {
    name: "answerCheck may name only a function that the agent may call",
    documents: [
      agent(`${model}, tools: [{ name: kv, functions: [get] }], answerCheck: kv.set`),
      kv,
      cloud,
    ],
    codes: ["LEG1055"],
  },
  {
    name: "a tool that grants itself is a circle",
    documents: [js("a", "a.run")],
    codes: ["LEG1054"],
  },
  {
    name: "two circles are two errors",
    documents: [js("a", "b"), js("b", "a"), js("c", "d"), js("d", "c")],
    codes: ["LEG1054", "LEG1054"],
  },
  {
    name: "a diamond is no circle",
    documents: [js("a", "b, c"), js("b", "d"), js("c", "d"), js("d")],
    codes: [],
  },
  {
    name: "references hold within a namespace",
    documents: [agent(`${model}, tools: [kv]`, "core"), kv, cloud],
    codes: ["LEG1050", "LEG1052"],
  },
  {
    name: "the same name in two namespaces is no duplicate",
    documents: [kv, object("Tool", "kv", "{ type: builtin, builtin: kv }", "core")],
    codes: [],
  },
  {
    name: "the same name in two kinds is no duplicate",
    documents: [
      kv,
      object("Provider", "kv", "{ wire: openai-chat, baseUrl: 'http://127.0.0.1/v1' }"),
    ],
    codes: [],
  },
  {
    name: "an alias may name provider/model",
    documents: [
      object(
        "Router",
        "default",
        "{ tiers: [{ name: t, targets: [cloud/big] }], aliases: { s: cloud/big } }",
      ),
      cloud,
    ],
    codes: [],
  },
  {
    name: "a scripted target beside a real one is never asked",
    documents: [mixed(""), cloud, canned],
    codes: ["LEG1072"],
  },
  {
    name: "a scripted target may stand in where the router allows it",
    documents: [mixed("allowScripted: true"), cloud, canned],
    codes: [],
  },
  {
    name: "an alias of a tier that is all scripted asks it",
    documents: [mixed("aliases: { demo: script }"), cloud, canned],
    codes: [],
  },
  {
    name: "an alias of a scripted target asks it",
    documents: [mixed("aliases: { demo: canned/x }"), cloud, canned],
    codes: [],
  },
  {
    name: "scripted targets among themselves are asked",
    documents: [
      object("Router", "default", "{ tiers: [{ name: t, targets: [canned/x, canned/y] }] }"),
      canned,
    ],
    codes: [],
  },
  {
    name: "a reply that returns nothing says so",
    documents: [
      object(
        "Provider",
        "canned",
        "{ wire: scripted, replies: [{ action: return, result: null }, { action: return }, { action: eval_and_continue, code: ' ' }, { text: x }] }",
      ),
    ],
    codes: ["LEG1008", "LEG1008"],
  },
  {
    name: "keywords of one's own and of other tools are no slips",
    documents: [
      agent(
        `${model}, outputSchema: { x-note: { requierd: [a] }, example: 1, nullable: true, properties: { requierd: { type: string } } }`,
      ),
      cloud,
    ],
    codes: [],
  },
  {
    name: "a property that is required may match a pattern, or come from elsewhere",
    documents: [
      agent(
        `${model}, outputSchema: { required: [ab], patternProperties: { '^a': {} }, additionalProperties: false, properties: { a: { required: [b], properties: {} } } }`,
      ),
      cloud,
    ],
    codes: [],
  },
  {
    name: "a JSON Schema may be recursive and name its own parts",
    documents: [
      agent(
        `${model}, outputSchema: { $ref: '#/$defs/node', $defs: { node: { type: object, properties: { next: { $ref: '#/$defs/node' }, self: { $ref: '#' } } } } }`,
      ),
      cloud,
    ],
    codes: [],
  },
  {
    name: "what is data in a JSON Schema is not a schema",
    documents: [
      agent(
        `${model}, outputSchema: { const: { $ref: nowhere, pattern: '[' }, properties: { pattern: { type: string } } }`,
      ),
      cloud,
    ],
    codes: [],
  },
  {
    name: "each fault of a JSON Schema is told",
    documents: [
      agent(
        `${model}, outputSchema: { required: yes, properties: { a: { minimum: x, pattern: '(' } } }`,
      ),
      cloud,
    ],
    codes: ["LEG1090", "LEG1090", "LEG1090"],
  },
  {
    name: "a large memory is within range",
    documents: [agent(`${model}, sandbox: { memory: 1GiB }`), cloud],
    codes: [],
  },
  {
    name: "a memory beyond the range is not",
    documents: [agent(`${model}, sandbox: { memory: 2GiB }`), cloud],
    codes: ["LEG1060"],
  },
  {
    name: "a timeout that no timer can hold is not",
    documents: [agent(`${model}, timeout: 30d`), cloud],
    codes: ["LEG1060"],
  },
  {
    name: "keys of many vendors are known",
    documents: [
      `sk-ant-${"a1".repeat(12)}`,
      `ghp_${"a1".repeat(18)}`,
      "AKIAABCDEFGHIJKLMNOP",
      "Bearer abcdefghij.klmnopqrst-uvwxyz",
      "-----BEGIN RSA PRIVATE KEY-----",
    ].map((key, index) =>
      object(
        "Tool",
        `t${index}`,
        `{ type: builtin, builtin: kv, config: { deep: [{ a: "${key}" }] } }`,
      ),
    ),
    codes: Array(5).fill("LEG1070"),
  },
  {
    name: "words that only begin like keys are not keys",
    documents: [
      agent(
        `${model}, instructions: "use sk-... or ghp_ tokens, a Bearer header, task-oriented-programming"`,
      ),
      cloud,
    ],
    codes: [],
  },
  {
    name: "a header with a variable or a reference holds no key",
    documents: [
      object(
        "Provider",
        "p",
        "{ wire: openai-chat, baseUrl: 'http://127.0.0.1/v1', headers: { X-Api-Key: '${KEY:-none-is-set-at-all}', authorization: { valueFrom: { env: KEY } } } }",
      ),
    ],
    codes: [],
  },
];

for (const { name, documents, codes } of rows) {
  test(name, async () => {
    const { diagnostics } = await load(documents);
    assert.deepEqual(
      diagnostics.map(({ code }) => code).toSorted(),
      codes,
      renderText(diagnostics),
    );
  });
}

test("an object with a fault is left out, and those beside it stay", async () => {
  const { objects } = await load([agent(`${model}, tools: [nothing]`), kv, cloud]);
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ["Provider", "Tool"],
  );
});

test("of two objects with one name the first stays", async () => {
  const { objects, diagnostics } = await load([
    kv,
    object("Tool", "kv", "{ type: builtin, builtin: now }"),
  ]);
  assert.deepEqual(
    objects.map(({ spec }) => "builtin" in spec && spec.builtin),
    ["kv"],
  );
  assert.match(
    typeof diagnostics[0]?.detail === "string" ? diagnostics[0].detail : "",
    /x\.yaml:3:19/,
  );
});

test("a chain of 5,000 capabilities that closes into a circle is told in a few names", async () => {
  const chain = Array.from({ length: 5_000 }, (_, index) =>
    js(`t${index}`, `t${(index + 1) % 5_000}`),
  );
  const { diagnostics } = await load(chain);
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ["LEG1054"],
  );
  assert.ok((diagnostics[0]?.summary.length ?? 0) < 300, diagnostics[0]?.summary);
});
