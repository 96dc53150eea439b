// Goal: watchers and crons call tools without an agent: under their own name, with the tool as it is now, and nothing is closed under a call.
// Method: real tools in real sandboxes over a real store; the set of objects is exchanged between calls.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import { workplace } from "../testing/toolbox.ts";
import { createToolCaller } from "./call-tool.ts";

const { signal } = new AbortController();
const run = { description: "Runs." };

const tool = (name: string, spec: object) =>
  JSON.stringify({ apiVersion: "legion.dev/v1", kind: "Tool", metadata: { name }, spec });
const kv = tool("kv", { type: "builtin", builtin: "kv" });
const js = (name: string, source: string, more: object = {}) =>
  tool(name, { type: "js", source, functions: { run }, ...more });

async function load(...texts: string[]): Promise<ManifestSet> {
  const files = [{ text: texts.join("\n---\n"), filename: "m.yaml" }];
  const set = await loadManifests(files, { cwd: import.meta.dirname, env: {} });
  assert.deepEqual(set.diagnostics, []);
  return set;
}

/** A caller whose objects a test exchanges. */
async function caller(first: ManifestSet) {
  const place = await workplace();
  let set = first;
  let deniedFiles: readonly string[] = [];
  const tools = createToolCaller(() => ({
    ...{ objects: set, pool: place.pool, keyValue: place.keyValue },
    ...{ clock: systemClock, cwd: place.folder, deniedFiles },
  }));
  return {
    folder: place.folder,
    close(file: string) {
      deniedFiles = [file];
    },
    become(next: ManifestSet) {
      set = next;
    },
    call: (name: string, args: JsonObject = {}, by = "watcher/w") =>
      tools.call({ namespace: "default", caller: by, tool: name, arguments: args, signal }),
    async [Symbol.asyncDispose]() {
      await tools[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

test("a caller keeps its values to itself", async () => {
  await using tools = await caller(await load(kv));
  assert.equal((await tools.call("kv.set", { key: "a", value: 1 })).ok, true);
  assert.deepEqual(await tools.call("kv.get", { key: "a" }), { ok: true, value: 1 });
  assert.deepEqual(await tools.call("kv.get", { key: "a" }, "cron/c"), { ok: true, value: null });
});

test("a tool that changed is called as it is now, also one that it calls", async () => {
  const outer = js("outer", "async function run() { return tools.inner.run({}) }", {
    capabilities: ["inner"],
  });
  const inner = (value: number) => js("inner", `function run() { return ${value} }`);
  await using tools = await caller(await load(outer, inner(1)));
  assert.deepEqual(await tools.call("outer.run"), { ok: true, value: 1 });
  assert.deepEqual(await tools.call("outer.run"), { ok: true, value: 1 });
  tools.become(await load(outer, inner(2)));
  assert.deepEqual(await tools.call("outer.run"), { ok: true, value: 2 });
});

test("a call that is under way ends although the tool has changed", async () => {
  const slow = (value: number) =>
    js("slow", `async function run() { await tools.kv.get({ key: "x" }); return ${value} }`, {
      capabilities: ["kv"],
    });
  await using tools = await caller(await load(kv, slow(1)));
  const first = tools.call("slow.run");
  tools.become(await load(kv, slow(2)));
  const second = tools.call("slow.run");
  assert.deepEqual(await Promise.all([first, second]), [
    { ok: true, value: 1 },
    { ok: true, value: 2 },
  ]);
});

test("a tool or a function that is not there is an error of the reply", async () => {
  await using tools = await caller(await load(kv));
  for (const name of ["nothing.run", "kv.nothing"]) {
    const reply = await tools.call(name);
    assert.equal(reply.ok, false, name);
    assert.match(reply.ok ? "" : reply.error.code, /^LEG4/, name);
  }
});

test("a function that needs a person is not called, as nobody would be asked", async () => {
  const needing = js(
    "pay",
    "let paid = 0; function run() { paid += 1; return paid } function look() { return paid }",
    {
      functions: { run: { ...run, approval: true }, look: run },
    },
  );
  const human = tool("ask", { type: "builtin", builtin: "human" });
  await using tools = await caller(await load(needing, human));
  for (const [name, args] of [
    ["pay.run", {}],
    ["ask.ask", { question: "May I?" }],
  ] as const) {
    const reply = await tools.call(name, args);
    assert.equal(reply.ok ? "" : reply.error.code, "LEG4027", name);
  }
  assert.deepEqual(await tools.call("pay.look"), { ok: true, value: 0 });
});

test("a file that is closed since the last call is closed to the next one", async () => {
  const files = tool("files", { type: "builtin", builtin: "files", config: { roots: ["."] } });
  await using tools = await caller(await load(files));
  await writeFile(join(tools.folder, "key.txt"), "secret");
  assert.equal((await tools.call("files.read", { path: "key.txt" })).ok, true);
  tools.close(join(tools.folder, "key.txt"));
  const reply = await tools.call("files.read", { path: "key.txt" });
  assert.equal(reply.ok ? "" : reply.error.code, "LEG4021");
});

test("more callers than are kept are served", async () => {
  await using tools = await caller(await load(js("one", "function run() { return 1 }")));
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, index) => tools.call("one.run", {}, `watcher/w${index}`)),
  );
  assert.equal(replies.filter(({ ok }) => ok).length, 40);
});
