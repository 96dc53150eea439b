// Goal: the system prompt has its sections in the agreed order, fits the agent, never changes for the same agent,
// and every example in it works.
// Method: prompts of specs from the real manifest loader; examples go through the parser, the schema and the sandbox.
import assert from "node:assert/strict";
import { stripTypeScriptTypes } from "node:module";
import { after, test } from "node:test";
import { compileSchema } from "../lib/schema.ts";
import { builtinTool, jsTool, testAgents } from "../testing/agent.ts";
import { systemPrompt } from "./prompt.ts";
import { parseReply } from "./protocol.ts";
import { replySchema } from "./reply-schema.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

const titlesOf = (prompt: string) => [...prompt.matchAll(/^# (.*)$/gm)].map(([, title]) => title);

test("the sections stand in order, and what the agent is comes after how it works", async () => {
  const agent = await agents.create({
    spec: { description: "I am described.", instructions: "I am instructed.", tools: ["now"] },
    objects: [builtinTool("now")],
  });
  const prompt = systemPrompt(agent);
  assert.deepEqual(titlesOf(prompt), [
    "How you work",
    "Finishing",
    "Variables",
    "The sandbox",
    "Safety",
    "Who you are",
    "Tools",
  ]);
  assert.match(prompt, /# Who you are\n\nI am described\.\n\nI am instructed\.\n\n# Tools\n/);
  assert.match(prompt, /now\(/);
});

test("an agent without tools has no section about them", async () => {
  const agent = await agents.create({});
  assert.equal(titlesOf(systemPrompt(agent)).includes("Tools"), false);
});

test("an agent that may not evaluate reads nothing about code", async () => {
  const agent = await agents.create({ spec: { actionTypes: ["return", "done"] } });
  const prompt = systemPrompt(agent);
  assert.deepEqual(titlesOf(prompt), ["How you work", "Finishing", "Safety", "Who you are"]);
  assert.doesNotMatch(prompt, /JavaScript|eval_|sandbox/);
});

test("an agent in mode tools reads how to call and how to answer, and nothing about code or actions", async () => {
  const agent = await agents.create({
    spec: { mode: "tools", instructions: "I am instructed.", tools: ["now", "shop"] },
    objects: [builtinTool("now"), jsTool("shop", "function price() {}", ["price"])],
  });
  const prompt = systemPrompt(agent);
  assert.deepEqual(titlesOf(prompt), [
    "How you work",
    "Finishing",
    "Safety",
    "Who you are",
    "Tools",
  ]);
  assert.doesNotMatch(prompt, /JavaScript|eval_|sandbox|JSON|tools\.|await/);
  assert.match(prompt, /I am instructed\./);
  // The functions are declared beside the prompt; here stands what the tools are for.
  assert.match(prompt, /# Tools\n\n- now: .*\n- shop: The tool shop$/);
});

test("an agent in mode tools reads the form of its answer where that is more than text", async () => {
  const outputSchema = { type: "object", required: ["x"], properties: { x: { type: "integer" } } };
  const agent = await agents.create({ spec: { mode: "tools", outputSchema } });
  const prompt = systemPrompt(agent);
  assert.match(prompt, /one JSON value and nothing else/);
  assert.ok(prompt.includes(JSON.stringify(agent.spec.outputSchema)));
  assert.equal(titlesOf(prompt).includes("Tools"), false);
});

test("only the allowed actions are described", async () => {
  const agent = await agents.create({ spec: { actionTypes: ["eval_and_continue", "return"] } });
  assert.doesNotMatch(systemPrompt(agent), /eval_and_complete|done:/);
});

const scopes = [
  { bindingScope: "iteration", want: /do not persist/ },
  { bindingScope: "turn", want: /until the task is done/ },
  { bindingScope: "conversation", want: /later tasks of this conversation/ },
];

for (const { bindingScope, want } of scopes) {
  test(`scope ${bindingScope} is told`, async () => {
    const agent = await agents.create({ spec: { bindingScope } });
    assert.match(systemPrompt(agent), want);
  });
}

test("systemPrompt replaces all of it", async () => {
  const agent = await agents.create({ spec: { systemPrompt: "Only this." } });
  assert.equal(systemPrompt(agent), "Only this.");
});

test("agents that differ in who they are share the prompt up to there", async () => {
  const descriptions = ["One.", "Other.", "One."];
  const made = descriptions.map((description) => agents.create({ spec: { description } }));
  const [one = "", other = "", same = ""] = (await Promise.all(made)).map(systemPrompt);
  const head = (prompt: string) => prompt.slice(0, prompt.indexOf("# Who you are"));
  assert.equal(head(one), head(other));
  assert.equal(one, same);
});

const specs = [
  { name: "text", spec: {} },
  { name: "a number", spec: { outputSchema: { type: "number", minimum: 3 } } },
  {
    name: "an object",
    spec: {
      outputSchema: {
        type: "object",
        required: ["rows", "kind"],
        properties: {
          rows: {
            type: "array",
            items: { type: "object", required: ["n"], properties: { n: { type: "integer" } } },
          },
          kind: { enum: ["a", "b"] },
        },
      },
    },
  },
  { name: "anything, without variables", spec: { outputSchema: {}, bindingScope: "iteration" } },
];

for (const { name, spec } of specs) {
  test(`every example reply for an answer of ${name} is valid, and what it evaluates works`, async () => {
    const agent = await agents.create({ spec });
    const examples = [...systemPrompt(agent).matchAll(/```json\n(.*?)\n```/gs)].map(
      ([, reply = ""]) => reply,
    );
    assert.equal(examples.length, 4);
    const validate = await compileSchema(replySchema(agent.spec));
    for (const example of examples) {
      const reply = parseReply(example, agent.spec.actionTypes);
      assert.ok(reply.ok);
      assert.deepEqual(validate(JSON.parse(example)), []);
      const replying = await agents.create({
        spec,
        replies: [{ text: example }, { action: "done" }],
      });
      const result = await replying.run();
      assert.equal(result.status, "ok", JSON.stringify(result));
      assert.equal(result.retries, 0);
    }
  });
}

test("the tools are declared in TypeScript that parses", async () => {
  const shop = jsTool("shop", "function price() {}", ["price"]);
  const agent = await agents.create({
    spec: { tools: ["now", "files", "shop"] },
    objects: [builtinTool("now"), builtinTool("files"), shop],
  });
  const declarations = [...systemPrompt(agent).matchAll(/```ts\n(.*?)\n```/gs)].map(
    ([, code = ""]) => code,
  );
  assert.ok(declarations.length > 0);
  for (const code of declarations) assert.doesNotThrow(() => stripTypeScriptTypes(code));
});
