// Goal: an overlay gives what it takes, changed as it says; it stays within its work tree; its faults point at its own lines.
// Method: the overlay of fixtures/forms, tables of small folders made for each test, and properties of the merge.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Json } from "../../lib/json.ts";
import { discover, everyFile } from "../discover.ts";
import { loadManifests } from "../load.ts";
import { createManifestLoader } from "../loader.ts";
import { scanRoots } from "../watch/scan.ts";
import { mergePatch } from "./merge.ts";

const forms = fileURLToPath(new URL("../../../fixtures/forms/", import.meta.url));

/** A folder with files, removed when the test ends. */
function folderWith(files: Readonly<Record<string, string>>) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "legion-overlays-")));
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { folder, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const tool = (name: string, spec = "{ type: builtin, builtin: kv }") =>
  `apiVersion: legion.dev/v1\nkind: Tool\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const overlay = (resources: string, more = "") =>
  `apiVersion: legion.dev/v1\nkind: Overlay\nresources: [${resources}]\n${more}`;

async function load(folder: string, path: string, boundary?: string) {
  const set = await loadManifests([path], {
    cwd: folder,
    env: {},
    ...(boundary !== undefined && { boundary }),
  });
  const codes = set.diagnostics.map(
    ({ code, range, filename }) =>
      `${code} ${range?.filename ?? filename}:${range?.start.line ?? "-"}`,
  );
  return { set, codes };
}

test("an overlay lays patches, namespace, labels and annotations over what it takes", async () => {
  const { set, codes } = await load(forms, "prod");
  assert.deepEqual(codes, []);
  const agent = set.objects.find(({ kind }) => kind === "Agent");
  assert.ok(agent);
  assert.equal(agent.namespace, "prod");
  assert.deepEqual(agent.labels, { tier: "gold", stage: "prod" });
  assert.deepEqual(agent.annotations, { reviewed: "yes", owner: "core@example.com" });
  assert.deepEqual(agent.spec, {
    ...agent.spec,
    maxIterations: 20,
    tools: [{ name: "clock", as: "time" }, { name: "notes" }],
  });
  assert.ok(set.objects.every(({ namespace, labels }) => namespace === "prod" && labels.stage));
  assert.equal(agent.source.shown, "base/reviewer.md");
  const where = (...path: readonly string[]) => {
    const range = set.locate(agent, path);
    return `${range?.filename}:${range?.start.line}`;
  };
  assert.equal(where("spec", "maxIterations"), "prod/legion.yaml:15");
  assert.equal(where("metadata", "labels", "stage"), "prod/legion.yaml:6");
  assert.equal(where("spec", "model"), "base/reviewer.md:5");
  // By its file it is the same.
  assert.equal((await load(forms, "prod/legion.yaml")).set.digest, set.digest);
  const twice = await loadManifests(["prod", "prod/legion.yaml"], { cwd: forms, env: {} });
  assert.equal(twice.digest, set.digest);
});

test("overlays of overlays add up, the outer one last, and each patch counts once", async () => {
  using made = folderWith({
    ".git/HEAD": "",
    "base/tool.yaml": tool("a"),
    "mid/legion.yaml": overlay(
      "../base",
      "commonLabels: { by: mid, mid: x }\npatches: [{ target: { kind: Tool }, patch: { spec: { timeout: 5s } } }]\n",
    ),
    "top/legion.yaml": overlay(
      "../mid, own.yaml",
      "commonLabels: { by: top }\npatches: [{ target: { kind: Tool, labels: { mid: x } }, patch: { spec: { timeout: null, description: Notes. } } }]\n",
    ),
    "top/own.yaml": tool("b"),
  });
  const { set, codes } = await load(made.folder, "top");
  assert.deepEqual(codes, []);
  const [a, b] = set.objects;
  assert.deepEqual(a?.labels, { by: "top", mid: "x" });
  assert.deepEqual(a?.sent, { type: "builtin", builtin: "kv", description: "Notes." });
  assert.deepEqual(b?.labels, { by: "top" });
});

test("one base may be taken by two overlays, and a fault in one leaves the other alone", async () => {
  using made = folderWith({
    ".git/HEAD": "",
    "base/tool.yaml": tool("a"),
    "one/legion.yaml": overlay("../base", "namespace: one\n"),
    "two/legion.yaml": overlay(
      "../base",
      "namespace: two\npatches: [{ target: { kind: Tool, name: a }, patch: { spec: { timeout: long } } }]\n",
    ),
    "both/legion.yaml": overlay("../one, ../two"),
  });
  const { set, codes } = await load(made.folder, "both");
  assert.deepEqual(codes, ["LEG1010 two/legion.yaml:5"]);
  assert.deepEqual(
    set.objects.map(({ namespace }) => namespace),
    ["one"],
  );
  assert.deepEqual(
    set.invalid.map(({ declares }) => declares.namespace),
    ["two"],
  );
});

test("checks beyond the schema point into the overlay too", async () => {
  using made = folderWith({
    ".git/HEAD": "",
    "base/agent.md": "---\nname: a\ndescription: x\nmodel: c/x\n---\n",
    "base/provider.yaml":
      "apiVersion: legion.dev/v1\nkind: Provider\nmetadata: { name: c }\nspec: { wire: scripted, replies: [{ text: x }] }\n",
    "prod/legion.yaml": overlay(
      "../base",
      "patches:\n  - target: { kind: Agent }\n    patch: { spec: { tools: [missing], timeout: 100d } }\n",
    ),
  });
  const { codes } = await load(made.folder, "prod");
  assert.deepEqual(codes, ["LEG1050 prod/legion.yaml:6", "LEG1060 prod/legion.yaml:6"]);
});

test("what an overlay with faults takes stays declared: nothing of it is pruned", async () => {
  using made = folderWith({
    ".git/HEAD": "",
    "base/tool.yaml": tool("a"),
    "prod/legion.yaml": overlay("../base, ../gone", "namespace: prod\n"),
    "broken/legion.yaml": `${overlay("../base")}patches: [\n`,
  });
  const missing = await load(made.folder, "prod");
  assert.deepEqual(missing.codes, ["LEG1104 prod/legion.yaml:3"]);
  const broken = await load(made.folder, "broken");
  const scan = await scanRoots({
    roots: ["prod", "broken", "base"],
    cwd: made.folder,
    followed: [],
    nowMs: Date.now,
  });
  assert.deepEqual(
    scan.roots.map(({ status }) => status),
    ["incomplete", "incomplete", "ok"],
  );
  assert.match(broken.codes.join(), /^LEG1020 broken\/legion\.yaml/);
  for (const { set } of [missing, broken]) {
    assert.deepEqual(set.objects, []);
    assert.deepEqual(
      set.invalid.map(({ declares }) => declares.name),
      ["a"],
    );
  }
});

test("a fault in the text of a taken file blames what the overlay makes of it", async () => {
  using made = folderWith({
    ".git/HEAD": "",
    "base/tool.yaml": `${tool("a")}kind: Tool\n`,
    "prod/legion.yaml": overlay("../base", "commonLabels: { a: b }\n"),
  });
  const { set, codes } = await load(made.folder, "prod");
  assert.deepEqual(codes, ["LEG1021 base/tool.yaml:5"]);
  assert.equal(set.invalid.length, 1);
  made.write("base/tool.yaml", tool("a", "{ type: builtin }"));
  made.write("other/legion.yaml", overlay("../base", "namespace: other\n"));
  made.write("both/legion.yaml", overlay("../prod, ../other"));
  const both = await load(made.folder, "both");
  assert.deepEqual(both.codes, ["LEG1008 base/tool.yaml:4"]);
  assert.equal(both.set.invalid.length, 2);
});

const bounds: readonly { name: string; files: Record<string, string>; code: string | undefined }[] =
  [
    {
      name: "the git work tree may be used as a whole",
      files: { "inner/.git/HEAD": "" },
      code: "LEG1104",
    },
    { name: "without git, the working folder is the bound", files: {}, code: undefined },
  ];

for (const { name, files, code } of bounds) {
  test(`${name}`, async () => {
    using made = folderWith({
      ...files,
      "base/tool.yaml": tool("a"),
      "inner/prod/legion.yaml": overlay("../../base"),
    });
    const { codes } = await load(made.folder, "inner/prod");
    assert.deepEqual(
      codes.map((text) => text.slice(0, 7)),
      code === undefined ? [] : [code],
    );
  });
}

test("a bound that is given holds, and links do not lead out of it", async () => {
  using made = folderWith({
    "base/tool.yaml": tool("a"),
    "inner/prod/legion.yaml": overlay("../../base"),
    "inner/link/legion.yaml": overlay("base"),
  });
  symlinkSync("../../base", join(made.folder, "inner/link/base"));
  for (const path of ["inner/prod", "inner/link"]) {
    const { codes } = await load(made.folder, path, join(made.folder, "inner"));
    assert.deepEqual(codes, [`LEG1104 ${path}/legion.yaml:3`]);
  }
});

test("a circle ends with its path, and overlays in overlays without end are bounded", async () => {
  const layers = 12;
  const next = (at: number) => overlay(at === layers ? "../base" : `../x${at + 1}, ../y${at + 1}`);
  const wide = Array.from({ length: layers }, (_, at) => [
    [`x${at + 1}/legion.yaml`, next(at + 1)],
    [`y${at + 1}/legion.yaml`, next(at + 1)],
  ]).flat();
  using made = folderWith({
    ".git/HEAD": "",
    "a/legion.yaml": overlay("../b"),
    "b/legion.yaml": overlay("../a/legion.yaml"),
    ...Object.fromEntries(wide),
    "base/tool.yaml": tool("a"),
  });
  const { set, codes } = await load(made.folder, "a");
  assert.deepEqual(codes, ["LEG1105 b/legion.yaml:3"]);
  assert.match(set.diagnostics[0]?.summary ?? "", /: a -> b -> a$/);
  const many = await load(made.folder, "x1");
  assert.ok(many.codes.some((code) => code.startsWith("LEG1104")));
  assert.ok(many.codes.length < 100, `${many.codes.length} diagnostics`);
});

test("within a folder that is loaded, the folder of an overlay is left out with a warning", async () => {
  const { set, codes } = await load(forms, ".");
  assert.deepEqual(codes.at(-1), "LEG1107 prod:-");
  assert.ok(set.objects.every(({ namespace }) => namespace === "default"));
});

test("a watcher is told every file that an overlay takes, and a loader sees them change", async () => {
  using made = folderWith({
    ".git/HEAD": "",
    "base/tool.yaml": tool("a"),
    "prod/legion.yaml": overlay("../base", "namespace: prod\n"),
  });
  const found = await discover(["prod"], made.folder);
  const relative = everyFile(found).map((file) => file.slice(made.folder.length + 1));
  assert.deepEqual(relative.toSorted(), ["base/tool.yaml", "prod/legion.yaml"]);
  assert.ok(found.folders.has(join(made.folder, "base")));
  const loader = createManifestLoader();
  const options = { cwd: made.folder, env: {} };
  const first = await loader.load(["prod"], options);
  made.write("base/tool.yaml", tool("b"));
  made.write("prod/legion.yaml", overlay("../base", "namespace: test\n"));
  const second = await loader.load(["prod"], { ...options, known: { files: [] } });
  assert.deepEqual(
    [first, second].map(({ objects }) => `${objects[0]?.namespace}/${objects[0]?.name}`),
    ["prod/a", "test/b"],
  );
});

const none = () => {};
const merges: readonly { name: string; base: Json; patch: Json; want: Json }[] = [
  {
    name: "maps merge",
    base: { a: { b: 1 } },
    patch: { a: { c: 2 } },
    want: { a: { b: 1, c: 2 } },
  },
  { name: "null removes", base: { a: 1, b: 2 }, patch: { a: null, c: null }, want: { b: 2 } },
  {
    name: "null within what is new removes nothing",
    base: {},
    patch: { a: { b: null, c: 1 } },
    want: { a: { c: 1 } },
  },
  { name: "plain lists are replaced", base: { a: [1, 2] }, patch: { a: [3] }, want: { a: [3] } },
  {
    name: "an empty list replaces",
    base: { a: [{ name: "x" }] },
    patch: { a: [] },
    want: { a: [] },
  },
  {
    name: "named items merge by name and new ones come last",
    base: [{ name: "x", a: 1 }, { name: "y" }],
    patch: [{ name: "z" }, { name: "x", b: 2 }],
    want: [{ name: "x", a: 1, b: 2 }, { name: "y" }, { name: "z" }],
  },
  {
    name: "a plain name is an item that says no more",
    base: ["x", "y"],
    patch: [{ name: "y", as: "z" }],
    want: ["x", { name: "y", as: "z" }],
  },
];

for (const { name, base, patch, want } of merges) {
  test(`in a patch ${name}`, () => assert.deepEqual(mergePatch(base, patch, none), want));
}

test("a patch leaves both values as they are, changes nothing when laid on twice, and notes what it sets", () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(json, json, (base, patch) => {
      const copies = structuredClone([base, patch]);
      const noted: string[] = [];
      const once = mergePatch(base, patch, (path) => noted.push(JSON.stringify(path)));
      assert.deepEqual([base, patch], copies);
      assert.deepEqual(mergePatch(once, patch, none), once);
      if (noted.length === 0) assert.deepEqual(once, base);
    }),
  );
});
