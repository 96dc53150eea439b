// Goal: no message is ever lost or answered twice, those of one sender keep their order in their lane, and both drivers agree (R10, R11, R12).
// Method: random sequences of puts, deliveries, failures, crashes and redrives over the memory and over a real SQLite file, compared after each step with the messages that were sent.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { manualClock } from "../lib/clock.ts";
import { openDatabase } from "./database.ts";
import type { Inbox } from "./inbox.ts";
import { openMemoryInbox } from "./inbox-memory.ts";
import { openSqliteInbox } from "./inbox-sqlite.ts";

const RUNS = 60;
const LANES = ["main", "b"];
let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-inbox-property-"));
});
after(() => rm(root, { recursive: true, force: true }));

const lane = fc.constantFrom(...LANES);
const sender = fc.option(fc.constantFrom("x", "y"), { nil: undefined });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(lane, sender, fc.option(fc.constantFrom("k", "l"), { nil: undefined, freq: 3 }))
      .map(([conversation, from, key]) => ({ do: "put" as const, conversation, from, key })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(lane, fc.constantFrom("answer", "fail", "crash", "shutdown", "bury"))
      .map(([conversation, end]) => ({ do: "deliver" as const, conversation, end })),
  },
  fc.constant({ do: "redrive" as const }),
  fc.nat({ max: 150 }).map((ms) => ({ do: "advance" as const, ms })),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does a step and gives what can be seen of it. */
async function perform(inbox: Inbox, one: Step, id: string, nowMs: number) {
  if (one.do === "advance") return undefined;
  if (one.do === "redrive") return inbox.redrive("a");
  const { conversation } = one;
  if (one.do === "put") {
    const { from, key } = one;
    const options = { ...(from !== undefined && { from }), ...(key && { dedupeKey: key }) };
    return inbox.put({ id, uid: "a", task: id, conversation, ...options });
  }
  const next = await inbox.next("a", conversation, nowMs);
  if (next === undefined) return undefined;
  await inbox.begin(next.id);
  const deferral = { notBeforeMs: nowMs + 100, maxDeliveries: 2, cause: "failed" };
  if (one.end === "answer") await inbox.finish(next.id, { generation: 1, result: {} });
  if (one.end === "fail") await inbox.defer(next.id, deferral);
  if (one.end === "bury") await inbox.bury(next.id, "failed");
  if (one.end === "shutdown") await inbox.release(next.id);
  return { next, end: one.end };
}

async function all(inbox: Inbox) {
  return {
    lanes: [...(await inbox.lanes("a"))].sort(),
    count: await inbox.count("a"),
    dead: await inbox.dead("a"),
  };
}

test("whatever happens, each message is waiting, dead or answered once, and no sender is overtaken", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const clock = manualClock();
      folders += 1;
      const database = await openDatabase(path.join(root, `${folders}`));
      database.query("PRAGMA synchronous = OFF");
      const sqlite = openSqliteInbox(database, { clock });
      const memory = openMemoryInbox({ clock });
      /** By lane and sender, those that wait, in the order in which they were put or put back. */
      const queues = new Map<string, string[]>();
      const queueOf = (message: { readonly conversation: string; readonly from?: string }) => {
        const name = `${message.conversation} ${message.from}`;
        const queue = queues.get(name) ?? [];
        queues.set(name, queue);
        return queue;
      };
      const [sent, answered] = [new Set<string>(), new Set<string>()];
      for (const [at, one] of steps.entries()) {
        const id = `m${at}`;
        if (one.do === "advance") clock.advance(one.ms);
        const dead = await memory.dead("a");
        const seen = await perform(memory, one, id, clock.now());
        assert.deepEqual(await perform(sqlite, one, id, clock.now()), seen);
        assert.deepEqual(await all(sqlite), await all(memory));
        if (one.do === "put" && typeof seen === "object" && !("duplicateOf" in seen)) {
          sent.add(id);
          queueOf({ conversation: one.conversation, ...(one.from && { from: one.from }) }).push(id);
        }
        if (one.do === "redrive") {
          for (const letter of dead.toReversed()) queueOf(letter).push(letter.id);
        }
        if (typeof seen === "object" && "next" in seen) {
          const queue = queueOf(seen.next);
          assert.equal(seen.next.id, queue[0], "the first one of its sender");
          const isGone = (await memory.dead("a")).some(({ id }) => id === seen.next.id);
          if (seen.end === "answer" || isGone) queue.shift();
          if (seen.end === "answer") {
            assert.ok(!answered.has(seen.next.id), "answered once");
            answered.add(seen.next.id);
          }
        }
        const waiting = [...queues.values()].flat();
        const letters = (await memory.dead("a")).map(({ id }) => id);
        assert.equal(await memory.count("a"), waiting.length);
        assert.deepEqual(new Set([...waiting, ...letters, ...answered]), sent);
        assert.equal(waiting.length + letters.length + answered.size, sent.size);
      }
      database.close();
    }),
    { numRuns: RUNS },
  );
});
