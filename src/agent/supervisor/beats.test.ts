// Goal: heartbeats come with their jitter, and not when nothing has changed.
// Method: tables over the pure decisions.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  HEARTBEAT_MS_MIN,
  type HeartbeatPolicy,
  heartbeatDelay,
  isHeartbeatSent,
} from "./beats.ts";

const policy = (more: Partial<HeartbeatPolicy> = {}): HeartbeatPolicy => ({
  ...{ everyMs: 60_000, jitter: 10, task: "look", when: "changed" },
  ...more,
});

for (const [name, more, random, delayMs] of [
  ["without luck it comes on time", {}, 0, 60_000],
  ["it is put off by a part of its time", {}, 0.5, 63_000],
  ["without jitter it is never put off", { jitter: 0 }, 0.9, 60_000],
  ["it may be put off by twice its time", { jitter: 100 }, 0.999, 119_940],
  ["it never comes without a pause", { everyMs: 0 }, 0, HEARTBEAT_MS_MIN],
] as const) {
  test(name, () => assert.equal(heartbeatDelay(policy(more), random), delayMs));
}

const now = { isRunning: true, isLaneBusy: false, seen: 3, happened: 4 };
for (const [name, more, state, isSent] of [
  ["something has happened", {}, {}, true],
  ["nothing has happened", {}, { happened: 3 }, false],
  ["the first one", {}, { seen: undefined, happened: 0 }, true],
  ["nothing has happened, and it does not matter", { when: "always" }, { happened: 3 }, true],
  ["the one before still runs", { when: "always" }, { isLaneBusy: true }, false],
  ["the agent is paused", { when: "always" }, { isRunning: false }, false],
] as const) {
  test(`${isSent ? "sent" : "left out"}: ${name}`, () => {
    assert.equal(isHeartbeatSent(policy(more), { ...now, ...state }), isSent);
  });
}
