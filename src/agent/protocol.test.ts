// Goal: every reply, however odd, becomes an action or a failure that tells the model what to do.
// Method: tables of reply texts; a property test feeds arbitrary text and JSON.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ActionType, parseReply, REPLY_BYTES_MAX } from "./protocol.ts";

const all: ActionType[] = ["eval_and_continue", "eval_and_complete", "return", "done"];
const json = JSON.stringify;
const returned = { action: "return", code: "", result: "yes" };
const megabyte = "x".repeat(1_000_000);

const accepted = [
  {
    name: "eval_and_continue takes the code",
    reply: json({ action: "eval_and_continue", code: "1", result: "" }),
    want: { type: "eval_and_continue", code: "1" },
  },
  {
    name: "eval_and_complete takes the code and ignores the result",
    reply: json({ action: "eval_and_complete", code: "1", result: "ignored" }),
    want: { type: "eval_and_complete", code: "1" },
  },
  {
    name: "return takes the result",
    reply: json(returned),
    want: { type: "return", result: "yes" },
  },
  {
    name: "return may return null",
    reply: json({ action: "return", result: null }),
    want: { type: "return", result: null },
  },
  { name: "done takes nothing", reply: json({ action: "done" }), want: { type: "done" } },
  {
    name: "fields that nobody asked for are ignored",
    reply: json({ ...returned, confidence: 1 }),
    want: { type: "return", result: "yes" },
  },
  {
    name: "white space around the object does not matter",
    reply: `\n  ${json(returned)}\n`,
    want: { type: "return", result: "yes" },
  },
  {
    name: "an object in a code fence is found",
    reply: `\`\`\`json\n${json(returned)}\n\`\`\``,
    want: { type: "return", result: "yes" },
  },
  {
    name: "an object in prose is found",
    reply: `Sure! Here {as you like} it is: ${json(returned)} Hope {this} helps.`,
    want: { type: "return", result: "yes" },
  },
  {
    name: "braces and quotes in strings do not end the object",
    reply: `So: ${json({ action: "return", result: 'a } "b" \\ {' })}`,
    want: { type: "return", result: 'a } "b" \\ {' },
  },
  {
    name: "of several objects the first with an action counts",
    reply: `${json({ plan: 1 })} ${json(returned)} ${json({ action: "done" })}`,
    want: { type: "return", result: "yes" },
  },
  {
    name: "an object after many open braces is found",
    reply: `${"{ ".repeat(10)}${json(returned)}`,
    want: { type: "return", result: "yes" },
  },
  {
    name: "a reply of 1 MB is read",
    reply: json({ action: "return", result: megabyte }),
    want: { type: "return", result: megabyte },
  },
];

for (const { name, reply, want } of accepted) {
  test(name, () => {
    const parsed = parseReply(reply, all);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.action, want);
  });
}

test("the object is kept as the model wrote it, without the prose", () => {
  const parsed = parseReply(`Well: ${json({ thought: "I know", ...returned })}.`, all);
  assert.ok(parsed.ok);
  assert.equal(parsed.json, '{"thought":"I know","action":"return","code":"","result":"yes"}');
});

const refused = [
  { name: "an empty reply", reply: "", code: "LEG2040", message: /^the reply is empty$/ },
  { name: "white space only", reply: " \n", code: "LEG2040", message: /^the reply is empty$/ },
  { name: "prose without JSON", reply: "I think that", code: "LEG2040", message: /not JSON/ },
  {
    name: "half an object",
    reply: '{"action":"return","resu',
    code: "LEG2040",
    message: /not JSON/,
  },
  { name: "a list", reply: "[1]", code: "LEG2040", message: /not an object/ },
  { name: "a JSON string", reply: '"return"', code: "LEG2040", message: /not an object/ },
  { name: "null", reply: "null", code: "LEG2040", message: /not an object/ },
  { name: "an object without an action", reply: "{}", code: "LEG2040", message: /no action/ },
  {
    name: "an action that does not exist",
    reply: json({ ...returned, action: "eval_and_kontinue" }),
    code: "LEG2041",
    message:
      /^Action eval_and_kontinue is not allowed here\. Allowed: eval_and_continue, eval_and_complete, return, done$/,
    hint: /did you mean "eval_and_continue"/,
  },
  {
    name: "an action that is no text",
    reply: json({ ...returned, action: ["return"] }),
    code: "LEG2041",
    message: /^Action \["return"\] is not allowed/,
  },
  {
    name: "an action that this agent may not choose",
    reply: json({ action: "done", code: "", result: "" }),
    allowed: ["return"] as const,
    code: "LEG2041",
    message: /^Action done is not allowed here\. Allowed: return$/,
  },
  {
    name: "an action with a name of 1 MB, which is not quoted whole",
    reply: json({ ...returned, action: megabyte }),
    code: "LEG2041",
    message: /^.{1,200}$/,
  },
  {
    name: "eval_and_continue with empty code",
    reply: json({ action: "eval_and_continue", code: " ", result: "" }),
    code: "LEG2042",
    message: /code is empty/,
  },
  {
    name: "eval_and_complete without code",
    reply: json({ action: "eval_and_complete", result: "" }),
    code: "LEG2042",
    message: /code is empty/,
  },
  {
    name: "code that is no text",
    reply: json({ action: "eval_and_complete", code: 7 }),
    code: "LEG2042",
    message: /must be a string, but is 7/,
  },
  {
    name: "return without a result",
    reply: json({ action: "return", code: "" }),
    code: "LEG2043",
    message: /needs a result/,
  },
  {
    name: "a reply that is far too long",
    reply: json({ action: "return", result: "x".repeat(REPLY_BYTES_MAX) }),
    code: "LEG2040",
    message: /longer than/,
  },
  {
    name: "a reply of 1 MB of opening brackets",
    reply: "[{".repeat(500_000),
    code: "LEG2040",
    message: /nested deeper/,
  },
  {
    name: "an object that is nested very deep",
    reply: `{"action":"return","result":${"[".repeat(5000)}${"]".repeat(5000)}}`,
    code: "LEG2040",
    message: /nested deeper/,
  },
];

for (const { name, reply, code, message, hint, allowed = all } of refused) {
  test(`refused: ${name}`, () => {
    const parsed = parseReply(reply, allowed);
    assert.ok(!parsed.ok);
    assert.equal(parsed.failure.stage, "reply");
    assert.equal(parsed.failure.error.code, code);
    assert.match(parsed.failure.error.message, message);
    assert.match(parsed.failure.error.hint, hint ?? /./);
  });
}

test("no text makes the parser throw", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json(), fc.string({ unit: fc.constantFrom(...'{}[]"\\ a:,') })),
      (text) => {
        const parsed = parseReply(text, all);
        assert.equal(typeof parsed.ok, "boolean");
      },
    ),
  );
});

test("an action is always found again in prose around it", () => {
  const prose = fc.string().filter((text) => !/[{}"]/.test(text));
  fc.assert(
    fc.property(prose, fc.jsonValue({ maxDepth: 5 }), prose, (before, result, after) => {
      const parsed = parseReply(`${before}${json({ action: "return", result })}${after}`, all);
      assert.ok(parsed.ok && parsed.action.type === "return");
      assert.deepEqual(json(parsed.action.result), json(result));
    }),
  );
});
