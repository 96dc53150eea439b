// Goal: a file that the cache knows by its stamp is not opened, and what is loaded is the same as without the cache.
// Method: random edits that try to go unseen (the same size, the old times, other files renamed over, hard links), loaded by new processes with and without the cache; a file that lost its content behind its stamp.
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import {
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { createTextCache, fileKey } from "./cache.ts";
import { CACHE_TIDY_BYTES } from "./limits.ts";
import { createManifestLoader } from "./loader.ts";
import { cacheKey } from "./loader-files.ts";
import type { ManifestSet } from "./objects.ts";
import { stampOf } from "./stamp.ts";
import { STAMP_TRUST_MS } from "./watch/limits.ts";

const base = mkdtempSync(join(tmpdir(), "legion-unopened-"));
after(() => rmSync(base, { recursive: true, force: true }));

const newFolder = () => mkdtempSync(join(base, "folder-"));
const later = () => Date.now() + STAMP_TRUST_MS;

/** All are of the same size; the last one is not valid. */
const texts = ["kv-one", "kv-two", "KV six"].map(
  (name) =>
    `apiVersion: legion.dev/v1\nkind: Tool\nmetadata: { name: ${name} }\nspec: { type: builtin, builtin: kv }\n`,
);
const names = ["a.yaml", "b.yaml", "c.yaml"];

async function load(folder: string, cacheFolder?: string, nowMs = later): Promise<ManifestSet> {
  const loader = createManifestLoader({ cacheFolder, nowMs });
  return loader.load([folder], { cwd: folder, env: {}, mayBeEmpty: true });
}

const told = ({ digest, objects, diagnostics }: ManifestSet) => ({ digest, objects, diagnostics });

/** Returns once the clock of the file system shows another time, so that the next change has another stamp. */
function tick(folder: string): void {
  const probe = join(folder, ".probe");
  const stampOfProbe = () => {
    writeFileSync(probe, "");
    return statSync(probe).ctimeMs;
  };
  const before = stampOfProbe();
  while (stampOfProbe() === before);
}

const file = fc.constantFrom(...names);
const text = fc.constantFrom(...texts);
const edit = fc.oneof(
  fc.record({ does: fc.constant("write" as const), file, text }),
  fc.record({ does: fc.constant("write, times set back" as const), file, text }),
  fc.record({ does: fc.constant("rename over" as const), file, text }),
  fc.record({ does: fc.constant("swap" as const), file, other: file }),
  fc.record({ does: fc.constant("link" as const), file, other: file }),
  fc.record({ does: fc.constant("remove" as const), file }),
  fc.record({ does: fc.constant("leave" as const), file }),
);
type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

function statusOf(path: string) {
  return statSync(path, { throwIfNoEntry: false });
}

function make(folder: string, edit: Edit): void {
  const path = join(folder, edit.file);
  const spare = join(folder, ".spare");
  const before = statusOf(path);
  if (edit.does === "write") writeFileSync(path, edit.text);
  if (edit.does === "write, times set back") {
    writeFileSync(path, edit.text);
    if (before !== undefined) utimesSync(path, before.atime, before.mtime);
  }
  if (edit.does === "rename over") {
    writeFileSync(spare, edit.text);
    if (before !== undefined) utimesSync(spare, before.atime, before.mtime);
    renameSync(spare, path);
  }
  if (edit.does === "swap" && before !== undefined) {
    const other = join(folder, edit.other);
    renameSync(path, spare);
    if (statusOf(other) !== undefined) renameSync(other, path);
    renameSync(spare, other);
  }
  if (edit.does === "link" && before !== undefined && edit.other !== edit.file) {
    rmSync(join(folder, edit.other), { force: true });
    linkSync(path, join(folder, edit.other));
  }
  if (edit.does === "remove") rmSync(path, { force: true });
}

test("after edits that try to go unseen, a set with the cache is the one without it", async () => {
  const edits = fc.array(fc.record({ edit, isLater: fc.boolean() }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(edits, async (steps) => {
      const [folder, cacheFolder] = [newFolder(), newFolder()];
      for (const [index, name] of names.entries())
        writeFileSync(join(folder, name), texts[index % 2] ?? "");
      for (const { edit, isLater } of steps) {
        // Either the two seconds are over before the next edit, or the edits are within the grain of the clock.
        await load(folder, cacheFolder, isLater ? later : Date.now);
        if (isLater) tick(folder);
        make(folder, edit);
        const expected = told(await load(folder));
        assert.deepEqual(told(await load(folder, cacheFolder, Date.now)), expected);
      }
    }),
    { numRuns: 150 },
  );
});

test("a file is not opened while it has the stamp that the cache knows, and is once it has another", async () => {
  const [folder, cacheFolder] = [newFolder(), newFolder()];
  const path = join(folder, "a.yaml");
  const [one = "", two = ""] = texts;
  const namesIn = async () => (await load(folder, cacheFolder)).objects.map(({ name }) => name);
  writeFileSync(path, one);
  await load(folder, cacheFolder);
  writeFileSync(path, two);
  // What no file system does: other content behind the same stamp.
  const seen = { digest: hash("sha256", one), stamp: stampOf(statSync(path)) };
  createTextCache(cacheFolder).save(new Map(), () => new Set(), new Map([[path, seen]]));
  assert.deepEqual(await namesIn(), ["kv-one"]);
  tick(folder);
  utimesSync(path, 1, 1);
  assert.deepEqual(await namesIn(), ["kv-two"]);
});

test("a stamp that is too young to be trusted is not kept", async () => {
  const [folder, cacheFolder] = [newFolder(), newFolder()];
  const path = join(folder, "a.yaml");
  writeFileSync(path, texts[0] ?? "");
  const seen = () => createTextCache(cacheFolder).file(path);
  await load(folder, cacheFolder, () => statSync(path).ctimeMs + STAMP_TRUST_MS - 1);
  assert.equal(seen(), undefined);
  await load(folder, cacheFolder, () => statSync(path).ctimeMs + STAMP_TRUST_MS);
  assert.deepEqual(seen(), {
    digest: hash("sha256", texts[0] ?? ""),
    stamp: stampOf(statSync(path)),
  });
});

test("the text of a file that was not opened is read for the place of a fault", async () => {
  const [folder, cacheFolder] = [newFolder(), newFolder()];
  for (const [index, name] of ["a.yaml", "b.yaml"].entries())
    writeFileSync(join(folder, name), texts[index] ?? "");
  await load(folder, cacheFolder);
  rmSync(join(folder, "a.yaml"));
  writeFileSync(join(folder, "c.yaml"), texts[1] ?? "");
  const set = await load(folder, cacheFolder);
  assert.match(JSON.stringify(set.diagnostics), /b\.yaml:3:19/);
  assert.deepEqual(told(set), told(await load(folder)));
});

test("files are known by any path, and those that are gone are dropped when the cache is tidied", () => {
  const folder = newFolder();
  const seen = { digest: "d", stamp: [1, 2.5, 3.25, 2 ** 53, 0] };
  const paths = ["/a b.yaml", "/a%20b.yaml", "/ä\n\u2028.yaml", "/a.yaml"];
  const keep = (path: string) => new Map([[path, { ...seen, digest: path }]]);
  for (const path of paths) createTextCache(folder).save(new Map(), () => new Set(), keep(path));
  const known = () => paths.map((path) => createTextCache(folder).file(path)?.digest);
  assert.deepEqual(known(), paths);
  assert.deepEqual(createTextCache(folder).file("/a.yaml")?.stamp, seen.stamp);
  const filler = {
    documents: ["x".repeat(CACHE_TIDY_BYTES)],
    specHashes: [null],
    sentHashes: [null],
  };
  const used = () => new Set([fileKey("/a.yaml"), cacheKey("/a.yaml", "d")]);
  createTextCache(folder).save(new Map([["yaml:large", filler]]), used);
  assert.deepEqual(known(), [undefined, undefined, undefined, "/a.yaml"]);
});
