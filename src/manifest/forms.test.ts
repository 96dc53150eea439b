// Goal: manifests may be written as a List or as Markdown, and instructions may stand in a file; faults point at what was written.
// Method: load fixtures/forms; compare other forms with plain YAML that says the same; temporary folders for what changes.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { loadManifests } from "./load.ts";
import { createManifestLoader } from "./loader.ts";
import type { ManifestSet } from "./objects.ts";

const forms = fileURLToPath(new URL("../../fixtures/forms/", import.meta.url));

function codes({ diagnostics }: ManifestSet): string[] {
  return diagnostics.map(({ code, range }) => `${code}@${range?.start.line ?? "-"}`);
}

function load(filename: string, text: string): Promise<ManifestSet> {
  return loadManifests([{ filename, text }], { cwd: "/", env: {} });
}

/** A folder with files, removed when the test ends. */
function folderWith(files: Readonly<Record<string, string | Buffer>>) {
  const folder = mkdtempSync(join(tmpdir(), "legion-forms-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const provider = `apiVersion: legion.dev/v1
kind: Provider
metadata: { name: canned }
spec: { wire: scripted, replies: [{ text: Hello. }] }
`;
const agent = (spec: string) => `apiVersion: legion.dev/v1
kind: Agent
metadata: { name: a }
spec: { description: x, model: canned/x, ${spec} }
`;

test("a List gives its items, in YAML and in JSON", async () => {
  const set = await loadManifests(["list"], { cwd: forms, env: {} });
  assert.deepEqual(codes(set), []);
  assert.deepEqual(
    set.objects.map(({ name }) => name),
    ["clock", "notes"],
  );
  const plain = set.objects.map(({ kind, name, spec }) => ({
    apiVersion: "legion.dev/v1",
    kind,
    metadata: { name },
    spec,
  }));
  const inner = { apiVersion: "v1", kind: "List", items: plain };
  const json = JSON.stringify({ ...inner, items: [inner] });
  assert.equal((await load("nested.json", json)).digest, set.digest);
});

test("manifests say the same however they are gathered in Lists, and a fault stays at its own", async () => {
  const names = ["a", "b", "c", "d", "e"];
  const tool = (name: string, builtin = "kv") => ({
    apiVersion: "legion.dev/v1",
    kind: "Tool",
    metadata: { name },
    spec: { type: "builtin", builtin },
  });
  const { digest } = await load("x.json", JSON.stringify(list(names.map((name) => tool(name)))));
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(names, { minLength: 5 }),
      fc.array(fc.nat(4), { maxLength: 4 }),
      fc.constantFrom(...names),
      async (order, cuts, faulty) => {
        const gather = (builtinOf: (name: string) => string) => {
          let items: unknown[] = order.map((name) => tool(name, builtinOf(name)));
          for (const cut of cuts) items = [...items.slice(0, cut), list(items.slice(cut))];
          return JSON.stringify(list(items), null, 1);
        };
        assert.equal(
          (
            await load(
              "x.json",
              gather(() => "kv"),
            )
          ).digest,
          digest,
        );
        const text = gather((name) => (name === faulty ? `wrong-${name}` : "kv"));
        const { diagnostics, objects } = await load("x.json", text);
        assert.equal(objects.length, 4);
        assert.deepEqual(
          diagnostics.map(({ range }) => text.split("\n")[(range?.start.line ?? 0) - 1]?.trim()),
          [`"builtin": "wrong-${faulty}"`],
        );
      },
    ),
    { numRuns: 40 },
  );
});

function list(items: readonly unknown[]) {
  return { apiVersion: "v1", kind: "List", items };
}

test("faults and places of a List's items are those of the items", async () => {
  const text = `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: List
    items:
      - { apiVersion: legion.dev/v1, kind: Tool, metadata: { name: a }, spec: { type: builtin, builtin: kv } }
  - apiVersion: legion.dev/v1
    kind: Tool
    metadata: { name: a }
    spec: { type: builtin, builtin: kv }
---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: b }
spec: { type: builtin, builtin: nothing }
`;
  const set = await load("list.yaml", text);
  assert.deepEqual(codes(set), ["LEG1015@10", "LEG1010@16"]);
  assert.match(set.diagnostics[0]?.detail ?? "", /list\.yaml:7:68/);
  const [first] = set.objects;
  assert.ok(first);
  assert.equal(set.locate(first, ["spec", "builtin"])?.start.line, 7);
});

test("the items of a List count from the first document of the file", async () => {
  const tool = (name: string) => ({
    ...{ apiVersion: "legion.dev/v1", kind: "Tool", metadata: { name } },
    spec: { type: "builtin", builtin: "kv" },
  });
  const set = await load("list.json", JSON.stringify(list([tool("a"), tool("b")])));
  const places = set.objects.map(({ name, source }) => `${name} ${source.document}`);
  assert.deepEqual(places, ["a 0", "b 1"]);
});

test("an item of a List may use an anchor of another item, and a broken List declares nothing", async () => {
  const shared = `apiVersion: v1
kind: List
items:
  - { apiVersion: &v legion.dev/v1, kind: Tool, metadata: { name: a }, spec: &s { type: builtin, builtin: kv } }
  - { apiVersion: *v, kind: Tool, metadata: { name: b }, spec: *s }
`;
  assert.equal((await load("x.yaml", shared)).objects.length, 2);
  const broken = await load("x.yaml", `${shared}  - { kind: Tool, kind: Tool }\n`);
  assert.deepEqual(codes(broken), ["LEG1021@6"]);
  assert.deepEqual(broken.objects, []);
  assert.deepEqual(broken.unread, ["/x.yaml"]);
});

test("Markdown is the Agent that its front matter and text say, and other Markdown of a folder is passed over", async () => {
  const set = await loadManifests(["base"], { cwd: forms, env: {} });
  assert.deepEqual(codes(set), []);
  const reviewer = set.get("Agent", "reviewer");
  assert.deepEqual(reviewer?.labels, { team: "core" });
  assert.deepEqual(reviewer?.spec.tools, ["clock"]);
  assert.equal(
    reviewer?.spec.instructions,
    "# How to review\n\nRead the whole change before you comment.\nCite file and line for each remark.",
  );
  assert.ok(reviewer);
  assert.equal(set.locate(reviewer, ["spec", "model"])?.start.line, 5);
  assert.equal(set.locate(reviewer, ["metadata", "name"])?.start.line, 2);
  assert.equal(set.locate(reviewer, ["spec", "instructions"])?.start.line, 9);
});

const markdown: readonly { name: string; text: string; want: readonly string[] }[] = [
  {
    name: "line ends of Windows",
    text: "---\r\nname: a\r\ndescription: x\r\nmodle: y\r\n---\r\n\r\nDo.\r\n",
    want: ["LEG1007@4"],
  },
  { name: "no description", text: "---\nname: a\nmodel: c/x\n---\nDo.\n", want: ["LEG1008@1"] },
  { name: "no front matter", text: "Do.\n", want: ["LEG1102@1"] },
  {
    name: "front matter that is not closed",
    text: "---\nname: a\ndescription: x\n",
    want: ["LEG1102@1"],
  },
  { name: "front matter that is a list", text: "---\n- name\n---\nDo.\n", want: ["LEG1102@1"] },
  {
    name: "a key twice",
    text: "---\nname: a\ndescription: x\nname: b\n---\n",
    want: ["LEG1021@4"],
  },
  {
    name: "instructionsFrom and a text",
    text: "---\nname: a\ndescription: x\ninstructionsFrom: { file: x }\n---\nDo.\n",
    want: ["LEG1103@4"],
  },
  {
    name: "a variable in the text",
    text: "---\nname: a\ndescription: x\nmodel: canned/x\nexpandPrompts: true\n---\nDo.\nSay ${NOBODY}.\n",
    want: ["LEG1040@8"],
  },
];

for (const { name, text, want } of markdown) {
  test(`Markdown with ${name} is told of at its line`, async () => {
    assert.deepEqual(codes(await load("a.md", text)).toSorted(), want.toSorted());
  });
}

test("in a folder only Markdown with a field of an agent counts, and nothing is said of what is no file", async () => {
  using made = folderWith({
    "README.md": "# Read me\n",
    "post.md": "---\ntitle: x\ndescription: y\n---\nText.\n",
    "a.md": "---\nname: a\ndescription: x\nmodel: canned/x\n---\n",
    "latin1.md": Buffer.from([0x23, 0x20, 0xff]),
    "agent-in-latin1.md": Buffer.from("---\nname: b\ndescription: \xff\n---\n", "latin1"),
    "long.md": "x".repeat(2 * 2 ** 20 + 1),
    "provider.yaml": provider,
  });
  mkdirSync(join(made.folder, "folder.md"));
  symlinkSync("gone", join(made.folder, "link.md"));
  symlinkSync("/etc/hostname", join(made.folder, "outside.md"));
  const set = await loadManifests(["."], { cwd: made.folder, env: {} });
  assert.deepEqual(
    set.diagnostics.map(({ severity, filename }) => `${severity} ${filename}`),
    ["error agent-in-latin1.md", "warning long.md"],
  );
  assert.equal(set.get("Agent", "a")?.spec.instructions, undefined);
});

const attempts = {
  "misspelt.md": "---\nname: a\ndescrption: x\n---\nDo.\n",
  "nameless.md": "---\nnmae: a\ndescription: x\n---\nDo.\n",
  "unclosed.md": "---\nname: a\ndescription: x\n\nDo.\n",
};

test("Markdown of a folder that means to be an agent is told what is wrong like a file that is named", async () => {
  using made = folderWith(attempts);
  writeFileSync(join(made.folder, "rule.md"), "---\nA text below a rule.\n\nname: x\n");
  const set = await loadManifests(["."], { cwd: made.folder, env: {} });
  const told = set.diagnostics.map(({ code, range }) => `${range?.filename} ${code}`);
  assert.deepEqual(told.toSorted(), [
    "misspelt.md LEG1007",
    "misspelt.md LEG1008",
    "nameless.md LEG1007",
    "nameless.md LEG1008",
    "unclosed.md LEG1102",
  ]);
  assert.match(set.diagnostics.at(-1)?.summary ?? "", /front matter is not closed/);
});

test("any text after the front matter becomes the instructions, but for the space around it", async () => {
  const line = fc
    .string({ maxLength: 20 })
    .filter((text) => !/[\r\n\0\ufeff]/.test(text) && text.isWellFormed());
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 5 }), async (lines) => {
      const body = lines.join("\n");
      const text = `---\nname: a\ndescription: x\nmodel: canned/x\n---\n${body}\n`;
      const inputs = [
        { filename: "a.md", text },
        { filename: "p.yaml", text: provider },
      ];
      const set = await loadManifests(inputs, { cwd: "/", env: {} });
      const instructions = set.get("Agent", "a")?.spec.instructions;
      assert.equal(instructions?.trim() ?? "", body.trim());
    }),
    { numRuns: 50 },
  );
});

test("the text of instructionsFrom is the agent's instructions, is followed, and makes a new spec when it changes", async () => {
  using made = folderWith({
    "a.yaml": `${agent("instructionsFrom: { file: prompt.md }")}---\n${provider}`,
    "prompt.md": "---\nname: x\ndescription: y\n---\nBe brief.\n",
  });
  const loader = createManifestLoader();
  const options = { cwd: made.folder, env: {} };
  const before = await loader.load(["."], options);
  assert.deepEqual(codes(before), []);
  assert.deepEqual(before.followed, [join(made.folder, "prompt.md")]);
  const first = before.get("Agent", "a");
  assert.equal(first?.spec.instructions, "---\nname: x\ndescription: y\n---\nBe brief.");
  assert.ok(first && !("instructionsFrom" in first.spec) && !("instructionsFrom" in first.sent));
  writeFileSync(join(made.folder, "prompt.md"), "Be long.\n");
  const second = (await loader.load(["."], options)).get("Agent", "a");
  assert.equal(second?.sent.instructions, "Be long.");
  assert.notEqual(second?.specHash, first.specHash);
});

const files: readonly { name: string; prompt: string | Buffer; code: string }[] = [
  { name: "too long", prompt: "x".repeat(200_001), code: "LEG1004" },
  { name: "not UTF-8", prompt: Buffer.from([0x61, 0xff]), code: "LEG1006" },
];

for (const { name, prompt, code } of files) {
  test(`a file of instructions that is ${name} is told of at the field`, async () => {
    using made = folderWith({
      "a.yaml": `${agent("instructionsFrom: { file: prompt.txt }")}---\n${provider}`,
      "prompt.txt": prompt,
    });
    const set = await loadManifests(["."], { cwd: made.folder, env: {} });
    assert.deepEqual(codes(set), [`${code}@4`]);
    assert.deepEqual(set.all("Agent"), []);
    assert.deepEqual(
      set.invalid.map(({ declares }) => declares.name),
      ["a"],
    );
  });
}

test("a manifest of another machine names no files of this one", async () => {
  const bytes = Buffer.from(`${agent("instructionsFrom: { file: /etc/passwd }")}---\n${provider}`);
  const input = { filename: "https://example.com/a.yaml", bytes, isRemote: true };
  const set = await loadManifests([input], { cwd: "/", env: {} });
  assert.deepEqual(codes(set), ["LEG1113@4"]);
  assert.match(set.diagnostics[0]?.summary ?? "", /came from https:\/\/example\.com\/a\.yaml/);
});
