// Goal: a host call and its reply cross between threads as they are.
// Method: random calls and replies, packed and unpacked.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packCall, packReply, unpackCall, unpackReply } from "./packed.ts";

const ids = { evaluation: fc.nat(), call: fc.nat() };

test("a call never changes by being packed, whatever its argument holds", () => {
  const name = fc.stringMatching(/^[\w$]{1,9}(\.[\w$]{1,9})?$/);
  const readings = fc.stringMatching(/^([0-9a-z]{1,9}(\*[0-9a-z]{1,4})?(\.[0-9a-z]{1,4})*)?$/);
  fc.assert(
    fc.property(fc.record({ ...ids, name, argument: fc.string(), readings }), (call) => {
      assert.deepEqual(unpackCall(packCall({ type: "call", ...call })), { type: "call", ...call });
    }),
  );
});

test("a reply never changes by being packed", () => {
  fc.assert(
    fc.property(fc.record({ ...ids, text: fc.string() }), (reply) => {
      const whole = { type: "reply" as const, ...reply };
      assert.deepEqual(unpackReply(packReply(whole)), whole);
    }),
  );
});
