// Goal: a state folder has one daemon; one that was killed is replaced at once, and one that stood still and lost the folder does nothing more (R33, R34).
// Method: real daemons on one folder, stopped, resumed and killed by signals, and real commands beside them.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readDaemonFile } from "../api/daemon-file.ts";
import { legion } from "../testing/command.ts";
import { agentKey, startTestDaemon } from "../testing/daemon.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

/** How long an owner may be silent before another one takes the folder. */
const TTL_MS = 10_000;

const files = {
  "agents.d/models.yaml": providerManifest(),
  "agents.d/a.yaml": agentManifest("a"),
};

test("R33: a second daemon on the folder ends with exit code 3 and names the first, which goes on", async () => {
  await using first = await startTestDaemon({ files });
  const second = await legion(["up"], { cwd: first.folder });
  assert.equal(second.exitCode, 3);
  assert.match(second.stderr, /LEG6024/);
  for (const part of [`process ${first.pid} on ${hostname()}`, "legion up"])
    assert.ok(second.stderr.includes(part), second.stderr);
  await first.write({ "agents.d/b.yaml": agentManifest("b") });
  await first.untilReady(agentKey("b"));
});

test("R33: a daemon that stood still while another took the folder is fenced: it writes nothing, answers nobody and ends with exit code 3", async () => {
  await using first = await startTestDaemon({ files });
  const { folder } = first;
  await first.untilReady(agentKey("a"));
  first.kill("SIGSTOP");
  const command = legion(["apply", "-f", "agents.d"], { cwd: folder });
  // They wait in the socket of the daemon that stands still.
  const edits = Promise.allSettled([
    first.plane.edit(agentKey("a"), { labels: { late: "yes" }, manager: "late" }),
    first.plane.tell({ namespace: "default", name: "a", task: "Too late." }),
    first.plane.delete([agentKey("a")]),
  ]);
  const changed = agentManifest("a", { description: "Changed meanwhile." });
  await using second = await startTestDaemon({ folder, files: { "agents.d/a.yaml": changed } });
  const silent = await command;
  assert.equal(silent.exitCode, 4, "a daemon that stands still is one that is not reached");
  assert.match(silent.stderr, /LEG8003[\s\S]*next: /);
  const ready = await second.untilReady(agentKey("a"), 2);
  await first.write({ "agents.d/b.yaml": agentManifest("b") });
  const made = await second.untilReady(agentKey("b"));
  const { version } = await second.plane.list({});

  first.kill("SIGCONT");
  assert.equal(await first.exit, 3, first.stderr());
  assert.match(first.stderr(), /LEG6022/);
  for (const { status } of await edits) assert.equal(status, "rejected");
  const { items, version: after } = await second.plane.list({});
  assert.equal(after, version, "nothing of the fenced daemon was written");
  const uids = items.flatMap(({ kind, metadata }) => (kind === "Agent" ? [metadata.uid] : []));
  assert.deepEqual(uids, [ready.metadata.uid, made.metadata.uid]);
  assert.equal((await second.plane.status()).agents.queued, 0);

  // The end of the fenced one takes nothing away that is the successor's.
  assert.equal((await readDaemonFile(join(folder, ".legion")))?.pid, second.pid);
  const status = await legion(["status", "-o", "json"], { cwd: folder });
  assert.equal(JSON.parse(status.stdout).pid, second.pid, status.stderr);
});

test("R34: after kill -9 the next daemon has the folder at once, again and again, and nothing restarts anew", async () => {
  await using first = await startTestDaemon({ files });
  const { folder } = first;
  const { metadata } = await first.untilReady(agentKey("a"));
  const { version } = await first.plane.list({});
  first.kill("SIGKILL");
  await first.exit;
  for (let round = 0; round < 3; round += 1) {
    const startMs = performance.now();
    await using next = await startTestDaemon({ folder });
    assert.ok(performance.now() - startMs < TTL_MS, "it waited for the dead one");
    const { metadata: after } = await next.untilReady(agentKey("a"));
    assert.deepEqual([after.uid, after.generation], [metadata.uid, metadata.generation]);
    assert.equal((await next.plane.list({})).version, version, "a start writes nothing");
    next.kill("SIGKILL");
    await next.exit;
  }
  const applied = await legion(["apply", "-f", "agents.d"], { cwd: folder });
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.match(applied.stderr, /no daemon runs here: changing the state folder/);
});

test("R33: a daemon whose state folder is removed ends by itself and says so; the next one begins anew", async () => {
  await using first = await startTestDaemon({ files });
  const { folder } = first;
  const { metadata } = await first.untilReady(agentKey("a"));
  await rm(join(folder, ".legion"), { recursive: true, maxRetries: 3 });
  await using second = await startTestDaemon({ folder });
  assert.equal(await first.exit, 1, first.stderr());
  assert.match(
    first.stderr(),
    /LEG6001\][^\n]*\.legion was removed or replaced while it was in use/,
  );
  const { metadata: anew } = await second.untilReady(agentKey("a"));
  assert.notEqual(anew.uid, metadata.uid);
  // The end of the first takes nothing away from the second.
  const status = await legion(["status", "-o", "json"], { cwd: folder });
  assert.equal(JSON.parse(status.stdout).pid, second.pid, status.stderr);
});
