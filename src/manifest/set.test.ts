// Goal: a set tells what is valid, what is not and why, what could not be understood, what belongs to it besides, and what was written.
// Method: load small sets, alone and beside objects that exist, change the files that they name, and look at every part of what comes out.
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { stringify } from "yaml";
import type { JsonObject } from "../lib/json.ts";
import { loadManifests } from "./load.ts";
import { createManifestLoader } from "./loader.ts";
import type { ManifestSet } from "./objects.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "legion-set-")));
after(() => rmSync(base, { recursive: true, force: true }));

const manifest = (kind: string, name: string, spec: JsonObject, more: JsonObject = {}) => ({
  apiVersion: "legion.dev/v1",
  kind,
  metadata: { name, ...more },
  spec,
});

const described = { description: "x" };

/** A set that refers to itself, with every form of value. */
const declared: readonly JsonObject[] = [
  manifest("Tool", "files", { type: "builtin", builtin: "files" }),
  manifest("Tool", "memory", {
    type: "builtin",
    builtin: "kv",
    config: { deep: { list: [1, 2.5, null, true, "no"] } },
  }),
  manifest("Provider", "cloud", {
    wire: "openai-chat",
    baseUrl: "https://models.example.com/v1",
    models: [{ name: "large" }],
  }),
  manifest("Router", "default", {
    tiers: [{ name: "best", targets: ["cloud/large"] }],
    aliases: { fast: "best" },
  }),
  manifest(
    "Agent",
    "writer",
    {
      description: "Writes: text, é and \u{1f600}.",
      tools: ["files", { name: "memory", as: "notes" }],
    },
    { labels: { team: "a" } },
  ),
  manifest(
    "Agent",
    "reader",
    { description: "Reads.", model: "fast", instructions: "One\nline\n\nand more" },
    { annotations: { note: "on: it" } },
  ),
];

function write(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function filesIn(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ file, digest: hash("sha256", readFileSync(file)) }));
}

test("sent is what was written with variables replaced, and shares with the spec what has no defaults", async () => {
  const text = stringify(
    manifest("Tool", "t", { type: "builtin", builtin: "kv", config: { a: "${A}", b: { c: [1] } } }),
  );
  const set = await loadManifests([{ filename: "a.yaml", text }], { cwd: base, env: { A: "x" } });
  const tool = set.get("Tool", "t");
  assert.deepEqual(tool?.sent, {
    type: "builtin",
    builtin: "kv",
    config: { a: "x", b: { c: [1] } },
  });
  assert.equal(tool?.spec.timeout, "30s");
  assert.equal(tool?.spec.config, tool?.sent.config);
});

test("objects that exist already can be referenced, and one that the set declares stands in their place", async () => {
  const cwd = base;
  const load = (text: string, existing: ManifestSet["objects"] = []) =>
    loadManifests([{ filename: "a.yaml", text }], { cwd, env: {}, existing });
  const there = await load(
    declared
      .slice(0, 4)
      .map((document) => stringify(document))
      .join("---\n"),
  );
  const writer = stringify(declared[4]);
  assert.ok((await load(writer)).diagnostics.length > 0);
  const set = await load(writer, there.objects);
  assert.deepEqual(set.diagnostics, []);
  assert.deepEqual(
    set.objects.map(({ name }) => name),
    ["writer"],
  );
  const again = await load(stringify(declared[0]), there.objects);
  assert.deepEqual(again.diagnostics, [], "declared in the set and existing is not declared twice");
  const asks = manifest("Agent", "asks", { description: "x", model: "cloud/large" });
  const emptied = manifest("Provider", "cloud", {
    wire: "openai-chat",
    baseUrl: "https://models.example.com/v1",
    models: [{ name: "small" }],
  });
  const [diagnostic] = (
    await load([asks, emptied].map((document) => stringify(document)).join("---\n"), there.objects)
  ).diagnostics;
  assert.equal(
    diagnostic?.code,
    "LEG1052",
    "the provider of the set counts, not the one that exists",
  );
});

test("a circle through tools that exist is told at the tool of the set", async () => {
  const js = (name: string, capability: string) =>
    stringify(
      manifest("Tool", name, {
        type: "js",
        source: "function f() {}",
        functions: { f: described },
        capabilities: [capability],
      }),
    );
  const options = { cwd: base, env: {} };
  const there = await loadManifests(
    [
      {
        filename: "b.yaml",
        text: `${js("b", "a")}---\n${js("a", "c")}---\n${js("c", "c2")}---\n${stringify(manifest("Tool", "c2", { type: "builtin", builtin: "kv" }))}`,
      },
    ],
    options,
  );
  assert.deepEqual(there.diagnostics, []);
  const set = await loadManifests([{ filename: "a.yaml", text: js("a", "b") }], {
    ...options,
    existing: there.objects,
  });
  assert.deepEqual(
    set.diagnostics.map(({ code, range, summary }) => [code, range?.filename, summary]),
    [["LEG1054", "a.yaml", "the tools grant each other in a circle: a -> b -> a"]],
  );
});

test("invalid objects come with their diagnostics, and files that cannot be understood are unread", async () => {
  const folder = mkdtempSync(join(base, "invalid-"));
  const files = new Map([
    ["good.yaml", stringify(declared[0])],
    [
      "odd.yaml",
      "apiVersion: legion.dev/v1\nkind: Tool\nmetadata: {name: odd}\nspec: {type: builtin, biultin: kv}\n",
    ],
    [
      "broken.yaml",
      "apiVersion: legion.dev/v1\nkind: Tool\nmetadata: {name: broken}\nspec: {type: [}\n",
    ],
    [
      "nameless.yaml",
      "apiVersion: legion.dev/v1\nkind: Tool\nmetadata: {}\nspec: {type: builtin, builtin: kv}\n",
    ],
    ["twice.yaml", stringify(declared[0])],
  ]);
  write(folder, files);
  writeFileSync(join(folder, "bytes.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
  const set = await loadManifests([folder], { cwd: base, env: {} });
  assert.deepEqual(
    set.objects.map(({ name }) => name),
    ["files"],
  );
  assert.deepEqual(
    set.invalid.map(({ declares, diagnostics }) => [
      declares.name,
      diagnostics.map(({ code }) => code),
    ]),
    [
      ["broken", ["LEG1020"]],
      ["odd", ["LEG1008", "LEG1007"]],
    ],
  );
  assert.deepEqual(
    set.unread,
    ["broken.yaml", "bytes.yaml", "nameless.yaml"].map((name) => join(folder, name)),
  );
});

test("cases of a watcher stand beside manifests and are none, and an object that names what is not loaded can be looked at", async () => {
  const folder = mkdtempSync(join(base, "cases-"));
  const watcher = manifest("Watcher", "checkout", {
    ...{ type: "tcpProbe", host: "db.example.com", port: 5432, agent: "nobody" },
    trigger: "not ok",
  });
  const cases = "cases: [{name: a, samples: [{ok: true}]}]\n";
  write(
    folder,
    new Map([
      ["checkout.yaml", stringify(watcher)],
      ["checkout.cases.yaml", cases],
      ["checkout.cases.yml", cases],
    ]),
  );
  const { diagnostics, files, invalid, objects } = await loadManifests([folder], {
    ...{ cwd: base, env: {} },
  });
  assert.deepEqual(
    [files, objects.length, diagnostics.map(({ code }) => code)],
    [1, 0, ["LEG1059"]],
  );
  assert.deepEqual(
    invalid.map(({ object }) => [object?.name, object?.spec]),
    [["checkout", { ...watcher.spec, ...invalid[0]?.object?.spec }]],
  );
  const named = await loadManifests([join(folder, "checkout.cases.yaml")], { cwd: base, env: {} });
  assert.deepEqual(
    named.diagnostics.map(({ code, detail }) => [code, detail]),
    [["LEG1014", "these are cases of a watcher: legion watch test NAME -f FILE runs them"]],
  );
});

test("another content of a file that an object names makes another spec, and the file is followed", async () => {
  const folder = mkdtempSync(join(base, "content-"));
  const tool = manifest("Tool", "math", {
    type: "module",
    module: "./math.ts",
    functions: { add: described },
  });
  const stub = manifest("Provider", "stub", {
    wire: "scripted",
    repliesFrom: { file: "replies.yaml" },
  });
  writeFileSync(join(folder, "math.yaml"), `${stringify(tool)}---\n${stringify(stub)}`);
  writeFileSync(join(folder, "replies.yaml"), "- text: hello\n");
  const code = "export function add() {}\n";
  writeFileSync(join(folder, "math.ts"), code);
  const loader = createManifestLoader();
  const load = () =>
    loader.load([folder], { cwd: base, env: {}, known: { files: filesIn(folder) } });
  const first = await load();
  assert.deepEqual(first.diagnostics, []);
  assert.deepEqual(
    first.followed,
    ["math.ts", "replies.yaml"].map((name) => join(folder, name)),
  );
  assert.equal(first.get("Tool", "math")?.spec.contentDigest, hash("sha256", code));
  assert.equal(first.get("Tool", "math")?.sent.contentDigest, hash("sha256", code));
  writeFileSync(join(folder, "math.ts"), `${code}// more\n`);
  const second = await load();
  assert.notEqual(second.get("Tool", "math")?.specHash, first.get("Tool", "math")?.specHash);
  assert.equal(second.get("Provider", "stub"), first.get("Provider", "stub"));
  rmSync(join(folder, "math.ts"));
  const third = await load();
  assert.deepEqual(
    third.invalid.map(({ declares, diagnostics }) => [
      declares.name,
      diagnostics.map(({ code: told_ }) => told_),
    ]),
    [["math", ["LEG1061"]]],
  );
  assert.deepEqual(third.followed, first.followed);
});

test("bytes in place of a file are refused when they are no text or too many", async () => {
  const load = async (bytes: Buffer) =>
    (await loadManifests([{ filename: "<stdin>", bytes }], { cwd: base, env: {} })).diagnostics.map(
      ({ code, filename }) => [code, filename],
    );
  assert.deepEqual(await load(Buffer.from([0x61, 0xff])), [["LEG1006", "<stdin>"]]);
  assert.deepEqual(await load(Buffer.alloc(3 * 2 ** 20, 0x61)), [["LEG1004", "<stdin>"]]);
  assert.deepEqual(await load(Buffer.from(stringify(declared[0]))), []);
});
