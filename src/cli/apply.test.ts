// Goal: legion apply makes the store be as manifests say, all of it or nothing, and says for each object what it did.
// Method: the command line on streams, over manifests and a state folder in real files; what was applied is read back by it.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { runOnStreams } from "../testing/command-streams.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";
import { sourceName } from "./apply-request.ts";

let base = "";
let cwd = "";
let made = 0;

before(async () => {
  base = await mkdtemp(join(tmpdir(), "legion-apply-"));
});

after(() => rm(base, { recursive: true, force: true }));

beforeEach(async () => {
  made += 1;
  cwd = join(base, String(made));
  await mkdir(join(cwd, "m"), { recursive: true });
});

const run = (line: string, stdin = "") => runOnStreams(line.split(" "), { cwd, stdin });
const write = (name: string, ...texts: string[]) => writeFile(join(cwd, "m", name), texts.join(""));

/** `agent/a` -> generation, of all that is stored. */
async function stored(): Promise<Record<string, number>> {
  const { openFolderPlane } = await import("../folder-plane.ts");
  await using plane = await openFolderPlane({
    stateFolder: join(cwd, ".legion"),
    env: {},
    write: false,
  });
  const { items } = await plane.list({});
  return Object.fromEntries(
    items.map(({ kind, metadata: { name, generation } }) => [
      `${kind.toLowerCase()}/${name}`,
      generation,
    ]),
  );
}

test("R49: created, then unchanged without a row written, then configured with one more generation", async () => {
  await write("a.yaml", providerManifest(), agentManifest("a"), agentManifest("b"));
  const first = await run("apply -f m");
  assert.equal(first.exitCode, 0, first.stderr);
  assert.equal(
    first.stdout,
    "provider/local  created\nagent/a         created\nagent/b         created\n",
  );
  assert.match(first.stderr, /3 created\n$/);
  const again = await run("apply -f m -o json");
  const { rowsWritten, objects, source } = JSON.parse(again.stdout);
  assert.deepEqual([rowsWritten, source], [0, `apply:${join(cwd, "m")}`]);
  assert.ok(objects.every(({ outcome }: { outcome: string }) => outcome === "unchanged"));
  await write(
    "a.yaml",
    providerManifest(),
    agentManifest("a", { description: "Changed." }),
    agentManifest("b"),
  );
  const changed = await run("apply -f m");
  assert.match(changed.stdout, /agent\/a +configured\nagent\/b +unchanged\n/);
  assert.deepEqual(await stored(), { "agent/a": 2, "agent/b": 1, "provider/local": 1 });
});

test("R20: one invalid manifest: nothing is applied, unless the valid ones are asked for; exit code 1 both times", async () => {
  await write("a.yaml", providerManifest(), agentManifest("a"), agentManifest("b", { modle: "x" }));
  const strict = await run("apply -f m");
  assert.equal(strict.exitCode, 1);
  assert.equal(strict.stdout, "");
  assert.match(
    strict.stderr,
    /m\/a\.yaml:\d+:\d+: error\[LEG1007\].*modle[\s\S]*nothing was applied/,
  );
  const data = await run("apply -f m -o json");
  assert.equal(data.exitCode, 1);
  assert.deepEqual(JSON.parse(data.stdout).objects, []);
  assert.equal(JSON.parse(data.stdout).diagnostics[0].code, "LEG1007");
  const partial = await run("apply -f m --continue-on-error");
  assert.equal(partial.exitCode, 1);
  assert.equal(partial.stdout, "provider/local  created\nagent/a         created\n");
  assert.match(partial.stderr, /2 created, 1 object not valid/);
  assert.deepEqual(await stored(), { "agent/a": 1, "provider/local": 1 });
});

test("an object that is declared and not valid is not pruned by an apply that goes on", async () => {
  await write("a.yaml", providerManifest(), agentManifest("a"), agentManifest("b"));
  await run("apply -f m");
  await write("a.yaml", providerManifest(), agentManifest("b", { modle: "x" }));
  const { exitCode, stdout } = await run("apply -f m --prune --continue-on-error");
  assert.equal(exitCode, 1);
  assert.match(stdout, /agent\/a +pruned/);
  assert.match(stdout, /agent\/b +kept/);
  assert.deepEqual(await stored(), { "agent/b": 1, "provider/local": 1 });
});

test("a file that holds no manifest any more keeps what it declared, also with --prune", async () => {
  await write("a.yaml", providerManifest());
  await write("b.yaml", agentManifest("b"));
  await run("apply -f m");
  await write("b.yaml", "# later\n");
  const { exitCode, stdout } = await run("apply -f m --prune");
  assert.equal(exitCode, 0);
  assert.match(stdout, /agent\/b +kept\s+# its file is there and cannot be read as a manifest/);
  assert.deepEqual(await stored(), { "agent/b": 1, "provider/local": 1 });
});

test("references resolve against what is stored already, also for standard input", async () => {
  await write("provider.yaml", providerManifest());
  await run("apply -f m");
  const { exitCode, stderr } = await run("apply -f -", agentManifest("c"));
  assert.equal(exitCode, 0, stderr);
  await writeFile(join(cwd, "one.yaml"), agentManifest("one"));
  assert.equal((await run("apply -f one.yaml")).exitCode, 0);
  const wrong = await run("apply -f -", agentManifest("d", { model: "locale/any" }));
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stderr, /did you mean "local/);
  assert.deepEqual(await stored(), { "agent/c": 1, "agent/one": 1, "provider/local": 1 });
});

test("pruning needs a source that declared it, and refuses to lose everything without --allow-empty", async () => {
  await write("a.yaml", providerManifest(), agentManifest("a"));
  await write("b.yaml", agentManifest("b"));
  await run("apply -f m");
  await rm(join(cwd, "m", "b.yaml"));
  assert.match((await run("apply -f m")).stdout, /agent\/b +kept/);
  assert.match((await run("apply -f m --prune")).stdout, /agent\/b +pruned\n$/);
  assert.deepEqual(await stored(), { "agent/a": 1, "provider/local": 1 });
  await rm(join(cwd, "m", "a.yaml"));
  const empty = await run("apply -f m --prune");
  assert.equal(empty.exitCode, 1);
  assert.deepEqual(await stored(), { "agent/a": 1, "provider/local": 1 });
  const missing = await run("apply -f missing --prune --allow-empty --source apply:m");
  assert.equal(missing.exitCode, 1);
  const allowed = await run("apply -f m --prune --allow-empty");
  assert.equal(allowed.exitCode, 0, allowed.stderr);
  assert.deepEqual(await stored(), {});
});

for (const dryRun of ["--dry-run", "--dry-run=server", "--dry-run=client"]) {
  test(`${dryRun} says what would happen and writes nothing`, async () => {
    await write("a.yaml", providerManifest(), agentManifest("a"));
    const first = await run(`apply -f m ${dryRun}`);
    assert.equal(first.stdout, "provider/local  created\nagent/a         created\n");
    assert.match(first.stderr, /2 created \(dry run: nothing was written\)/);
    assert.ok(!existsSync(join(cwd, ".legion")));
    await run("apply -f m");
    await write("a.yaml", providerManifest(), agentManifest("a", { description: "Other." }));
    assert.match(
      (await run(`apply -f m ${dryRun}`)).stdout,
      /provider\/local +unchanged\nagent\/a +configured/,
    );
    assert.deepEqual(await stored(), { "agent/a": 1, "provider/local": 1 });
  });
}

test("a field of another manager is a conflict with exit code 3, and is taken over by --force-conflicts", async () => {
  await write("a.yaml", providerManifest(), agentManifest("a"));
  await run("apply -f m --field-manager ops");
  await write("a.yaml", providerManifest(), agentManifest("a", { description: "Mine." }));
  const refused = await run("apply -f m");
  assert.equal(refused.exitCode, 3);
  assert.match(refused.stderr, /LEG6026.*ops/);
  assert.equal((await run("apply -f m --force-conflicts")).exitCode, 0);
});

test("-l applies what it selects, -o name prints what other commands take, --set replaces a value", async () => {
  await write("p.yaml", providerManifest());
  await write("a.yaml", agentManifest("a", {}, { labels: { team: "x" } }), agentManifest("b"));
  const { stdout } = await run("apply -f m -l team=x -o name");
  assert.equal(stdout, "agent/a\n");
  const set = await run("apply -f m --set agent/b.spec.description=Set -o json -q");
  assert.equal(set.exitCode, 0, set.stderr);
  const shown = await run("rollout history agent/b --revision 1");
  assert.match(shown.stdout, /^description: Set$/m);
});

test("30 objects with long names and reasons fit 80 columns and stand in columns", async () => {
  const names = Array.from({ length: 29 }, (_, index) => `agent-${"x".repeat(index + 1)}`);
  await write("a.yaml", providerManifest(), ...names.map((name) => agentManifest(name)));
  await run("apply -f m");
  await write("a.yaml", providerManifest());
  const { stdout } = await run("apply -f m");
  const lines = stdout.trimEnd().split("\n");
  assert.ok(
    lines.every((line) => line.length <= 80),
    stdout,
  );
  const columns = lines
    .filter((line) => !line.startsWith(" "))
    .map((line) => line.search(/ +(kept|unchanged)/));
  assert.equal(columns.length, 30);
  assert.match(stdout, /# no longer declared; it stays because pruning is off/);
});

test("the name of a source is that of its inputs, in whatever order and form they are given, and never long", () => {
  assert.equal(sourceName(["b", "/x/a", "./b/"], "/x"), "apply:/x/a,/x/b");
  assert.equal(sourceName(["/x/b", "a"], "/x"), "apply:/x/a,/x/b");
  assert.equal(sourceName(["https://h/m.yaml#sha256=12"], "/x"), "apply:https://h/m.yaml");
  assert.equal(sourceName(["-"], "/x"), "apply:-");
  const many = Array.from({ length: 500 }, (_, index) => `${index}.yaml`);
  assert.ok(sourceName(many, "/x").length < 100);
  assert.notEqual(sourceName(many, "/x"), sourceName(many.slice(1), "/x"));
});

const refused: { words: string; exitCode: number; says: RegExp }[] = [
  {
    words: "apply m/a.yaml",
    exitCode: 2,
    says: /LEG7025[\s\S]*did you mean "legion apply -f m\/a\.yaml"/,
  },
  { words: "apply m", exitCode: 2, says: /LEG7025[\s\S]*legion apply -f m/ },
  { words: "apply none.plan", exitCode: 1, says: /LEG7029/ },
  {
    words: "apply -f m --dry-run=maybe",
    exitCode: 2,
    says: /--dry-run=client or --dry-run=server/,
  },
  { words: "apply -f m --prune -l a=b", exitCode: 2, says: /--prune and -l/ },
  { words: "apply -f - --prune", exitCode: 2, says: /--source NAME/ },
  { words: "apply -f m --timeout soon", exitCode: 2, says: /--timeout does not take "soon"/ },
  { words: "apply -f m -l a=%", exitCode: 2, says: /LEG7040/ },
  { words: "apply -f nowhere", exitCode: 1, says: /nowhere/ },
  { words: "apply x.plan -f m", exitCode: 2, says: /a saved plan is applied as it is/ },
  { words: "apply -f m --wait", exitCode: 4, says: /LEG8001/ },
  { words: "apply -f m --continue-on-eror", exitCode: 2, says: /did you mean --continue-on-error/ },
];

for (const { words, exitCode, says } of refused) {
  test(`legion ${words} ends with ${exitCode} and writes nothing`, async () => {
    await write("a.yaml", providerManifest(), agentManifest("a"));
    const ended = await run(words);
    assert.equal(ended.exitCode, exitCode, ended.stderr);
    assert.match(ended.stderr, says);
    assert.equal(ended.stdout, "");
    assert.ok(!existsSync(join(cwd, ".legion", "legion.db")), "no state was written");
  });
}
