// Goal: labels and annotations are set and removed as in kubectl, and nothing is overwritten by mistake.
// Method: run the commands on streams over a real state folder, and read the objects back.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { runOnStreams } from "../testing/command-streams.ts";
import { seedStateFolder } from "../testing/state-folder.ts";
import { splitWords } from "./metadata-edit.ts";

const spec = { model: "m", instructions: "Help.", description: "It helps." };
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-label-"));
  await seedStateFolder(join(folder, ".legion"), [
    { kind: "Agent", name: "a", spec, labels: { team: "docs" } },
    { kind: "Agent", name: "b", spec, labels: { team: "docs" } },
    { kind: "Agent", name: "c", spec },
  ]);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...argv: string[]) => runOnStreams([...argv, "-q"], { cwd: folder });

async function metadata(name: string) {
  const { stdout } = await run("get", `agent/${name}`, "-o", "json");
  return JSON.parse(stdout).metadata;
}

test("a label is set, said again, replaced with --overwrite only, and removed", async () => {
  const steps: readonly (readonly [argv: string[], exitCode: number, stdout: string])[] = [
    [["tier=gold"], 0, "agent/a labeled\n"],
    [["tier=gold"], 0, "agent/a not labeled\n"],
    [["tier=tin"], 3, ""],
    [["tier=tin", "--overwrite"], 0, "agent/a labeled\n"],
    [["tier-"], 0, "agent/a unlabeled\n"],
    [["tier-"], 0, "agent/a not labeled\n"],
  ];
  for (const [argv, exitCode, stdout] of steps) {
    const result = await run("label", "agent/a", ...argv);
    assert.deepEqual([result.exitCode, result.stdout], [exitCode, stdout], argv.join(" "));
    if (exitCode === 3) assert.match(result.stderr, /LEG6031[\s\S]*--overwrite/);
  }
  const { labels, generation } = await metadata("a");
  assert.deepEqual([labels, generation], [{ team: "docs" }, 1]);
});

test("all objects that a selector takes are labelled, in one command", async () => {
  const { exitCode, stdout } = await run("label", "agents", "-l", "team=docs", "tier=gold");
  assert.deepEqual([exitCode, stdout], [0, "agent/a labeled\nagent/b labeled\n"]);
  assert.equal((await metadata("c")).labels?.tier, undefined);
});

test("annotations take any text; several changes are one", async () => {
  const one = await run("annotate", "agent", "a", "b", "note=x=y z", "-o", "json");
  assert.equal(JSON.parse(one.stdout).items.length, 2);
  assert.equal((await metadata("b")).annotations.note, "x=y z");
  const { stdout } = await run("annotate", "agent/b", "note-");
  assert.equal(stdout, "agent/b unannotated\n");
});

const failures: readonly (readonly [argv: string[], exitCode: number, stderr: RegExp])[] = [
  [["label", "agent/a"], 2, /LEG7016/],
  [["label", "agent/a", "k=v", "agent/b"], 2, /LEG7016.*"agent\/b" is not a change/],
  [["label", "agent/a", "k=v", "k-"], 2, /LEG7016.*"k" is changed twice/],
  [["label", "agent/a", "=v"], 2, /LEG7016.*has no key/],
  [["label", "agents", "k=v"], 2, /LEG7017.*without labels/],
  [["label", "k=v"], 2, /LEG7017/],
  [["label", "agent/zz", "k=v"], 1, /LEG6030/],
  [["label", "agent/a", "not a key!=v"], 1, /error\[LEG/],
];

for (const [argv, exitCode, stderr] of failures) {
  test(`${argv.join(" ")} ends with ${exitCode}`, async () => {
    const result = await run(...argv);
    assert.deepEqual([result.exitCode, result.stdout], [exitCode, ""]);
    assert.match(result.stderr, stderr);
  });
}

test("without a state folder nothing is there to be labelled, and no folder is made", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "legion-label-"));
  try {
    const { exitCode, stderr } = await runOnStreams(["label", "agent/a", "k=v"], { cwd });
    assert.equal(exitCode, 1);
    assert.match(stderr, /nothing was applied yet/);
    assert.equal(existsSync(join(cwd, ".legion")), false);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});

test("a key that every object has is a key like others", () => {
  assert.deepEqual(splitWords(["agent/a", "constructor=x"]).changes, { constructor: "x" });
});
