// Goal: among a thousand manifests one that is wrong harms no other, one that changes touches no other, and applying the same again touches none (R20, R21, R49); what happened is remembered over restarts.
// Method: real commands and a real daemon over a folder of a thousand files; what was touched is read from the store's own versions and events.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ApiObject, DaemonPlane } from "../reconcile/contract.ts";
import { legion } from "../testing/command.ts";
import { agentKey, startTestDaemon } from "../testing/daemon.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";
import { startModelServer } from "../testing/model-server.ts";

const AGENTS = 1_000;
const WRONG = "agent-500";
const CHANGED = "agent-700";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "legion-many-"));
  mkdirSync(join(folder, "agents.d"));
  writeFileSync(join(folder, "agents.d", "models.yaml"), providerManifest());
  for (let index = 0; index < AGENTS; index += 1) write(`agent-${index}`);
});
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

function write(name: string, fields: Readonly<Record<string, unknown>> = {}): void {
  writeFileSync(join(folder, "agents.d", `${name}.yaml`), agentManifest(name, fields));
}

const apply = (...words: string[]) =>
  legion(["apply", "-f", "agents.d", "-o", "json", ...words], { cwd: folder });

/** What differs between two lists of objects, by name. */
function touched(before: readonly ApiObject[], after: readonly ApiObject[]): readonly string[] {
  const versions = new Map(
    before.map(({ metadata: { uid, resourceVersion } }) => [uid, resourceVersion]),
  );
  return after.flatMap(({ metadata: { uid, name, resourceVersion } }) =>
    versions.get(uid) === resourceVersion ? [] : [name],
  );
}

/** Everything, and the id of the newest event that is remembered. */
async function state(plane: DaemonPlane) {
  const { items, version } = await plane.list({});
  const [newest] = await Array.fromAsync(plane.events({ limit: 1 }, new AbortController().signal));
  return { items, version, newest: newest?.id };
}

test("R20, R49: of 1,000 files one is wrong: apply refuses all, --continue-on-error applies the rest, and the same again writes nothing", async () => {
  write(WRONG, { modle: "local/any" });
  const strict = await apply();
  assert.equal(strict.exitCode, 1);
  assert.deepEqual(JSON.parse(strict.stdout).objects, []);
  assert.match(strict.stderr, /agents\.d\/agent-500\.yaml:\d+:\d+: error\[LEG1007\]/);
  assert.match(strict.stderr, /nothing was applied/);
  const lenient = await apply("--continue-on-error");
  assert.equal(lenient.exitCode, 1, "a part of it only");
  const { objects } = JSON.parse(lenient.stdout);
  assert.equal(objects.length, AGENTS, "all agents but one, and the provider");
  assert.ok(objects.every(({ outcome }: { outcome: string }) => outcome === "created"));
  const again = await apply("--continue-on-error");
  assert.equal(JSON.parse(again.stdout).rowsWritten, 0);
});

test("R20, R21, R49: a daemon runs the rest; one change touches one object, and the same again none", async () => {
  await using daemon = await startTestDaemon({ folder });
  const { plane } = daemon;
  await plane.reconcile({ wait: true });
  const status = await plane.status();
  assert.deepEqual(status.objects.Agent, { total: AGENTS - 1, ready: AGENTS - 1 });
  assert.equal(status.agents.loops, AGENTS - 1);
  const problems = status.problems.map(({ subject, message }) => `${subject} ${message}`);
  assert.equal(problems.length, 1, `${problems}`);
  assert.match(problems[0] ?? "", /roots agents\.d\/agent-500\.yaml:\d+:\d+: LEG1007/);

  const before = await state(plane);
  write(CHANGED, { description: "Changed." });
  await daemon.untilReady(agentKey(CHANGED), 2);
  await plane.reconcile({ wait: true });
  const after = await state(plane);
  assert.deepEqual(touched(before.items, after.items), [CHANGED]);
  assert.equal(after.version - before.version, 2, "its spec, and its status");

  write(WRONG);
  await daemon.untilReady(agentKey(WRONG));
  await plane.reconcile({ wait: true });
  const whole = await state(plane);
  assert.deepEqual(touched(after.items, whole.items), [WRONG]);
  assert.equal((await plane.status()).health, "ok");

  for (let round = 0; round < 2; round += 1) {
    await plane.reconcile({ wait: true });
    const applied = await apply("--source", "roots", "--field-manager", "roots");
    assert.equal(applied.exitCode, 0, applied.stderr);
    assert.equal(JSON.parse(applied.stdout).rowsWritten, 0);
  }
  const { version, newest } = await state(plane);
  assert.deepEqual([version, newest], [whole.version, whole.newest], "nothing was written or told");
});

test("R49: the same again keeps loops and conversations; what happened is remembered after a restart", async () => {
  const server = await startModelServer(() => ({ action: "return", result: "Hello." }));
  await using stack = new AsyncDisposableStack();
  stack.use(server);
  const agent = agentManifest("a", { outputSchema: { type: "string" } });
  const files = { "agents.d/a.yaml": agent, "agents.d/models.yaml": providerManifest(server.url) };
  const first = stack.use(await startTestDaemon({ files }));
  await first.untilReady(agentKey("a"));
  await first.ask("a", "The first question.");
  const { metadata } = await first.untilReady(agentKey("a"));
  await first.write(files);
  await first.plane.reconcile({ wait: true });
  const again = await legion(["apply", "-f", "agents.d", "--source", "roots", "-o", "json"], {
    cwd: first.folder,
  });
  assert.equal(again.exitCode, 0, again.stderr);
  const told = await first.events();
  await first.ask("a", "The second question.");
  const said = JSON.stringify(server.requests.at(-1)?.body);
  assert.match(said, /The first question\.[\s\S]*The second question\./, "one conversation");
  first.kill("SIGKILL");
  await first.exit;
  await using second = await startTestDaemon({ folder: first.folder });
  const remembered = new Set((await second.events()).map(({ id }) => id));
  // What was told a turn ago is on the disk by now; only the last moment before a kill -9 may be lost.
  const lost = told.filter(({ id, kind }) => kind !== "legion.llm.delta" && !remembered.has(id));
  assert.deepEqual(lost, []);
  assert.ok(told.some(({ kind }) => kind === "legion.agent.started"));
  assert.equal((await second.untilReady(agentKey("a"))).metadata.uid, metadata.uid);
});
