// Goal: what is renamed goes on, what is deleted ends in good order, and what comes back is either the same or truly new.
// Method: real daemons over real folders; the model holds its answer while files are renamed, deleted and restored.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ApiObject } from "../reconcile/contract.ts";
import { agentKey, type TestDaemon } from "../testing/daemon.ts";
import { startHeldDaemon } from "../testing/held-daemon.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const a = agentKey("a");
const b = agentKey("b");
const file = "agents.d/a.yaml";

const isGone = (object: ApiObject | undefined) => object === undefined;
const isGoing = (object: ApiObject | undefined) => object?.metadata.deletionTimestamp !== undefined;
const uidOf = async (daemon: TestDaemon) => (await daemon.plane.read(a))?.metadata.uid;

suite("renames and deletions while a turn runs", { concurrency: 3 }, () => {
  test("a renamed file is the same object: nothing restarts", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    const before = await daemon.untilReady(a);
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.rename(file, "agents.d/deeper/other.yaml");
    const moved = await daemon.until(
      a,
      (object) => object?.metadata.origin?.file.endsWith("deeper/other.yaml") === true,
    );
    first.release();
    model.releaseAll();
    const outcome = await asking;
    assert.deepEqual([outcome.result.status, outcome.generation], ["ok", 1]);
    const next = await daemon.ask("a", "two");
    assert.deepEqual([next.result.value, next.generation], ["answer to two", 1]);
    assert.ok((await model.at(1)).conversation.includes("one"), "the conversation goes on");
    assert.equal(moved?.metadata.uid, before.metadata.uid);
    assert.equal(moved?.metadata.generation, 1);
  });

  test("a renamed object: the old one drains, the new one works at once", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.write({ [file]: agentManifest("b") });
    await daemon.until(a, isGoing);
    await daemon.untilReady(b);
    await assert.rejects(daemon.ask("a", "late"), { code: "LEG2031" });
    const asked = daemon.ask("b", "two");
    (await model.at(1)).release();
    assert.equal((await asked).result.value, "answer to two");
    assert.ok(isGoing(await daemon.plane.read(a)), "its turn still runs");
    first.release();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    await daemon.until(a, isGone);
    await assert.rejects(daemon.ask("a", "too late"), { code: "LEG6030" });
  });

  test("a deleted agent answers the turn that runs and what waits, takes nothing more, and is gone then", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    const waiting = daemon.ask("a", "two");
    await daemon.until(a, () => true);
    while ((await daemon.plane.status()).agents.queued === 0) await daemon.events();
    await daemon.remove(file);
    await daemon.until(a, isGoing);
    await assert.rejects(daemon.ask("a", "late"), { code: "LEG2031" });
    first.release();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    assert.ok(isGoing(await daemon.plane.read(a)), "a message still waits");
    (await model.at(1)).release();
    assert.equal((await waiting).result.value, "answer to two");
    await daemon.until(a, isGone);
    assert.equal(model.requests.length, 2);
  });

  test("a deleted agent whose model hangs is cancelled after its grace period, with the deletion as the reason", async () => {
    await using held = await startHeldDaemon({ agent: { terminationGracePeriod: "1s" } });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    await model.at(0);
    await daemon.remove(file);
    const going = await daemon.until(a, isGoing);
    const { result, generation } = await asking;
    const stopped = await daemon.untilEvent(({ kind }) => kind === "legion.agent.stopped");
    const tookMs = Date.parse(stopped.at) - Date.parse(going?.metadata.deletionTimestamp ?? "");
    assert.deepEqual([result.status, generation], ["cancel", 1]);
    assert.match(JSON.stringify(result.error), /LEG2031.*was deleted.*grace period of 1/);
    // Far from the 30 s that are the default.
    assert.ok(tookMs >= 900 && tookMs < 10_000, `${tookMs} ms`);
    await daemon.until(a, isGone);
  });

  test("deleted and restored within the quiet time: nothing has happened", async () => {
    await using held = await startHeldDaemon({ files: { "agents.d/b.yaml": agentManifest("b") } });
    const { daemon, model } = held;
    const before = await daemon.untilReady(a);
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.remove(file);
    await daemon.write({
      [file]: agentManifest("a"),
      // What arrives last shows that the rest was looked at.
      "agents.d/b.yaml": agentManifest("b", { instructions: "Changed." }),
    });
    await daemon.untilReady(b, 2);
    first.release();
    model.releaseAll();
    assert.equal((await asking).result.value, "answer to one");
    await daemon.ask("a", "two");
    assert.ok((await model.at(1)).conversation.includes("one"), "the conversation goes on");
    const { metadata } = await daemon.untilReady(a);
    assert.deepEqual(
      [metadata.uid, metadata.generation, metadata.resourceVersion],
      [before.metadata.uid, 1, before.metadata.resourceVersion],
    );
  });

  test("deleted and made anew while the old one drains: the turn ends first, then it is another agent", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    const before = await uidOf(daemon);
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.remove(file);
    await daemon.until(a, isGoing);
    await daemon.write({ [file]: agentManifest("a", { instructions: "Made anew." }) });
    await daemon.plane.reconcile({});
    assert.equal(await uidOf(daemon), before);
    // Another change in between takes nothing away from what waits to be made.
    await daemon.write({ "agents.d/b.yaml": agentManifest("b") });
    await daemon.untilReady(b);
    assert.equal(await uidOf(daemon), before);
    first.release();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    const after = await daemon.until(
      a,
      (object) => object !== undefined && object.metadata.uid !== before,
    );
    assert.equal(after?.metadata.generation, 1);
    await daemon.untilReady(a);
    model.releaseAll();
    assert.equal((await daemon.ask("a", "two")).result.value, "answer to two");
    const { system, conversation } = await model.at(1);
    assert.match(system, /Made anew/);
    assert.ok(!conversation.includes("one"), "another agent has another conversation");
  });

  test("an agent whose provider is deleted answers the turn that runs, says what is missing, and goes on when it is back", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    const provider = { kind: "Provider", namespace: "default", name: "local" };
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.remove("agents.d/provider.yaml");
    await daemon.until(provider, isGone);
    first.release();
    assert.equal((await asking).result.value, "answer to one");
    await daemon.until(
      a,
      (object) =>
        object?.status.conditions?.some(({ reason }) => reason === "ModelMissing") === true,
    );
    await daemon.write({ "agents.d/provider.yaml": providerManifest(model.url) });
    await daemon.untilReady(a);
    model.releaseAll();
    const next = await daemon.ask("a", "two");
    assert.deepEqual([next.result.value, next.generation], ["answer to two", 1]);
  });
});
