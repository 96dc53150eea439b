// Goal: a turn that comes to its end in the last moment has answered its message, and is not answered again after the next start.
// Method: the supervisor over a real inbox, with a turn that the test ends itself and time that it lets pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as quiet } from "node:timers/promises";
import { openMemoryInbox } from "../state/inbox-memory.ts";
import { manualTime } from "../testing/manual-timers.ts";
import { agentObject, generationOf, heldTurns } from "../testing/turns.ts";
import { createSupervisor } from "./supervisor.ts";

const GRACE_MS = 30_000;

test("R45: a turn that ends well although the close cut it short has answered its message", async () => {
  const time = manualTime();
  const turns = heldTurns();
  const inbox = openMemoryInbox(time);
  const supervisor = createSupervisor({ inbox, runGeneration: turns.run, ...time });
  supervisor.ensure(generationOf(await agentObject(), 1, "a"));
  const key = { kind: "Agent", namespace: "default", name: "a" };
  const asked = supervisor.ask(key, { task: "one" }, new AbortController().signal);
  const turn = await turns.at(0);
  const closed = supervisor.close(GRACE_MS);
  await quiet();
  time.advance(GRACE_MS);
  await quiet();
  assert.equal(turn.signal.aborted, true);
  turn.answer();
  assert.equal((await asked).result.status, "ok");
  await closed;
  assert.deepEqual([...(await inbox.counts())], []);
});
