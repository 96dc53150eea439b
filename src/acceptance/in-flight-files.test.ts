// Goal: in whatever way files change (bursts, halves, swaps, checkouts, folders that come and go), one settled state is taken up at a time and no turn suffers (R28, R29, R30, R32).
// Method: real daemons over real folders; a turn runs through each storm, and what the store, the events and the counters say afterwards is compared.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { ApiObject, ObjectEvent } from "../reconcile/contract.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { agentKey, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { startHeldDaemon } from "../testing/held-daemon.ts";
import { startHeldModel } from "../testing/held-model.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const run = promisify(execFile);
const a = agentKey("a");
const marker = agentKey("marker");
const file = "agents.d/a.yaml";
const says = (instructions: string) => agentManifest("a", { instructions });

const instructionsOf = (object: ApiObject | undefined) => object?.spec.instructions;
const reloadsOf = async ({ plane }: TestDaemon) => (await plane.status()).sources[0]?.reloads ?? 0;

/** Everything that happens to objects from now on, until it is ended. */
async function record({ plane }: TestDaemon) {
  const events: ObjectEvent[] = [];
  const ended = new AbortController();
  const { version } = await plane.list({});
  const reading = (async () => {
    for await (const event of plane.watch(version, {}, ended.signal)) events.push(event);
  })();
  return {
    events,
    async end() {
      ended.abort();
      await reading;
    },
  };
}

const isApplied = (event: DaemonEvent) =>
  event.kind === "legion.object" &&
  event.object === "Source//roots" &&
  event.data.reason === "Applied";

suite("storms of changes while a turn runs", { concurrency: 3 }, () => {
  test("R29: a thousand edits in a second are few reloads, and the last one counts", async () => {
    await using held = await startHeldDaemon({ agent: { instructions: "First." } });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    const before = await reloadsOf(daemon);
    const startMs = performance.now();
    for (let edit = 1; edit <= 1_000; edit += 1) {
      await writeFile(join(daemon.folder, file), says(`Edit ${edit}.`));
      const aheadMs = startMs + edit - performance.now();
      if (aheadMs > 1) await sleep(aheadMs);
    }
    const tookMs = performance.now() - startMs;
    const settled = await daemon.until(a, (object) => instructionsOf(object) === "Edit 1000.");
    const reloads = (await reloadsOf(daemon)) - before;
    // One for each quiet time that fits in, were the writer that slow; a quick one makes one.
    assert.ok(reloads <= 1 + tookMs / 300, `${reloads} reloads in ${tookMs} ms`);
    assert.ok((settled?.metadata.generation ?? 0) <= 1 + reloads);
    first.release();
    model.releaseAll();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    const next = await daemon.ask("a", "two");
    assert.equal(next.generation, settled?.metadata.generation);
    assert.match((await model.at(1)).system, /Edit 1000/);
  });

  test("R30: a file that is written in ten pieces deletes nothing and is taken up whole", async () => {
    const both = (instructions: string) =>
      [says(instructions), agentManifest("b", { instructions })].join("");
    await using held = await startHeldDaemon({ files: { [file]: both("Old.") } });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    const seen = await record(daemon);
    const path = join(daemon.folder, file);
    const text = both("New.");
    const size = Math.ceil(text.length / 10);
    // As the output of a slow program into a file: at first there is nothing in it for a while.
    await writeFile(path, "");
    await sleep(700);
    for (let at = 0; at < text.length; at += size) {
      await appendFile(path, text.slice(at, at + size));
      await sleep(200);
    }
    for (const key of [a, agentKey("b")])
      await daemon.until(key, (object) => instructionsOf(object) === "New.");
    await seen.end();
    const shown = seen.events.map(({ type, object }) => [type, object.metadata.deletionTimestamp]);
    assert.ok(shown.every(([type, deleted]) => type === "modified" && deleted === undefined));
    first.release();
    model.releaseAll();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    assert.equal((await daemon.ask("a", "two")).generation, 2);
    assert.match((await model.at(1)).system, /New\./);
  });

  test("R30: files that editors replace stay the same objects", async () => {
    await using held = await startHeldDaemon({ agent: { instructions: "Old." } });
    const { daemon, model } = held;
    const before = await daemon.untilReady(a);
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    const seen = await record(daemon);
    for (const [index, word] of ["Second.", "Third."].entries()) {
      await daemon.replace(file, says(word));
      await daemon.until(a, (object) => object?.metadata.generation === index + 2);
    }
    // As others do: the old file goes out of the way first.
    await daemon.rename(file, "agents.d/a.yaml~");
    await daemon.write({ [file]: says("Fourth.") });
    const after = await daemon.until(a, (object) => object?.metadata.generation === 4);
    await seen.end();
    assert.ok(seen.events.every(({ type }) => type === "modified"));
    assert.equal(after?.metadata.uid, before.metadata.uid);
    first.release();
    model.releaseAll();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    assert.equal((await daemon.ask("a", "two")).generation, 4);
  });

  test("a mounted ConfigMap that is swapped is one change", async () => {
    await using model = await startHeldModel();
    const provider = providerManifest(model.url);
    await using daemon = await startTestDaemon({
      files: {
        "agents.d/provider.yaml": provider,
        "agents.d/marker.yaml": agentManifest("marker"),
      },
    });
    const version = (name: string) => ({
      [`agents.d/..${name}/a.yaml`]: says(name),
      [`agents.d/..${name}/b.yaml`]: agentManifest("b", { instructions: name }),
    });
    const inside = (path: string) => join(daemon.folder, "agents.d", path);
    await daemon.write(version("v1"));
    await symlink("..v1", inside("..data"));
    for (const name of ["a", "b"]) await symlink(`..data/${name}.yaml`, inside(`${name}.yaml`));
    await daemon.untilReady(a);
    await daemon.untilReady(agentKey("b"));
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    const seen = await record(daemon);
    await daemon.write(version("v2"));
    await symlink("..v2", inside("..data_tmp"));
    await rename(inside("..data_tmp"), inside("..data"));
    await rm(inside("..v1"), { recursive: true });
    for (const key of [a, agentKey("b")])
      await daemon.until(key, (object) => object?.metadata.generation === 2);
    await seen.end();
    assert.ok(seen.events.every(({ type }) => type === "modified"));
    first.release();
    model.releaseAll();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    const next = await daemon.ask("a", "two");
    assert.equal(next.generation, 2);
    assert.match((await model.at(1)).system, /v2/);
    const applied = (await daemon.events()).filter(isApplied);
    const messages = applied.map(({ data }) => ("message" in data ? data.message : ""));
    assert.deepEqual(messages.slice(-1), ["2 objects configured"]);
  });

  test("a root that vanishes loses nothing, and comes back as it is then", async () => {
    await using held = await startHeldDaemon({
      args: ["agents.d", "more.d"],
      agent: { instructions: "Old." },
      files: { "more.d/marker.yaml": agentManifest("marker") },
    });
    const { daemon, model } = held;
    const before = await daemon.untilReady(a);
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.rename("agents.d", "away");
    await daemon.write({ "more.d/marker.yaml": agentManifest("marker", { description: "Seen." }) });
    await daemon.until(marker, (object) => object?.metadata.generation === 2);
    const [roots] = await daemon.plane.reconcile({});
    assert.deepEqual(
      roots?.roots?.map(({ status }) => status),
      ["missing", "ok"],
    );
    first.release();
    model.releaseAll();
    assert.equal((await asking).result.value, "answer to one");
    assert.equal((await daemon.ask("a", "two")).generation, 1);
    await daemon.write({ "away/a.yaml": says("New.") });
    await daemon.rename("away", "agents.d");
    const after = await daemon.untilReady(a, 2);
    assert.equal(after.metadata.uid, before.metadata.uid);
    await daemon.ask("a", "three");
    const third = await model.at(2);
    assert.match(third.system, /New\./);
    assert.ok(third.conversation.includes("one"), "the conversation goes on");
  });

  test("R28: links in circles change nothing", async () => {
    await using held = await startHeldDaemon({ files: { "agents.d/deep/x.txt": "" } });
    const { daemon, model } = held;
    const before = await daemon.untilReady(a);
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await symlink(join(daemon.folder, "agents.d"), join(daemon.folder, "agents.d/deep/again"));
    await symlink("self", join(daemon.folder, "agents.d/self"));
    await daemon.write({ "agents.d/marker.yaml": agentManifest("marker") });
    await daemon.untilReady(marker);
    first.release();
    model.releaseAll();
    assert.equal((await asking).result.value, "answer to one");
    const { metadata } = await daemon.untilReady(a);
    assert.deepEqual(
      [metadata.uid, metadata.generation],
      [before.metadata.uid, before.metadata.generation],
    );
    assert.equal((await daemon.ask("a", "two")).generation, 1);
  });
});

const AGENTS = 500;

test("R32: a checkout of another branch with 500 files is taken up at once and whole", async () => {
  await using model = await startHeldModel();
  const branch = (word: string) => {
    const agents = Array.from({ length: AGENTS }, (_, index) => `a${index}`);
    const manifests = agents.map((name) => [
      `agents.d/group-${word}/${name}.yaml`,
      agentManifest(name, { instructions: `Of ${word}.`, tools: ["now"] }),
    ]);
    const tool = `apiVersion: legion.dev/v1
kind: Tool
metadata: { name: now, labels: { branch: ${word} } }
spec: { type: builtin, builtin: now, description: ${word} }
`;
    return { ...Object.fromEntries(manifests), "agents.d/now.yaml": tool };
  };
  await using daemon = await startTestDaemon({
    files: { ".gitignore": ".legion\n", "agents.d/provider.yaml": providerManifest(model.url) },
  });
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  const git = (...words: string[]) => run("git", [...identity, ...words], { cwd: daemon.folder });
  await git("init", "--quiet", "--initial-branch=main");
  const commit = async () => {
    await git("add", "--all");
    await git("commit", "--quiet", "-m", "x");
  };
  await daemon.write(branch("main"));
  await commit();
  await git("checkout", "--quiet", "-b", "next");
  await daemon.remove("agents.d/group-main");
  await daemon.write(branch("next"));
  await commit();
  const last = agentKey(`a${AGENTS - 1}`);
  await daemon.until(last, (object) => instructionsOf(object) === "Of next.");
  await daemon.plane.reconcile({ wait: true });
  const { generation = 0, uid } = (await daemon.plane.read(agentKey("a0")))?.metadata ?? {};

  const asking = daemon.ask("a0", "one");
  const first = await model.at(0);
  const before = (await daemon.events()).filter(isApplied).length;
  const seen = await record(daemon);
  await git("checkout", "--quiet", "main");
  await daemon.until(last, (object) => instructionsOf(object) === "Of main.");
  await daemon.plane.reconcile({ wait: true });
  await seen.end();

  const applied = (await daemon.events()).filter(isApplied).slice(before);
  assert.deepEqual(
    applied.map(({ data }) => ("message" in data ? data.message : "")),
    [`${AGENTS + 1} objects configured`],
  );
  assert.ok(seen.events.every(({ type }) => type === "modified"));
  // The changes of one write have versions without a gap: nobody ever saw some of them without the others.
  const specs = new Map<string, number>();
  for (const { object, version } of seen.events) {
    const isNew = object.spec.instructions === "Of main." || object.spec.description === "main";
    const name = `${object.kind}/${object.metadata.name}`;
    if (isNew && !specs.has(name)) specs.set(name, version);
  }
  const versions = [...specs.values()];
  assert.equal(versions.length, AGENTS + 1);
  assert.equal(Math.max(...versions) - Math.min(...versions), new Set(versions).size - 1);
  first.release();
  model.releaseAll();
  const outcome = await asking;
  assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", generation]);
  assert.equal((await daemon.ask("a0", "two")).generation, generation + 1);
  assert.match((await model.at(1)).system, /Of main\./);
  assert.equal((await daemon.plane.read(agentKey("a0")))?.metadata.uid, uid);
});
