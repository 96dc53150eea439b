// Goal: a tool learns who calls, with which key and for whom; calls have the same key when they are made again; nothing that needs a person goes on without one.
// Method: real tools that tell what they were given; js tools that call others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jsTool } from "../testing/agent.ts";
import { type Workplace, workplace } from "../testing/toolbox.ts";
import { callTool } from "./call.ts";
import type { FunctionSpec, ToolBinding } from "./contract.ts";

let place: Workplace;
before(async () => {
  place = await workplace();
});
after(() => place[Symbol.asyncDispose]());

const { signal } = new AbortController();
const caller = { agent: "a", run: "r", signal };

/** A binding with one function that tells its context. */
function teller(spec: Partial<FunctionSpec> = {}, timeoutMs = 5_000): ToolBinding {
  const functions = { tell: { description: "", parameters: { type: "object" }, ...spec } };
  return {
    ...{ as: "box", functions: ["tell"], config: {} },
    tool: {
      ...{ name: "box", description: "", functions },
      limits: { timeoutMs, maxArgumentBytes: 1_000, maxResultBytes: 1_000 },
      async call(_name, args, { idempotencyKey, vault, isCompleting = false }) {
        if (typeof args.ms === "number")
          await new Promise((resolve) => setTimeout(resolve, Number(args.ms)));
        return { idempotencyKey, vault, isCompleting };
      },
    },
  };
}

test("a tool gets the key, the vault and whether the call completes the turn", async () => {
  const about = { idempotencyKey: "r/1.1", vault: { user: "u" }, isCompleting: true };
  const reply = await callTool([teller()], "box.tell", {}, { ...caller, ...about });
  assert.deepEqual(reply, { ok: true, value: about });
});

test("a call without a key gets one of its own", async () => {
  const keys = await Promise.all(
    [1, 2].map(async () => {
      const reply = await callTool([teller()], "box.tell", {}, caller);
      assert.ok(reply.ok);
      return (reply.value as { idempotencyKey: string }).idempotencyKey;
    }),
  );
  assert.equal(new Set(keys).size, 2);
});

test("a function that waits for others is not ended by the time of its tool", async () => {
  const waits = await callTool([teller({ waits: true }, 10)], "box.tell", { ms: 100 }, caller);
  assert.equal(waits.ok, true);
  const late = await callTool([teller({}, 10)], "box.tell", { ms: 100 }, caller);
  assert.ok(!late.ok);
  assert.equal(late.error.code, "LEG4006");
});

test("a js tool hands on its key with the number of the call, and cannot call what needs a person", async () => {
  const { spec: outer } = jsTool(
    "outer",
    "async function go({ name }) { try { return await tools.inner[name]({}) } catch (error) { return error.code } }",
    ["go"],
  ) as { spec: object };
  const { spec: inner } = jsTool(
    "inner",
    "function key(args, { idempotencyKey }) { return idempotencyKey } function ask() { return 'asked' }",
    ["key", "ask"],
  ) as { spec: { functions: Record<string, object> } };
  const ask = { ...inner.functions.ask, approval: true };
  const box = await place.create({
    tools: {
      outer: { ...outer, capabilities: ["inner"] },
      inner: { ...inner, functions: { ...inner.functions, ask } },
    },
    uses: ["outer"],
  });
  const about = { idempotencyKey: "r/1.1" };
  assert.deepEqual(await box.call("outer.go", { name: "key" }, about), {
    ok: true,
    value: "r/1.1/1",
  });
  assert.equal(await box.value("outer.go", { name: "ask" }), "LEG2103");
});

test("what a manifest says of its functions is known of the tool", async () => {
  const { spec } = jsTool("pay", "function charge() {} function refund() {}", [
    "charge",
    "refund",
  ]) as { spec: { functions: Record<string, object> } };
  const charge = { ...spec.functions.charge, idempotent: true, revert: "refund", approval: true };
  const tools = { pay: { ...spec, functions: { ...spec.functions, charge } } };
  const { toolbox } = await place.create({ tools });
  const known = toolbox.tools[0]?.tool.functions;
  const { idempotent, revert, approval } = known?.charge ?? {};
  assert.deepEqual(
    { idempotent, revert, approval },
    { idempotent: true, revert: "refund", approval: true },
  );
  assert.equal(known?.refund?.idempotent, undefined);
});
