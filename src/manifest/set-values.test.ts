// Goal: --set puts values where it says before anything is validated, and every fault says which flag it came from.
// Method: tables of flags through the whole loader.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LegionError } from "../lib/errors.ts";
import { loadManifests } from "./load.ts";
import { parseSets } from "./set-values.ts";

const text = `apiVersion: legion.dev/v1
kind: Agent
metadata: { name: reviewer }
spec:
  description: Reviews.
  model: canned/x
  tools: [kv, now]
---
apiVersion: legion.dev/v1
kind: Agent
metadata: { name: writer, labels: { a.b: c } }
spec: { description: Writes., model: canned/x }
---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: kv }
spec: { type: builtin, builtin: kv }
---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: now }
spec: { type: builtin, builtin: now }
---
apiVersion: legion.dev/v1
kind: Provider
metadata: { name: canned }
spec: { wire: scripted, replies: [{ text: Hello. }] }
`;

function load(sets: readonly string[]) {
  const inputs = [{ filename: "x.yaml", text }];
  return loadManifests(inputs, { cwd: "/", env: { DEPTH: "7" }, sets: parseSets(sets) });
}

const values: readonly { set: string; name: string; field: string; want: unknown }[] = [
  { set: "agent/reviewer.spec.model=canned/y", name: "reviewer", field: "model", want: "canned/y" },
  { set: "Agent.spec.maxIterations=3", name: "writer", field: "maxIterations", want: 3 },
  { set: "agent.spec.expandPrompts=true", name: "reviewer", field: "expandPrompts", want: true },
  { set: "agent/reviewer.spec.tools[1]=null", name: "reviewer", field: "tools", want: ["kv"] },
  {
    set: "agent/reviewer.spec.tools[0]={name: kv, as: cache}",
    name: "reviewer",
    field: "tools",
    want: [{ name: "kv", as: "cache" }, "now"],
  },
  { set: "agent/writer.spec.tools=[now]", name: "writer", field: "tools", want: ["now"] },
  { set: "agent/writer.spec.instructions=", name: "writer", field: "instructions", want: "" },
  {
    set: 'agent/writer.spec.instructions="a=b: c"',
    name: "writer",
    field: "instructions",
    want: "a=b: c",
  },
  { set: "agent/writer.spec.timeout=${DEPTH}m", name: "writer", field: "timeout", want: "7m" },
];

for (const { set, name, field, want } of values) {
  test(`--set ${set} sets ${field}`, async () => {
    const loaded = await load([set]);
    assert.deepEqual(loaded.diagnostics, []);
    const spec = loaded.get("Agent", name)?.spec as unknown as Record<string, unknown>;
    assert.deepEqual(spec[field], want);
  });
}

test("the later of two values counts, labels with dots are escaped, and other objects stay the same", async () => {
  const plain = await load([]);
  const set = await load([
    "agent/writer.spec.model=canned/y",
    "agent/writer.spec.model=canned/z",
    "agent/writer.metadata.labels.a\\.b=d",
  ]);
  const writer = set.get("Agent", "writer");
  assert.equal(writer?.spec.model, "canned/z");
  assert.deepEqual(writer?.labels, { "a.b": "d" });
  assert.equal(set.get("Agent", "reviewer")?.specHash, plain.get("Agent", "reviewer")?.specHash);
});

const faulty: readonly { set: string; code: string; summary: RegExp; line?: number }[] = [
  {
    set: "agent/writer.spec.modle=x",
    code: "LEG1007",
    summary: /unknown field "modle".*\(set by --set agent\/writer\.spec\.modle\)$/,
  },
  {
    set: "agent/writer.spec.timeout=5",
    code: "LEG1009",
    summary: /timeout.*\(set by --set agent\/writer\.spec\.timeout\)$/,
  },
  {
    set: "agent/writer.spec.tools=[nothing]",
    code: "LEG1050",
    summary: /"nothing".*\(set by --set agent\/writer\.spec\.tools\)$/,
  },
  {
    set: "agent/writer.spec.description=null",
    code: "LEG1008",
    summary: /description.*\(set by --set agent\/writer\.spec\.description\)$/,
  },
  { set: "agent/writr.spec.model=x", code: "LEG1111", summary: /no Agent "writr" is loaded/ },
  { set: "router.spec.tiers=[]", code: "LEG1111", summary: /no Router is loaded/ },
  { set: "agent/reviewer.spec.tools[5]=now", code: "LEG1112", summary: /spec\.tools has 2 items/ },
  {
    set: "agent/reviewer.spec.model[0]=now",
    code: "LEG1112",
    summary: /spec\.model is not a list/,
  },
  {
    set: "agent/reviewer.spec.model.name=now",
    code: "LEG1112",
    summary: /spec\.model has no fields/,
  },
];

test("a label that is a number is told how to be text in a shell", async () => {
  const { diagnostics } = await load(["agent/writer.metadata.labels.q=1"]);
  const said = "--set agent/writer.metadata.labels.q";
  assert.deepEqual(
    diagnostics.map(({ code, detail }) => `${code} ${detail}`),
    [`LEG1009 write it as text: ${said}='"1"'`],
  );
});

for (const { set, code, summary } of faulty) {
  test(`--set ${set} is reported with ${code}`, async () => {
    const { diagnostics } = await load([set]);
    assert.deepEqual(
      diagnostics.map((diagnostic) => diagnostic.code),
      [code],
    );
    assert.match(diagnostics[0]?.summary ?? "", summary);
  });
}

const refused: readonly { set: string; message: RegExp; hint?: RegExp }[] = [
  { set: "model=x", message: /not KIND\/NAME\.PATH=VALUE/ },
  { set: "agent.spec.model", message: /not KIND\/NAME\.PATH=VALUE/ },
  { set: "agnet.spec.model=x", message: /no kind "agnet"/, hint: /did you mean "agent"/ },
  { set: "agent.status.x=1", message: /not KIND/ },
  { set: "agent.spec..x=1", message: /not the path of a field/ },
  { set: "agent.spec=1", message: /not the path of a field/ },
  { set: "agent.spec.tools[x]=1", message: /not the path of a field/ },
  { set: "agent.spec.__proto__.x=1", message: /not the path of a field/ },
  { set: "agent.spec.model={a", message: /not YAML on one line/ },
];

for (const { set, message, hint = /./ } of refused) {
  test(`--set ${set} is refused`, () => {
    assert.throws(
      () => parseSets([set]),
      (error: LegionError) =>
        error.code === "LEG1110" && message.test(error.message) && hint.test(error.hint),
    );
  });
}

test("what stands behind the sign gets into no message", () => {
  assert.throws(
    () => parseSets(["provider.apiKey=correct-horse"]),
    (error: LegionError) => !JSON.stringify(error).includes("horse"),
  );
});
