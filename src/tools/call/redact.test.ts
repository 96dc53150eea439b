// Goal: no text of a reply has a secret in it, wherever the tool put it (S35).
// Method: a redactor of one word; tools that return and throw it in every place; any JSON as a property.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { LegionError } from "../../lib/errors.ts";
import type { Json, JsonSchema } from "../../lib/json.ts";
import { type Workplace, workplace } from "../../testing/toolbox.ts";
import { callTool } from "../call.ts";
import type { Tool } from "../contract.ts";
import { redactValue } from "./redact.ts";

const SECRET = "hunter2hunter2";
const redact = (text: string) => text.replaceAll(SECRET, "[redacted]");
const caller = { agent: "a", run: "r", signal: new AbortController().signal };

let place: Workplace;
before(async () => {
  place = await workplace();
});
after(() => place[Symbol.asyncDispose]());

function calling(run: () => Json, returns?: JsonSchema, redactor = redact) {
  const go = { description: "", parameters: { type: "object" }, ...(returns && { returns }) };
  const limits = { timeoutMs: 5_000, maxArgumentBytes: 10_000, maxResultBytes: 100_000 };
  const call: Tool["call"] = async () => run();
  const tool = { name: "box", description: "", functions: { go }, limits, call };
  return callTool(
    [{ as: "box", tool, functions: ["go"], config: {} }],
    "box.go",
    {},
    caller,
    redactor,
  );
}
const throwing = (error: unknown) => () => {
  throw error;
};

test("values are redacted at every depth, keys too, and the rest stays", async () => {
  const value = { a: [`x ${SECRET} y`, { [`key-${SECRET}`]: SECRET }, 1, null, true], b: "open" };
  assert.deepEqual(await calling(() => value), {
    ok: true,
    value: { a: ["x [redacted] y", { "key-[redacted]": "[redacted]" }, 1, null, true], b: "open" },
  });
});

test("a number that is a secret goes too; one that only holds its digits, and one that counts something, stay", async () => {
  const digits = (text: string) => text.replaceAll("918273645", "[redacted]");
  const value = { pin: 918273645, near: 9182736450, text: "918273645", list: [918273645, 7] };
  const reply = await calling(() => value, undefined, digits);
  const kept = { pin: "[redacted]", near: 9182736450, text: "[redacted]", list: ["[redacted]", 7] };
  assert.deepEqual(reply, { ok: true, value: kept });
});

test("no JSON value keeps a secret, and one without stays the same", () => {
  const withSecret = fc
    .jsonValue()
    .chain((value) =>
      fc.constantFrom<Json>(SECRET, [value as Json, `a${SECRET}`], { [SECRET]: value as Json }),
    );
  fc.assert(
    fc.property(withSecret, (value) => {
      assert.ok(!JSON.stringify(redactValue(value, redact)).includes(SECRET));
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(redactValue(value as Json, redact), value);
    }),
  );
});

const failures: { name: string; run: () => Json; returns?: JsonSchema }[] = [
  { name: "an Error", run: throwing(new Error(`login with ${SECRET} failed`)) },
  { name: "a text", run: throwing(SECRET) },
  {
    name: "a secret at the place where long messages are cut",
    run: throwing(new Error(`${"x".repeat(1_993)}${SECRET}`)),
  },
  {
    name: "every text of a LegionError",
    run: throwing(
      new LegionError({
        code: "LEG6012",
        message: SECRET,
        hint: `use ${SECRET}`,
        valid: [SECRET],
        example: `f("${SECRET}")`,
      }),
    ),
  },
  {
    name: "the schema error of a result",
    run: () => `${"x".repeat(10)}${SECRET}${"y".repeat(500)}`,
    returns: { type: "object" },
  },
];
for (const { name, run, returns } of failures) {
  test(`${name} arrives without the secret, and without half of it`, async () => {
    const reply = await calling(run, returns);
    assert.ok(!reply.ok);
    assert.doesNotMatch(JSON.stringify(reply), /hunter/);
  });
}

test("the listener of a call hears of its failure without the secret", async () => {
  const heard: unknown[] = [];
  const onCall = () => (end: unknown) => heard.push(end);
  const reply = await callTool([], SECRET, {}, { ...caller, onCall }, redact);
  assert.ok(!reply.ok);
  assert.equal(heard.length, 1);
  assert.doesNotMatch(JSON.stringify(heard), /hunter/);
});

test("a redactor that throws lets neither text nor number out, and the call answers", async () => {
  const broken = () => {
    throw new Error("broken");
  };
  assert.deepEqual(await calling(() => [SECRET, 1], undefined, broken), {
    ok: true,
    value: ["[redacted]", "[redacted]"],
  });
  const failed = await calling(throwing(new Error(SECRET)), undefined, broken);
  assert.doesNotMatch(JSON.stringify(failed), /hunter/);
});

test("a toolbox redacts, and a js tool cannot respell what it gets from its capabilities", async () => {
  const source =
    "async function spell({ key }) { return [...(await tools.kv.get({ key }))].join(' '); }";
  const parameters = { type: "object", properties: { key: { type: "string" } } };
  const functions = { spell: { description: "Spells.", parameters } };
  const box = await place.create({
    tools: {
      kv: { type: "builtin", builtin: "kv" },
      speller: { type: "js", source, functions, capabilities: ["kv"] },
    },
    secrets: { redact },
  });
  await box.value("kv.set", { key: "a", value: SECRET });
  assert.equal(await box.value("kv.get", { key: "a" }), "[redacted]");
  assert.equal(await box.value("speller.spell", { key: "a" }), [..."[redacted]"].join(" "));
});
