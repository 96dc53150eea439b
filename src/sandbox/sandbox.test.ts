// Goal: a sandbox evaluates as the contract says: variables, results, calls, errors, limits, the clock, abort.
// Method: real sandboxes on real workers with a host in this file; tables of code with what must come out.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Host, HostCall, Sandbox } from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { echo, errorIn, evaluate, resultOf, testLimits, testSurface } from "./testing.ts";

const pool = createSandboxPool();
let sandbox: Sandbox;

before(async () => {
  sandbox = await pool.open(testLimits, testSurface);
});
beforeEach(() => sandbox.restore(undefined));
after(() => pool.close());

const values = [
  { name: "the last expression is the value", steps: ["1; 2"], want: 2 },
  { name: "a return is the value", steps: ["const a = 1; return a + 1"], want: 2 },
  {
    name: "a return in the middle is the value",
    steps: ["const a = 1; if (a) return 'yes'; return 'no'"],
    want: "yes",
  },
  { name: "a promise is awaited", steps: ["Promise.resolve(3)"], want: 3 },
  {
    name: "await works at the top level",
    steps: ["const x = await Promise.resolve(4); x"],
    want: 4,
  },
  { name: "a declaration has no value", steps: ["const x = 1"], want: undefined },
  {
    name: "variables are there in the next evaluation",
    steps: [
      "const a = 1; let b = 2; var c = 3; function f() { return a + b + c } class K { v = f() }",
      "new K().v",
    ],
    want: 6,
  },
  {
    name: "variables of a program with a return are there too",
    steps: [
      "const { a, ...rest } = { a: 1, b: 2 }; if (!a) return; class K {} function f() { return rest.b }",
      "[a, f(), typeof K]",
    ],
    want: [1, 2, "function"],
  },
  { name: "a name can be declared again", steps: ["const a = 1", "const a = 2; a"], want: 2 },
  {
    name: "a let without a value starts anew",
    steps: ["let a = 1", "let a; a === undefined"],
    want: true,
  },
  {
    name: "a name of a lesser built-in can be used",
    steps: ["const escape = (s) => s + '!'", "escape('a')"],
    want: "a!",
  },
  {
    name: "TypeScript is understood",
    steps: ["interface A { a: number }\nconst x: A = { a: 1 } as A;\nreturn x.a!"],
    want: 1,
  },
  { name: "a code fence is understood", steps: ["```ts\nconst x: number = 5; x\n```"], want: 5 },
  {
    name: "dates, Maps, Sets and bigints are plain JSON",
    steps: ["({ d: new Date(0), m: new Map([['a', 1]]), s: new Set([2]), n: 3n })"],
    want: { d: "1970-01-01T00:00:00.000Z", m: { a: 1 }, s: [2], n: "3" },
  },
] as const;

for (const { name, steps, want } of values) {
  test(name, async () => {
    let value: unknown;
    for (const code of steps) value = resultOf(await evaluate(sandbox, code));
    assert.deepEqual(value, want);
  });
}

const errors = [
  {
    name: "an unknown name",
    code: "const a = 1;\nfoo(a)",
    at: [2, 1],
    message: /^ReferenceError: foo is not defined$/,
    hint: /nothing is named "foo"/,
  },
  {
    name: "a misspelt variable",
    code: "const total = 1;\ntotl + 1",
    at: [2, 1],
    message: /totl/,
    hint: /did you mean "total"/,
  },
  {
    name: "a missing value in a declaration",
    code: "const a = {};\nconst b = a.x.y;",
    at: [2, 1],
    message: /cannot read property 'y'/,
    hint: /\?\./,
  },
  {
    name: "a missing value in a function",
    code: "function f(o) {\n  const x = 1;\n  return o.a.b;\n}\nf({});",
    at: [3, 3],
    message: /cannot read property 'b'/,
    hint: /./,
  },
  {
    name: "a thrown error after TypeScript",
    code: "const é: string = 'é'; throw new Error(é)",
    at: [1, 34],
    message: /^Error: é$/,
    hint: /./,
  },
  {
    name: "an error after an await",
    code: "await Promise.resolve(1);\n  null.x",
    at: [2, 3],
    message: /null/,
    hint: /./,
  },
  {
    name: "an error in a program with a return",
    code: "if (0) return 1;\nconst y = 2;\n  bar(y)",
    at: [3, 3],
    message: /bar/,
    hint: /./,
  },
  {
    name: "an unknown namespace",
    code: "await tools.fils.read({})",
    at: [1, 1],
    message: /tools\.fils does not exist/,
    hint: /did you mean tools\.files\?.*files, web/,
  },
  {
    name: "an unknown function",
    code: "await tools.files.reads({})",
    at: [1, 1],
    message: /tools\.files\.reads does not exist/,
    hint: /did you mean tools\.files\.read\?/,
  },
  {
    name: "a function without its namespace",
    code: "tools.read({})",
    at: [1, 1],
    message: /tools\.read does not exist/,
    hint: /it is tools\.files\.read/,
  },
  {
    name: "two arguments",
    code: "await tools.files.read('a', 'b')",
    at: [1, 19],
    message: /takes one argument/,
    hint: /one object/,
  },
  {
    name: "fetch",
    code: "await fetch('http://example.com')",
    at: [1, 1],
    message: /fetch is not defined/,
    hint: /no network/,
  },
  { name: "require", code: "require('fs')", at: [1, 1], message: /require/, hint: /no modules/ },
  {
    name: "setTimeout",
    code: "setTimeout(() => {}, 1)",
    at: [1, 1],
    message: /setTimeout/,
    hint: /no timers/,
  },
  { name: "process", code: "process.env", at: [1, 1], message: /process/, hint: /no process/ },
  {
    name: "a thrown text",
    code: "throw 'plain'",
    at: undefined,
    message: /^thrown: plain$/,
    hint: /./,
  },
] as const;

for (const { name, code, at, message, hint } of errors) {
  test(`an error says what is wrong, where, and what to do: ${name}`, async () => {
    const error = errorIn(await evaluate(sandbox, code), "RuntimeError");
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    if (at === undefined) return;
    assert.deepEqual([error.line, error.column], at, error.frame);
    assert.ok(error.frame?.includes(`> ${at[0]} | ${code.split("\n")[at[0] - 1]}`), error.frame);
  });
}

const syntaxErrors = [
  {
    name: "a missing value",
    code: "const a = 1;\nconst b = ;",
    at: [2, 11],
    hint: /correct the code/,
  },
  { name: "an import", code: "import fs from 'node:fs'", at: undefined, hint: /no modules/ },
  { name: "an enum", code: "enum A { B }", at: undefined, hint: /./ },
  {
    name: "a name of the sandbox",
    code: "let x = 1; const help = await help()",
    at: [1, 18],
    hint: /another name/,
  },
];

for (const { name, code, at, hint } of syntaxErrors) {
  test(`a syntax error says where: ${name}`, async () => {
    const error = errorIn(await evaluate(sandbox, code), "SyntaxError");
    assert.match(error.hint, hint);
    if (at !== undefined) assert.deepEqual([error.line, error.column], at);
  });
}

test("calls carry one plain argument and answer with a value", async () => {
  const code =
    "[await tools.files.read({ path: 'a', at: new Date(0), skip: undefined }), await help(), await search('x')]";
  assert.deepEqual(resultOf(await evaluate(sandbox, code)), [
    { name: "files.read", argument: { path: "a", at: "1970-01-01T00:00:00.000Z" } },
    { name: "help", argument: null },
    { name: "search", argument: "x" },
  ]);
});

test("calls run at the same time", async () => {
  let running = 0;
  let most = 0;
  const barrier = Promise.withResolvers<void>();
  const host: Host = async () => {
    running += 1;
    most = Math.max(most, running);
    if (running === 3) barrier.resolve();
    await barrier.promise;
    return { ok: true, value: undefined };
  };
  resultOf(
    await sandbox.evaluate(
      "await Promise.all([tools.files.read({}), tools.files.read({}), tools.web.get({})])",
      { host },
    ),
  );
  assert.equal(most, 3);
});

test("a call that nobody awaits is still waited for", async () => {
  let isDone = false;
  const host: Host = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    isDone = true;
    return { ok: true, value: 1 };
  };
  assert.equal(resultOf(await sandbox.evaluate("tools.files.read({}); 5", { host })), 5);
  assert.ok(isDone);
});

test("dangerous keys never reach the host", async () => {
  let got: unknown;
  const host: Host = async (_name, argument) => {
    got = argument;
    return { ok: true, value: 1 };
  };
  const code = `const o = JSON.parse('{"__proto__": {"a": 1}, "constructor": {"prototype": {}}, "deep": [{"prototype": 1, "kept": 2}]}'); await tools.files.read(o)`;
  resultOf(await sandbox.evaluate(code, { host }));
  assert.equal(JSON.stringify(got), '{"deep":[{"kept":2}]}');
  assert.equal(({} as { a?: number }).a, undefined);
});

test("a failure of the host is an Error with name, message, code and hint, and nothing else", async () => {
  const error = {
    name: "ToolError",
    message: "no such file",
    code: "LEG4001",
    hint: "use list",
    secret: "host only",
  };
  const host: Host = async () => ({ ok: false, error });
  const caught =
    "try { await tools.files.read({}) } catch (e) { return [e instanceof Error, e.name, e.message, e.code, e.hint, e.secret, String(e.stack).includes('node')] }";
  assert.deepEqual(resultOf(await sandbox.evaluate(caught, { host })), [
    true,
    "ToolError",
    "no such file",
    "LEG4001",
    "use list",
    null,
    false,
  ]);
  const uncaught = errorIn(
    await sandbox.evaluate("const x = 1;\nawait tools.files.read({})", { host }),
    "RuntimeError",
  );
  assert.equal(uncaught.message, "ToolError: no such file");
  assert.equal(uncaught.hint, "use list");
  assert.equal(uncaught.line, 2);
});

test("a host that throws leaks no stack", async () => {
  const host: Host = async () => {
    throw new Error("broken host");
  };
  const text = JSON.stringify(
    resultOf(
      await sandbox.evaluate(
        "try { await tools.files.read({}) } catch (e) { return [e.message, e.stack, Object.keys(e)] }",
        { host },
      ),
    ),
  );
  assert.match(text, /broken host/);
  assert.doesNotMatch(text, /sandbox\.test|file:|node:/);
});

test("nothing of the host can be reached", async () => {
  const probes = [
    ...[
      "process",
      "require",
      "module",
      "fetch",
      "XMLHttpRequest",
      "WebSocket",
      "setTimeout",
      "setInterval",
      "Buffer",
      "Worker",
      "SharedArrayBuffer",
      "Atomics",
      "WebAssembly",
      "Deno",
      "Bun",
      "std",
      "os",
      "bjson",
      "print",
      "scriptArgs",
      "gc",
    ].map((name) => `typeof ${name}`),
    ...["process", "require", "fetch"].map(
      (name) => `(() => {}).constructor('return typeof ${name}')()`,
    ),
    "await tools.files.read.constructor('return typeof process')()",
    "console.log.constructor('return typeof process')()",
    "(async () => {}).constructor('return typeof process').call.constructor('return typeof require')()",
  ];
  assert.deepEqual(
    resultOf(await evaluate(sandbox, `[${probes.join(",\n")}]`)),
    probes.map(() => "undefined"),
  );
  for (const module of [
    "node:fs",
    "fs",
    "legion.js",
    "code.js",
    "std",
    "os",
    "qjs:os",
    "./guest/bridge.ts",
  ]) {
    errorIn(await evaluate(sandbox, `await import('${module}')`), "RuntimeError");
  }
  assert.deepEqual(
    resultOf(
      await evaluate(
        sandbox,
        "Object.keys(globalThis).filter((name) => !['tools', 'help', 'search', 'console', 'performance'].includes(name))",
      ),
    ),
    [],
  );
});

test("tools, console and functions cannot be replaced", async () => {
  const code =
    "tools = 1; tools.files = 1; console.log = 1; help = 1; delete globalThis.search; try { tools.files.read.x = 1 } catch {} [typeof tools.files.read, typeof console.log, typeof help, typeof search]";
  assert.deepEqual(resultOf(await evaluate(sandbox, code)), [
    "function",
    "function",
    "function",
    "function",
  ]);
});

test("console lines are captured, with their kind", async () => {
  const evaluation = await evaluate(
    sandbox,
    "console.log('a', { b: new Map([['c', 1]]) }, [1n]); console.error('bad'); console.warn(new TypeError('t')); 1",
  );
  assert.deepEqual(evaluation.logs, [
    'a {"b":{"c":1}} ["1"]',
    "error: bad",
    "warning: TypeError: t",
  ]);
  assert.equal(evaluation.logsCut, false);
});

test("console lines are cut at their limit, also of code that fails", async () => {
  const small = await pool.open({ ...testLimits, maxLogBytes: 10 }, testSurface);
  const evaluation = await evaluate(
    small,
    "console.log('12345'); console.log('é67890'); console.log('x'); throw 1",
  );
  assert.deepEqual(
    evaluation.logs,
    ["12345", "é67"].map((line) => line.slice(0, 5)),
  );
  assert.ok(evaluation.logsCut);
  await small.close();
});

test("limits of one evaluation can be given", async () => {
  const startedAt = performance.now();
  errorIn(await sandbox.evaluate("while (true) {}", { host: echo, timeoutMs: 30 }), "Timeout");
  assert.ok(performance.now() - startedAt < 190);
});

test("the clock stands still while the host waits for a person", async () => {
  const host: Host = async (_name, _argument, { pauseClock }: HostCall) => {
    await pauseClock(new Promise((resolve) => setTimeout(resolve, 150)));
    return { ok: true, value: 1 };
  };
  assert.equal(
    resultOf(
      await sandbox.evaluate("await tools.files.read({}) + await tools.files.read({})", {
        host,
        timeoutMs: 100,
      }),
    ),
    2,
  );
});

test("the clock goes on for code that runs while a person is waited for", async () => {
  const host: Host = (name, _argument, { pauseClock }) =>
    name === "help" ? Promise.resolve({ ok: true, value: 1 }) : pauseClock(new Promise(() => {}));
  errorIn(
    await sandbox.evaluate("tools.files.read({}); await help(); await help(); for (;;) {}", {
      host,
      timeoutMs: 60,
    }),
    "Timeout",
  );
});

test("the signal of a call is aborted when the evaluation ends", async () => {
  let signal: AbortSignal | undefined;
  const host: Host = (_name, _argument, call) => {
    signal = call.signal;
    return new Promise(() => {});
  };
  errorIn(await sandbox.evaluate("await tools.files.read({})", { host, timeoutMs: 50 }), "Timeout");
  assert.ok(signal?.aborted);
});

const aborted = [
  { name: "waits for a call", code: "tools.web.get({}); await tools.files.read({})" },
  { name: "never ends", code: "tools.web.get({}); await help(); while (true) {}" },
  {
    name: "is in a built-in that never ends",
    code: "tools.web.get({}); await help(); const a = []; a.length = 2 ** 32 - 1; a.join()",
  },
];

for (const { name, code } of aborted) {
  test(`abort ends code that ${name}, at once`, async () => {
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const host: Host = (called) => {
      if (called === "help") return Promise.resolve({ ok: true, value: 1 });
      begun.resolve();
      return new Promise(() => {});
    };
    const evaluation = sandbox.evaluate(code, {
      host,
      signal: controller.signal,
      timeoutMs: 20_000,
    });
    await begun.promise;
    const abortedAt = performance.now();
    controller.abort();
    errorIn(await evaluation, "Aborted");
    assert.ok(performance.now() - abortedAt < 500);
    assert.equal(resultOf(await evaluate(sandbox, "1")), 1);
  });
}

test("an evaluation that is aborted before it began does not begin", async () => {
  const evaluation = await sandbox.evaluate("await help()", {
    host: () => assert.fail("called"),
    signal: AbortSignal.abort(),
  });
  errorIn(evaluation, "Aborted");
});

test("evaluations of one sandbox run one after the other", async () => {
  const order = await Promise.all(
    [
      "const log = []; await help(); log.push(1)",
      "await help(); log.push(2)",
      "log.push(3); log.join()",
    ].map((code) => evaluate(sandbox, code)),
  );
  assert.equal(resultOf(order.at(-1) ?? assert.fail()), "1,2,3");
});

test("the smallest memory that a manifest allows is enough to work, and is a limit", async () => {
  const small = await pool.open({ ...testLimits, memoryBytes: 16 * 1024 * 1024 }, testSurface);
  assert.equal(
    resultOf(
      await evaluate(small, "const list = Array.from({ length: 10000 }, (_, i) => i); list.length"),
    ),
    10_000,
  );
  errorIn(
    await evaluate(small, "const hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20))"),
    "OutOfMemory",
  );
  assert.equal(resultOf(await evaluate(small, "list.length")), 10_000);
  await small.close();
});

test("a closed sandbox answers Aborted", async () => {
  const other = await pool.open(testLimits, testSurface);
  await other.close();
  errorIn(await evaluate(other, "1"), "Aborted");
});

test("the clock is not charged for what other sandboxes do", async () => {
  const lone = createSandboxPool({ workers: 0 });
  const [busy, waiting] = [
    await lone.open(testLimits, testSurface),
    await lone.open(testLimits, testSurface),
  ];
  const controller = new AbortController();
  const host: Host = async () => {
    const spun = evaluate(busy, "while (true) {}");
    await spun;
    return { ok: true, value: 1 };
  };
  const result = await waiting.evaluate("await help()", { host, timeoutMs: 150 });
  controller.abort();
  assert.equal(resultOf(result), 1);
  await lone.close();
});
