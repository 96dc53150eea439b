// Goal: a secret that is known never leaves in any of its usual forms.
// Method: random secrets in random text, in every encoding; then looked for.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRedactor, redactDeep } from "./redact.ts";

const encodings: Readonly<Record<string, (secret: string) => string>> = {
  raw: (secret) => secret,
  base64: (secret) => Buffer.from(secret).toString("base64"),
  base64url: (secret) => Buffer.from(secret).toString("base64url"),
  "basic credentials": (secret) => Buffer.from(`user:${secret}`).toString("base64"),
  "base64 of a longer text": (secret) => Buffer.from(`Bearer ${secret} end`).toString("base64"),
  URL: encodeURIComponent,
  "form field": (secret) => new URLSearchParams({ key: secret }).toString(),
  JSON: (secret) => JSON.stringify({ key: secret }),
  "JSON in JSON": (secret) => JSON.stringify(JSON.stringify({ key: secret })),
};

const secrets = fc
  .string({ minLength: 8, maxLength: 60, unit: fc.constantFrom(...'abcXYZ0189-_./+="\\ äß✓%&') })
  .filter((secret) => secret.trim().length >= 8);

for (const [name, encode] of Object.entries(encodings)) {
  test(`a secret written as ${name} is never left in a text`, () => {
    fc.assert(
      fc.property(secrets, fc.lorem(), (secret, around) => {
        const { add, redact } = createRedactor();
        add(secret);
        const clean = redact(`${around} ${encode(secret)} ${around}`);
        assert.ok(!clean.includes(secret));
        // Undo the encoding of what is left: the secret must not come back.
        for (const word of clean.split(/[^A-Za-z0-9+/_=-]+/))
          assert.ok(!Buffer.from(word, "base64").toString().includes(secret));
        assert.ok(clean.includes("[redacted]"));
      }),
    );
  });
}

test("text without a secret stays as it is", () => {
  const { add, redact } = createRedactor();
  add("sesame-open");
  add("abc");
  assert.equal(redact("the abc of openness"), "the abc of openness");
});

test("what looks like a key is taken out although nobody knows it", () => {
  const { redact } = createRedactor();
  assert.equal(
    redact("Incorrect API key provided: sk-proj-ab****wxyz."),
    "Incorrect API key provided: [redacted].",
  );
  assert.equal(redact("authorization: Bearer abc.def"), "authorization: [redacted]");
});

test("the longer of two secrets goes first", () => {
  const { add, redact } = createRedactor();
  add("sesame");
  add("sesame-open");
  assert.equal(redact("say sesame-open"), "say [redacted]");
});

test("a value without a secret stays the same one; with one, every text in it is redacted", () => {
  const redactor = createRedactor();
  redactor.add("hunter2-hunter2");
  const clean = { text: "sk-learn-extra and Bearer of news", list: [1, null] };
  assert.equal(redactDeep(clean, redactor), clean);
  const dirty = { a: ["x hunter2-hunter2 y"], b: { c: "aHVudGVyMi1odW50ZXIy" }, n: 1 };
  const redacted = redactDeep(dirty, redactor);
  assert.doesNotMatch(JSON.stringify(redacted), /hunter2|aHVudGVy/);
  assert.equal(redacted.n, 1);
});
