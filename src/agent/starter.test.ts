// Goal: the starter agent runs on a fresh clone without a key, and says what to do to get a model.
// Method: the manifests of agents.d and tools.d as they are, with the real loader, router, sandbox and tools.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { loadManifests } from "../manifest/load.ts";
import { createRouter } from "../router/router.ts";
import { createSecrets } from "../security/secrets.ts";
import { createEmitter } from "../telemetry/emitter.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import { testAgents } from "../testing/agent.ts";
import { type ModelServer, startModelServer } from "../testing/model-server.ts";
import { createToolbox } from "../tools/registry.ts";
import { runTurn } from "./loop.ts";

const cwd = fileURLToPath(new URL("../../", import.meta.url));
const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

async function assistant(env: Record<string, string>) {
  const objects = await loadManifests(["agents.d", "tools.d"], { cwd, env });
  assert.deepEqual(objects.diagnostics, []);
  const agent = objects.get("Agent", "assistant");
  assert.ok(agent !== undefined);
  const clock = systemClock;
  const { pool } = agents;
  const keyValue = () => Promise.reject(new Error("not needed here"));
  const toolbox = await createToolbox(agent, { objects, pool, keyValue, clock, cwd });
  const router = createRouter({ objects, secrets: createSecrets({ env, clock }), clock });
  const run = newId();
  const events: LegionEvent[] = [];
  const emit = createEmitter({
    agent: agent.name,
    run,
    clock,
    sink: (event) => void events.push(event),
  });
  const { signal } = new AbortController();
  const task = "What is in this folder?";
  const result = await runTurn({ agent, task, run, router, toolbox, pool, clock, emit, signal });
  await toolbox.close();
  const warnings = events.flatMap(({ kind, data }) =>
    kind === "legion.llm.warning" ? [data.message] : [],
  );
  return { result, warnings };
}

/** An address where nothing listens, in place of a local Ollama that the machine may have. */
async function nowhere(): Promise<string> {
  const server: ModelServer = await startModelServer([]);
  await server.close();
  return server.url;
}

test("without a model the stand-in says what to set, shows that the tools work, and there is a warning", async () => {
  const { result, warnings } = await assistant({ OLLAMA_BASE_URL: await nowhere() });
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.match(String(result.value), /^No model is set up/);
  assert.match(String(result.value), /export OPENAI_API_KEY=/);
  assert.match(String(result.value), /now says \d{4}-\d\d-\d\dT/);
  assert.match(String(result.value), /files sees \d+ entries/);
  assert.ok(
    warnings.some((message) => message.includes("OPENAI_API_KEY")),
    warnings.join("\n"),
  );
});

test("with a key OpenAI is asked, by the model that OPENAI_MODEL names", async () => {
  await using server = await startModelServer([{ action: "return", result: "a repository" }]);
  const { result, warnings } = await assistant({
    OPENAI_API_KEY: "a-key-of-this-test",
    OPENAI_BASE_URL: server.url,
    OPENAI_MODEL: "some-model",
  });
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "a repository");
  assert.equal(result.model, "openai/some-model");
  assert.equal(server.requests[0]?.headers.authorization, "Bearer a-key-of-this-test");
  assert.deepEqual(warnings, []);
});

test("without a key a local Ollama is asked", async () => {
  await using server = await startModelServer([{ action: "return", result: "from here" }]);
  const { result } = await assistant({ OLLAMA_BASE_URL: server.url });
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "from here");
  assert.equal(result.model, "ollama/qwen3:8b");
});
