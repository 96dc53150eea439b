// Goal: every field of every kind can be explained, and a wrong topic says which are right.
// Method: walk all fields of the schemas, then a few by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { explainedKinds, explainField } from "./explain.ts";

function walk(path: string): number {
  const doc = explainField(path);
  assert.notEqual(doc.type, "", path);
  assert.doesNotMatch(doc.type, /undefined/, path);
  return doc.fields.reduce((total, { name, description, type }) => {
    assert.notEqual(description, "", `${path}.${name}`);
    assert.notEqual(type, "", `${path}.${name}`);
    return total + walk(`${path}.${name}`);
  }, 1);
}

for (const kind of explainedKinds) {
  test(`every field of ${kind} has a type and a description`, () => {
    assert.ok(walk(kind.toLowerCase()) > 10);
  });
}

test("a field is explained with type, default, limits and whether it is required", () => {
  const memory = explainField("agent.spec.sandbox.memory");
  assert.equal(memory.type, "string");
  assert.equal(memory.default, "64MiB");
  assert.equal(memory.required, false);
  assert.match(memory.description, /16MiB to 1GiB/);
  assert.deepEqual(memory.fields, []);
  assert.equal(explainField("agent.spec.description").required, true);
  assert.deepEqual(explainField("Agent.spec.maxIterations").limits, [
    "at least 1",
    "at most 10000",
  ]);
});

test("allowed values, lists, unions and maps are told", () => {
  assert.deepEqual(explainField("tool.spec.type").enum, ["builtin", "module", "js"]);
  assert.equal(explainField("agent.spec.actionTypes").type, "list of string");
  assert.equal(explainField("agent.spec.tools").type, "list of string or object");
  assert.equal(explainField("router.spec.aliases").type, "map of string");
  assert.deepEqual(
    explainField("agent.spec.tools").fields.map(({ name }) => name),
    ["name", "as", "functions", "config"],
  );
});

test("a path may step into a list's items and a map's values", () => {
  assert.equal(explainField("agent.spec.tools[].name").type, "string");
  assert.equal(explainField("tool.spec.functions.anything.parameters").type, "object");
  assert.equal(explainField("tool.spec.functions.parameters").type, "object");
});

test("a field of the spec needs no spec in its path", () => {
  assert.equal(explainField("watcher.trigger").path, "watcher.spec.trigger");
  assert.equal(explainField("agent.sandbox.memory").path, "agent.spec.sandbox.memory");
  assert.equal(explainField("agent.kind").path, "agent.kind");
});

const wrong: readonly { topic: string; message: RegExp; hint: RegExp }[] = [
  { topic: "agnet.spec", message: /no kind "agnet"/, hint: /did you mean agent\?/ },
  { topic: "zebra", message: /no kind "zebra"/, hint: /use one of: agent, tool, provider, router/ },
  {
    topic: "agent.spec.modle",
    message: /agent\.spec has no field "modle"/,
    hint: /did you mean agent\.spec\.model\?/,
  },
  {
    topic: "agent.spec.model.name",
    message: /agent\.spec\.model has no field "name"/,
    hint: /no fields of its own/,
  },
  {
    topic: "agent.constructor",
    message: /no field "constructor"/,
    hint: /use one of: apiVersion, kind, metadata, spec/,
  },
];

for (const { topic, message, hint } of wrong) {
  test(`${topic} is refused with what there is`, () => {
    assert.throws(() => explainField(topic), { code: "LEG7004", message, hint });
  });
}
