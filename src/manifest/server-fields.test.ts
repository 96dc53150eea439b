// Goal: what legion get prints can be applied again, and nothing else gets away with fields of the server.
// Method: the real loader on texts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadManifests } from "./load.ts";

const server = { uid: "01M7Z5B8FMMSGTF747T12ERJM6", generation: 2, resourceVersion: 20 };
const spec = { type: "builtin", builtin: "now" };

function load(...objects: readonly object[]) {
  const text = JSON.stringify({ apiVersion: "legion.dev/v1", kind: "List", items: objects });
  return loadManifests([{ text, filename: "list.json" }], { cwd: "/", env: {} });
}

const tool = (metadata: object, more: object = {}) => ({
  apiVersion: "legion.dev/v1",
  kind: "Tool",
  metadata: { name: "now", ...metadata },
  spec,
  ...more,
});

test("an object of the server is a manifest again", async () => {
  const origin = { source: "roots", file: "/a.yaml", document: 0 };
  const printed = tool(
    { ...server, creationTimestamp: "2026-11-21T13:39:47.316Z", finalizers: [], origin },
    { status: { conditions: [] } },
  );
  const { objects, diagnostics } = await load(printed);
  assert.deepEqual(diagnostics, []);
  const [plain] = (await load(tool({}))).objects;
  assert.equal(objects[0]?.specHash, plain?.specHash);
  assert.deepEqual(objects[0]?.sent, plain?.sent);
});

test("without the marks of a server its fields are unknown ones", async () => {
  for (const wrong of [tool({ generation: 2 }), tool({}, { status: {} }), tool({ uid: "x" })]) {
    const { diagnostics } = await load(wrong);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ["LEG1007"],
    );
  }
});
