// Goal: the cache of manifests makes loading faster and never wrong: damage, other versions, other users and full disks cost time only.
// Method: the real file; bits flipped and tails cut off at random, other owners' modes, links, folders that cannot be written.
import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { type CachedText, createTextCache } from "./cache.ts";
import { CACHE_TIDY_BYTES } from "./limits.ts";
import { createManifestLoader } from "./loader.ts";

const base = mkdtempSync(join(tmpdir(), "legion-cache-"));
after(() => rmSync(base, { recursive: true, force: true }));

const newFolder = () => mkdtempSync(join(base, "folder-"));
const fileIn = (folder: string) => join(folder, "manifests.cache");
const textOf = (words: string): CachedText => ({
  documents: [{ words }, null],
  specHashes: ["h", null],
  sentHashes: ["s", null],
});
const all = new Map(["a", "b", "c"].map((key) => [`yaml:${key}`, textOf(`text é of ${key}\n`)]));
const keys = () => new Set(all.keys());

/** A folder with a cache of three texts. */
function filled(): string {
  const folder = newFolder();
  createTextCache(folder).save(all, keys);
  return folder;
}

/** What the cache of a folder knows of the three. */
function known(folder: string): readonly (CachedText | undefined)[] {
  const cache = createTextCache(folder);
  return [...all.keys()].map((key) => cache.get(key));
}

test("what is saved is there for the next process, in a file that is private", () => {
  const folder = filled();
  assert.deepEqual(known(folder), [...all.values()]);
  assert.equal(createTextCache(folder).get("yaml:d"), undefined);
  assert.equal(statSync(fileIn(folder)).mode & 0o777, 0o600);
  const more = new Map([["yaml:d", textOf("d")]]);
  createTextCache(folder).save(more, keys);
  assert.deepEqual(createTextCache(folder).get("yaml:d"), textOf("d"));
  assert.deepEqual(known(folder), [...all.values()]);
  assert.deepEqual(readdirSync(folder), ["manifests.cache"]);
});

test("a damaged file gives what was saved or nothing, and can be added to", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(7),
      fc.boolean(),
      (place, bit, isCut) => {
        const folder = filled();
        const content = readFileSync(fileIn(folder));
        const at = Math.min(content.length - 1, Math.floor(place * content.length));
        content[at] = (content[at] ?? 0) ^ (1 << bit);
        writeFileSync(fileIn(folder), isCut ? content.subarray(0, at) : content);
        for (const [index, text] of known(folder).entries())
          if (text !== undefined) assert.deepEqual(text, [...all.values()][index]);
        createTextCache(folder).save(all, keys);
        createTextCache(folder).save(all, keys);
        assert.deepEqual(known(folder), [...all.values()]);
        rmSync(folder, { recursive: true });
      },
    ),
    { numRuns: 200 },
  );
});

test("a cache of another version is not used, and replaced", () => {
  const folder = filled();
  const content = readFileSync(fileIn(folder), "utf8");
  writeFileSync(fileIn(folder), content.replace(/[0-9a-f]{8}\n/, "00000000\n"), { mode: 0o600 });
  assert.deepEqual(known(folder), [undefined, undefined, undefined]);
  createTextCache(folder).save(all, keys);
  assert.deepEqual(known(folder), [...all.values()]);
});

test("a file that others can read or write, and a link, are not used", () => {
  const folder = filled();
  for (const mode of [0o622, 0o644]) {
    chmodSync(fileIn(folder), mode);
    assert.deepEqual(known(folder), [undefined, undefined, undefined]);
  }
  const linked = newFolder();
  symlinkSync(fileIn(filled()), fileIn(linked));
  assert.deepEqual(known(linked), [undefined, undefined, undefined]);
});

test("a folder that cannot be made stops nothing", () => {
  const folder = newFolder();
  writeFileSync(join(folder, "file"), "");
  const cache = createTextCache(join(folder, "file", "cache"));
  cache.save(all, keys);
  assert.equal(cache.get("yaml:a"), undefined);
});

test("a file that grew too large is written anew with what is in use", () => {
  const folder = filled();
  appendFileSync(fileIn(folder), `00000000 yaml:old ${"x".repeat(CACHE_TIDY_BYTES)}\n`);
  const used = () => new Set(["yaml:a", "yaml:d"]);
  createTextCache(folder).save(new Map([["yaml:d", textOf("d")]]), used);
  assert.ok(statSync(fileIn(folder)).size < 1_000);
  assert.deepEqual(known(folder), [textOf("text é of a\n"), undefined, undefined]);
  assert.deepEqual(createTextCache(folder).get("yaml:d"), textOf("d"));
});

test("values of variables and texts with faults are not in it, and variables count anew (S59)", async () => {
  const [folder, cacheFolder] = [newFolder(), newFolder()];
  const tool = (name: string, value: string) =>
    `apiVersion: legion.dev/v1\nkind: Tool\nmetadata: { name: ${name} }\nspec: { type: builtin, builtin: kv, config: { value: "${value}" } }\n`;
  const literal = `sk-ant-api03-${"a".repeat(40)}`;
  writeFileSync(join(folder, "vary.yaml"), tool("vary", "${CANARY}"));
  writeFileSync(join(folder, "leak.yaml"), tool("leak", literal));
  const load = async (canary: string) => {
    const loader = createManifestLoader({ cacheFolder });
    const set = await loader.load([folder], { cwd: folder, env: { CANARY: canary } });
    assert.deepEqual(
      set.diagnostics.map(({ code }) => code),
      ["LEG1070"],
    );
    return set.get("Tool", "vary")?.spec.config;
  };
  assert.deepEqual(await load("value-one-of-canary"), { value: "value-one-of-canary" });
  const content = readFileSync(fileIn(cacheFolder), "utf8");
  assert.match(content, /\$\{CANARY\}/);
  assert.doesNotMatch(content, /value-one-of-canary|sk-ant/);
  assert.deepEqual(await load("two"), { value: "two" });
});

test("a cache makes no folder: what was loaded before there was one is kept when it is asked for", async () => {
  const folder = join(newFolder(), "state");
  const root = newFolder();
  const spec = { type: "builtin", builtin: "kv" };
  const manifest = { apiVersion: "legion.dev/v1", kind: "Tool", metadata: { name: "kv" }, spec };
  writeFileSync(join(root, "kv.yaml"), JSON.stringify(manifest));
  const loader = createManifestLoader({ cacheFolder: folder });
  const load = () => loader.load([root], { cwd: root, env: {} });
  assert.equal((await load()).objects.length, 1);
  loader.keep();
  assert.ok(!existsSync(folder));
  mkdirSync(folder);
  loader.keep();
  const saved = readFileSync(fileIn(folder));
  assert.ok(saved.includes('"kv"'));
  await load();
  loader.keep();
  assert.deepEqual(readFileSync(fileIn(folder)), saved, "it is saved once");
});
