// Goal: what manifests declare does not depend on how they are written or on what a loader remembers; what one edit changes is all that a load does anew.
// Method: real folders; fast-check writes one set in many ways, and edits folders at random while loaders with and without memory and cache are compared.
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { stringify } from "yaml";
import type { JsonObject } from "../lib/json.ts";
import { loadManifests } from "./load.ts";
import { createManifestLoader } from "./loader.ts";
import type { ManifestSet } from "./objects.ts";
import { scanRoots } from "./watch/scan.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "legion-loader-")));
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

/** What counts of a set, without where it stands. */
function content({ objects, diagnostics, digest }: ManifestSet) {
  assert.deepEqual(diagnostics, []);
  return { objects: objects.map(({ source: _, ...rest }) => rest), digest };
}

function write(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

interface Form {
  readonly json: boolean;
  readonly crlf: boolean;
  readonly mark: boolean;
  readonly comments: boolean;
  readonly flow: boolean;
}

const form: fc.Arbitrary<Form> = fc.record({
  json: fc.boolean(),
  crlf: fc.boolean(),
  mark: fc.boolean(),
  comments: fc.boolean(),
  flow: fc.boolean(),
});

/** The documents of one file, in a form. JSON holds one. */
function textOf(
  documents: readonly JsonObject[],
  { json, crlf, mark, comments, flow }: Form,
): string {
  const only = json && documents.length === 1;
  const parts = documents.map((document) =>
    only
      ? JSON.stringify(document, null, 1)
      : stringify(document, { collectionStyle: flow ? "flow" : "block" }),
  );
  const text = only
    ? (parts[0] ?? "")
    : parts.join(comments ? "\n# end\n---\n# begin\n\n" : "---\n");
  return (mark ? "\ufeff" : "") + (crlf ? text.replaceAll("\n", "\r\n") : text);
}

function shuffledKeys(value: unknown, random: readonly number[], at = { index: 0 }): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffledKeys(item, random, at));
  if (typeof value !== "object" || value === null) return value;
  const keyed = Object.entries(value).map(([name, field]) => {
    at.index += 1;
    return { rank: random[at.index % random.length] ?? 0, name, field };
  });
  const sorted = keyed.toSorted((a, b) => a.rank - b.rank);
  return Object.fromEntries(
    sorted.map(({ name, field }) => [name, shuffledKeys(field, random, at)]),
  );
}

test("order, splitting, key order, comments, line ends, byte order marks and JSON change neither objects nor digest", async () => {
  const plain = mkdtempSync(join(base, "plain-"));
  write(
    plain,
    new Map([
      [
        "all.yaml",
        textOf(declared, { json: false, crlf: false, mark: false, comments: false, flow: false }),
      ],
    ]),
  );
  const options = { cwd: base, env: {} };
  const expected = content(await loadManifests([plain], options));
  assert.equal(expected.objects.length, declared.length);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([...declared], { minLength: declared.length }),
      fc.array(fc.nat(3), { minLength: declared.length, maxLength: declared.length }),
      fc.array(form, { minLength: 4, maxLength: 4 }),
      fc.array(fc.nat(99), { minLength: 7, maxLength: 7 }),
      async (order, places, forms, random) => {
        const folder = mkdtempSync(join(base, "form-"));
        const groups = Map.groupBy(order, (_, index) => places[index] ?? 0);
        const files = [...groups].map(([place, members]) => {
          const chosen = forms[place] ?? forms[0];
          assert.ok(chosen);
          const documents = members.map((document) => shuffledKeys(document, random) as JsonObject);
          const extension = chosen.json && members.length === 1 ? "json" : "yaml";
          return [
            `${place % 2 === 0 ? "" : "sub/"}${place}.${extension}`,
            textOf(documents, chosen),
          ] as const;
        });
        write(folder, new Map(files));
        assert.deepEqual(content(await loadManifests([folder], options)), expected);
        rmSync(folder, { recursive: true });
      },
    ),
    { numRuns: 60 },
  );
});

test("another label, annotation, name or spec makes another digest", async () => {
  const digestOf = async (documents: readonly JsonObject[]) => {
    const text = documents.map((document) => stringify(document)).join("---\n");
    return (await loadManifests([{ filename: "a.yaml", text }], { cwd: base, env: {} })).digest;
  };
  const tool = (name: string, config: JsonObject, metadata: JsonObject = {}) =>
    manifest("Tool", name, { type: "builtin", builtin: "kv", config }, metadata);
  const digests = await Promise.all(
    [
      [tool("a", { n: 1 })],
      [tool("a", { n: 2 })],
      [tool("b", { n: 1 })],
      [tool("a", { n: 1 }, { labels: { x: "y" } })],
      [tool("a", { n: 1 }, { annotations: { x: "y" } })],
      [tool("a", { n: 1 }, { namespace: "other" })],
      [tool("a", { n: 1 }), tool("b", { n: 1 })],
      [],
    ].map(digestOf),
  );
  assert.equal(new Set(digests).size, digests.length);
});

/** Texts that files get at random: valid ones, faults of every stage, files that refer to each other, and data. */
const texts: readonly string[] = [
  stringify(declared[0]),
  declared
    .slice(1, 3)
    .map((document) => stringify(document))
    .join("---\n"),
  stringify(declared[3]),
  stringify(declared[4]),
  stringify(declared[5]),
  stringify(
    manifest("Agent", "lost", { description: "x", tools: ["nowhere", "files"], model: "nothing" }),
  ),
  stringify(
    manifest("Agent", "secret", {
      description: "sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    }),
  ),
  stringify(
    manifest("Tool", "vary", {
      type: "builtin",
      builtin: "kv",
      config: { where: "${PLACE:-home}" },
    }),
  ),
  stringify(
    manifest("Tool", "unset", { type: "builtin", builtin: "kv", config: { where: "${NOT_SET}" } }),
  ),
  stringify(
    manifest("Tool", "math", {
      type: "module",
      module: "./math.ts",
      functions: { add: described },
    }),
  ),
  stringify(
    manifest("Tool", "one", {
      type: "js",
      source: "function f() {}",
      functions: { f: described },
      capabilities: ["two"],
    }),
  ),
  stringify(
    manifest("Tool", "two", {
      type: "js",
      source: "function f() {}",
      functions: { f: described },
      capabilities: ["one.f"],
    }),
  ),
  stringify(manifest("Provider", "stub", { wire: "scripted", repliesFrom: { file: "data.yaml" } })),
  "- text: hello\n",
  "- text: hello\n  action: return\n",
  "apiVersion: legion.dev/v1\nkind: Tool\nmetadata: {name: broken}\nspec: {type: [}\n",
  "apiVersion: legion.dev/v1\nkind: Tool\nmetadata: {name: odd}\nspec: {type: builtin, biultin: kv}\n",
  "title: not a manifest\n",
  "",
  "export function add() {}\n",
  "export function sub() {}\n",
];

const names = [
  "a.yaml",
  "sub.yaml",
  "sub/c.yaml",
  "sub/d.json",
  "data.yaml",
  "math.ts",
  "sub/math.ts",
];

const edit = fc.record({
  name: fc.constantFrom(...names),
  /** -1 removes the file. */
  text: fc.integer({ min: -1, max: texts.length - 1 }),
  place: fc.constantFrom("", "elsewhere"),
});

/** Everything that a set tells. */
function told(set: ManifestSet) {
  const { objects, diagnostics, invalid, unread, followed, digest, files } = set;
  return { objects, diagnostics, invalid, unread, followed, digest, files };
}

function filesIn(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ file, digest: hash("sha256", readFileSync(file)) }));
}

test("a loader with memory, with known files or with a cache gives what one gives that has nothing, after any edits", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 12 }), async (edits) => {
      const folder = mkdtempSync(join(base, "edits-"));
      const cacheFolder = mkdtempSync(join(base, "cache-"));
      const searching = createManifestLoader();
      const knowing = createManifestLoader({ cacheFolder });
      for (const { name, text, place } of edits) {
        const file = join(folder, name);
        mkdirSync(dirname(file), { recursive: true });
        if (text === -1) rmSync(file, { force: true });
        else writeFileSync(file, texts[text] ?? "");
        const options = { cwd: base, env: place === "" ? {} : { PLACE: place } };
        const known = { files: filesIn(folder) };
        const expected = told(await loadManifests([folder], options));
        assert.deepEqual(told(await searching.load([folder], options)), expected);
        assert.deepEqual(told(await knowing.load([folder], { ...options, known })), expected);
        const fresh = createManifestLoader({ cacheFolder });
        assert.deepEqual(told(await fresh.load([folder], options)), expected);
      }
    }),
    { numRuns: 60 },
  );
});

test("an object that did not change is the same value in the next set", async () => {
  const folder = mkdtempSync(join(base, "same-"));
  for (const [index, document] of declared.entries())
    writeFileSync(join(folder, `${index}.yaml`), stringify(document));
  const loader = createManifestLoader();
  const options = { cwd: base, env: {} };
  const before = await loader.load([folder], options);
  writeFileSync(join(folder, "5.yaml"), stringify(declared[5]).replace("Reads.", "Reads on."));
  const now = await loader.load([folder], options);
  const changed = now.objects.filter((object) => !before.objects.includes(object));
  assert.deepEqual(
    changed.map(({ name }) => name),
    ["reader"],
  );
  assert.notEqual(now.digest, before.digest);
});

test("files that are known are neither searched nor read", async () => {
  const folder = mkdtempSync(join(base, "known-"));
  writeFileSync(join(folder, "a.yaml"), stringify(declared[0]));
  const known = { files: filesIn(folder) };
  const loader = createManifestLoader();
  const options = { cwd: base, env: {}, known };
  const before = await loader.load([folder], options);
  rmSync(folder, { recursive: true });
  assert.deepEqual(told(await loader.load([folder], options)), told(before));
});

test("a file that is newer than what was told stays as it was until that is told (R30)", async () => {
  const folder = mkdtempSync(join(base, "newer-"));
  const file = join(folder, "a.yaml");
  writeFileSync(file, stringify(declared[0]));
  const loader = createManifestLoader();
  const load = (known: ReturnType<typeof filesIn>) =>
    loader.load([folder], { cwd: base, env: {}, known: { files: known } });
  const before = await load(filesIn(folder));
  const settled = stringify(declared[4]);
  writeFileSync(file, "apiVersion: legion.dev/v1\nki");
  assert.deepEqual(told(await load([{ file, digest: hash("sha256", settled) }])), told(before));
  writeFileSync(file, settled);
  assert.equal((await load(filesIn(folder))).objects.length, 0, "its tools are not there");
});

test("what a watching search tells makes the set that a search by the loader makes, faults included", async () => {
  const folder = mkdtempSync(join(base, "watched-"));
  const root = join(folder, "root");
  const file = stringify(declared[0]);
  write(
    folder,
    new Map([
      ["root/a.yaml", file],
      ["root/sub/b.yaml", file],
      ["root/sub.yaml", file],
      ["out.yaml", file],
    ]),
  );
  symlinkSync("../out.yaml", join(root, "leads-out.yaml"));
  symlinkSync("nothing.yaml", join(root, "leads-nowhere.yaml"));
  symlinkSync("a.yaml", join(root, "z.yaml"));
  mkdirSync(join(root, "folder.yaml"));
  const { files, faults } = await scanRoots({
    roots: [root],
    cwd: base,
    followed: [],
    nowMs: Date.now,
  });
  const known = { files: [...files].map(([path, { digest }]) => ({ file: path, digest })), faults };
  const expected = told(await loadManifests([root], { cwd: base, env: {} }));
  assert.deepEqual(
    expected.diagnostics.map(({ code }) => code),
    ["LEG1003", "LEG1001", "LEG1030", "LEG1015", "LEG1015"],
  );
  assert.deepEqual(told(await loadManifests([root], { cwd: base, env: {}, known })), expected);
});

test("a check is done again when what it did not find appears, however much came and went meanwhile", async () => {
  const loader = createManifestLoader();
  const load = async (...documents: readonly JsonObject[]) => {
    const text = documents.map((document) => stringify(document)).join("---\n");
    const known = { files: [{ file: main, digest: "1" }] };
    return loader.load([folder, { filename: "more.yaml", text }], { cwd: base, env: {}, known });
  };
  const folder = mkdtempSync(join(base, "appears-"));
  const main = join(folder, "main.yaml");
  writeFileSync(
    main,
    [declared[2], declared[3], declared[5]].map((document) => stringify(document)).join("---\n"),
  );
  const tool = (name: string) => manifest("Tool", name, { type: "builtin", builtin: "kv" });
  assert.deepEqual((await load(tool("a"))).diagnostics, []);
  const many = Array.from({ length: 1_200 }, (_, index) => tool(`tool-${index}`));
  assert.deepEqual((await load(...many)).diagnostics, []);
  assert.deepEqual((await load(tool("a"))).diagnostics, []);
  const other = manifest("Router", "other", {
    tiers: [{ name: "best", targets: ["cloud/large"] }],
    aliases: { fast: "best" },
  });
  assert.deepEqual(
    (await load(other)).diagnostics.map(({ code }) => code),
    ["LEG1052"],
  );
});

test("of two declarations the one in the file that is first by path counts, whatever the search", async () => {
  const folder = mkdtempSync(join(base, "order-"));
  const text = stringify(declared[0]);
  write(
    folder,
    new Map([
      ["sub/a.yaml", text],
      ["sub.yaml", text],
    ]),
  );
  const options = { cwd: folder, env: {} };
  const first = ({ objects, invalid }: ManifestSet) => [objects[0]?.source.shown, invalid];
  assert.deepEqual(first(await loadManifests([folder], options)), ["sub.yaml", []]);
  const inputs = ["sub/a.yaml", "sub.yaml"];
  assert.deepEqual(first(await loadManifests(inputs, options)), ["sub.yaml", []]);
  const known = { files: filesIn(folder) };
  assert.deepEqual(first(await loadManifests([folder], { ...options, known })), ["sub.yaml", []]);
});
