// Goal: every error says code, sentence and next step; the table of codes is whole.
// Method: read the table; make errors; send log lines with secrets through the logger.
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { type CodePage, codes } from "./codes.ts";
import { errorData, LegionError, unknownName } from "./errors.ts";
import { canonicalHash } from "./hash.ts";
import { newId } from "./ids.ts";
import { pathOf, pointerOf } from "./json.ts";
import { createLog, logLevel } from "./log.ts";

for (const [code, page] of Object.entries<CodePage>(codes)) {
  test(`the page of ${code} is written for a reader`, () => {
    assert.match(code, /^LEG[1-9]\d{3}$/);
    assert.match(
      page.title,
      /^[^A-Z].*[^.]$|^[A-Z]{2,}|^JSON|^YAML|^JavaScript/,
      "a title: lower case, no full stop",
    );
    for (const text of [page.why, page.fix])
      assert.match(text, /^\S.{10,}[.!?]$/s, "whole sentences");
    assert.ok(
      [undefined, 1, 2, 3, 4, 124, 130].includes(page.exit),
      "an exit code of the documented table",
    );
  });
}

test("an error crosses as data without its cause or stack", () => {
  const error = new LegionError(
    { code: "LEG7003", message: 'no agent is named "x"', hint: "use one of: y", valid: ["y"] },
    new Error("secret"),
  );
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    code: "LEG7003",
    message: 'no agent is named "x"',
    hint: "use one of: y",
    valid: ["y"],
  });
  assert.equal(error.exitCode, 1);
});

test("anything else that is thrown becomes an internal error with its message only", () => {
  assert.deepEqual(Object.keys(errorData(new TypeError("x is undefined"))), [
    "code",
    "message",
    "hint",
  ]);
  assert.equal(errorData("text").message, "internal error: text");
});

test("an unknown name lists the valid ones, or suggests the near one", () => {
  assert.equal(unknownName("LEG7003", "agent", "b", ["z", "a"]).hint, "use one of: a, z");
  assert.equal(
    unknownName("LEG7003", "agent", "helo", ["hello"], "hello").hint,
    'did you mean "hello"?',
  );
  assert.equal(unknownName("LEG7003", "agent", "b", []).hint, "there is no agent yet");
});

test("the hash does not depend on key order, and ids sort by age", () => {
  assert.equal(
    canonicalHash({ a: 1, b: [{ c: 2, d: 3 }] }),
    canonicalHash({ b: [{ d: 3, c: 2 }], a: 1 }),
  );
  assert.notEqual(canonicalHash({ a: [1, 2] }), canonicalHash({ a: [2, 1] }));
  const ids = Array.from({ length: 100 }, () => newId());
  assert.deepEqual(ids, ids.toSorted());
});

test("a pointer and its path are the same thing", () => {
  const path = ["spec", "a/b", "c~d"];
  assert.equal(pointerOf(path), "/spec/a~1b/c~0d");
  assert.deepEqual(pathOf(pointerOf(path)), path);
});

test("secrets do not reach the log, by field or inside texts", async () => {
  let written = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  const log = await createLog({
    level: "info",
    stream,
    redact: (line) => line.replaceAll("hunter2", "[redacted]"),
  });
  log.info(
    { request: { headers: { authorization: "Bearer k1" } }, apiKey: "k2" },
    "the password is hunter2",
  );
  log.debug("below the level");
  assert.doesNotMatch(written, /k1|k2|hunter2|below/);
  assert.equal(JSON.parse(written).msg, "the password is [redacted]");
});

test("LEGION_LOG sets the level, and nonsense in it does not", () => {
  assert.equal(logLevel({ LEGION_LOG: "debug" }, "warn"), "debug");
  assert.equal(logLevel({ LEGION_LOG: "loud" }, "warn"), "warn");
});
