// Goal: any module of the manifest root is a tool, and what it lacks is told before an agent runs.
// Method: modules written to a real folder, imported and called through a toolbox.
import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import type { ManifestSet } from "../../manifest/objects.ts";
import { type TestToolbox, type Workplace, withSpecs, workplace } from "../../testing/toolbox.ts";

let place: Workplace;
before(async () => {
  place = await workplace();
  await mkdir(path.join(place.folder, "code"));
});
after(() => place[Symbol.asyncDispose]());

let files = 0;
async function write(source: string, extension = ".ts"): Promise<string> {
  files += 1;
  const name = `code/tool-${files}${extension}`;
  await writeFile(path.join(place.folder, name), source);
  return name;
}

const spec = (module: string, functions: Record<string, object>, more: object = {}) => ({
  tool: { type: "module", module, functions, ...more },
});
const open = { description: "Does it.", parameters: { type: "object" } };

test("a TypeScript module is a tool: its functions get (args, context)", async () => {
  const module = await write(`
    interface Args { readonly names: string[] }
    interface Context { config: { greeting: string }; agent: string; run: string; signal: AbortSignal }
    export const greet = async ({ names }: Args, { config, agent, run, signal }: Context) =>
      ({ text: names.map((name: string) => config.greeting + " " + name), agent, run, stopped: signal.aborted });
    export function count(args: Args): number { return args.names.length; }
  `);
  const box = await place.create({
    tools: spec(module, { greet: open, count: open }, { config: { greeting: "Hello" } }),
    uses: [{ name: "tool", config: { greeting: "Hi" } }],
  });
  assert.deepEqual(await box.value("tool.greet", { names: ["Ada"] }), {
    text: ["Hi Ada"],
    agent: "tested",
    run: "run",
    stopped: false,
  });
  assert.equal(await box.value("tool.count", { names: ["a", "b"] }), 2);
});

for (const extension of [".js", ".mjs", ".mts"]) {
  test(`a ${extension} file is a module too`, async () => {
    const module = await write("export const f = () => 1;", extension);
    assert.equal(
      await (await place.create({ tools: spec(module, { f: open }) })).value("tool.f"),
      1,
    );
  });
}

test("the context holds nothing but what modules may have", async () => {
  const module = await write(
    "export const f = (args, context) => Object.keys(context).toSorted();",
    ".js",
  );
  const box = await place.create({ tools: spec(module, { f: open }) });
  const reply = await box.call("tool.f", {}, { onCall: () => () => {} });
  const keys = ["agent", "config", "idempotencyKey", "run", "signal", "vault"];
  assert.deepEqual(reply, { ok: true, value: keys });
});

test("a module that was changed is loaded anew, one that was not is kept", async () => {
  const module = await write("let calls = 0; export const f = () => ['old', (calls += 1)];", ".js");
  const call = async () =>
    (await place.create({ tools: spec(module, { f: open }) })).value("tool.f");
  assert.deepEqual(
    [await call(), await call()],
    [
      ["old", 1],
      ["old", 2],
    ],
  );
  await writeFile(path.join(place.folder, module), "export const f = () => 'new';");
  assert.equal(await call(), "new");
});

/** A toolbox with a module that no manifest check has looked at. */
async function unchecked(module: string, name: string): Promise<TestToolbox> {
  const sound = await write(`export const ${name} = () => 1;`, ".js");
  const change = (set: ManifestSet) => withSpecs(set, { tool: { module } });
  return place.create({ tools: spec(sound, { [name]: open }), change });
}

const lacking: { name: string; source: string; says: RegExp; valid: string[] }[] = [
  {
    name: "another function",
    source: "export const run = () => 1; export const runs = 2;",
    says: /does not export a function "runn".*did you mean "run"\?/,
    valid: ["run"],
  },
  {
    name: "functions of other names",
    source: "export const alpha = () => 1; export function beta() {}",
    says: /it exports: alpha, beta/,
    valid: ["alpha", "beta"],
  },
  {
    name: "no functions",
    source: "const runn = () => 1;",
    says: /it exports no functions: write `export function`/,
    valid: [],
  },
  {
    name: "a value in place of the function",
    source: "export const runn = 3;",
    says: /does not export a function "runn"/,
    valid: [],
  },
];
for (const { name, source, says, valid } of lacking) {
  test(`a module with ${name} is told of when the toolbox is created`, async () => {
    const creating = unchecked(await write(source, ".js"), "runn");
    await assert.rejects(
      creating,
      (error: { code: string; message: string; hint: string; valid: string[] }) => {
        assert.equal(error.code, "LEG4015");
        assert.match(`${error.message} - ${error.hint}`, says);
        assert.deepEqual(error.valid, valid);
        return true;
      },
    );
  });
}

const broken: { name: string; source: string; extension?: string; says: RegExp }[] = [
  { name: "with a syntax error", source: "export const f = (;", says: /cannot be loaded/ },
  {
    name: "that throws while it is loaded",
    source: "throw new Error('no database');",
    says: /cannot be loaded: no database/,
  },
  {
    name: "that imports what is not there",
    source: "import './gone.ts'; export const f = () => 1;",
    says: /cannot be loaded: Cannot find module/,
  },
  { name: "of another type", source: "{}", extension: ".json", says: /has none of the extensions/ },
  {
    name: "that is too large",
    source: `export const f = () => 1; //${"x".repeat(1024 * 1024)}`,
    says: /cannot be read: it has more than 1 MiB/,
  },
];
for (const { name, source, extension, says } of broken) {
  test(`a module ${name} is told of without a stack or a path of the host`, async () => {
    const creating = unchecked(await write(source, extension), "f");
    await assert.rejects(creating, (error: { code: string; message: string }) => {
      assert.equal(error.code, "LEG4014");
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /\n\s+at /);
      return true;
    });
  });
}

test("a module that became a link out of the root after it was checked is not loaded", async () => {
  const outside = path.join(place.folder, "..", `${path.basename(place.folder)}-outside.js`);
  await writeFile(outside, "globalThis.escaped = true; export const f = () => 1;");
  const module = await write("export const f = () => 1;", ".js");
  const file = path.join(place.folder, module);
  const creating = place.create({
    tools: spec(module, { f: open }),
    change: (set) => {
      const swapped = set.get("Tool", "tool");
      return {
        ...set,
        get: (kind, name) =>
          swapped && kind === "Tool"
            ? ({ ...swapped, spec: { ...swapped.spec, module: `${module}.link.js` } } as never)
            : set.get(kind, name),
      };
    },
  });
  await symlink(outside, `${file}.link.js`);
  await assert.rejects(creating, { code: "LEG1061" });
  assert.equal((globalThis as { escaped?: boolean }).escaped, undefined);
  const { rm } = await import("node:fs/promises");
  await rm(outside);
});

test("what a module throws arrives as its message, what it returns is checked", async () => {
  const module = await write(
    `
    export const fails = () => { throw new Error("quota used up"); };
    export const rejects = () => Promise.reject(new Error("later"));
    export const odd = () => new Map();
    export const wrong = () => ({ n: "1" });`,
    ".js",
  );
  const wrong = { ...open, returns: { type: "object", properties: { n: { type: "number" } } } };
  const box = await place.create({
    tools: spec(module, { fails: open, rejects: open, odd: open, wrong }),
  });
  assert.equal((await box.error("tool.fails")).message, "tool.fails failed: quota used up");
  assert.equal((await box.error("tool.rejects")).message, "tool.rejects failed: later");
  assert.equal((await box.error("tool.odd")).code, "LEG4009");
  assert.equal((await box.error("tool.wrong")).code, "LEG4011");
});

test("a function without parameters in the manifest takes none", async () => {
  const module = await write("export const f = (args) => Object.keys(args);", ".js");
  const box = await place.create({ tools: spec(module, { f: { description: "Does it." } }) });
  assert.deepEqual(await box.value("tool.f"), []);
  assert.equal((await box.error("tool.f", { x: 1 })).code, "LEG4005");
});

test("a module that hears the signal stops at the tool's timeout", async () => {
  const module = await write(
    "export const f = (args, { signal }) => new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)));",
    ".js",
  );
  const box = await place.create({ tools: spec(module, { f: open }, { timeout: "50ms" }) });
  assert.equal((await box.error("tool.f")).code, "LEG4006");
});
