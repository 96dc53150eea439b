// Goal: a session opens one sandbox when it needs one, never loses hold of it, and gives it back at the end.
// Method: sessions over the real pool; closing, failing and changing at the awkward moments.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { SandboxLimits } from "../sandbox/contract.ts";
import { testAgents } from "../testing/agent.ts";
import { createSession } from "./session.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

const limits: SandboxLimits = {
  timeoutMs: 1000,
  memoryBytes: 32 * 2 ** 20,
  maxToolCalls: 10,
  maxResultBytes: 1000,
  maxLogBytes: 1000,
  maxBindingsBytes: 1000,
  isolation: "shared",
};
const surface = { tools: {}, functions: [] };
const needs = { pool: agents.pool, limits, surface, isFresh: false };
const host = () => Promise.resolve({ ok: true, value: null } as const);

test("the same needs get the same sandbox, other needs another", async () => {
  const session = createSession();
  const first = await session.sandbox(needs);
  assert.equal(await session.sandbox(needs), first);
  const other = await session.sandbox({ ...needs, limits: { ...limits, maxToolCalls: 5 } });
  assert.notEqual(other, first);
  assert.equal((await first.evaluate("1", { host })).ok, false);
  assert.equal((await other.evaluate("1", { host })).ok, true);
  await session.close();
});

test("closing also closes a sandbox that is still being opened", async () => {
  const session = createSession();
  const opening = session.sandbox(needs);
  await session.close();
  const sandbox = await opening;
  assert.equal((await sandbox.evaluate("1", { host })).ok, false);
});

test("a sandbox that could not be opened is tried again", async () => {
  const session = createSession();
  const pool = () => Promise.reject(new Error("no room"));
  await assert.rejects(session.sandbox({ ...needs, pool }), /no room/);
  const sandbox = await session.sandbox(needs);
  assert.equal((await sandbox.evaluate("1", { host })).ok, true);
  await session.close();
});

test("a fresh one has no variables, also when they came from a snapshot", async () => {
  const session = createSession();
  const sandbox = await session.sandbox(needs);
  const kept = await sandbox.evaluate("var a = 1;", { host });
  assert.ok(kept.ok);
  session.keep(kept.snapshot);
  const again = await session.sandbox({ ...needs, isFresh: true });
  const value = await again.evaluate("typeof a", { host });
  assert.ok(value.ok);
  assert.equal(value.value, "undefined");
  await session.close();
  const restored = createSession({ snapshot: kept.snapshot });
  const fresh = await restored.sandbox({ ...needs, isFresh: true });
  const other = await fresh.evaluate("typeof a", { host });
  assert.ok(other.ok);
  assert.equal(other.value, "undefined");
  await restored.close();
});

test("a sandbox that was given back is opened again with the variables", async () => {
  const session = createSession();
  const kept = await (await session.sandbox(needs)).evaluate("var a = 41;", { host });
  assert.ok(kept.ok);
  session.keep(kept.snapshot);
  await session.close();
  const again = await (await session.sandbox(needs)).evaluate("a + 1", { host });
  assert.ok(again.ok);
  assert.equal(again.value, 42);
  await session.close();
});

test("a turn that fails does not keep the next one from running", async () => {
  const session = createSession();
  const failing = session.exclusive(() => Promise.reject(new Error("broken")));
  const next = session.exclusive(() => Promise.resolve("ran"));
  await assert.rejects(failing, /broken/);
  assert.equal(await next, "ran");
});
