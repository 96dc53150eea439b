// Goal: a command that is killed while it applies has applied all or nothing, with a daemon and without one, and is repeated at once (R34, R49).
// Method: real commands, killed for real at moments spread over the time that one takes; without a daemon also before and after the write itself.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type Finished, legion } from "../testing/command.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { startTestDaemon } from "../testing/daemon.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const AGENTS = 300;
const KILLS = 6;

let base = "";
before(() => {
  base = mkdtempSync(join(tmpdir(), "legion-crash-command-"));
});
after(() => rmSync(base, { recursive: true, force: true, maxRetries: 3 }));

/** A folder with one file of many agents. */
function folderOf(name: string): string {
  const folder = join(base, name);
  mkdirSync(join(folder, "set"), { recursive: true });
  declare(folder, "first");
  return folder;
}

/** All agents with another description, in one file. */
function declare(folder: string, description: string): void {
  const agents = Array.from({ length: AGENTS }, (_, index) =>
    agentManifest(`agent-${index}`, { description }),
  );
  writeFileSync(join(folder, "set", "all.yaml"), [providerManifest(), ...agents].join(""));
}

function apply(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return legion(["apply", "-f", "set", "-o", "json"], { cwd: folder, env });
}

async function killedAfter(folder: string, ms: number): Promise<Finished> {
  const started = Promise.withResolvers<(signal: NodeJS.Signals) => void>();
  const ended = legion(["apply", "-f", "set"], { cwd: folder, onStart: started.resolve });
  const kill = await started.promise;
  await Promise.race([wait(ms), ended]);
  kill("SIGKILL");
  return ended;
}

/** Which descriptions there are. */
async function descriptions(folder: string): Promise<ReadonlySet<string>> {
  const { stdout, stderr } = await runOnStreams(["get", "agents", "-o", "json"], { cwd: folder });
  assert.notEqual(stdout, "", stderr);
  const { items } = JSON.parse(stdout) as { items: { spec: { description: string } }[] };
  assert.equal(items.length, AGENTS);
  return new Set(items.map(({ spec }) => spec.description));
}

/** Kills one command after the other; each leaves all of the set before, or all of its own. */
async function checkKills(folder: string): Promise<void> {
  const startMs = performance.now();
  assert.equal((await apply(folder)).exitCode, 0);
  const wholeMs = performance.now() - startMs;
  // What a daemon has got it may still apply when whoever sent it is dead.
  let possible = new Set(["first"]);
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const next = `set ${kill}`;
    declare(folder, next);
    await killedAfter(folder, (wholeMs * kill) / KILLS);
    const found = [...(await descriptions(folder))];
    assert.equal(found.length, 1, `a mixture: ${found}`);
    const standing = found[0] ?? "";
    assert.ok(possible.add(next).has(standing), standing);
    if (standing === next) possible = new Set([next]);
  }
  const again = await runOnStreams(["apply", "-f", "set", "-o", "json"], { cwd: folder });
  assert.equal(again.exitCode, 0, again.stderr);
  assert.deepEqual([...(await descriptions(folder))], [`set ${KILLS}`]);
  const once = await runOnStreams(["apply", "-f", "set", "-o", "json"], { cwd: folder });
  assert.equal(JSON.parse(once.stdout).rowsWritten, 0);
}

test("R49: killed at any moment without a daemon", () => checkKills(folderOf("alone")));

test("R49: killed at any moment beside a daemon, which goes on", async () => {
  const folder = folderOf("served");
  await using daemon = await startTestDaemon({ folder });
  await checkKills(folder);
  await daemon.plane.reconcile({ wait: true });
  const { objects } = await daemon.plane.status();
  assert.deepEqual(objects.Agent, { total: AGENTS, ready: AGENTS });
});

test("R34, R49: killed right before and right after its write without a daemon", async () => {
  const folder = folderOf("failpoints");
  assert.equal((await apply(folder)).exitCode, 0);
  declare(folder, "second");
  const rows = [
    { LEGION_FAILPOINT: "store-write-before:1", left: "first" },
    { LEGION_FAILPOINT: "store-write-after:1", left: "second" },
  ];
  for (const { left, ...env } of rows) {
    assert.equal((await apply(folder, env)).exitCode, null, "it was to be killed");
    assert.deepEqual([...(await descriptions(folder))], [left]);
  }
  assert.equal(JSON.parse((await apply(folder)).stdout).rowsWritten, 0, "nothing is left to do");
});
