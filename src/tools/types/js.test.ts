// Goal: a js tool has its own sandbox, sees its capabilities and nothing else (S34), and no call sees another.
// Method: sources in manifests, the real sandbox pool and store, calls through a toolbox.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import type { ManifestSet } from "../../manifest/objects.ts";
import { type Workplace, withSpecs, workplace } from "../../testing/toolbox.ts";
import type { OnCall } from "../contract.ts";

let place: Workplace;
before(async () => {
  place = await workplace();
});
after(() => place[Symbol.asyncDispose]());

const open = { description: "Does it.", parameters: { type: "object" } };
const js = (source: string, names: readonly string[], more: object = {}) => ({
  type: "js",
  source,
  functions: Object.fromEntries(names.map((name) => [name, open])),
  ...more,
});
const tool = (source: string, names: readonly string[], more: object = {}) =>
  place.create({ tools: { tool: js(source, names, more) }, uses: ["tool"] });

test("functions get (args, { config }) and their value comes back", async () => {
  const source = `
    const double = (n) => n * 2;
    function add({ a, b }, { config }) { return { sum: a + b + config.plus }; }
    async function twice({ n }) { await null; return double(n); }
    const arrow = () => undefined;`;
  const box = await tool(source, ["add", "twice", "arrow"], { config: { plus: 100 } });
  assert.deepEqual(await box.value("tool.add", { a: 1, b: 2 }), { sum: 103 });
  assert.equal(await box.value("tool.twice", { n: 21 }), 42);
  assert.equal(await box.value("tool.arrow"), undefined);
});

test("the source can be a file", async () => {
  await writeFile(path.join(place.folder, "source.js"), "function f() { return 'from a file'; }");
  const spec = { type: "js", sourceFrom: { file: "source.js" }, functions: { f: open } };
  const box = await place.create({ tools: { tool: spec } });
  assert.equal(await box.value("tool.f"), "from a file");
});

test("every call begins with what the source left, whatever calls before did", async () => {
  const source =
    "let calls = 0; const seen = []; function f({ x }) { calls += 1; seen.push(x); return { calls, seen }; } function spoil() { f = null; JSON.parse = null; Object.prototype.bad = 1; }";
  const box = await tool(source, ["f", "spoil"]);
  for (const x of [1, 2, 3])
    assert.deepEqual(await box.value("tool.f", { x }), { calls: 1, seen: [x] });
  await box.call("tool.spoil");
  assert.deepEqual(await box.value("tool.f", { x: 4 }), { calls: 1, seen: [4] });
});

test("calls at the same time do not mix", async () => {
  const source =
    "let mine; async function f({ x }) { mine = x; await tools.kv.get({ key: 'any' }); return mine; }";
  const tools = {
    tool: js(source, ["f"], { capabilities: ["kv"] }),
    kv: { type: "builtin", builtin: "kv" },
  };
  const box = await place.create({ tools, uses: ["tool"] });
  const xs = Array.from({ length: 20 }, (_, at) => at);
  assert.deepEqual(await Promise.all(xs.map((x) => box.value("tool.f", { x }))), xs);
});

test("hostile arguments are data for the guest too", async () => {
  const box = await tool(
    "function f(args) { return [Object.keys(args), Object.getPrototypeOf(args) === Object.prototype, args.text]; }",
    ["f"],
  );
  const text = "`${1}` '\"\\ \u2028\u2029 </script> \0 */";
  const args = JSON.parse(`{"constructor":{"x":1},"text":${JSON.stringify(text)}}`);
  assert.deepEqual(await box.value("tool.f", args), [["constructor", "text"], true, text]);
});

test("a tool sees nothing but its capabilities", async () => {
  const source = `async function f() {
    const has = (name) => { try { return typeof eval(name) !== "undefined"; } catch { return false; } };
    return { globals: ["process", "require", "fetch", "setTimeout", "WebAssembly", "help", "search"].filter(has), tools: Object.keys(tools), kv: Object.keys(tools.kv) };
  }`;
  const tools = {
    tool: js(source, ["f"], { capabilities: ["kv.get"] }),
    kv: { type: "builtin", builtin: "kv" },
    files: { type: "builtin", builtin: "files" },
  };
  const box = await place.create({ tools, uses: ["tool", "files"] });
  assert.deepEqual(await box.value("tool.f"), { globals: [], tools: ["kv"], kv: ["get"] });
});

test("capabilities are called in the name of the agent, checked like its own calls, and heard of", async () => {
  const source = `
    async function keep({ value }) { await tools.kv.set({ key: "kept", value }); return tools.kv.get({ key: "kept" }); }
    async function wrong() { try { await tools.kv.set({ key: 3 }); } catch ({ name, code, message, hint }) { return { name, code, message, hint: hint !== "" }; } }`;
  const tools = {
    tool: js(source, ["keep", "wrong"], { capabilities: ["kv.get", "kv.set"] }),
    kv: { type: "builtin", builtin: "kv" },
  };
  const box = await place.create({ tools });
  const heard: string[] = [];
  const onCall: OnCall = (start) => {
    heard.push(`${start.tool}.${start.function}`);
    return ({ ok }) => heard.push(String(ok));
  };
  assert.deepEqual(await box.call("tool.keep", { value: 7 }, { onCall }), { ok: true, value: 7 });
  assert.deepEqual(heard, ["tool.keep", "kv.set", "true", "kv.get", "true", "true"]);
  assert.equal(await box.value("kv.get", { key: "kept" }), 7, "the agent's own keys");
  const { code, message } = (await box.value("tool.wrong")) as { code: string; message: string };
  assert.equal(code, "LEG4005");
  assert.match(message, /kv.set: "value" is missing; "key" must be a string/);
});

test("js tools can call js tools", async () => {
  const tools = {
    outer: js("async function f({ n }) { return 1 + (await tools.inner.g({ n })); }", ["f"], {
      capabilities: ["inner"],
    }),
    inner: js("function g({ n }) { return n * 10; }", ["g"]),
  };
  const box = await place.create({ tools, uses: ["outer"] });
  assert.equal(await box.value("outer.f", { n: 4 }), 41);
});

const failing: { name: string; source: string; code: string; says: RegExp; more?: object }[] = [
  {
    name: "an error that it throws",
    source: "function f() { throw new RangeError('too far'); }",
    code: "LEG4008",
    says: /the tool failed: RangeError: too far/,
  },
  {
    name: "a value that is not data",
    source: "function f() { const a = {}; a.self = a; return a; }",
    code: "LEG3007",
    says: /refers to itself/,
  },
  {
    name: "no such function",
    source: "function g() {}",
    code: "LEG4015",
    says: /has no top-level function "f"/,
  },
  {
    name: "a constant in place of the function",
    source: "const f = 3;",
    code: "LEG4015",
    says: /has no top-level function "f"/,
  },
  {
    name: "a syntax error",
    source: "\nfunction f( {",
    code: "LEG4016",
    says: /the source of the tool "tool" fails at line 2/,
  },
  {
    name: "an error while it is loaded",
    source: "throw new Error('at the top');",
    code: "LEG4016",
    says: /at the top/,
  },
  {
    name: "a call while it is loaded",
    source: "await tools.kv.get({ key: 'a' }); function f() {}",
    code: "LEG4016",
    says: /kv.get cannot be called while the tool is loaded/,
    more: { capabilities: ["kv"] },
  },
  {
    name: "a loop without end",
    source: "function f() { while (true) {} }",
    code: "LEG4006",
    says: /took longer than/,
    more: { timeout: "300ms" },
  },
  {
    name: "more memory than there is",
    source: "function f() { const a = []; for (;;) a.push(new Uint8Array(1 << 20)); }",
    code: "LEG3004",
    says: /memory/,
  },
];
for (const { name, source, code, says, more } of failing) {
  test(`a source with ${name} is told, and the next tool works`, async () => {
    const tools = {
      tool: js("function f() {}", ["f"], more),
      kv: { type: "builtin", builtin: "kv" },
    };
    // The manifest checks find some of these; here they are found without them.
    const change = (set: ManifestSet) => withSpecs(set, { tool: { source } });
    const box = await place.create({ tools, uses: ["tool"], change });
    const error = await box.error("tool.f");
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    const other = await tool("function f() { return 1; }", ["f"]);
    assert.equal(await other.value("tool.f"), 1);
  });
}

test("a call after one that never ended works", async () => {
  const box = await tool("function f({ hang }) { while (hang) {} return 'done'; }", ["f"], {
    timeout: "400ms",
  });
  assert.equal(await box.value("tool.f", { hang: false }), "done");
  assert.equal((await box.error("tool.f", { hang: true })).code, "LEG4006");
  let reply = await box.call("tool.f", { hang: false });
  // The worker may need a moment to be replaced; the call that meets that is told so.
  for (let tries = 0; !reply.ok && tries < 20; tries += 1)
    reply = await box.call("tool.f", { hang: false });
  assert.deepEqual(reply, { ok: true, value: "done" });
});

test("nothing is opened before the first call", async () => {
  await using fresh = await workplace();
  const capabilities = ["kv"];
  const tools = {
    tool: js("function f() { return 1; }", ["f"], { capabilities }),
    kv: { type: "builtin", builtin: "kv" },
  };
  const box = await fresh.create({ tools, uses: ["tool"] });
  assert.deepEqual([...fresh.opened], []);
  await box.value("tool.f");
  assert.deepEqual([...fresh.opened], ["pool"]);
});

test("more than a hundred calls that wait are told", async () => {
  const box = await tool("function f() { return 1; }", ["f"]);
  const replies = await Promise.all(Array.from({ length: 150 }, () => box.call("tool.f")));
  assert.equal(replies.filter(({ ok }) => ok).length, 100);
  assert.ok(replies.every((reply) => reply.ok || reply.error.code === "LEG4018"));
});
