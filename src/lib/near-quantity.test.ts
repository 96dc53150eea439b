// Goal: what people write in place of a duration or a size is understood, and nothing is suggested that is none.
// Method: a table of writings; a property test over arbitrary text.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nearQuantity, type Quantity, quantityOf } from "./near-quantity.ts";

const rows: readonly [value: string | number, quantity: Quantity, want: string | undefined][] = [
  [30, "duration", "30s"],
  [30_000, "duration", "30000ms"],
  ["90", "duration", "90s"],
  ["10 minutes", "duration", "10m"],
  ["1 hour, 30 min", "duration", "1h30m"],
  ["5M", "duration", "5m"],
  ["500 msec", "duration", "500ms"],
  ["soon", "duration", undefined],
  ["10 parsecs", "duration", undefined],
  [64, "size", "64MiB"],
  [65_536, "size", "65536B"],
  ["64M", "size", "64MiB"],
  ["64 mb", "size", "64MB"],
  ["1g", "size", "1GiB"],
  ["64 minutes", "size", undefined],
  ["1GiB 5MiB", "size", undefined],
];

for (const [value, quantity, want] of rows) {
  test(`${JSON.stringify(value)} for a ${quantity} is ${want ?? "nothing near"}`, () =>
    assert.equal(nearQuantity(value, quantity), want));
}

test("what is suggested always is a quantity of that sort", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,3} ?[a-zA-Z]{1,4}$/), fc.nat());
  fc.assert(
    fc.property(text, fc.constantFrom("duration", "size"), (value, quantity) => {
      const near = nearQuantity(value, quantity as Quantity);
      assert.ok(near === undefined || quantityOf(near) === quantity, near);
    }),
  );
});
