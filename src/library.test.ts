// Goal: programs import Legion by its name, with types, and combine agents as agents do in their own code.
// Method: the built package run by its name on the quickstart; thunks that the test settles; the files that the package would hold.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  andThen,
  type Cancelled,
  execute,
  isCancel,
  type Outcome,
  openRuntime,
  parallel,
  pipeline,
} from "./library.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const stateFolder = await mkdtemp(join(tmpdir(), "legion-library-"));
after(() => rm(stateFolder, { recursive: true, force: true }));

const audit = { agent: "license-auditor", task: "Audit the licences." };
const quickstart = { manifests: "fixtures/quickstart", cwd: root, stateFolder };

/** What the tests use of the package: the same as this module has. */
type Library = typeof import("./library.ts");

test("the built package, imported by its name, runs the quickstart", async () => {
  assert.ok(existsSync(`${root}dist/library.js`), "run `npm run build` first");
  const name = "legion";
  const library = (await import(name)) as Library;
  const kinds: string[] = [];
  const onEvent = ({ kind }: { kind: string }) => void kinds.push(kind);
  const result = await library.execute({ ...quickstart, ...audit, onEvent });
  assert.ok(result.status === "ok", JSON.stringify(result));
  const { total } = result.value as { total: number };
  const lock = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8"));
  assert.equal(total, Object.keys(lock.packages).length - 1);
  assert.equal(kinds.at(-1), "legion.agent.stopped");
});

test("one runtime runs many tasks, also at once", async () => {
  await using runtime = await openRuntime(quickstart);
  const run = (signal: AbortSignal) => runtime.execute({ ...audit, signal });
  const both = await parallel([run, run]);
  assert.ok(both.status === "ok", JSON.stringify(both));
  assert.deepEqual(both.value[0], both.value[1]);
});

test("agents give work to others without a daemon too, and keep to their budgets", async () => {
  const code = `const both = await agents.parallel(["a", "b"].map((row) => (agents) => agents.call("helper", row)));
    const third = await agents.call("helper", "c");
    [both, third.reason]`;
  const object = (kind: string, name: string, spec: object) =>
    JSON.stringify({ apiVersion: "legion.dev/v1", kind, metadata: { name }, spec });
  const common = { description: "It helps.", outputSchema: {} };
  const replies = [{ when: { contains: " " }, action: "return", result: "done" }];
  const budget = { team: { requests: 3 } };
  const text = [
    object("Provider", "lead", {
      wire: "scripted",
      replies: [{ action: "eval_and_complete", code }],
    }),
    object("Provider", "helper", { wire: "scripted", replies }),
    object("Agent", "lead", { ...common, model: "lead/it", agents: ["helper"], budget }),
    object("Agent", "helper", { ...common, model: "helper/it" }),
  ];
  const file = join(stateFolder, "team.yaml");
  await writeFile(file, text.join("\n---\n"));
  const result = await execute({ manifests: file, stateFolder, agent: "lead", task: "Share it." });
  assert.deepEqual(result.status === "ok" ? result.value : result.error, [
    ["done", "done"],
    "budget_exceeded",
  ]);
});

test("faults of manifests are thrown with code, place and next step", async () => {
  const file = join(stateFolder, "wrong.yaml");
  await writeFile(file, "apiVersion: legion.dev/v1\nkind: Agnet\nmetadata: { name: a }\n");
  await assert.rejects(
    execute({ ...audit, manifests: [file] }),
    (error: Error & { code?: string; hint?: string }) => {
      assert.match(error.message, /wrong\.yaml:2:7: /);
      assert.match(String(error.hint), /did you mean/);
      return /^LEG10/.test(error.code ?? "");
    },
  );
});

test("an agent that does not exist is thrown with those that there are", async () => {
  await assert.rejects(execute({ ...quickstart, agent: "licence-auditor", task: "x" }), {
    code: "LEG7003",
    hint: 'did you mean "license-auditor"?',
  });
});

const ok = (value: number): Outcome<number> => ({ status: "ok", value });
const cancel = (reason: string): Cancelled => ({
  status: "cancel",
  reason,
  error: { code: "LEG2020", message: "it did not finish", hint: "raise it" },
});
/** Ends when it is told to. */
const hanging = (signal: AbortSignal) =>
  new Promise<Outcome<number>>((resolve) => {
    signal.addEventListener("abort", () => resolve(cancel("interrupted")), { once: true });
  });

test("parallel gives the answers in order", async () => {
  const tasks = [3, 1, 2].map((value) => async () => ok(value));
  assert.deepEqual(await parallel(tasks, { concurrency: 1 }), { status: "ok", value: [3, 1, 2] });
});

test("parallel gives the cancel that began it, and stops the others by their signals", async () => {
  let reason: unknown;
  const stopped = (signal: AbortSignal) =>
    new Promise<Outcome<number>>((resolve) => {
      signal.addEventListener("abort", () => {
        reason = signal.reason;
        resolve({ ...cancel("interrupted"), error: signal.reason });
      });
    });
  const result = await parallel([stopped, async () => cancel("budget_exceeded")]);
  assert.deepEqual(result, cancel("budget_exceeded"));
  assert.equal((reason as { code: string }).code, "LEG2093");
});

test("parallel: a timeout is a cancel", async () => {
  const result = await parallel([hanging, async () => ok(1)], { timeout: "5ms" });
  assert.ok(isCancel(result));
  assert.deepEqual([result.reason, result.error.code], ["timeout", "LEG2022"]);
});

test("parallel: who ends all of them says why", async () => {
  const controller = new AbortController();
  const result = parallel([hanging], { signal: controller.signal });
  controller.abort();
  assert.equal(isCancel(await result), true);
  const late = await parallel([hanging], {
    signal: AbortSignal.abort(new DOMException("", "TimeoutError")),
  });
  assert.equal(isCancel(late) && late.reason, "timeout");
});

test("parallel: a timeout that is no duration is refused", async () => {
  await assert.rejects(parallel([], { timeout: "soon" }), /write a duration such as 30s/);
});

test("pipeline hands values on, and a cancel ends it", async () => {
  const double = async (value: unknown) => ok(Number(value) * 2);
  assert.deepEqual(await pipeline(1, double, double), ok(4));
  const never = () => assert.fail("not reached");
  assert.deepEqual(await pipeline(1, double, () => cancel("timeout"), never), cancel("timeout"));
  assert.deepEqual(await pipeline("as it is"), { status: "ok", value: "as it is" });
});

test("andThen goes on with an answer, and passes a cancel on", async () => {
  assert.deepEqual(await andThen(Promise.resolve(ok(2)), (value) => ok(Number(value) + 1)), ok(3));
  assert.deepEqual(
    await andThen(cancel("timeout"), () => assert.fail("not reached")),
    cancel("timeout"),
  );
});

test("the package holds the library, every type that it needs, and no tests", () => {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [{ files }] = JSON.parse(
    execFileSync("npm", args, { cwd: root, encoding: "utf8", stdio: "pipe" }),
  );
  const packed = new Set((files as { path: string }[]).map(({ path }) => path));
  assert.ok(packed.has("dist/library.js") && packed.has("dist/main.js"));
  const needed = ["dist/library.d.ts"];
  for (const file of needed) {
    assert.ok(packed.has(file), `${file} is not in the package`);
    const text = readFileSync(`${root}${file}`, "utf8");
    for (const [, target = ""] of text.matchAll(/from "(\.[^"]+)\.ts"/g)) {
      const next = `${posix.join(posix.dirname(file), target)}.d.ts`;
      if (!needed.includes(next)) needed.push(next);
    }
  }
  assert.ok(needed.length > 5, needed.join(", "));
  assert.deepEqual(
    [...packed].filter((file) => /\.test\.|\/testing\/|\/bench\//.test(file)),
    [],
  );
});
