// Goal: triggers above the cap of sessions are dropped, coalesced or queued as the manifest says.
// Method: tables over the pure decision.
import assert from "node:assert/strict";
import { test } from "node:test";
import { admitTrigger, parseOverflow } from "./overflow.ts";

const drop = { type: "drop" } as const;
const coalesce = { type: "coalesce" } as const;
const queue = (max: number) => ({ type: "queue", max }) as const;

const cases = [
  ["below the cap it is let in", drop, [2, 0, 0], "admit"],
  ["those that wait count", drop, [1, 2, 0], "drop"],
  ["at the cap it is dropped", drop, [3, 0, 0], "drop"],
  ["at the cap the first one waits", coalesce, [3, 0, 0], "admit"],
  ["a newer one takes its place", coalesce, [3, 1, 1], "replace"],
  ["one that waits in another lane stays", coalesce, [3, 1, 0], "admit"],
  ["there is room in the queue", queue(2), [3, 1, 1], "admit"],
  ["the queue is full", queue(2), [3, 2, 2], "drop"],
  ["messages may be above the cap already", queue(1), [9, 0, 0], "admit"],
] as const;

for (const [name, overflow, [running, waiting, waitingInLane], decision] of cases) {
  test(`${overflow.type}: ${name}`, () => {
    const load = { running, waiting, waitingInLane, max: 3 };
    assert.equal(admitTrigger(overflow, load), decision);
  });
}

for (const [text, overflow] of [
  ["drop", drop],
  ["coalesce", coalesce],
  ["queue(10)", queue(10)],
  ["queue(0)", drop],
  ["", drop],
] as const) {
  test(`"${text}" means ${overflow.type}`, () => {
    assert.deepEqual(parseOverflow(text), overflow);
  });
}
