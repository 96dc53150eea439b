// Goal: searches wait while git changes the work tree around a root, however the work tree is laid out, and not for ever.
// Method: real folders with and without an index.lock; the gate is asked at made-up times.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { WatchEvent } from "./contract.ts";
import { createGitGate } from "./git-gate.ts";
import { GIT_LOOK_MS, GIT_WAIT_MAX_MS } from "./limits.ts";

const base = mkdtempSync(join(tmpdir(), "legion-git-"));
after(() => rmSync(base, { recursive: true, force: true }));

const layouts: readonly { name: string; git: string; file?: string; root: string }[] = [
  { name: "the root is the work tree", git: "one/.git", root: "one" },
  { name: "the root stands in the work tree", git: "two/.git", root: "two/a/b" },
  {
    name: "the root stands in a worktree, whose .git is a file",
    git: "three/.git/worktrees/w",
    file: "w/.git",
    root: "w/agents.d",
  },
];

for (const { name, git, file, root } of layouts) {
  test(`${name}: the gate is shut while there is a lock`, async () => {
    mkdirSync(join(base, git), { recursive: true });
    mkdirSync(join(base, root), { recursive: true });
    if (file !== undefined) writeFileSync(join(base, file), `gitdir: ${join(base, git)}\n`);
    const events: WatchEvent[] = [];
    const gate = createGitGate([join(base, root)], (event) => void events.push(event));
    assert.equal(await gate.ask(0), "open");
    assert.equal(gate.dueMs(), undefined);
    writeFileSync(join(base, git, "index.lock"), "");
    assert.equal(await gate.ask(1_000), "shut");
    assert.equal(gate.dueMs(), 1_000 + GIT_LOOK_MS);
    rmSync(join(base, git, "index.lock"));
    assert.equal(await gate.ask(2_000), "released");
    assert.equal(await gate.ask(2_000), "open");
    assert.deepEqual(events, []);
  });
}

test("a lock that stays is told of once, and waiting ends", async () => {
  mkdirSync(join(base, "four/.git"), { recursive: true });
  writeFileSync(join(base, "four/.git/index.lock"), "");
  const events: WatchEvent[] = [];
  const gate = createGitGate([join(base, "four")], (event) => void events.push(event));
  assert.equal(await gate.ask(0), "shut");
  assert.equal(await gate.ask(GIT_WAIT_MAX_MS - 1), "shut");
  assert.equal(await gate.ask(GIT_WAIT_MAX_MS), "busy");
  assert.equal(await gate.ask(GIT_WAIT_MAX_MS + 1), "busy");
  assert.equal(gate.dueMs(), undefined);
  assert.deepEqual(
    events.map((event) => [event.type, "code" in event && event.code]),
    [["git-busy", "LEG1085"]],
  );
});

test("a folder outside of any work tree is never held up", async () => {
  mkdirSync(join(base, "plain"));
  assert.equal(await createGitGate([join(base, "plain")], () => {}).ask(0), "open");
});
