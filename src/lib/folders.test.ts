// Goal: a folder is made with those above it, and what cannot be made fails at once.
// Method: real folders, a file in the way, and /proc.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeFolder } from "./folders.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-folders-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test("all missing levels are made with the mode, twice is as good as once, also at the same time", async () => {
  const path = join(folder, "a", "b", "c");
  await Promise.all([makeFolder(path, 0o700), makeFolder(path, 0o700)]);
  await makeFolder(path, 0o700);
  for (const level of [path, join(folder, "a")])
    assert.equal((await stat(level)).mode & 0o777, 0o700);
});

test("a file in the way is EEXIST or ENOTDIR", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  await assert.rejects(makeFolder(file), { code: "EEXIST" });
  await assert.rejects(makeFolder(join(file, "below")), { code: /EEXIST|ENOTDIR/ });
});

test("where nothing can be made it fails and does not go on for ever", async (context) => {
  if (!existsSync("/proc")) return context.skip("this system has no /proc");
  await assert.rejects(makeFolder("/proc/legion/state"), { code: "ENOENT" });
});
