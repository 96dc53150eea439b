// Goal: a toolbox holds what the agent's manifest lists, under the names that its code uses, in a fixed order, or says why it cannot.
// Method: manifests through the real loader; sets that the loader refuses are changed after it.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LegionError } from "../lib/errors.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { nameInCode } from "../manifest/tool-use.ts";
import { type Workplace, workplace } from "../testing/toolbox.ts";
import { createToolbox } from "./registry.ts";

let place: Workplace;
before(async () => {
  place = await workplace();
  await writeFile(path.join(place.folder, "a.txt"), "text");
});
after(() => place[Symbol.asyncDispose]());

const tools = {
  files: { type: "builtin", builtin: "files" },
  "my-files": { type: "builtin", builtin: "files", description: "My own." },
  kv: { type: "builtin", builtin: "kv" },
};

test("tools are sorted by their name in code, functions by theirs", async () => {
  const { toolbox } = await place.create({
    tools,
    uses: ["my-files", { name: "kv", as: "Store" }, "files"],
  });
  const names = toolbox.tools.map(({ as, functions }) => [as, functions]);
  assert.deepEqual(names, [
    ["Store", ["delete", "get", "list", "set"]],
    ["files", ["glob", "list", "read"]],
    ["myFiles", ["glob", "list", "read"]],
  ]);
});

const camel = [
  ["files", "files"],
  ["my-files", "myFiles"],
  ["a-b-c", "aBC"],
  ["s3-list", "s3List"],
  ["x-2", "x2"],
  ["a--b", "aB"],
];
for (const [name = "", as = ""] of camel) {
  test(`the tool ${name} is ${as} in code`, () => {
    assert.equal(nameInCode({ name }), as);
  });
}

test("the description is the manifest's, else the builtin's own", async () => {
  const { toolbox } = await place.create({ tools, uses: ["my-files", "files"] });
  assert.deepEqual(
    toolbox.tools.map(({ tool }) => tool.description),
    ["Reads files; it cannot write.", "My own."],
  );
});

test("only the functions that the agent lists can be called", async () => {
  const box = await place.create({ tools, uses: [{ name: "files", functions: ["read"] }] });
  assert.equal(await box.value("files.read", { path: "a.txt" }), "text");
  const error = await box.error("files.list", {});
  assert.deepEqual([error.code, error.valid], ["LEG4002", ["read"]]);
});

test("config of the agent lies over that of the tool, field by field, and nobody can change it", async () => {
  const { toolbox } = await place.create({
    tools,
    uses: [{ name: "files", config: { roots: ["."] } }],
  });
  const config = toolbox.tools[0]?.config as { roots: string[] };
  assert.deepEqual(config, { roots: ["."] });
  assert.throws(() => config.roots.push("/"), TypeError);
});

test("the tool's limits are those of its manifest", async () => {
  const { toolbox } = await place.create({
    tools: {
      kv: { ...tools.kv, timeout: "1m30s", maxArgumentBytes: "2kB", maxResultBytes: "1MiB" },
    },
  });
  assert.deepEqual(toolbox.tools[0]?.tool.limits, {
    timeoutMs: 90_000,
    maxArgumentBytes: 2_000,
    maxResultBytes: 1_048_576,
  });
});

/** The error of creating a toolbox for an agent with these tools, which no loader has looked at. */
async function creating(
  uses: ManifestObject<"Agent">["spec"]["tools"],
  change?: (set: ManifestSet) => ManifestSet,
) {
  const loaded = await place.create({
    tools,
    uses: [],
    change: (set) => {
      sets.push(set);
      return set;
    },
  });
  await loaded.toolbox.close();
  const set = sets.at(-1);
  const agent = set?.get("Agent", "tested");
  if (set === undefined || agent === undefined) throw new Error("nothing was loaded");
  const objects = change?.(set) ?? set;
  const { folder: cwd, pool, keyValue } = place;
  const clock = { now: () => 0, monotonic: () => 0 };
  const made = createToolbox(
    { ...agent, spec: { ...agent.spec, tools: uses } },
    { objects, pool, keyValue, clock, cwd },
  );
  return made.then(
    () => assert.fail("it was created"),
    (error: unknown) => (error instanceof LegionError ? error : assert.fail(String(error))),
  );
}
const sets: ManifestSet[] = [];

test("a tool that does not exist is told with the nearest", async () => {
  const error = await creating(["fils"]);
  assert.deepEqual([error.code, error.hint], ["LEG4001", 'did you mean "files"?']);
});

test("a function that the tool does not have is told with what it has", async () => {
  const error = await creating([{ name: "files", functions: ["read", "write"] }]);
  assert.deepEqual([error.code, error.valid], ["LEG4002", ["glob", "list", "read"]]);
});

test("two tools of one name in code are told", async () => {
  const error = await creating(["my-files", { name: "files", as: "myFiles" }]);
  assert.equal(error.code, "LEG4013");
  assert.match(error.message, /"myFiles"/);
});

test("capabilities in a circle are told with the circle", async () => {
  const error = await creating(["kv"], (set) =>
    withCapabilities(set, { kv: ["files"], files: ["my-files"], "my-files": ["kv"] }),
  );
  assert.equal(error.code, "LEG4017");
  assert.match(error.message, /kv -> files -> my-files -> kv$/);
});

/** The set with its tools made js tools that may call each other. */
function withCapabilities(set: ManifestSet, capabilities: Record<string, string[]>): ManifestSet {
  const change = <T extends ManifestObject>(object: T): T =>
    object.kind !== "Tool"
      ? object
      : {
          ...object,
          spec: {
            ...object.spec,
            type: "js",
            source: "function f() {}",
            functions: { f: { description: "F." } },
            capabilities: capabilities[object.name],
          },
        };
  const get: ManifestSet["get"] = (kind, name) => {
    const object = set.get(kind, name);
    return object && change(object);
  };
  return { ...set, get };
}

test("closing a toolbox twice is closing it once", async () => {
  const { toolbox } = await place.create({ tools });
  await toolbox.close();
  await toolbox.close();
});

const starters = fileURLToPath(new URL("../../tools.d/", import.meta.url));
for (const [name, call, argument] of [
  ["files", "files.list", {}],
  ["now", "now.now", {}],
  ["kv", "kv.get", { key: "a" }],
] as const) {
  test(`the starter ${name} loads without a warning and works`, async () => {
    const file = path.join(starters, `${name}.yaml`);
    const { diagnostics, objects } = await loadManifests([file], { cwd: starters, env: {} });
    assert.deepEqual([diagnostics, objects.length], [[], 1]);
    assert.match(
      await readFile(file, "utf8"),
      /^# yaml-language-server: \$schema=\.\.\/schemas\/legion\.json\n/,
    );
    const [object] = objects;
    const box = await place.create({ tools: { [name]: object?.spec ?? {} } });
    await box.value(call, argument);
  });
}
