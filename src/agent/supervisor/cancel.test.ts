// Goal: a message that is taken back while its turn is about to begin has no turn that goes on, and holds back none that waits behind it.
// Method: the supervisor over the real inbox in memory; messages are taken back after every number of steps of the event loop that a beginning takes.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { ResourceKey } from "../../state/resource.ts";
import { quiet, supervisorRig } from "../../testing/supervised.ts";
import { agentObject } from "../../testing/turns.ts";

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const a: ResourceKey = { kind: "Agent", namespace: "default", name: "a" };

/** How many promises settle between a message and its turn, and more. */
const STEPS = 60;
const ids: Record<string, string> & { readonly first: string } = {
  first: "01KDVDNA00TJ7Q2ZK5R6V8XW9Y",
  second: "01KDVDNA01TJ7Q2ZK5R6V8XW9Y",
};

describe("taken back at any moment of its beginning", () => {
  for (const trigger of [undefined, "cron"] as const) {
    for (let steps = 0; steps <= STEPS; steps += 1) {
      test(`${trigger ?? "a message"}, ${steps} steps after it was sent`, async () => {
        const { supervisor, turns, inbox, errors, ensure } = supervisorRig(object);
        ensure();
        await quiet();
        const send = (task: string) =>
          supervisor.tell(a, {
            ...{ id: ids[task] ?? "", task, from: "me", conversation: "main" },
            ...(trigger !== undefined && { trigger }),
          });
        const sent = [send("first"), send("second")];
        for (let step = 0; step < steps; step += 1) await undefined;
        const isTaken = await supervisor.cancelMessage(a, "main", ids.first);
        await Promise.all(sent);
        // It was not kept yet.
        if (!isTaken) assert.equal(await supervisor.cancelMessage(a, "main", ids.first), true);
        await quiet();
        for (const turn of turns.begun)
          if (turn.task === "first") {
            assert.equal(turn.signal.aborted, true, "its turn goes on");
            turn.interrupt();
          }
        await quiet();
        const second = turns.begun.find(({ task }) => task === "second");
        assert.ok(second, "the one behind it has no turn");
        second.answer();
        await quiet();
        const outcome = await inbox.outcome(ids.first);
        assert.equal(outcome?.result.reason, "interrupted");
        assert.deepEqual([await inbox.count("uid-a"), supervisor.state(a)?.queued], [0, 0]);
        assert.deepEqual(errors, []);
      });
    }
  }
});
