// Goal: an answer is what the question allows, or says what would be.
// Method: a table of questions and answers, with the answer that is kept, or words of the refusal.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LegionError } from "../lib/errors.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { ANSWER_BYTES_MAX, fittingAnswer } from "./answers.ts";

interface Row {
  readonly name: string;
  readonly choices?: readonly string[];
  readonly schema?: JsonObject;
  readonly readings: readonly Json[];
  readonly kept?: Json;
  readonly refused?: RegExp;
  readonly valid?: readonly string[];
}

const colours = ["red", "green", "Dark Blue"];
const pair: JsonObject = {
  type: "object",
  required: ["id"],
  properties: { id: { type: "integer" }, kind: { enum: ["a", "b"] } },
};

const rows: readonly Row[] = [
  { name: "a text to an open question", readings: ["as you like"], kept: "as you like" },
  { name: "a value to an open question", readings: [{ a: [1] }], kept: { a: [1] } },
  { name: "null to an open question", readings: [null], kept: null },
  { name: "a text that is JSON stays text", readings: ["5"], kept: "5" },
  { name: "the first reading goes first", readings: [5, "5"], kept: 5 },
  { name: "a choice", choices: colours, readings: ["red"], kept: "red" },
  {
    name: "a choice in another case",
    choices: colours,
    readings: [" dark blue "],
    kept: "Dark Blue",
  },
  { name: "a choice as a JSON text", choices: colours, readings: ['"red"'], kept: "red" },
  {
    name: "a choice that only case tells from another",
    choices: ["A", "a"],
    readings: ["a"],
    kept: "a",
  },
  {
    name: "case does not decide between two",
    choices: ["Ab", "aB"],
    readings: ["AB"],
    refused: /none of the choices.*did you mean/,
    valid: ["Ab", "aB"],
  },
  {
    name: "no choice, but near to one",
    choices: colours,
    readings: ["gren"],
    refused: /none of the choices.*did you mean "green"\?/,
    valid: colours,
  },
  {
    name: "a number is no choice",
    choices: ["1", "2"],
    readings: [3],
    refused: /none of the choices.*answer one of: "1", "2"/,
    valid: ["1", "2"],
  },
  { name: "an object of the schema", schema: pair, readings: [{ id: 1 }], kept: { id: 1 } },
  { name: "an object as text", schema: pair, readings: ['{"id": 1}'], kept: { id: 1 } },
  { name: "a number as text", schema: { type: "number" }, readings: ["5"], kept: 5 },
  {
    name: "a text that looks like a number",
    schema: { type: "string" },
    readings: ["5"],
    kept: "5",
  },
  { name: "the second reading fits", schema: { type: "string" }, readings: [5, "5"], kept: "5" },
  {
    name: "a field is missing",
    schema: pair,
    readings: [{}],
    refused: /does not meet the schema: lacks the required field "id"/,
  },
  {
    name: "a field is none of its values",
    schema: pair,
    readings: [{ id: 1, kind: "c" }],
    refused: /schema: kind: must be one of the allowed values/,
    valid: ["a", "b"],
  },
  {
    name: "no number at all",
    schema: { type: "number" },
    readings: ["five"],
    refused: /must be a number/,
  },
  {
    name: "a choice that the schema refuses",
    choices: ["x", "yy"],
    schema: { type: "string", minLength: 2 },
    readings: ["x"],
    refused: /at least 2 characters/,
  },
  { name: "no reading", readings: [], refused: /is empty/ },
  { name: "a text that is too long", readings: ["x".repeat(ANSWER_BYTES_MAX)], refused: /256 KiB/ },
];

for (const { name, readings, kept, refused, valid, ...question } of rows) {
  test(name, async () => {
    const fitting = fittingAnswer({ id: "Q", ...question }, readings);
    if (refused === undefined) return assert.deepEqual(await fitting, kept);
    const error = await fitting.then(
      () => assert.fail("it was kept"),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof LegionError);
    assert.equal(error.code, "LEG2064");
    assert.match(`${error.message} - ${error.hint}`, refused);
    if (valid !== undefined) assert.deepEqual(error.valid, valid);
  });
}
