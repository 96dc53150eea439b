// Goal: messages without a conversation are shared among the replicas as the routing says.
// Method: the pure choice, fed with loads; a model of queues that empty at random for the evenness.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pickReplica, type ReplicaLoad, type Routing, replicaNames } from "./routing.ts";

const at = (load: number, turns = 0): ReplicaLoad => ({ load, turns });

const cases: readonly {
  readonly name: string;
  readonly routing: Routing;
  readonly loads: readonly ReplicaLoad[];
  readonly sent?: number;
  readonly random?: number;
  readonly picked: number;
}[] = [
  { name: "the only one", routing: "leastBusy", loads: [at(9)], picked: 0 },
  { name: "the least busy", routing: "leastBusy", loads: [at(2), at(1), at(3)], picked: 1 },
  { name: "of equal ones the first", routing: "leastBusy", loads: [at(1), at(1)], picked: 0 },
  {
    name: "of equally busy ones the one with fewer turns",
    routing: "leastBusy",
    loads: [at(0, 3), at(0, 2), at(1, 0)],
    picked: 1,
  },
  { name: "one after the other", routing: "roundRobin", loads: [at(9), at(0)], sent: 4, picked: 0 },
  { name: "the next one", routing: "roundRobin", loads: [at(9), at(0)], sent: 5, picked: 1 },
  { name: "the one drawn", routing: "random", loads: [at(9), at(0), at(0)], random: 0, picked: 0 },
  { name: "the last one", routing: "random", loads: [at(0), at(9)], random: 0.999, picked: 1 },
];

for (const { name, routing, loads, sent = 0, random = 0, picked } of cases) {
  test(`${routing}: ${name}`, () => {
    assert.equal(pickReplica(routing, loads, { sent, random: () => random }), picked);
  });
}

test("replicas are main, main-2 and so on", () => {
  assert.deepEqual(replicaNames(3), ["main", "main-2", "main-3"]);
});

test("leastBusy: 100 messages over 5 replicas are never more than 20 % from even, however fast each answers", () => {
  const speeds = fc.array(fc.constantFrom(0, 1), { minLength: 100, maxLength: 100 });
  fc.assert(
    fc.property(speeds, (steps) => {
      const replicas = replicaNames(5).map(() => ({ load: 0, turns: 0, sent: 0 }));
      for (const answers of steps) {
        const index = pickReplica("leastBusy", replicas, { sent: 0, random: () => 0 });
        const one = replicas[index];
        if (one === undefined) throw new Error("no such replica");
        one.load += 1;
        one.sent += 1;
        if (answers === 0) continue;
        for (const replica of replicas) {
          if (replica.load === 0) continue;
          replica.load -= 1;
          replica.turns += 1;
        }
      }
      for (const { sent } of replicas) assert.ok(sent >= 16 && sent <= 24, `${sent}`);
    }),
  );
});
