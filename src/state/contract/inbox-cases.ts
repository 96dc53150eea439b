import assert from "node:assert/strict";
import type { Clock } from "../../lib/clock.ts";
import {
  type Inbox,
  MESSAGE_BYTES_MAX,
  MESSAGES_PER_AGENT_MAX,
  OUTCOME_KEPT_MS,
  OUTCOMES_KEPT,
} from "../inbox.ts";
import type { Fence, Store } from "../store.ts";
import { AT } from "./case.ts";

/** A fresh, empty inbox beside the store that has its leases, on a clock that stands until it is told to advance. */
export interface OpenedInbox {
  readonly inbox: Inbox;
  readonly store: Store;
  /** The same messages for a process with that fence. */
  fenced(fence: Fence): Inbox;
  readonly clock: Clock & { advance(ms: number): void };
  close(): Promise<void>;
}

/** One sentence that holds for every driver of the inbox. */
export interface InboxCase {
  readonly name: string;
  check(opened: OpenedInbox): Promise<void>;
}

const message = (id: string, uid = "a") => ({ id, uid, task: `do ${id}` });
const answer = { generation: 3, result: { status: "ok", value: [1] } };

/** What every driver of the inbox has to hold. */
export const inboxCases: readonly InboxCase[] = [
  {
    name: "messages come back in the order in which they were put, each agent's by themselves",
    async check({ inbox, clock }) {
      // The ids say another order than the puts: a wall clock that was set back makes such ids.
      for (const id of ["3", "1", "2"]) await inbox.put(message(id));
      await inbox.put({ ...message("4", "b"), from: "someone" });
      const order: string[] = [];
      for (
        let next = await inbox.next("a", "main", clock.now());
        next;
        next = await inbox.next("a", "main", clock.now())
      ) {
        order.push(next.id);
        assert.ok(await inbox.finish(next.id, answer));
      }
      assert.deepEqual(order, ["3", "1", "2"]);
      assert.deepEqual(await inbox.next("b", "main", clock.now()), {
        ...message("4", "b"),
        from: "someone",
        at: new Date(AT).toISOString(),
        attempts: 0,
        conversation: "main",
        delivery: 1,
        notBeforeMs: 0,
        duplicates: 0,
      });
    },
  },
  {
    name: "a message stays until it is finished, and then its outcome is there",
    async check({ inbox, clock }) {
      await inbox.put(message("1"));
      assert.equal(await inbox.begin("1"), true);
      assert.equal((await inbox.next("a", "main", clock.now()))?.attempts, 1);
      assert.equal(await inbox.outcome("1"), undefined);
      clock.advance(5);
      assert.equal(await inbox.finish("1", answer), true);
      assert.equal(await inbox.next("a", "main", clock.now()), undefined);
      const at = new Date(AT + 5).toISOString();
      assert.deepEqual(await inbox.outcome("1"), {
        message: "1",
        uid: "a",
        at,
        attempts: 1,
        duplicates: 0,
        ...answer,
      });
    },
  },
  {
    name: "attempts count what was begun, without what was released",
    async check({ inbox, clock }) {
      await inbox.put(message("1"));
      for (const _ of [1, 2, 3]) await inbox.begin("1");
      await inbox.release("1");
      assert.equal((await inbox.next("a", "main", clock.now()))?.attempts, 2);
      for (const _ of [1, 2, 3]) await inbox.release("1");
      assert.equal((await inbox.next("a", "main", clock.now()))?.attempts, 0);
    },
  },
  {
    name: "R10: a message that is put again, before or after its end, is not kept twice",
    async check({ inbox, clock }) {
      assert.equal((await inbox.put(message("1"))).queued, 1);
      assert.equal((await inbox.put(message("1"))).queued, 1);
      await inbox.finish("1", answer);
      assert.equal((await inbox.put(message("1"))).queued, 0);
      assert.equal(await inbox.next("a", "main", clock.now()), undefined);
    },
  },
  {
    name: "what concerns a message that is not there does nothing",
    async check({ inbox }) {
      assert.equal(await inbox.begin("1"), false);
      assert.equal(await inbox.finish("1", answer), false);
      await inbox.release("1");
      assert.equal(await inbox.outcome("1"), undefined);
      assert.deepEqual(await inbox.drop("a", { answer: () => answer }), []);
    },
  },
  {
    name: "dropping ends all messages of one agent but the one that is excepted",
    async check({ inbox, clock }) {
      for (const id of ["1", "2", "3"]) await inbox.put(message(id));
      await inbox.put(message("4", "b"));
      assert.deepEqual([...(await inbox.counts())].sort(), [
        ["a", 3],
        ["b", 1],
      ]);
      const dropped = await inbox.drop("a", {
        except: ["1"],
        answer: ({ id }) => ({ generation: 2, result: { id } }),
      });
      assert.deepEqual(
        dropped.map(({ id }) => id),
        ["2", "3"],
      );
      assert.deepEqual((await inbox.outcome("3"))?.result, { id: "3" });
      assert.equal(await inbox.count("a"), 1);
      assert.equal((await inbox.next("a", "main", clock.now()))?.id, "1");
      await inbox.finish("1", answer);
      assert.deepEqual([...(await inbox.counts())], [["b", 1]]);
    },
  },
  {
    name: "a drop whose answer fails changes nothing",
    async check({ inbox }) {
      for (const id of ["1", "2"]) await inbox.put(message(id));
      const failing = ({ id }: { readonly id: string }) => {
        if (id === "2") throw new Error("no answer");
        return answer;
      };
      await assert.rejects(inbox.drop("a", { answer: failing }), /no answer/);
      assert.equal(await inbox.count("a"), 2);
      assert.equal(await inbox.outcome("1"), undefined);
    },
  },
  {
    name: "a message may take 1 MiB of UTF-8 and not a byte more",
    async check({ inbox, clock }) {
      const task = "é".repeat(MESSAGE_BYTES_MAX / 2);
      await inbox.put({ ...message("1"), task });
      await assert.rejects(inbox.put({ ...message("2"), task: `${task}.` }), { code: "LEG6040" });
      assert.equal(await inbox.count("a"), 1);
      assert.equal((await inbox.next("a", "main", clock.now()))?.task, task);
    },
  },
  {
    name: "the inbox of an agent has an end, and other agents are not concerned",
    async check({ inbox }) {
      for (let at = 0; at < MESSAGES_PER_AGENT_MAX; at += 1) await inbox.put(message(`a${at}`));
      await assert.rejects(inbox.put(message("more")), { code: "LEG6042" });
      assert.equal((await inbox.put(message("other", "b"))).queued, 1);
      await inbox.finish("a0", answer);
      assert.equal((await inbox.put(message("more"))).queued, MESSAGES_PER_AGENT_MAX);
    },
  },
  {
    name: "of the outcomes only so many are kept, and only so long",
    async check({ inbox, clock }) {
      for (let at = 0; at <= OUTCOMES_KEPT; at += 1) {
        await inbox.put(message(`${at}`));
        await inbox.finish(`${at}`, answer);
      }
      assert.equal(await inbox.outcome("0"), undefined);
      assert.notEqual(await inbox.outcome("1"), undefined);
      clock.advance(OUTCOME_KEPT_MS + 1);
      await inbox.put(message("late"));
      await inbox.finish("late", answer);
      assert.equal(await inbox.outcome(`${OUTCOMES_KEPT}`), undefined);
      assert.notEqual(await inbox.outcome("late"), undefined);
    },
  },
  {
    name: "R33: a process that lost the folder writes nothing",
    async check({ inbox, store, fenced, clock }) {
      const first = await store.leases.acquire("folder", "one", 1_000);
      const mine = fenced({ lease: "folder", epoch: first.lease.epoch });
      await mine.put(message("1"));
      await mine.begin("1");
      await store.leases.acquire("folder", "two", 1_000, { epoch: first.lease.epoch });
      const writes = [
        () => mine.put(message("2")),
        () => mine.begin("1"),
        () => mine.release("1"),
        () => mine.finish("1", answer),
        () => mine.drop("a", { answer: () => answer }),
        () => mine.defer("1", { notBeforeMs: 0, maxDeliveries: 2, cause: "x" }),
        () => mine.bury("1", "x"),
        () => mine.redrive("a"),
      ];
      for (const write of writes) await assert.rejects(write(), { code: "LEG6022" });
      assert.equal(await inbox.count("a"), 1);
      assert.equal((await inbox.next("a", "main", clock.now()))?.attempts, 1);
      await fenced({ lease: "folder", epoch: first.lease.epoch + 1 }).finish("1", answer);
    },
  },
];
