// Goal: rows come to disk in few transactions, and one that cannot be written keeps back no other.
// Method: a store that refuses some rows, or all, on time that passes when it is told to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LegionError } from "../lib/errors.ts";
import { manualTime } from "../testing/manual-timers.ts";
import { memoryWatching } from "../testing/watchers.ts";
import { Keeper } from "./keeper.ts";

/** A keeper over a store that refuses what `isRefused` names. */
function kept(isRefused: (uid: string) => boolean) {
  const { clock, timers, advance } = manualTime();
  const states = memoryWatching(clock);
  const written: string[] = [];
  const errors: unknown[] = [];
  let attempts = 0;
  const keeper = new Keeper({
    ...{ clock, timers, onError: (error) => void errors.push(error) },
    states: {
      ...states,
      async write(rows) {
        attempts += 1;
        if (rows.some(({ uid }) => isRefused(uid)))
          throw new LegionError({ code: "LEG6003", message: "too big", hint: "" });
        await states.write(rows);
      },
    },
    rowOf: (uid) => ({ state: { uid }, written: () => void written.push(uid) }),
  });
  const settle = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { keeper, states, written, errors, settle, attempts: () => attempts };
}

test("a row that cannot be written keeps back no other, and is not tried all the time", async () => {
  const { keeper, states, written, errors, settle, attempts } = kept((uid) => uid === "bad");
  for (const uid of ["a", "bad", "b"]) keeper.soon(uid);
  await settle(100);
  assert.deepEqual(written, ["a", "b"]);
  keeper.soon("c");
  await settle(100);
  assert.deepEqual(written, ["a", "b", "c"]);
  const before = attempts();
  await settle(20_000);
  assert.ok(attempts() - before < 20, `${attempts() - before} attempts`);
  assert.deepEqual([...states.rows.keys()], ["a", "b", "c"]);
  assert.equal(errors.length, 1);
});

test("when nothing can be written all of it is tried again, ever more slowly, and told once", async () => {
  let isBroken = true;
  const { keeper, states, written, errors, settle, attempts } = kept(() => isBroken);
  for (let index = 0; index < 50; index += 1) keeper.soon(`row-${index}`);
  await settle(10_000);
  assert.equal(states.rows.size, 0);
  assert.ok(attempts() < 30, `${attempts()} attempts`);
  assert.equal(errors.length, 1);
  isBroken = false;
  await settle(20_000);
  assert.equal(states.rows.size, 50);
  assert.equal(written.length, 50);
});
