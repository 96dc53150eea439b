// Goal: without a daemon the commands work on the state folder and say so, a daemon then runs what they left, and commands that race lose nothing silently.
// Method: real commands in processes of their own, one after the other and eight at once, and a real daemon afterwards.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { legion } from "../testing/command.ts";
import { agentKey, startTestDaemon } from "../testing/daemon.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const RACERS = 8;

let base = "";
let cwd = "";
let made = 0;
before(async () => {
  base = await mkdtemp(join(tmpdir(), "legion-locks-"));
});
after(() => rm(base, { recursive: true, force: true }));
beforeEach(() => {
  made += 1;
  cwd = join(base, String(made));
});

const run = (...words: string[]) => legion(words, { cwd });

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(cwd, name)), { recursive: true });
    await writeFile(join(cwd, name), text);
  }
}

test("apply, diff, plan, get and delete say that no daemon runs; the next daemon runs what they left", async () => {
  await write({ "m/models.yaml": providerManifest(), "m/a.yaml": agentManifest("a") });
  const applied = await run("apply", "-f", "m");
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.match(applied.stdout, /agent\/a +created/);
  assert.match(applied.stderr, /no daemon runs here: changing the state folder \.legion/);

  await write({ "m/a.yaml": agentManifest("a", { description: "Changed." }) });
  await write({ "m/b.yaml": agentManifest("b") });
  const reading = /no daemon runs here: reading the state folder \.legion/;
  const rows = [
    { words: ["diff", "-f", "m"], exitCode: 1, says: /Changed\./ },
    { words: ["plan", "-f", "m", "--detailed-exitcode"], exitCode: 2, says: /agent\/b/ },
    { words: ["get", "agents"], exitCode: 0, says: /^NAME.*\na /m },
  ];
  for (const { words, exitCode, says } of rows) {
    const printed = await run(...words);
    assert.equal(printed.exitCode, exitCode, printed.stderr);
    assert.match(printed.stdout, says);
    assert.match(printed.stderr, reading, words[0]);
  }
  assert.equal((await run("apply", "-f", "m", "--source", "team")).exitCode, 0);
  const deleted = await run("delete", "agent/b");
  assert.equal(deleted.exitCode, 0, deleted.stderr);
  assert.match(deleted.stderr, /no daemon runs here: changing the state folder \.legion/);

  await using daemon = await startTestDaemon({ folder: cwd });
  const { metadata, spec } = await daemon.untilReady(agentKey("a"));
  assert.deepEqual([metadata.generation, spec.description], [2, "Changed."]);
  const { items } = await daemon.plane.list({ kind: "Agent" });
  assert.deepEqual(
    items.map((object) => object.metadata.name),
    ["a"],
  );
  const beside = await run("get", "agents");
  assert.equal(beside.exitCode, 0);
  assert.equal(beside.stderr, "", "a daemon that runs is nothing to tell of");
});

test("of eight applies at once each succeeds or ends with exit code 3 and a name; what succeeded is there, and nothing else", async () => {
  await write({ "m/models.yaml": providerManifest() });
  assert.equal((await run("apply", "-f", "m")).exitCode, 0);
  const names = Array.from({ length: RACERS }, (_, index) => `racer-${index}`);
  await write(
    Object.fromEntries(names.map((name) => [`${name}.yaml`, agentManifest(name)] as const)),
  );
  const ended = await Promise.all(names.map((name) => run("apply", "-f", `${name}.yaml`)));
  const winners = names.filter((_, index) => ended[index]?.exitCode === 0);
  assert.ok(winners.length > 0, "one of them must have had the folder");
  for (const { exitCode, stderr } of ended) {
    if (exitCode === 0) continue;
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /error\[LEG6024\][\s\S]*process \d+ on |error\[LEG6021\]/);
  }
  const listed = JSON.parse((await run("get", "agents", "-o", "json")).stdout);
  const present = listed.items.map(
    (object: { metadata: { name: string } }) => object.metadata.name,
  );
  assert.deepEqual(present, winners);
  // Whoever was refused has lost nothing: the same again succeeds.
  for (const name of names) assert.equal((await run("apply", "-f", `${name}.yaml`)).exitCode, 0);
  const all = JSON.parse((await run("get", "agents", "-o", "json")).stdout);
  assert.equal(all.items.length, RACERS);
});

test("eight applies at once to a daemon all succeed", async () => {
  await using daemon = await startTestDaemon({
    files: { "agents.d/models.yaml": providerManifest() },
  });
  cwd = daemon.folder;
  const names = Array.from({ length: RACERS }, (_, index) => `racer-${index}`);
  await write(
    Object.fromEntries(names.map((name) => [`${name}.yaml`, agentManifest(name)] as const)),
  );
  const ended = await Promise.all(names.map((name) => run("apply", "-f", `${name}.yaml`)));
  for (const { exitCode, stderr } of ended) assert.equal(exitCode, 0, stderr);
  for (const name of names) await daemon.untilReady(agentKey(name));
});
