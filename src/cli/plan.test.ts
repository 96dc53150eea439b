// Goal: diff and plan tell what an apply would change by text and by exit code, and a saved plan does that or nothing.
// Method: the command line on streams over real files; a table of exit codes; plans that are saved, outdated and altered.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { runOnStreams } from "../testing/command-streams.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

let base = "";
let cwd = "";
let made = 0;

before(async () => {
  base = await mkdtemp(join(tmpdir(), "legion-plan-"));
});

after(() => rm(base, { recursive: true, force: true }));

beforeEach(async () => {
  made += 1;
  cwd = join(base, String(made));
  await mkdir(join(cwd, "m"), { recursive: true });
});

const run = (line: string) => runOnStreams(line.split(" "), { cwd });
const write = (...texts: string[]) => writeFile(join(cwd, "m", "a.yaml"), texts.join(""));

type State = "new" | "same" | "changed" | "invalid";
const states: Record<State, () => Promise<void>> = {
  new: () => write(providerManifest(), agentManifest("a")),
  same: async () => {
    await states.new();
    assert.equal((await run("apply -f m")).exitCode, 0);
  },
  changed: async () => {
    await states.same();
    await write(providerManifest(), agentManifest("a", { description: "Other." }));
  },
  invalid: () => write(providerManifest(), agentManifest("a", { modle: "x" })),
};

const exitCodes: { words: string; state: State; exitCode: number }[] = [
  { words: "diff -f m", state: "new", exitCode: 1 },
  { words: "diff -f m", state: "same", exitCode: 0 },
  { words: "diff -f m", state: "changed", exitCode: 1 },
  { words: "diff -f m", state: "invalid", exitCode: 2 },
  { words: "diff -f nowhere", state: "same", exitCode: 2 },
  { words: "diff -f m -o xml", state: "same", exitCode: 2 },
  { words: "diff -f m --server /nowhere.sock", state: "same", exitCode: 2 },
  { words: "plan -f m", state: "new", exitCode: 0 },
  { words: "plan -f m", state: "same", exitCode: 0 },
  { words: "plan -f m", state: "invalid", exitCode: 1 },
  { words: "plan -f m -o xml", state: "same", exitCode: 2 },
  { words: "plan -f m --detailed-exitcode", state: "new", exitCode: 2 },
  { words: "plan -f m --detailed-exitcode", state: "same", exitCode: 0 },
  { words: "plan -f m --detailed-exitcode", state: "changed", exitCode: 2 },
  { words: "plan -f m --detailed-exitcode", state: "invalid", exitCode: 1 },
  { words: "plan -f m --detailed-exitcode -o xml", state: "same", exitCode: 1 },
  { words: "plan -f m --detailed-exitcode --wrong", state: "same", exitCode: 1 },
  { words: "plan -f m --out nowhere/f.plan", state: "new", exitCode: 1 },
];

for (const { words, state, exitCode } of exitCodes) {
  test(`legion ${words} of manifests that are ${state} ends with ${exitCode}`, async () => {
    await states[state]();
    const ended = await run(words);
    assert.equal(ended.exitCode, exitCode, ended.stderr);
  });
}

test("a diff shows the lines that differ, a plan the fields and what running agents notice", async () => {
  await states.changed();
  const diff = await run("diff -f m");
  assert.match(diff.stdout, /^--- live\/agent\/a\n\+\+\+ declared\/agent\/a\n@@/);
  assert.match(diff.stdout, /^- {2}description: Helps\.\n\+ {2}description: Other\.$/m);
  const plan = await run("plan -f m");
  assert.match(
    plan.stdout,
    /^~ agent\/a {2}\S+\n {4}~ \/spec\/description: "Helps\." -> "Other\."/,
  );
  assert.match(plan.stdout, /0 to create, 1 to update/);
  const { differs, objects } = JSON.parse((await run("diff -f m -o json")).stdout);
  assert.equal(differs, true);
  assert.deepEqual(
    objects.map(({ name, action }: { name: string; action: string }) => [name, action]),
    [["a", "update"]],
  );
});

test("a diff is coloured on a terminal and nowhere else", async () => {
  await states.changed();
  assert.ok(!(await run("diff -f m")).stdout.includes("\u001b["));
  const { stdout } = await runOnStreams(["diff", "-f", "m"], { cwd, columns: 80 });
  assert.ok(stdout.includes("\u001b[31m-  description: Helps."), stdout);
});

test("a saved plan is for its owner alone, does what it said, and is empty afterwards", async () => {
  await states.changed();
  for (const flag of ["--out", "-out"]) {
    const saved = await run(`plan -f m ${flag} f.plan`);
    assert.equal(saved.exitCode, 0, saved.stderr);
    assert.match(saved.stderr, /legion apply f\.plan/);
    assert.equal((await stat(join(cwd, "f.plan"))).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(cwd)).toSorted(), [".legion", "f.plan", "m"]);
  }
  const applied = await run("apply f.plan");
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.match(applied.stdout, /agent\/a +configured/);
  assert.equal((await run("diff -f m")).exitCode, 0);
  assert.equal((await run("apply -f m -o json")).stdout.includes('"rowsWritten": 0'), true);
});

test("a plan that was made before anything was applied makes it all", async () => {
  await states.new();
  await run("plan -f m --out f.plan");
  const applied = await run("apply f.plan");
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.match(applied.stdout, /provider\/local +created\nagent\/a +created/);
  assert.equal((await run("diff -f m")).exitCode, 0);
});

test("a saved plan is refused with exit code 3 and the list of what moved, and nothing is applied", async () => {
  await states.changed();
  await run("plan -f m --out f.plan");
  await write(providerManifest(), agentManifest("a", { description: "Meanwhile." }));
  await run("apply -f m");
  const stale = await run("apply f.plan");
  assert.equal(stale.exitCode, 3);
  assert.match(stale.stderr, /LEG1081.*agent\/a was changed/);
  assert.equal((await run("diff -f m")).exitCode, 0);
});

test("a saved plan that was edited, cut or is something else is refused", async () => {
  await states.changed();
  await run("plan -f m --out f.plan");
  const text = await readFile(join(cwd, "f.plan"), "utf8");
  const wrong = [text.replace("Other.", "Evil."), text.slice(0, -20), "{}", ""];
  for (const content of wrong) {
    assert.notEqual(content, text);
    await writeFile(join(cwd, "f.plan"), content);
    const ended = await run("apply f.plan");
    assert.equal(ended.exitCode, 1);
    assert.match(ended.stderr, /LEG1082/);
  }
  assert.equal((await run("diff -f m")).exitCode, 1);
});

test("a plan shows what others own as a diff does, says what an apply needs, and is not saved then", async () => {
  await states.new();
  await run("apply -f m --field-manager ops");
  await write(providerManifest(), agentManifest("a", { description: "Other." }));
  const shown = await run("plan -f m");
  assert.equal(shown.exitCode, 0, shown.stderr);
  assert.match(shown.stdout, /~ \/spec\/description: "Helps\." -> "Other\."/);
  assert.match(shown.stderr, /needs --force-conflicts: 1 field of agent\/a belongs to .*ops/);
  assert.equal((await run("plan -f m -detailed-exitcode")).exitCode, 2);
  const saved = await run("plan -f m --out f.plan");
  assert.equal(saved.exitCode, 3);
  assert.match(saved.stderr, /error\[LEG6026\]/);
  assert.deepEqual((await readdir(cwd)).toSorted(), [".legion", "m"]);
  assert.equal((await run("plan -f m --out f.plan --force-conflicts")).exitCode, 0);
});

test("a plan without changes says so", async () => {
  await states.same();
  assert.equal((await run("plan -f m -q")).stdout, "no changes\n");
});
