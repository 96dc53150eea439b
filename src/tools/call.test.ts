// Goal: a call never throws, never runs with wrong arguments, never outlives its limits, and its errors tell the next step and no more (S35).
// Method: small tools written here are called through callTool, in tables of good and hostile calls.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { homedir } from "node:os";
import { test } from "node:test";
import { codes } from "../lib/codes.ts";
import { LegionError } from "../lib/errors.ts";
import type { Json, JsonObject, JsonSchema } from "../lib/json.ts";
import { callTool } from "./call.ts";
import type { OnCall, Tool, ToolBinding, ToolContext } from "./contract.ts";

interface Sample {
  readonly parameters?: JsonSchema;
  readonly returns?: JsonSchema;
  readonly limits?: Partial<Tool["limits"]>;
  readonly run: (args: JsonObject, context: ToolContext) => unknown;
}

/** A tool `box` with one function `go`, and one that is not granted. */
function bind({ parameters = { type: "object" }, returns, limits, run }: Sample): ToolBinding[] {
  const go = { description: "Goes.", parameters, ...(returns && { returns }) };
  const tool: Tool = {
    name: "box",
    description: "",
    functions: { go, hidden: go },
    limits: { timeoutMs: 5_000, maxArgumentBytes: 10_000, maxResultBytes: 10_000, ...limits },
    call: async (_, args, context) => run(args, context) as Json,
  };
  return [{ as: "box", tool, functions: ["go"], config: { level: 3 } }];
}

const caller = { agent: "a", run: "r", signal: new AbortController().signal };
const call = (sample: Sample, argument?: unknown, name = "box.go") =>
  callTool(bind(sample), name, argument as Json, caller);

async function failure(sample: Sample, argument?: unknown, name?: string) {
  const reply = await call(sample, argument, name);
  if (reply.ok) assert.fail(`succeeded with ${JSON.stringify(reply.value)}`);
  const { code, message, hint } = reply.error;
  assert.ok(code in codes);
  assert.doesNotMatch(message, /^[A-Z][a-z]|\.$/, "starts small, has no full stop");
  assert.notEqual(hint, "");
  return reply.error;
}

const echo: Sample = { run: (args) => args };

test("arguments reach the tool and its value comes back", async () => {
  assert.deepEqual(await call(echo, { a: [1, "x", null] }), {
    ok: true,
    value: { a: [1, "x", null] },
  });
  assert.deepEqual(await call(echo, { a: 1 }, "tools.box.go"), { ok: true, value: { a: 1 } });
});

test("no argument is an empty object, and no value is undefined", async () => {
  assert.deepEqual(await call(echo), { ok: true, value: {} });
  assert.deepEqual(await call({ run: () => undefined }), { ok: true, value: undefined });
});

test("the tool gets its config, the caller's names and a signal", async () => {
  const seen: ToolContext[] = [];
  await call({ run: (_, context) => seen.push(context) });
  assert.deepEqual(
    seen.flatMap(({ config, agent, run, signal }) => [config, agent, run, signal.aborted]),
    [{ level: 3 }, "a", "r", false],
  );
});

const names: { name: string; says: RegExp; code: string; valid: string[]; example?: string }[] = [
  {
    name: "bx.go",
    code: "LEG4001",
    says: /no tool is named "bx".*did you mean "box"\?/,
    valid: ["box"],
    example: "await tools.box.go({})",
  },
  {
    name: "nothing.go",
    code: "LEG4001",
    says: /no tool is named "nothing".*use one of: box/,
    valid: ["box"],
  },
  {
    name: "go",
    code: "LEG4001",
    says: /"go" is a function of the tool "box"/,
    valid: ["box"],
    example: "await tools.box.go({})",
  },
  {
    name: "box",
    code: "LEG4002",
    says: /"box" is a tool, not a function/,
    valid: ["go"],
    example: "await tools.box.go({})",
  },
  {
    name: "box.goo",
    code: "LEG4002",
    says: /the tool "box" has no function "goo".*did you mean "go"\?/,
    valid: ["go"],
    example: "await tools.box.go({})",
  },
  {
    name: "box.hidden",
    code: "LEG4002",
    says: /this agent may not call "hidden"/,
    valid: ["go"],
    example: "await tools.box.go({})",
  },
  { name: "box.go.call", code: "LEG4002", says: /has no function "go.call"/, valid: ["go"] },
  {
    name: "box.constructor",
    code: "LEG4002",
    says: /has no function "constructor"/,
    valid: ["go"],
  },
  { name: "box.__proto__", code: "LEG4002", says: /has no function "__proto__"/, valid: ["go"] },
  { name: "__proto__.go", code: "LEG4001", says: /no tool is named "__proto__"/, valid: ["box"] },
  { name: "", code: "LEG4001", says: /no tool is named ""/, valid: ["box"] },
  {
    name: "x".repeat(1_000_000),
    code: "LEG4001",
    says: /no tool is named "x{200}"/,
    valid: ["box"],
  },
];

for (const { name, says, code, valid, example } of names) {
  test(`a call of "${name.slice(0, 20)}" is told what there is`, async () => {
    const error = await failure(echo, {}, name);
    assert.equal(error.code, code);
    assert.match(`${error.message} - ${error.hint}`, says);
    assert.deepEqual(error.valid, valid);
    if (example !== undefined) assert.equal(error.example, example);
  });
}

test("a toolbox without tools says so", async () => {
  const reply = await callTool([], "box.go", {}, caller);
  assert.ok(!reply.ok);
  assert.match(reply.error.hint, /this agent has no tools/);
});

for (const argument of ["text", 3, true, null, [{}]]) {
  test(`${JSON.stringify(argument)} in place of an object is told`, async () => {
    const error = await failure(echo, argument);
    assert.equal(error.code, "LEG4003");
    assert.equal(error.example, "await tools.box.go({})");
  });
}

const schema = {
  type: "object",
  required: ["to", "size"],
  additionalProperties: false,
  properties: {
    to: { type: "string" },
    size: { enum: ["small", "large"] },
    at: { type: "object", properties: { x: { type: "integer" } } },
  },
};

const wrong: { name: string; argument: object; says: RegExp; valid?: string[] }[] = [
  {
    name: "a missing field",
    argument: { to: "x" },
    says: /box.go: "size" is missing/,
    valid: ["to", "size", "at"],
  },
  {
    name: "a wrong type",
    argument: { to: 3, size: "small" },
    says: /"to" must be a string, but is 3/,
  },
  {
    name: "a value that is not allowed",
    argument: { to: "x", size: "smal" },
    says: /"size" must be one of.*did you mean "small"/,
    valid: ["small", "large"],
  },
  {
    name: "an unknown field",
    argument: { to: "x", size: "small", att: {} },
    says: /unknown field "att".*did you mean "at"/,
    valid: ["to", "size", "at"],
  },
  {
    name: "a wrong type deep inside",
    argument: { to: "x", size: "small", at: { x: 1.5 } },
    says: /"at.x" must be an integer, but is 1.5/,
  },
  {
    name: "several faults",
    argument: { at: 1 },
    says: /"to" is missing; "size" is missing; "at" must be an object/,
  },
];

for (const { name, argument, says, valid } of wrong) {
  test(`${name} is told with what is right, and the tool is not run`, async () => {
    let runs = 0;
    const error = await failure({ parameters: schema, run: () => (runs += 1) }, argument);
    assert.equal(error.code, "LEG4005");
    assert.match(`${error.message} - ${error.hint}`, says);
    assert.equal(error.example, 'await tools.box.go({"to":"...","size":"small"})');
    if (valid !== undefined) assert.deepEqual(error.valid, valid);
    assert.equal(runs, 0);
  });
}

test("fields named constructor and prototype arrive and come back", async () => {
  const argument = JSON.parse('{"a":{"constructor":{"prototype":{"polluted":true}}}}');
  assert.deepEqual(await call(echo, argument), { ok: true, value: argument });
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test("a field named __proto__ is refused with the next step, from caller and tool alike", async () => {
  const hostile = JSON.parse('{"a":{"__proto__":{"polluted":true}}}');
  const sent = await failure(echo, hostile);
  assert.equal(sent.code, "LEG4004");
  assert.match(`${sent.message} - ${sent.hint}`, /"a.__proto__".*give the field another name/);
  const got = await failure({ run: () => hostile });
  assert.equal(got.code, "LEG4009");
  assert.match(`${got.message} - ${got.hint}`, /"a.__proto__".*give the field another name/);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test("arguments of more bytes than allowed do not reach the tool", async () => {
  const error = await failure(echo, { text: "x".repeat(20_000) });
  assert.equal(error.code, "LEG4004");
  assert.match(error.message, /more than 10,000 bytes/);
});

test("arguments that cannot be told as JSON do not reach the tool", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  assert.equal((await failure(echo, cyclic)).code, "LEG4004");
  assert.equal((await failure(echo, { f: () => 1 })).code, "LEG4004");
});

test("arguments cannot be changed by the tool for the caller, nor the other way round", async () => {
  const argument = { list: [1] };
  await call({ run: (args) => (args.list as number[]).push(2) }, argument);
  assert.deepEqual(argument, { list: [1] });
});

const results: { name: string; sample: Sample; code: string; says: RegExp }[] = [
  {
    name: "a Map",
    sample: { run: () => ({ m: new Map() }) },
    code: "LEG4009",
    says: /the result of box.go is not JSON: "m" is an instance of Map/,
  },
  { name: "a bigint", sample: { run: () => 1n }, code: "LEG4009", says: /is a bigint/ },
  {
    name: "too many bytes",
    sample: { run: () => "x".repeat(20_000) },
    code: "LEG4010",
    says: /more than 10,000 bytes/,
  },
  {
    name: "something else than it declares",
    sample: {
      returns: { type: "object", properties: { n: { type: "number" } } },
      run: () => ({ n: "1" }),
    },
    code: "LEG4011",
    says: /declares: "n" must be a number/,
  },
  {
    name: "nothing though it declares something",
    sample: { returns: { type: "string" }, run: () => undefined },
    code: "LEG4011",
    says: /declares: it must be a string/,
  },
];

for (const { name, sample, code, says } of results) {
  test(`a tool that returns ${name} is told of as the tool's fault`, async () => {
    const error = await failure(sample);
    assert.equal(error.code, code);
    assert.match(error.message, says);
  });
}

test("a LegionError of the tool arrives whole", async () => {
  const error = new LegionError({
    code: "LEG6012",
    message: "full",
    hint: "delete",
    valid: ["a"],
    example: "b",
  });
  assert.deepEqual(
    await failure({
      run: () => {
        throw error;
      },
    }),
    error.toJSON(),
  );
});

const thrown: { name: string; value: unknown; says: string | RegExp }[] = [
  { name: "an Error", value: new TypeError("it broke"), says: "box.go failed: it broke" },
  {
    name: "an Error with a stack in its message",
    value: new Error("it broke\n    at f (/srv/app/x.js:1:2)\n    at file:///srv/y.js:3:4"),
    says: "box.go failed: it broke",
  },
  {
    name: "an Error with paths of the host",
    value: new Error(
      `open '${process.cwd()}/data/a.txt' and ${homedir()}/.netrc in file://${process.cwd()}/src/b.ts`,
    ),
    says: "box.go failed: open 'data/a.txt' and .netrc in src/b.ts",
  },
  { name: "a text", value: "plain text", says: "box.go failed: plain text" },
  { name: "null", value: null, says: "box.go failed: null" },
  { name: "undefined", value: undefined, says: "box.go failed: undefined" },
  {
    name: "an object whose message throws",
    value: {
      get message() {
        throw new Error("no");
      },
    },
    says: "box.go failed: an error without a message",
  },
  { name: "a revoked proxy", value: revoked(), says: "box.go failed: an error without a message" },
  {
    name: "an object without text",
    value: Object.create(null),
    says: "box.go failed: an error without a message",
  },
  {
    name: "a very long message",
    value: new Error("x".repeat(100_000)),
    says: /^box.go failed: x{2000}$/,
  },
];

for (const { name, value, says } of thrown) {
  test(`of ${name} that a tool throws only the message arrives`, async () => {
    const error = await failure({
      run: () => {
        throw value;
      },
    });
    assert.equal(error.code, "LEG4008");
    if (typeof says === "string") assert.equal(error.message, says);
    else assert.match(error.message, says);
    assert.deepEqual(Object.keys(error).toSorted(), ["code", "hint", "message"]);
  });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test("a tool that does not answer is told to stop at its time, and the call ends", async () => {
  const aborted = Promise.withResolvers<void>();
  const hangs: Sample = {
    limits: { timeoutMs: 30 },
    run: (_, { signal }) =>
      new Promise(() => signal.addEventListener("abort", () => aborted.resolve())),
  };
  const error = await failure(hangs);
  assert.equal(error.code, "LEG4006");
  assert.match(error.message, /took longer than 30 ms/);
  await aborted.promise;
});

test("a timeout longer than timers can be does not fire at once", async () => {
  const slow: Sample = {
    limits: { timeoutMs: 2 ** 40 },
    run: () => new Promise((done) => setTimeout(done, 20, "ok")),
  };
  assert.deepEqual(await call(slow), { ok: true, value: "ok" });
});

test("an evaluation that ends stops its calls", async () => {
  const controller = new AbortController();
  const running = Promise.withResolvers<void>();
  const hangs = bind({
    run: () => {
      running.resolve();
      return new Promise(() => {});
    },
  });
  const reply = callTool(hangs, "box.go", {}, { ...caller, signal: controller.signal });
  await running.promise;
  controller.abort();
  assert.deepEqual((await reply).ok, false);
  const late = await callTool(hangs, "box.go", {}, { ...caller, signal: controller.signal });
  assert.ok(!late.ok && late.error.code === "LEG4007");
});

test("a call that is over leaves no listener at the caller's signal, however it ended", async () => {
  const { signal } = new AbortController();
  const samples: Sample[] = [
    echo,
    { run: () => Promise.reject(new Error("x")) },
    { limits: { timeoutMs: 5 }, run: () => new Promise(() => {}) },
    { run: () => 1n },
  ];
  for (const sample of samples) {
    let during = 0;
    const run: Sample["run"] = (...given) => {
      during = getEventListeners(signal, "abort").length;
      return sample.run(...given);
    };
    await callTool(bind({ ...sample, run }), "box.go", {}, { ...caller, signal });
    assert.equal(during, 1);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  }
});

test("a tool that fails after its time harms nobody", async () => {
  const failed = Promise.withResolvers<void>();
  const late: Sample = {
    limits: { timeoutMs: 10 },
    run: async (_, { signal }) => {
      await new Promise((done) => signal.addEventListener("abort", done));
      failed.resolve();
      throw new Error("late");
    },
  };
  assert.equal((await failure(late)).code, "LEG4006");
  await failed.promise;
  // An unhandled rejection would fail the test file.
  await new Promise((done) => setImmediate(done));
});

test("a listener hears of the start and the end of every call, right or wrong", async () => {
  const heard: unknown[] = [];
  const onCall: OnCall = (start) => {
    heard.push(start);
    return (end) => heard.push(end.error?.code ?? end.ok);
  };
  await callTool(bind(echo), "box.go", {}, { ...caller, onCall });
  await callTool(bind(echo), "box.og", {}, { ...caller, onCall });
  assert.deepEqual(heard, [
    { tool: "box", function: "go" },
    true,
    { tool: "box", function: "og" },
    "LEG4002",
  ]);
});

test("a listener that throws harms no call", async () => {
  const fails = () => {
    throw new Error("listener");
  };
  for (const onCall of [fails, () => fails]) {
    assert.deepEqual(await callTool(bind(echo), "box.go", {}, { ...caller, onCall }), {
      ok: true,
      value: {},
    });
  }
});
