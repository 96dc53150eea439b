// Goal: whoever edits manifests and code while agents work changes what comes next and never what runs.
// Method: real daemons over real folders; the model holds its answer until the change has arrived.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { agentKey, startTestDaemon } from "../testing/daemon.ts";
import { startHeldModel } from "../testing/held-model.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const a = agentKey("a");

suite("changes while a turn runs", { concurrency: 3 }, () => {
  test("a prompt that is edited in the middle of a turn counts from the next turn on", async () => {
    await using model = await startHeldModel();
    await using daemon = await startTestDaemon({
      files: {
        "agents.d/provider.yaml": providerManifest(model.url),
        "agents.d/a.yaml": agentManifest("a", { instructions: "Speak of OLD." }),
      },
    });
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    await daemon.write({
      "agents.d/a.yaml": agentManifest("a", { instructions: "Speak of NEW." }),
    });
    await daemon.until(a, (object) => object?.metadata.generation === 2);
    first.release();
    const outcome = await asking;
    assert.deepEqual(
      [outcome.result.status, outcome.result.value, outcome.generation],
      ["ok", "answer to one", 1],
    );
    model.releaseAll();
    const next = await daemon.ask("a", "two");
    assert.deepEqual([next.result.value, next.generation], ["answer to two", 2]);
    assert.match(first.system, /Speak of OLD/);
    assert.match((await model.at(1)).system, /Speak of NEW/);
  });
});
