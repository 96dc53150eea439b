// Goal: describe shows what somebody decided and hides defaults, so that nothing is lost: with the defaults it is the whole spec again.
// Method: specs with their defaults filled in, and what is to be left of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../lib/json.ts";
import { withDefaults } from "../manifest/defaults.ts";
import type { Kind } from "../manifest/objects.ts";
import { specShown } from "./spec-shown.ts";

const agent = { description: "Helps." };
const cases: readonly {
  readonly name: string;
  readonly kind: Kind;
  readonly written: JsonObject;
  /** Where it differs from what was written. */
  readonly shown?: JsonObject;
}[] = [
  { name: "what is required", kind: "Agent", written: agent },
  {
    name: "a part of a part",
    kind: "Agent",
    written: { ...agent, budget: { run: { tokens: 5 } } },
  },
  {
    name: "a default that was written",
    kind: "Agent",
    written: { ...agent, maxIterations: 10 },
    shown: agent,
  },
  {
    name: "a schema that has a part of the default schema",
    kind: "Agent",
    written: { ...agent, outputSchema: { type: "string", enum: ["yes", "no"] } },
  },
  { name: "lists, whole", kind: "Agent", written: { ...agent, tools: ["kv", { name: "files" }] } },
  {
    name: "a restart policy",
    kind: "Agent",
    written: { ...agent, restart: { policy: "temporary", maxRestarts: 3 } },
    shown: { ...agent, restart: { policy: "temporary" } },
  },
  {
    name: "of a provider too",
    kind: "Provider",
    written: { wire: "openai-chat", baseUrl: "http://localhost/v1", timeouts: { firstByte: "9s" } },
  },
];
for (const { name, kind, written, shown = written } of cases) {
  test(`shown is ${name}`, () => {
    const { spec } = withDefaults(kind, { spec: written }) as { spec: JsonObject };
    const left = specShown(kind, spec);
    assert.deepEqual(withDefaults(kind, { spec: left }), { spec });
    assert.deepEqual(withDefaults(kind, { spec: shown }), { spec });
    assert.deepEqual(Object.keys(left).sort(), Object.keys(shown).sort());
  });
}

test("a kind that nobody knows is shown whole", () => {
  assert.deepEqual(specShown("Nothing", { a: 1 }), { a: 1 });
});
