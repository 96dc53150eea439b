// Goal: the model reads results and errors in the agreed words.
// Method: whole texts of evaluations and failures, compared exactly.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Evaluation } from "../sandbox/contract.ts";
import { codeFailure, failureText, successText } from "./messages.ts";

type Success = Extract<Evaluation, { ok: true }>;

const plain: Success = {
  ok: true,
  value: undefined,
  logs: [],
  logsCut: false,
  readings: "",
  toolCalls: 0,
  durationMs: 1,
  bindings: [],
  skipped: [],
  snapshot: "",
};

const successes: {
  name: string;
  evaluation: Partial<Success>;
  persists?: boolean;
  want: string;
}[] = [
  {
    name: "a value is fenced as JSON",
    evaluation: { value: { a: [1, "x"] } },
    want: 'Code executed successfully. Result:\n```json\n{"a":[1,"x"]}\n```',
  },
  {
    name: "text stands as it is, not as a JSON string",
    evaluation: { value: 'line "1"\nline 2' },
    want: 'Code executed successfully. Result:\n```text\nline "1"\nline 2\n```',
  },
  {
    name: "no value is undefined",
    evaluation: {},
    want: "Code executed successfully. Result:\n```json\nundefined\n```",
  },
  {
    name: "text with a fence in it gets a longer fence",
    evaluation: { value: "````js\n1\n````" },
    want: "Code executed successfully. Result:\n`````text\n````js\n1\n````\n`````",
  },
  {
    name: "logs and variables follow the value",
    evaluation: {
      value: 1,
      logs: ["one", "two"],
      bindings: [
        { name: "rows", type: "array", bytes: 2048 },
        { name: "f", type: "function", bytes: 12 },
      ],
    },
    want: "Code executed successfully. Result:\n```json\n1\n```\n\nLogs:\none\ntwo\n\nAvailable variables: rows (array, 2 KiB), f (function, 12 B)",
  },
  {
    name: "logs that were cut say so, and so do variables that could not be kept",
    evaluation: {
      value: 1,
      logs: ["one"],
      logsCut: true,
      skipped: [{ name: "loop", reason: "it contains itself" }],
    },
    want: "Code executed successfully. Result:\n```json\n1\n```\n\nLogs:\none\n[the rest of the logs was over the limit]\n\nNot kept: loop (it contains itself)",
  },
  {
    name: "variables that do not persist are not offered",
    evaluation: { value: 1, bindings: [{ name: "rows", type: "array", bytes: 2 }] },
    persists: false,
    want: "Code executed successfully. Result:\n```json\n1\n```",
  },
];

for (const { name, evaluation, persists = true, want } of successes) {
  test(name, () => assert.equal(successText({ ...plain, ...evaluation }, persists), want));
}

test("many variables are counted, not listed", () => {
  const bindings = Array.from({ length: 60 }, (_, index) => ({
    name: `v${index}`,
    type: "number",
    bytes: 1,
  }));
  assert.match(successText({ ...plain, bindings }, true), /v49 \(number, 1 B\) and 10 more$/);
});

test("an error of code has position, frame, hint and logs", () => {
  const failure = codeFailure({
    ok: false,
    logs: ["before"],
    logsCut: false,
    readings: "",
    toolCalls: 0,
    durationMs: 1,
    error: {
      name: "RuntimeError",
      code: "LEG9001",
      message: "TypeError: x is not a function",
      hint: "x is a number",
      line: 2,
      column: 5,
      frame: "> 2 | f(x())\n    |   ^",
    },
  });
  const want = [
    "Code execution failed:\nTypeError: x is not a function (line 2, column 5)",
    "> 2 | f(x())\n    |   ^",
    "Hint: x is a number",
    "Logs:\nbefore",
    "Please fix the error and try again.",
  ];
  assert.equal(failureText(failure), want.join("\n\n"));
});

const failures = [
  {
    stage: "reply",
    want: /^Your reply could not be used:\nwrong\n\nHint: do right\n\nExample: \{\}\n\nPlease fix/,
  },
  { stage: "answer", want: /^The answer was not accepted:\nwrong\n\nHint: do right\n\n/ },
] as const;

for (const { stage, want } of failures) {
  test(`an error of the ${stage} says what was wrong with it`, () => {
    const error = { code: "LEG2040", message: "wrong", hint: "do right", example: "{}" } as const;
    assert.match(failureText({ stage, error }), want);
  });
}
