// Goal: accepted code is found again by place and digest, and the memory stays within its bound.
// Method: small memories are filled beyond their bound, and what they still hold is compared.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createCodeMemory } from "./code-memory.ts";

const file = (content: string) => ({ content });

test("a file is found by its place and digest together", () => {
  const memory = createCodeMemory(100);
  memory.keep("/a", "1", file("one"));
  memory.keep("/a", "2", file("two"));
  assert.equal(memory.find("/a", "1")?.content, "one");
  assert.equal(memory.find("/a", "2")?.content, "two");
  assert.equal(memory.find("/b", "1"), undefined);
  assert.equal(memory.find("/a", "3"), undefined);
});

test("what was not asked for the longest goes first", () => {
  const memory = createCodeMemory(10);
  for (const place of ["/a", "/b"]) memory.keep(place, "1", file("12345"));
  memory.find("/a", "1");
  memory.keep("/c", "1", file("12345"));
  const held = ["/a", "/b", "/c"].filter((place) => memory.find(place, "1") !== undefined);
  assert.deepEqual(held, ["/a", "/c"]);
});

test("the same file kept again counts once, and one that is too large is not held", () => {
  const memory = createCodeMemory(10);
  for (let time = 0; time < 5; time += 1) memory.keep("/a", "1", file("12345"));
  memory.keep("/b", "1", file("12345"));
  assert.ok(memory.find("/a", "1"));
  memory.keep("/c", "1", file("12345678901"));
  assert.equal(memory.find("/c", "1"), undefined);
});
