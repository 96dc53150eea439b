// Goal: looking only at what was heard of gives what a search of everything gives, or is not done at all.
// Method: random changes of a real folder with links, editors' files and a followed file; both searches after each.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { type ScanOptions, type Snapshot, scanHinted, scanRoots } from "./scan.ts";

const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "legion-scan-")));
after(() => fs.rmSync(base, { recursive: true, force: true }));

/** What a snapshot tells. */
function told({ files, roots, folders }: Snapshot) {
  return { files: [...files].map(([file, { digest }]) => [file, digest]), roots, folders };
}

/** A folder with files, and options to search it. */
function newRoot(): { readonly folder: string; readonly options: ScanOptions } {
  const outer = fs.mkdtempSync(join(base, "outer-"));
  const folder = join(outer, "root");
  fs.mkdirSync(join(folder, "sub"), { recursive: true });
  for (const name of ["a.yaml", "b.json", "sub/c.yaml", "sub/tool.ts", "sub/z.yaml"])
    fs.writeFileSync(join(folder, name), name);
  const followed = [join(folder, "sub/tool.ts")];
  return { folder, options: { roots: [folder], cwd: base, followed, nowMs: Date.now } };
}

const names = [
  "a.yaml",
  "b.json",
  "new.yaml",
  ".a.yaml.swp",
  "4913",
  "sub",
  "sub/c.yaml",
  "sub/tool.ts",
  "sub/z.yaml",
  "sub/link.yaml",
  "sub/legion.yaml",
  "",
];

const actions: Readonly<Record<string, (path: string, words: string) => void>> = {
  write: (path, words) => fs.writeFileSync(path, words),
  replace(path, words) {
    const fresh = join(dirname(path), "fresh.tmp");
    fs.writeFileSync(fresh, words);
    fs.renameSync(fresh, path);
  },
  remove: (path) => fs.rmSync(path, { recursive: true }),
  link: (path) => fs.symlinkSync("sub/c.yaml", path),
  folder: (path) => fs.mkdirSync(path),
  move: (path) => fs.renameSync(path, `${path}.yaml`),
};

const change = fc.record({
  name: fc.constantFrom(...names),
  action: fc.constantFrom(...Object.keys(actions)),
  words: fc.constantFrom("one", "two", "three"),
});

test("what is heard of is found as a search of everything finds it", async () => {
  let looked = 0;
  const step = fc.array(change, { minLength: 1, maxLength: 3 });
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 4 }),
    async (steps) => {
      const { folder, options } = newRoot();
      let before = await scanRoots(options);
      for (const changes of steps) {
        const heard = new Set<string>();
        for (const { name, action, words } of changes) {
          const path = join(folder, name);
          const isFolder = before.folders.has(path);
          try {
            actions[action]?.(path, words);
          } catch {
            // It cannot be done with what is there now.
          }
          for (const touched of [path, `${path}.yaml`, join(dirname(path), "fresh.tmp")])
            heard.add(touched);
          // A folder that goes tells its own name too.
          if (isFolder) heard.add(join(path, basename(path)));
        }
        const all = await scanRoots({ ...options, before });
        const some = await scanHinted(heard, { ...options, before });
        if (some !== undefined) {
          looked += 1;
          assert.deepEqual(told(some), told(all));
        }
        before = all;
      }
      fs.rmSync(dirname(folder), { recursive: true, force: true });
    },
  );
  await fc.assert(property, { numRuns: 150 });
  assert.ok(looked > 0, "everything was searched each time");
});

test("where a manifest is a link, everything is searched", async () => {
  const { folder, options } = newRoot();
  fs.symlinkSync("z.yaml", join(folder, "sub/link.yaml"));
  const before = await scanRoots(options);
  const heard = new Set([join(folder, "a.yaml")]);
  assert.equal(await scanHinted(heard, { ...options, before }), undefined);
});

test("another content of one file is found without a search, also of one that is followed or was replaced", async () => {
  const { folder, options } = newRoot();
  const before = await scanRoots(options);
  const file = join(folder, "a.yaml");
  const tool = join(folder, "sub/tool.ts");
  actions.replace?.(file, "other");
  fs.writeFileSync(tool, "other");
  const heard = new Set([file, tool, join(folder, "fresh.tmp"), join(folder, ".a.yaml.swp")]);
  const found = await scanHinted(heard, { ...options, before });
  assert.ok(found);
  assert.deepEqual(told(found), told(await scanRoots(options)));
  assert.notEqual(found.files.get(file)?.digest, before.files.get(file)?.digest);
  assert.notEqual(found.files.get(tool)?.digest, before.files.get(tool)?.digest);
});

const searched: readonly { name: string; change: (folder: string) => string }[] = [
  { name: "a new manifest", change: (folder) => write(join(folder, "new.yaml")) },
  { name: "a removed one", change: (folder) => remove(join(folder, "a.yaml")) },
  { name: "a folder", change: (folder) => join(folder, "sub") },
  { name: "the root", change: (folder) => folder },
  { name: "a folder above", change: (folder) => dirname(folder) },
  { name: "a link", change: (folder) => link(join(folder, "sub/link.yaml")) },
  { name: "a folder that was moved", change: (folder) => join(folder, "sub/sub") },
  { name: "an overlay", change: (folder) => write(join(folder, "sub/legion.yaml")) },
];

for (const { name, change: act } of searched) {
  test(`${name} makes a search of everything`, async () => {
    const { folder, options } = newRoot();
    const before = await scanRoots(options);
    assert.equal(await scanHinted(new Set([act(folder)]), { ...options, before }), undefined);
  });
}

function write(file: string): string {
  fs.writeFileSync(file, "new");
  return file;
}

function link(file: string): string {
  fs.symlinkSync("z.yaml", file);
  return file;
}

function remove(file: string): string {
  fs.rmSync(file);
  return file;
}
