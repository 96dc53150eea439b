import assert from "node:assert/strict";
import { MESSAGES_PER_AGENT_MAX, type NewMessage } from "../inbox.ts";
import { AT } from "./case.ts";
import type { InboxCase, OpenedInbox } from "./inbox-cases.ts";

const answer = { generation: 3, result: { status: "ok" } };
const later = { notBeforeMs: AT + 100, maxDeliveries: 3, cause: "no provider" };

function message(id: string, more: Partial<NewMessage> = {}): NewMessage {
  return { id, uid: "a", task: `do ${id}`, ...more };
}

/** The messages of a lane in the order in which they are delivered at one time, each answered. */
async function delivered({ inbox }: OpenedInbox, conversation: string, nowMs: number) {
  const ids: string[] = [];
  for (;;) {
    const next = await inbox.next("a", conversation, nowMs);
    if (next === undefined) return ids;
    ids.push(next.id);
    await inbox.finish(next.id, answer);
  }
}

/** What every driver of the inbox has to hold about lanes and deliveries. */
export const deliveryCases: readonly InboxCase[] = [
  {
    name: "each conversation of an agent is a lane of its own",
    async check(opened) {
      const { inbox } = opened;
      await inbox.put(message("1"));
      await inbox.put(message("2", { conversation: "b" }));
      await inbox.put(message("3", { conversation: "b", from: "x", trigger: "cron" }));
      await inbox.put(message("4", { uid: "other", conversation: "b" }));
      assert.deepEqual(
        [...(await inbox.lanes("a"))],
        [
          ["main", { waiting: 1, dueMs: 0 }],
          ["b", { waiting: 2, dueMs: 0 }],
        ],
      );
      assert.deepEqual(await delivered(opened, "b", AT), ["2", "3"]);
      assert.deepEqual([...(await inbox.lanes("a")).keys()], ["main"]);
    },
  },
  {
    name: "a message is put off to a part of a millisecond: to the next whole one",
    async check({ inbox }) {
      await inbox.put(message("1"));
      const how = await inbox.defer("1", { ...later, notBeforeMs: AT + 0.25 });
      assert.equal(how, "deferred");
      assert.equal(await inbox.next("a", "main", AT), undefined);
      assert.equal((await inbox.next("a", "main", AT + 1))?.notBeforeMs, AT + 1);
    },
  },
  {
    name: "what a message was sent with comes back with it",
    async check({ inbox }) {
      const sent = message("1", {
        from: "x",
        conversation: "c",
        dedupeKey: "k",
        trigger: "watcher",
      });
      await inbox.put(sent);
      const at = new Date(AT).toISOString();
      const fresh = { attempts: 0, delivery: 1, notBeforeMs: 0, duplicates: 0 };
      assert.deepEqual(await inbox.next("a", "c", AT), { ...sent, at, ...fresh });
    },
  },
  {
    name: "R12: a deferred message holds back those after it of the same sender in its lane, and no others",
    async check(opened) {
      const { inbox } = opened;
      for (const [id, from] of [
        ["1", "x"],
        ["2", "y"],
        ["3", "x"],
        ["4", "y"],
      ] as const)
        await inbox.put(message(id, { from }));
      await inbox.put(message("5"));
      await inbox.put(message("6", { from: "x", conversation: "b" }));
      assert.equal(await inbox.defer("1", later), "deferred");
      assert.deepEqual(await delivered(opened, "main", AT + 99), ["2", "4", "5"]);
      assert.deepEqual(await delivered(opened, "b", AT + 99), ["6"]);
      assert.deepEqual((await inbox.lanes("a")).get("main"), { waiting: 2, dueMs: AT + 100 });
      const due = await inbox.next("a", "main", AT + 100);
      assert.deepEqual([due?.id, due?.delivery, due?.notBeforeMs], ["1", 2, AT + 100]);
      assert.deepEqual(await delivered(opened, "main", AT + 100), ["1", "3"]);
    },
  },
  {
    name: "a message that was begun goes first, also when it was released, until it is deferred",
    async check({ inbox }) {
      await inbox.put(message("1", { from: "x" }));
      await inbox.put(message("2", { from: "y" }));
      await inbox.defer("1", later);
      await inbox.begin("2");
      await inbox.release("2");
      assert.equal((await inbox.next("a", "main", AT + 100))?.id, "2");
      assert.deepEqual((await inbox.lanes("a")).get("main"), { waiting: 2, dueMs: 0 });
      await inbox.defer("2", later);
      assert.equal((await inbox.next("a", "main", AT + 100))?.id, "1");
    },
  },
  {
    name: "a delivery that fails counts, and its attempts begin anew",
    async check({ inbox }) {
      await inbox.put(message("1"));
      await inbox.begin("1");
      await inbox.begin("1");
      await inbox.defer("1", later);
      const next = await inbox.next("a", "main", AT + 100);
      assert.deepEqual([next?.attempts, next?.delivery], [0, 2]);
      assert.equal(await inbox.defer("none", later), "gone");
    },
  },
  {
    name: "R11: after its last delivery a message is a dead letter with its cause, and can be put back",
    async check({ inbox, clock }) {
      await inbox.put(message("1", { from: "x", dedupeKey: "k" }));
      await inbox.put(message("2"));
      assert.equal(await inbox.defer("1", later), "deferred");
      assert.equal(await inbox.defer("1", later), "deferred");
      clock.advance(7);
      assert.equal(await inbox.defer("1", later), "dead");
      assert.equal(await inbox.defer("1", later), "gone");
      assert.equal(await inbox.count("a"), 1);
      const letter = {
        ...message("1", { from: "x", dedupeKey: "k" }),
        ...{ at: new Date(AT).toISOString(), conversation: "main", attempts: 0 },
        ...{ delivery: 3, notBeforeMs: 0, duplicates: 0, cause: "no provider" },
        diedAt: new Date(AT + 7).toISOString(),
      };
      assert.deepEqual(await inbox.dead("a"), [letter]);
      assert.deepEqual(await inbox.dead("b"), []);
      assert.equal(await inbox.outcome("1"), undefined);
      assert.equal(await inbox.redrive("b"), 0);
      assert.equal(await inbox.redrive("a", ["none"]), 0);
      assert.equal(await inbox.redrive("a", ["1"]), 1);
      assert.deepEqual(await inbox.dead(), []);
      assert.equal((await inbox.next("a", "main", AT))?.id, "2");
      await inbox.finish("2", answer);
      const { cause: _, diedAt: __, ...back } = letter;
      assert.deepEqual(await inbox.next("a", "main", AT), { ...back, delivery: 1 });
    },
  },
  {
    name: "dead letters are listed newest first and put back oldest first",
    async check(opened) {
      const { inbox } = opened;
      for (const id of ["1", "2", "3"]) await inbox.put(message(id));
      for (const id of ["2", "1", "3"]) assert.equal(await inbox.bury(id, "given up"), true);
      assert.equal(await inbox.bury("1", "given up"), false);
      assert.deepEqual(
        (await inbox.dead()).map(({ id }) => id),
        ["3", "1", "2"],
      );
      assert.equal(await inbox.redrive("a"), 3);
      assert.deepEqual(await delivered(opened, "main", AT), ["2", "1", "3"]);
    },
  },
  {
    name: "dead letters come back as far as the inbox has space",
    async check({ inbox }) {
      for (const id of ["1", "2"]) await inbox.put(message(id));
      for (const id of ["1", "2"]) await inbox.bury(id, "given up");
      for (let at = 1; at < MESSAGES_PER_AGENT_MAX; at += 1) await inbox.put(message(`m${at}`));
      assert.equal(await inbox.redrive("a"), 1);
      assert.deepEqual(
        (await inbox.dead()).map(({ id }) => id),
        ["2"],
      );
      await assert.rejects(inbox.redrive("a"), { code: "LEG6042" });
      assert.equal((await inbox.dead()).length, 1);
    },
  },
  {
    name: "R10: messages of one key have one effect, before its answer and after, and are counted",
    async check({ inbox }) {
      const sent = message("1", { dedupeKey: "k" });
      assert.deepEqual(await inbox.put(sent), { queued: 1 });
      for (const id of ["2", "3"]) {
        assert.deepEqual(await inbox.put({ ...sent, id }), { queued: 1, duplicateOf: "1" });
      }
      assert.deepEqual(await inbox.put(sent), { queued: 1, duplicateOf: "1" });
      assert.equal((await inbox.next("a", "main", AT))?.duplicates, 3);
      // A key is one of its agent, and no key is not one.
      assert.deepEqual(await inbox.put({ ...sent, id: "4", uid: "b" }), { queued: 1 });
      assert.deepEqual(await inbox.put(message("5")), { queued: 2 });
      assert.deepEqual(await inbox.put(message("6")), { queued: 3 });
      await inbox.bury("1", "given up");
      assert.equal((await inbox.put({ ...sent, id: "7" })).duplicateOf, "1");
      assert.equal((await inbox.dead("a"))[0]?.duplicates, 4);
      await inbox.redrive("a");
      await inbox.finish("1", answer);
      assert.equal((await inbox.put({ ...sent, id: "8" })).duplicateOf, "1");
      assert.equal((await inbox.outcome("1"))?.duplicates, 5);
    },
  },
  {
    name: "a lane is dropped without the others, and without what is excepted",
    async check({ inbox }) {
      for (const id of ["1", "2"]) await inbox.put(message(id));
      for (const id of ["3", "4"]) await inbox.put(message(id, { conversation: "b" }));
      const drop = { conversation: "b", except: ["4"], answer: () => answer };
      assert.deepEqual(
        (await inbox.drop("a", drop)).map(({ id }) => id),
        ["3"],
      );
      assert.deepEqual((await inbox.outcome("3"))?.result, answer.result);
      assert.equal(await inbox.count("a"), 3);
    },
  },
];
