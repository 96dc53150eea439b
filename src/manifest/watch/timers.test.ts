// Goal: a timer of the system runs when its time has come, also one that waits longer than Node can, which would run it at once.
// Method: the delays that Node is asked for are looked at, and time passes when it is told to.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { systemTimers } from "./timers.ts";

const longestMs = 2 ** 31 - 1;
const monthMs = 30 * 86_400_000;

test("a month is waited for in parts that Node can wait, and ends when it is over", (t) => {
  t.after(() => mock.reset());
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = mock.method(globalThis, "setTimeout");
  let runs = 0;
  systemTimers.after(monthMs, () => {
    runs += 1;
  });
  mock.timers.tick(longestMs);
  assert.equal(runs, 0);
  mock.timers.tick(monthMs - longestMs);
  assert.equal(runs, 1);
  const delays = asked.mock.calls.map(({ arguments: [, ms] }) => Number(ms));
  assert.deepEqual(
    delays.filter((ms) => ms > longestMs),
    [],
  );
});

test("one that was prevented in a later part does not run", (t) => {
  t.after(() => mock.reset());
  mock.timers.enable({ apis: ["setTimeout"] });
  let runs = 0;
  const prevent = systemTimers.after(monthMs, () => {
    runs += 1;
  });
  mock.timers.tick(longestMs);
  prevent();
  mock.timers.tick(monthMs);
  assert.equal(runs, 0);
});
