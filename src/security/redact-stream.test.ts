// Goal: S25, a secret does not pass in the pieces of a streamed reply, however it is cut, and nothing else is lost or reordered.
// Method: properties over random texts with secrets in them, cut at random places.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LegionEvent } from "../telemetry/events.ts";
import { createRedactor } from "./redact.ts";
import { redactStream } from "./redact-stream.ts";

const secrets = ["sesame-4711", "aab-aab-aac"];

function delta(text: string, type: "text" | "reasoning" = "text"): LegionEvent {
  const head = { id: "1", at: "2026-01-01T00:00:00.000Z", agent: "a", run: "r" };
  return { ...head, kind: "legion.llm.delta", data: { type, text } };
}

const end = { ...delta(""), kind: "legion.llm.warning", data: { message: "end" } } as LegionEvent;

function streamed(pieces: readonly LegionEvent[]): readonly LegionEvent[] {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.add(secret);
  const told: LegionEvent[] = [];
  const sink = redactStream(redactor, (event) => void told.push(event));
  for (const piece of [...pieces, end]) sink(piece);
  return told;
}

const textOf = (events: readonly LegionEvent[]) =>
  events.map((event) => (event.kind === "legion.llm.delta" ? event.data.text : "")).join("");

test("S25: whatever the cuts, the pieces together are the redacted text", () => {
  const word = fc.oneof(fc.constantFrom(...secrets, "a", "aab-", "ses", " "), fc.string());
  const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), cuts, (words, places) => {
      const text = words.join("");
      const sorted = [0, ...places.filter((at) => at < text.length), text.length].toSorted(
        (a, b) => a - b,
      );
      const pieces = sorted.slice(1).map((to, index) => delta(text.slice(sorted[index], to)));
      const got = textOf(streamed(pieces));
      for (const secret of secrets) assert.ok(!got.includes(secret), got);
      const redactor = createRedactor();
      for (const secret of secrets) redactor.add(secret);
      assert.equal(got, redactor.redactKnown(text));
    }),
  );
});

test("what is held back comes before anything else is told, and under its own type", () => {
  const told = streamed([delta("see ses"), delta("ame-4q", "reasoning")]);
  assert.deepEqual(
    told.map((event) => (event.kind === "legion.llm.delta" ? event.data : event.kind)),
    [
      { type: "text", text: "see " },
      { type: "text", text: "ses" },
      { type: "reasoning", text: "ame-4q" },
      "legion.llm.warning",
    ],
  );
});
