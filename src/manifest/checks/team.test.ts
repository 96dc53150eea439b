// Goal: an agent's team holds only agents that are there, in its namespace, and no tool takes the team's name.
// Method: a table of small texts through the whole loader; each row lists the codes that are due. The wording is held by fixtures/invalid.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadManifests } from "../load.ts";

const object = (kind: string, name: string, spec: string, namespace = "default") =>
  `apiVersion: legion.dev/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;
const agent = (name: string, spec: string, namespace?: string) =>
  object("Agent", name, `{ description: x, model: cloud/big, ${spec} }`, namespace);
const cloud = object("Provider", "cloud", "{ wire: openai-chat, baseUrl: 'http://127.0.0.1/v1' }");
const kv = object("Tool", "agents", "{ type: builtin, builtin: kv }");

const rows: readonly { name: string; documents: readonly string[]; codes: readonly string[] }[] = [
  {
    name: "agents that are there are no fault",
    documents: [agent("a", "agents: [b]"), agent("b", "")],
    codes: [],
  },
  {
    name: "agents may name each other and themselves",
    documents: [agent("a", "agents: [a, b]"), agent("b", "agents: [a]")],
    codes: [],
  },
  {
    name: "each one that is missing is reported",
    documents: [agent("a", "agents: [b, c]")],
    codes: ["LEG1059", "LEG1059"],
  },
  {
    name: "one of another namespace is missing",
    documents: [agent("a", "agents: [b]"), agent("b", "", "other")],
    codes: ["LEG1059"],
  },
  {
    name: "one that is there but not valid is not reported as missing too",
    documents: [agent("a", "agents: [b]"), agent("b", "maxIterations: -1")],
    codes: ["LEG1010"],
  },
  {
    name: "a tool may have the name agents where there is no team",
    documents: [agent("a", "tools: [agents]"), kv],
    codes: [],
  },
  {
    name: "a tool may not have the name agents beside a team",
    documents: [agent("a", "agents: [a], tools: [agents]"), kv],
    codes: ["LEG1056"],
  },
  {
    name: "such a tool may be there under another name",
    documents: [agent("a", "agents: [a], tools: [{ name: agents, as: store }]"), kv],
    codes: [],
  },
];

for (const { name, documents, codes } of rows) {
  test(name, async () => {
    const text = [...documents, cloud, cloud.replace("default", "other")].join("---\n");
    const set = await loadManifests([{ filename: "x.yaml", text }], { cwd: "/", env: {} });
    assert.deepEqual(
      set.diagnostics.map(({ code }) => code),
      codes,
      set.diagnostics.map(({ summary }) => summary).join("\n"),
    );
  });
}
