// Goal: whoever edits, breaks or mends manifests and code while an agent works changes what comes next, and never what runs.
// Method: real daemons over real folders; the model holds its answer until the change has arrived, then the turn goes on.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { MessageOutcome } from "../reconcile/agents-contract.ts";
import { agentKey } from "../testing/daemon.ts";
import { startHeldDaemon } from "../testing/held-daemon.ts";
import { startHeldModel } from "../testing/held-model.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const a = agentKey("a");

function shortly({ result, generation }: MessageOutcome): unknown[] {
  return [result.status, result.status === "ok" ? result.value : result.error, generation];
}

const withInstructions = (instructions: string) => ({
  "agents.d/a.yaml": agentManifest("a", { instructions }),
});

suite("changes while a turn runs", { concurrency: 3 }, () => {
  test("a prompt that is edited counts from the next turn on", async () => {
    await using held = await startHeldDaemon({ agent: { instructions: "Speak of OLD." } });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.write(withInstructions("Speak of NEW."));
    const waiting = await daemon.until(a, (object) => object?.metadata.generation === 2);
    assert.ok(waiting);
    await daemon.untilEvent(
      (event) =>
        event.kind === "legion.object" &&
        event.object === "Agent/default/a" &&
        event.data.message.includes("Generation 2 begins with the next turn"),
    );
    first.release();
    assert.deepEqual(shortly(await asking), ["ok", "answer to one", 1]);
    await daemon.untilReady(a, 2);
    model.releaseAll();
    assert.deepEqual(shortly(await daemon.ask("a", "two")), ["ok", "answer to two", 2]);
    assert.match(first.system, /Speak of OLD/);
    assert.match((await model.at(1)).system, /Speak of NEW/);
    const begun = (await daemon.events()).filter(({ kind }) => kind === "legion.agent.started");
    assert.deepEqual(
      begun.map(({ data }) => ("task" in data ? [data.task, data.generation] : [])),
      [
        ["one", 1],
        ["two", 2],
      ],
    );
  });

  test("of two edits only the last one is ever used", async () => {
    await using held = await startHeldDaemon({ agent: { instructions: "Speak of OLD." } });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    for (const [instructions, generation] of [
      ["Speak of MIDDLE.", 2],
      ["Speak of NEW.", 3],
    ] as const) {
      await daemon.write(withInstructions(instructions));
      await daemon.until(a, (object) => object?.metadata.generation === generation);
    }
    await daemon.plane.tell({ namespace: "default", name: "a", task: "two" });
    first.release();
    assert.deepEqual(shortly(await asking), ["ok", "answer to one", 1]);
    const second = await model.at(1);
    assert.match(second.system, /Speak of NEW/);
    model.releaseAll();
    assert.deepEqual(shortly(await daemon.ask("a", "three")), ["ok", "answer to three", 3]);
    assert.equal(model.requests.length, 3);
  });

  test("another model counts from the next turn on, also when the turn takes more steps", async () => {
    const reply = (last: string, index: number) =>
      index === 0
        ? { action: "eval_and_continue" as const, code: "'a step'" }
        : { action: "return" as const, result: last };
    await using held = await startHeldDaemon({ agent: { model: "local/small" }, reply });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.write({ "agents.d/a.yaml": agentManifest("a", { model: "local/large" }) });
    await daemon.until(a, (object) => object?.metadata.generation === 2);
    model.releaseAll();
    const outcome = await asking;
    assert.deepEqual([outcome.result.status, outcome.generation], ["ok", 1]);
    await daemon.ask("a", "two");
    const models = [first, await model.at(1), await model.at(2)].map((request) => request.model);
    assert.deepEqual(models, ["small", "small", "large"]);
  });

  test("a changed provider answers from the next step on; the request that runs is not cut", async () => {
    const step = { action: "eval_and_continue" as const, code: "'a step'" };
    await using held = await startHeldDaemon({ reply: () => step });
    await using other = await startHeldModel((_last, index) => ({
      action: "return",
      result: `from the other ${index}`,
    }));
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.write({ "agents.d/provider.yaml": providerManifest(other.url) });
    await daemon.untilReady({ kind: "Provider", namespace: "default", name: "local" }, 2);
    assert.equal(other.requests.length, 0);
    first.release();
    other.releaseAll();
    assert.deepEqual(shortly(await asking), ["ok", "from the other 0", 1]);
    assert.deepEqual(shortly(await daemon.ask("a", "two")), ["ok", "from the other 1", 1]);
    assert.deepEqual([model.requests.length, other.requests.length], [1, 2]);
  });

  test("a manifest that breaks changes nothing for this turn and the next; mended, it counts", async () => {
    await using held = await startHeldDaemon({ agent: { instructions: "Speak of OLD." } });
    const { daemon, model } = held;
    const before = await daemon.untilReady(a);
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    const broken: [text: string, said: RegExp][] = [
      [agentManifest("a", { modle: "x" }), /a\.yaml:\d+:\d+: error\[LEG1007\]/],
      [
        '{"kind": "Agent", "metadata": {"name": "a"}, "spec": {',
        /a bracket or brace is never closed/,
      ],
      ["\tnothing: [that, can, be: read", /a tab stands/],
    ];
    for (const [text, said] of broken) {
      await daemon.write({ "agents.d/a.yaml": text });
      await daemon.says(said);
    }
    first.release();
    model.releaseAll();
    assert.deepEqual(shortly(await asking), ["ok", "answer to one", 1]);
    assert.deepEqual(shortly(await daemon.ask("a", "two")), ["ok", "answer to two", 1]);
    assert.match((await model.at(1)).system, /Speak of OLD/);
    await daemon.write(withInstructions("Speak of NEW."));
    const after = await daemon.untilReady(a, 2);
    assert.equal(after.metadata.uid, before.metadata.uid);
    const accepted = after.status.conditions?.find(({ type }) => type === "Accepted");
    assert.equal(accepted?.status, "True");
    assert.deepEqual(shortly(await daemon.ask("a", "three")), ["ok", "answer to three", 2]);
    assert.match((await model.at(2)).system, /Speak of NEW/);
    assert.deepEqual(
      (await model.at(2)).conversation.filter((text) => /^(one|two)$/.test(text)),
      ["one", "two"],
    );
  });

  test("conversation, key-value memory and variables outlive a changed prompt", async () => {
    const codes = [
      'var counted = 41; await tools.kv.set({ key: "k", value: 7 }); "kept"',
      '`${counted + 1} ${await tools.kv.get({ key: "k" })}`',
    ];
    const reply = (_last: string, index: number) => ({
      action: "eval_and_complete" as const,
      code: codes[index] ?? "",
    });
    const agent = { bindingScope: "conversation", tools: ["kv"] };
    const files = {
      "tools.d/kv.yaml": `apiVersion: legion.dev/v1
kind: Tool
metadata: { name: kv }
spec: { type: builtin, builtin: kv }
`,
    };
    await using held = await startHeldDaemon({ agent, reply, files });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "Remember.");
    const first = await model.at(0);
    const changed = agentManifest("a", { ...agent, instructions: "Speak of NEW." });
    await daemon.write({ "agents.d/a.yaml": changed });
    await daemon.until(a, (object) => object?.metadata.generation === 2);
    first.release();
    assert.deepEqual(shortly(await asking), ["ok", "kept", 1]);
    model.releaseAll();
    assert.deepEqual(shortly(await daemon.ask("a", "Recall.")), ["ok", "42 7", 2]);
    const second = await model.at(1);
    assert.match(second.system, /Speak of NEW/);
    assert.ok(second.conversation.includes("Remember."));
  });
});

const greet = (word: string) => `export const hello = () => ${JSON.stringify(word)};\n`;
const greetTool = `apiVersion: legion.dev/v1
kind: Tool
metadata: { name: greet }
spec:
  type: module
  module: greet.mjs
  functions: { hello: { description: Says a word. } }
`;
const tool = { kind: "Tool", namespace: "default", name: "greet" };

suite("code that changes while a turn runs", { concurrency: 3 }, () => {
  const call = "`${await tools.greet.hello({})}`";
  /** Every turn takes two steps, and calls the tool in both. */
  const reply = (_last: string, index: number) =>
    index % 2 === 0
      ? { action: "eval_and_continue" as const, code: call }
      : { action: "eval_and_complete" as const, code: call };
  const start = (word: string) =>
    startHeldDaemon({
      agent: { tools: ["greet"] },
      reply,
      files: { "tools.d/greet.yaml": greetTool, "tools.d/greet.mjs": greet(word) },
    });

  test("a turn keeps the code that it began with; the next one has the new", async () => {
    await using held = await start("old");
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    (await model.at(0)).release();
    const second = await model.at(1);
    await daemon.write({ "tools.d/greet.mjs": greet("new") });
    await daemon.untilReady(tool, 2);
    second.release();
    assert.deepEqual(shortly(await asking), ["ok", "old", 1]);
    model.releaseAll();
    assert.deepEqual(shortly(await daemon.ask("a", "two")), ["ok", "new", 1]);
  });

  test("code that breaks takes nothing from the turn that runs nor from the next", async () => {
    await using held = await start("old");
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    (await model.at(0)).release();
    const second = await model.at(1);
    await daemon.write({ "tools.d/greet.mjs": "export const hello = (" });
    await daemon.says(/greet\.mjs:\d+:\d+: error/);
    second.release();
    assert.deepEqual(shortly(await asking), ["ok", "old", 1]);
    model.releaseAll();
    assert.deepEqual(shortly(await daemon.ask("a", "two")), ["ok", "old", 1]);
    await daemon.write({ "tools.d/greet.mjs": greet("new") });
    await daemon.untilReady(tool, 2);
    assert.deepEqual(shortly(await daemon.ask("a", "three")), ["ok", "new", 1]);
  });
});
