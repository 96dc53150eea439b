// Goal: an agent changes its state along the edges of one table, and every other change is refused with those that there are.
// Method: every pair of states against a table that is written out here.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LifecycleState } from "../../state/lifecycles.ts";
import { lifecycleEdges, refusedMove } from "./states.ts";

const key = { kind: "Agent", namespace: "default", name: "a" };
const states = Object.keys(lifecycleEdges) as LifecycleState[];

const legal = [
  "running paused",
  "running stopped",
  "running terminated",
  "paused running",
  "paused stopped",
  "paused terminated",
  "stopped running",
  "stopped terminated",
];

test("there are four states", () => {
  assert.deepEqual(states, ["running", "paused", "stopped", "terminated"]);
});

for (const from of states) {
  for (const to of states) {
    const isLegal = legal.includes(`${from} ${to}`);
    test(`${from} -> ${to} is ${isLegal ? "an edge" : "refused, with the edges that there are"}`, () => {
      const refused = refusedMove(key, from, to);
      if (isLegal) return assert.equal(refused, undefined);
      const others = legal.flatMap((edge) => {
        const [begin, end] = edge.split(" ");
        return begin === from ? [end] : [];
      });
      assert.deepEqual([refused?.code, refused?.valid], ["LEG2070", others]);
      for (const other of others) assert.match(refused?.hint ?? "", new RegExp(`${other}`));
    });
  }
}
