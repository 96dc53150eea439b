// Goal: a turn that comes to its end in the last moment has answered its message, and is not answered again after the next start.
// Method: the supervisor over a real inbox, with a turn that the test ends itself and time that it lets pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { quiet, supervisorRig } from "../../testing/supervised.ts";
import { agentObject } from "../../testing/turns.ts";

const GRACE_MS = 30_000;

test("R45: a turn that ends well although the close cut it short has answered its message", async () => {
  const { supervisor, turns, inbox, time, ensure } = supervisorRig(await agentObject());
  ensure();
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
