// Goal: variables are replaced in strings and nowhere else, as the shell's forms say, and their values never reach a message.
// Method: tables over the pure function, then whole loads with a canary in the environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EXPANDED_CHARS_MAX } from "./limits.ts";
import { loadManifests } from "./load.ts";
import { renderGithub, renderJson, renderSarif, renderText } from "./render.ts";
import { expandVariables } from "./variables.ts";

const env = { HOST: "example.com", EMPTY: "" };
const v = (name: string) => `\${${name}}`;

const rows: readonly { text: string; want: string }[] = [
  { text: v("HOST"), want: "example.com" },
  { text: `https://${v("HOST")}/${v("HOST")}`, want: "https://example.com/example.com" },
  { text: v("EMPTY"), want: "" },
  { text: v("EMPTY:-other"), want: "other" },
  { text: v("EMPTY-other"), want: "" },
  { text: v("GONE:-other"), want: "other" },
  { text: v("GONE-other"), want: "other" },
  { text: v("GONE-"), want: "" },
  { text: v("HOST:-other"), want: "example.com" },
  { text: v("HOST:?is needed"), want: "example.com" },
  { text: `$${v("HOST")}`, want: v("HOST") },
  { text: "$HOST costs 5$ {x}", want: "$HOST costs 5$ {x}" },
  { text: v("GONE:-a:b/c-d"), want: "a:b/c-d" },
];

for (const { text, want } of rows) {
  test(`${text} becomes "${want}"`, () => {
    const { value, faults } = expandVariables({ spec: { field: [text] } }, env);
    assert.deepEqual(faults, []);
    assert.deepEqual(value, { spec: { field: [want] } });
  });
}

const wrong: readonly { text: string; code: string; words: string }[] = [
  { text: v("GONE"), code: "LEG1040", words: v("GONE") },
  {
    text: `a ${v("EMPTY:?must not be empty")}`,
    code: "LEG1040",
    words: v("EMPTY:?must not be empty"),
  },
  { text: v("user.name"), code: "LEG1041", words: v("user.name") },
  { text: v(""), code: "LEG1041", words: v("") },
  { text: "${HOST", code: "LEG1041", words: "${HOST" },
  { text: v(`A:-${v("B")}`), code: "LEG1041", words: v("A:-${B") },
  { text: v("toString"), code: "LEG1040", words: v("toString") },
];

for (const { text, code, words } of wrong) {
  test(`${text} is a fault at itself`, () => {
    const { faults } = expandVariables({ spec: { field: text } }, env);
    assert.equal(faults.length, 1);
    assert.equal(faults[0]?.code, code);
    assert.deepEqual(faults[0]?.path, ["spec", "field"]);
    assert.equal(faults[0]?.words, words);
    assert.notEqual(faults[0]?.detail, "");
  });
}

const untouched: readonly { name: string; document: Parameters<typeof expandVariables>[0] }[] = [
  {
    name: "prompts",
    document: {
      kind: "Agent",
      spec: { description: v("GONE"), instructions: v("GONE"), systemPrompt: v("x.y") },
    },
  },
  { name: "code", document: { kind: "Tool", spec: { source: "`${a.b}`" } } },
  {
    name: "scripted replies",
    document: { kind: "Provider", spec: { replies: [{ code: "`${a.b}`" }] } },
  },
  { name: "tasks", document: { kind: "Cron", spec: { task: v("GONE") } } },
  { name: "keys", document: { spec: { config: { [v("GONE")]: 1 } } } },
];

for (const { name, document } of untouched) {
  test(`variables in ${name} are taken as they stand`, () => {
    const { value, faults } = expandVariables(document, env);
    assert.deepEqual(value, document);
    assert.deepEqual(faults, []);
  });
}

test("prompts are replaced in when the agent says so", () => {
  const { value, faults } = expandVariables(
    { kind: "Agent", spec: { expandPrompts: true, description: v("HOST") } },
    env,
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(value, {
    kind: "Agent",
    spec: { expandPrompts: true, description: "example.com" },
  });
});

test("a text cannot grow without bound", () => {
  const { faults } = expandVariables(
    { spec: { field: v("BIG").repeat(20) } },
    { BIG: "x".repeat(EXPANDED_CHARS_MAX / 10) },
  );
  assert.equal(faults[0]?.code, "LEG1041");
});

test("a text without a dollar sign and brace never changes", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes("${"));
      assert.deepEqual(expandVariables({ spec: { text } }, env).value, { spec: { text } });
    }),
  );
});

test("the value of a variable is in no message, whatever is wrong with it", async () => {
  const canary = "canary-8a1f-value";
  const fields = [
    "timeout",
    "maxIterations",
    "toolDocs",
    "model",
    "modelOptions",
    "tools",
    "answerCheck",
    "outputSchema",
    "unknownField",
  ];
  const text = fields
    .map(
      (field, index) =>
        `apiVersion: legion.dev/v1\nkind: Agent\nmetadata: { name: a${index} }\nspec:\n  description: x\n  ${field}: "\${CANARY}"\n`,
    )
    .join("---\n");
  const kinds =
    'apiVersion: "${CANARY}"\nkind: "${CANARY}"\nmetadata: { name: "${CANARY}", labels: { a: ["${CANARY}"] } }\nspec: {}\n';
  const inputs = [
    { text, filename: "a.yaml" },
    { text: kinds, filename: "b.yaml" },
  ];
  const { diagnostics } = await loadManifests(inputs, { cwd: "/", env: { CANARY: canary } });
  assert.ok(diagnostics.length >= fields.length);
  for (const render of [renderText, renderJson, renderGithub, renderSarif])
    assert.ok(!render(diagnostics).includes(canary), render.name);
});
