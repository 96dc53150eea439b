// Goal: what README.md shows is true: every command of its tour runs, and nothing in it names a command or file that is not there.
// Method: run its sh blocks in order, in a copy of what a clone holds, with the built binary; sh fails blocks must fail.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execute, repository } from "./testing/command.ts";

const readme = readFileSync(`${repository}README.md`, "utf8");
const blocks = [...readme.matchAll(/^```sh( fails)?\n(.*?)^```$/gms)].map(
  ([, fails, script = ""]) => ({
    script,
    fails: fails !== undefined,
  }),
);

let clone = "";
let bin = "";

before(async () => {
  clone = await mkdtemp(join(tmpdir(), "legion-readme-"));
  const copied = [
    "agents.d",
    "tools.d",
    "watchers.d",
    "schemas",
    "fixtures",
    "package.json",
    "package-lock.json",
  ];
  for (const entry of copied)
    await cp(`${repository}${entry}`, join(clone, entry), { recursive: true });
  bin = join(clone, "bin");
  await mkdir(bin);
  // npx finds the bin of the package it stands in; here the same words start the same file.
  const start = `#!/bin/sh\nshift\nexec "${process.execPath}" "${repository}dist/main.js" "$@"\n`;
  await writeFile(join(bin, "npx"), start, { mode: 0o755 });
});

after(async () => {
  // A tour that failed half way has not come to the end of its daemon.
  for (const place of ["live", "desk", "night"]) {
    const end = `cd ${place} && npx legion down -q`;
    await execute("bash", ["-c", end], { cwd: clone, env: tourEnv() });
  }
  await rm(clone, { recursive: true, force: true });
});

test("the README has a tour", () => assert.ok(blocks.length >= 5, "blocks of sh"));

for (const { script, fails } of blocks) {
  test(`tour: ${script.trim().split("\n")[0]}`, async () => {
    const options = { cwd: clone, env: tourEnv() };
    const { exitCode, stderr } = await execute("bash", ["-euc", script], options);
    assert.equal(exitCode, fails ? 1 : 0, stderr);
  });
}

test("every file that the README links to is there", () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(
    ([, target = ""]) => target,
  );
  assert.deepEqual(
    links.filter((target) => !existsSync(`${repository}${target}`)),
    [],
  );
});

function tourEnv() {
  const path = `${bin}:${join(process.execPath, "..")}:${process.env.PATH}`;
  return { PATH: path, NO_COLOR: "1", OPENAI_API_KEY: undefined };
}
