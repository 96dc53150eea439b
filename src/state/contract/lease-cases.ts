import assert from "node:assert/strict";
import type { Lease, LeaseOutcome } from "../store.ts";
import { FencedError } from "../store-errors.ts";
import { type ContractCase, put, write } from "./case.ts";

const TTL_MS = 1_000;
const HOUR_MS = 3_600_000;

function acquired(outcome: LeaseOutcome): Lease {
  assert.ok(outcome.acquired, "the lease should have been free");
  return outcome.lease;
}

function held(outcome: LeaseOutcome): Lease {
  assert.ok(!outcome.acquired, "the lease should have been held");
  return outcome.lease;
}

/** Leases, their epochs, and the writes that they guard. */
export const leaseCases: readonly ContractCase[] = [
  {
    name: "a lease is held by one, and its own holder may ask again",
    async check({ store: { leases } }) {
      const lease = acquired(await leases.acquire("l", "one", TTL_MS));
      assert.deepEqual([lease.holder, lease.epoch], ["one", 1]);
      assert.deepEqual(held(await leases.acquire("l", "two", TTL_MS)), lease);
      assert.equal(acquired(await leases.acquire("l", "one", TTL_MS)).epoch, 1);
      assert.equal(acquired(await leases.acquire("other", "two", TTL_MS)).epoch, 1);
    },
  },
  {
    name: "a lease that is not renewed for its ttl goes to the next, with the next epoch",
    async check({ store: { leases }, clock }) {
      const old = acquired(await leases.acquire("l", "one", TTL_MS));
      held(await leases.acquire("l", "two", TTL_MS));
      clock.advance(TTL_MS - 1);
      held(await leases.acquire("l", "two", TTL_MS));
      clock.advance(1);
      const lease = acquired(await leases.acquire("l", "two", TTL_MS));
      assert.deepEqual([lease.holder, lease.epoch], ["two", 2]);
      await assert.rejects(leases.renew(old), FencedError);
      await leases.release(old);
      assert.equal((await leases.read("l"))?.holder, "two", "a late release does nothing");
    },
  },
  {
    name: "a renewed lease stays, however often it is asked for",
    async check({ store: { leases }, clock }) {
      const lease = acquired(await leases.acquire("l", "one", TTL_MS));
      for (let beat = 0; beat < 20; beat += 1) {
        clock.advance(TTL_MS - 1);
        held(await leases.acquire("l", "two", TTL_MS));
        await leases.renew(lease);
      }
    },
  },
  {
    name: "R08: no time of the past counts, only what was seen to pass",
    async check({ store: { leases }, clock }) {
      const names = Array.from({ length: 50 }, (_, at) => `l${at}`);
      for (const name of names) acquired(await leases.acquire(name, "one", TTL_MS));
      // As after a step of the clock or a long sleep: every lease looks old, and none was seen silent for its ttl.
      clock.advance(HOUR_MS);
      for (const name of names) held(await leases.acquire(name, "two", TTL_MS));
    },
  },
  {
    name: "a released lease is free at once, and the epoch grows all the same",
    async check({ store: { leases } }) {
      await leases.release(acquired(await leases.acquire("l", "one", TTL_MS)));
      assert.equal(await leases.read("l"), undefined);
      assert.equal(acquired(await leases.acquire("l", "one", TTL_MS)).epoch, 2);
    },
  },
  {
    name: "a takeover is for the epoch that it names, and no other",
    async check({ store: { leases } }) {
      acquired(await leases.acquire("l", "one", TTL_MS));
      held(await leases.acquire("l", "three", TTL_MS, { epoch: 7 }));
      assert.equal(acquired(await leases.acquire("l", "two", TTL_MS, { epoch: 1 })).epoch, 2);
      held(await leases.acquire("l", "three", TTL_MS, { epoch: 1 }));
    },
  },
  {
    name: "R37: a write with a stale epoch, a released or an unknown lease fails and writes nothing",
    async check({ store }) {
      const { leases } = store;
      const fenceOf = ({ name, epoch }: Lease) => ({ lease: name, epoch });
      const old = acquired(await leases.acquire("l", "one", TTL_MS));
      await write(store, [put("a")], { fence: fenceOf(old) });
      const lease = acquired(await leases.acquire("l", "two", TTL_MS, { epoch: 1 }));
      await write(store, [put("b")], { fence: fenceOf(lease) });
      await assert.rejects(write(store, [put("c")], { fence: fenceOf(old) }), (error: unknown) => {
        assert.ok(error instanceof FencedError);
        assert.deepEqual([error.code, error.exitCode], ["LEG6022", 3]);
        assert.match(error.message, /the lease "l" of epoch 1 is at epoch 2 by now/);
        return true;
      });
      await leases.release(lease);
      for (const fence of [fenceOf(lease), { lease: "none", epoch: 1 }]) {
        await assert.rejects(write(store, [put("c")], { fence }), { code: "LEG6022" });
      }
      assert.equal(await store.version(), 2);
    },
  },
];
