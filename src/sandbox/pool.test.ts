// Goal: what one sandbox does to its worker costs the others at most a delay, never a result, and no call is made twice.
// Method: real pools whose workers are blocked, killed and crowded on purpose; the host counts its calls.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { test } from "node:test";
import { promisify } from "node:util";
import type { Host, Sandbox, SandboxLimits, SandboxPool } from "./contract.ts";
import { createSandboxPool, type SandboxPoolOptions } from "./pool.ts";
import { permissionFlags } from "./process.ts";
import {
  echo,
  errorIn,
  evaluate,
  resultOf,
  testLimits,
  testSurface,
  valueFrom,
} from "./testing.ts";

/** A built-in loop that only ends with its worker. */
const UNSTOPPABLE = "const a = []; a.length = 2 ** 32 - 1; a.join()";
const ENDLESS = "while (true) {}";

async function withPool(
  options: SandboxPoolOptions,
  work: (pool: SandboxPool) => Promise<void>,
): Promise<void> {
  const pool = createSandboxPool(options);
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

function open(pool: SandboxPool, limits: Partial<SandboxLimits> = {}): Promise<Sandbox> {
  return pool.open({ ...testLimits, ...limits }, testSurface);
}

/** So often a test that measures time tries, and no more: what the machine does besides goes by, a fault does not. */
const TRIES_MAX = 5;

/** The least that was measured; it stops as soon as that is within the bound. */
async function leastMs(boundMs: number, measure: () => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES_MAX && least > boundMs; tries += 1)
    least = Math.min(least, await measure());
  return least;
}

test("code that does not stop is killed a second after its deadline, and its variables are those from before", () =>
  withPool({}, async (pool) => {
    const sandbox = await open(pool);
    await valueFrom(sandbox, "const kept = 1");
    const tookMs = await leastMs(1600, async () => {
      const startedAt = performance.now();
      errorIn(await evaluate(sandbox, UNSTOPPABLE), "SandboxKilled");
      const onceMs = performance.now() - startedAt;
      assert.ok(onceMs > 1200, `${onceMs} ms`);
      return onceMs;
    });
    assert.ok(tookMs < 1600, `${tookMs} ms`);
    assert.equal(await valueFrom(sandbox, "kept"), 1);
  }));

test("an idle sandbox on a worker that is killed only gets a new instance", () =>
  withPool({ workers: 0, hardGraceMs: 50 }, async (pool) => {
    const [killer, idle] = [await open(pool), await open(pool)];
    await valueFrom(idle, "const kept = new Set([1])");
    errorIn(await evaluate(killer, UNSTOPPABLE), "SandboxKilled");
    assert.equal(await valueFrom(idle, "kept.has(1)"), true);
  }));

test("code that waits on a worker that is killed goes on elsewhere, and no call is made twice", () =>
  withPool({ workers: 0, hardGraceMs: 50 }, async (pool) => {
    const [killer, waiter] = [await open(pool), await open(pool, { timeoutMs: 5000 })];
    await valueFrom(waiter, "const before = 10");
    const calls: string[] = [];
    const killed = Promise.withResolvers<void>();
    const host: Host = async (name, argument) => {
      calls.push(`${name} ${JSON.stringify(argument)}`);
      if (name !== "search") return { ok: true, value: calls.length };
      // The other sandbox takes the worker and never gives it back.
      errorIn(await evaluate(killer, UNSTOPPABLE), "SandboxKilled");
      killed.resolve();
      return { ok: true, value: 100 };
    };
    const code =
      "console.log('once'); const a = await help(1); const b = await search(a); const c = await help(b + before); [a, b, c]";
    const evaluation = await waiter.evaluate(code, { host });
    await killed.promise;
    assert.deepEqual(resultOf(evaluation), [1, 100, 3]);
    assert.deepEqual(calls, ["help 1", "search 1", "help 110"]);
    assert.deepEqual(evaluation.logs, ["once"]);
    assert.equal(evaluation.toolCalls, 3);
  }));

test("code that begins again on another worker sees the same times and random numbers", () =>
  withPool({ workers: 0, hardGraceMs: 50 }, async (pool) => {
    const [killer, waiter] = [await open(pool), await open(pool, { timeoutMs: 5000 })];
    const calls: unknown[] = [];
    const host: Host = async (name, argument) => {
      calls.push(argument);
      if (name === "search") errorIn(await evaluate(killer, UNSTOPPABLE), "SandboxKilled");
      return { ok: true, value: 1 };
    };
    const look = "[Math.random(), Date.now(), performance.now(), new Date(), Date()]";
    const code = `const a = ${look}; await help(a); const b = ${look}; await search(b); [a, b]`;
    const seen = resultOf(await waiter.evaluate(code, { host }));
    assert.deepEqual(calls, seen);
    assert.equal(await valueFrom(waiter, "1"), 1);
  }));

test("a second sandbox answers at once while another one never ends", () =>
  withPool({}, async (pool) => {
    const [busy, quick] = [await open(pool, { timeoutMs: 1500 }), await open(pool)];
    const lateMs = await leastMs(50, async () => {
      const usual = await median(20, () => evaluate(quick, "1 + 1"));
      const running = evaluate(busy, ENDLESS);
      const during = await median(20, () => evaluate(quick, "1 + 1"));
      errorIn(await running, "Timeout");
      return during - usual;
    });
    assert.ok(lateMs < 50, `${lateMs} ms more than usual`);
  }));

test("a sandbox whose worker is taken moves to another one, with its variables", async () => {
  const tookMs = await leastMs(700, async () => {
    let onceMs = Number.NaN;
    await withPool({ workers: 1 }, async (pool) => {
      const busy = await open(pool, { timeoutMs: 1000 });
      const mover = await open(pool);
      await valueFrom(mover, "const kept = 5");
      const running = evaluate(busy, ENDLESS);
      const startedAt = performance.now();
      assert.equal(await valueFrom(mover, "kept"), 5);
      onceMs = performance.now() - startedAt;
      errorIn(await running, "Timeout");
    });
    return onceMs;
  });
  assert.ok(tookMs < 700, `${tookMs} ms`);
});

test("the main thread goes on while programs are hostile", () =>
  withPool({ hardGraceMs: 100 }, async (pool) => {
    const sandboxes = [await open(pool), await open(pool)];
    for (const sandbox of sandboxes) await valueFrom(sandbox, "1");
    const programs = [
      ENDLESS,
      UNSTOPPABLE,
      "for (;;) await 0",
      "const x = []; for (;;) x.push(new Uint8Array(1 << 20))",
      "'x'.repeat(1e8)",
    ];
    for (const code of programs) {
      const gapMs = await leastMs(50, async () => {
        const delay = monitorEventLoopDelay({ resolution: 1 });
        delay.enable();
        await Promise.all(sandboxes.map((sandbox) => evaluate(sandbox, code)));
        delay.disable();
        return delay.max / 1e6;
      });
      assert.ok(gapMs <= 50, `${gapMs} ms with ${code}`);
    }
  }));

test("after 100 kills the memory is as before", () =>
  withPool({ workers: 1, hardGraceMs: 0 }, async (pool) => {
    const sandboxes = [await open(pool, { timeoutMs: 20 }), await open(pool, { timeoutMs: 20 })];
    const code =
      "const hoard = [new Uint8Array(8 << 20).fill(1)]; hoard.length = 2 ** 32 - 1; hoard.join()";
    const killAll = (times: number) =>
      Promise.all(
        sandboxes.map(async (sandbox) => {
          for (let count = 0; count < times; count += 1) {
            errorIn(await evaluate(sandbox, code), "SandboxKilled", "Timeout");
          }
        }),
      );
    await killAll(10);
    const before = process.memoryUsage.rss();
    await killAll(50);
    const grownMiB = (process.memoryUsage.rss() - before) / 2 ** 20;
    assert.ok(grownMiB < 20, `${grownMiB} MiB`);
    for (const sandbox of sandboxes) assert.equal(await valueFrom(sandbox, "2"), 2);
  }));

test("after 100 programs that use all memory it is as before", () =>
  withPool({ workers: 1 }, async (pool) => {
    const sandbox = await open(pool, { timeoutMs: 2000 });
    const exhaust = async () =>
      errorIn(
        await evaluate(
          sandbox,
          "const hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20).fill(1))",
        ),
        "OutOfMemory",
      );
    // When the memory of a spent instance goes back is up to V8: the least of several looks is without it.
    const leastRss = async (times: number) => {
      let least = Number.POSITIVE_INFINITY;
      for (let count = 0; count < times; count += 1) {
        await exhaust();
        least = Math.min(least, process.memoryUsage.rss());
      }
      return least;
    };
    const before = await leastRss(20);
    for (let count = 0; count < 80; count += 1) await exhaust();
    const grownMiB = ((await leastRss(20)) - before) / 2 ** 20;
    assert.ok(grownMiB < 20, `${grownMiB} MiB`);
  }));

for (const isolation of ["worker", "process"] as const) {
  test(`isolation ${isolation}: variables survive a kill, and others do not notice`, () =>
    withPool({ hardGraceMs: 100 }, async (pool) => {
      const [own, other] = [await open(pool, { isolation }), await open(pool, { isolation })];
      await valueFrom(own, "const kept = new Map([['a', 1n]])");
      await valueFrom(other, "const mine = 1");
      const tookMs = await leastMs(200, async () => {
        const killing = evaluate(own, UNSTOPPABLE);
        const startedAt = performance.now();
        assert.deepEqual(await valueFrom(other, "[mine, await tools.files.read({ a: 1 })]"), [
          1,
          { name: "files.read", argument: { a: 1 } },
        ]);
        const onceMs = performance.now() - startedAt;
        errorIn(await killing, "SandboxKilled");
        return onceMs;
      });
      assert.ok(tookMs < 200, `${tookMs} ms`);
      assert.equal(await valueFrom(own, "kept.get('a')"), "1");
      errorIn(await evaluate(own, ENDLESS), "Timeout");
      errorIn(await evaluate(own, "for (;;) await 0"), "Timeout");
      assert.equal(await valueFrom(own, "kept.get('a')"), "1");
    }));

  test(`isolation ${isolation}: abort ends code that never ends`, () =>
    withPool({}, async (pool) => {
      const sandbox = await open(pool, { isolation, timeoutMs: 20_000 });
      const controller = new AbortController();
      const host: Host = async () => {
        setImmediate(() => controller.abort());
        return { ok: true, value: 1 };
      };
      errorIn(
        await sandbox.evaluate(`await help(); ${ENDLESS}`, { host, signal: controller.signal }),
        "Aborted",
      );
      assert.equal(await valueFrom(sandbox, "3"), 3);
    }));
}

const denied = [
  { name: "read a file of the user", code: "require('node:fs').readFileSync('/etc/hostname')" },
  {
    name: "read the environment of its parent",
    code: "require('node:fs').readFileSync('/proc/' + process.ppid + '/environ')",
  },
  { name: "write a file", code: "require('node:fs').writeFileSync('/tmp/legion-escape', '')" },
  { name: "start a process", code: "require('node:child_process').execFileSync('true')" },
  {
    name: "start a thread",
    code: "new (require('node:worker_threads').Worker)('1', { eval: true })",
  },
  { name: "load an addon", code: "process.dlopen({ exports: {} }, '/tmp/legion.node')" },
];

const network = [
  { name: "open a connection", code: "require('node:net').connect(80, '127.0.0.1')" },
  { name: "wait for connections", code: "require('node:net').createServer().listen(0)" },
  { name: "fetch", code: "await fetch('http://127.0.0.1:8080')" },
  {
    name: "send a datagram",
    code: "require('node:dgram').createSocket('udp4').send('x', 9, '127.0.0.1')",
  },
  { name: "ask for an address", code: "await require('node:dns').promises.lookup('localhost')" },
];

for (const { name, code } of network) {
  test(`a process of its own may not ${name}`, async () => {
    const url = new URL("./network.ts", import.meta.url).href;
    const script = `const { createRequire } = await import('node:module'); const require = createRequire('file:///');
      const { denyNetwork } = await import('${url}'); denyNetwork();
      try { ${code}; console.log('allowed') } catch (error) { console.log(error.code ?? error.cause?.code) }`;
    const flags = [...permissionFlags(), "--input-type=module", "-e", script];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { env: {} });
    assert.equal(stdout, "ERR_ACCESS_DENIED\n");
  });
}

for (const { name, code } of denied) {
  test(`a process of its own may not ${name}`, async () => {
    const run = promisify(execFile)(
      process.execPath,
      [
        ...permissionFlags(),
        "-e",
        `try { ${code}; console.log('allowed') } catch (error) { console.log(error.code) }`,
      ],
      { env: {} },
    );
    assert.match((await run).stdout, /^ERR_(ACCESS_DENIED|DLOPEN_DISABLED)$/m);
  });
}

test("close ends what runs as Aborted", async () => {
  const pool = createSandboxPool();
  const [running, waiting] = [
    await open(pool, { timeoutMs: 20_000 }),
    await open(pool, { timeoutMs: 20_000 }),
  ];
  const begun = Promise.withResolvers<void>();
  const evaluations = [
    evaluate(running, ENDLESS),
    waiting.evaluate("await help()", {
      host: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    }),
  ];
  await begun.promise;
  await pool.close();
  for (const evaluation of await Promise.all(evaluations)) errorIn(evaluation, "Aborted");
  errorIn(await evaluate(running, "1"), "Aborted");
  await assert.rejects(open(pool), { code: "LEG3012" });
});

test("a pool that nobody closed does not keep the program running", async () => {
  const url = JSON.stringify(new URL("./pool.ts", import.meta.url).href);
  const script = `import { createSandboxPool } from ${url}; const pool = createSandboxPool();
    const box = await pool.open(${JSON.stringify(testLimits)}, { tools: {}, functions: [] });
    console.log((await box.evaluate("1 + 1", { host: async () => ({ ok: true, value: 1 }) })).value);`;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "-e", script],
    { timeout: 20_000 },
  );
  assert.deepEqual([stdout, stderr], ["2\n", ""]);
});

test("fifty sandboxes at once all answer", () =>
  withPool({}, async (pool) => {
    const sandboxes = await Promise.all(
      Array.from({ length: 50 }, () => open(pool, { timeoutMs: 5000 })),
    );
    const results = await Promise.all(
      sandboxes.map((sandbox, index) =>
        sandbox.evaluate(
          `let sum = 0; for (let i = 0; i < 5; i++) sum += (await help(${index})).argument; sum`,
          { host: echo },
        ),
      ),
    );
    assert.deepEqual(
      results.map(resultOf),
      sandboxes.map((_, index) => index * 5),
    );
  }));

async function median(count: number, work: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await work();
    samples.push(performance.now() - startedAt);
  }
  return samples.toSorted((a, b) => a - b)[count >> 1] ?? Number.NaN;
}
