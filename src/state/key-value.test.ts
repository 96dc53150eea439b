// Goal: namespaces are apart, values come back as they were, times end, limits hold, and failures are told and never swallowed.
// Method: the real Keyv over real SQLite files; only Date is moved, for times to live.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, mock, test } from "node:test";
import fc from "fast-check";
import type { Json } from "../lib/json.ts";
import { type Database, openDatabase } from "./database.ts";
import { KEYS_MAX, type KeyValue, openKeyValue } from "./key-value.ts";

let folder = "";
let database: Database;
let store: KeyValue;
let spaces = 0;
let name = "";
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "legion-kv-"));
  database = await openDatabase(folder);
  store = await openKeyValue(database);
});
beforeEach(() => {
  spaces += 1;
  name = `space-${spaces}`;
});
after(async () => {
  database.close();
  await rm(folder, { recursive: true, force: true });
});

test("any JSON comes back as it was", async () => {
  const space = store.space(name);
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      // The text of a value is what is kept: -0 is 0 there.
      const kept = JSON.parse(JSON.stringify(value)) as Json;
      await space.set("key", kept);
      assert.deepEqual(await space.get("key"), kept);
    }),
    { numRuns: 100 },
  );
});

test("what one namespace keeps, no other has", async () => {
  const names = [name, `${name}:x`, `${name}/x`, `${name} `, "", "%", "_"];
  for (const each of names) await store.space(each).set("key", each);
  for (const each of names) assert.equal(await store.space(each).get("key"), each);
  assert.equal(await store.space(`${name}-other`).get("key"), undefined);
});

test("keys that look like another key with its namespace are keys of their own", async () => {
  const space = store.space(name);
  await space.set("key", 1);
  await space.set(`${name}:key`, 2);
  await space.set(`${name}`, 3);
  assert.deepEqual([await space.get("key"), await space.get(`${name}:key`)], [1, 2]);
  assert.deepEqual((await space.list({ prefix: "", limit: 10 })).keys, [
    "key",
    name,
    `${name}:key`,
  ]);
});

test("an entry tells when its time is over, and is none after that", async (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_000 });
  const space = store.space(name);
  await space.set("for ever", null);
  await space.set("short", [1], 500);
  assert.deepEqual(await space.entry("for ever"), { value: null });
  assert.deepEqual(await space.entry("short"), { value: [1], expiresAtMs: 1_500 });
  assert.equal(await space.entry("none"), undefined);
  context.mock.timers.setTime(1_500);
  assert.equal(await space.entry("short"), undefined);
});

test("delete tells whether there was one", async () => {
  const space = store.space(name);
  await space.set("key", null);
  assert.equal(await space.delete("key"), true);
  assert.equal(await space.delete("key"), false);
});

test("list gives keys with the prefix in order, up to the limit, and tells of more", async () => {
  const space = store.space(name);
  const keys = ["a", "a%", "a/1", "a/2", "a/ü", "a/😀", "a_", "b"];
  for (const key of keys.toReversed()) await space.set(key, 1);
  assert.deepEqual(await space.list({ prefix: "", limit: 100 }), { keys, more: false });
  assert.deepEqual(await space.list({ prefix: "a/", limit: 100 }), {
    keys: ["a/1", "a/2", "a/ü", "a/😀"],
    more: false,
  });
  assert.deepEqual(await space.list({ prefix: "a/", limit: 2 }), {
    keys: ["a/1", "a/2"],
    more: true,
  });
  assert.deepEqual(await space.list({ prefix: "%", limit: 2 }), { keys: [], more: false });
});

test("list never gives a key without the prefix and never leaves one out", async () => {
  const key = fc.string({
    minLength: 1,
    maxLength: 4,
    unit: fc.constantFrom("a", "b", "%", "_", "/", "ü", "😀"),
  });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { maxLength: 12 }), key, async (keys, prefix) => {
      spaces += 1;
      const space = store.space(`space-${spaces}`);
      for (const each of keys) await space.set(each, 1);
      const listed = await space.list({ prefix, limit: 100 });
      assert.deepEqual(
        new Set(listed.keys),
        new Set(keys.filter((each) => each.startsWith(prefix))),
      );
    }),
    { numRuns: 50 },
  );
});

test("a value is gone when its time is over, from get, list and delete", async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const space = store.space(name);
  await space.set("short", 1, 1_000);
  await space.set("long", 2, 10_000);
  await space.set("ever", 3);
  mock.timers.setTime(1_000_999);
  assert.equal(await space.get("short"), 1);
  mock.timers.setTime(1_001_001);
  assert.deepEqual((await space.list({ prefix: "", limit: 10 })).keys, ["ever", "long"]);
  assert.equal(await space.get("short"), undefined);
  assert.equal(await space.get("long"), 2);
  await space.set("long", 2);
  mock.timers.setTime(9_000_000);
  assert.equal(await space.get("long"), 2, "a later set without a time takes the time away");
});

test("opening the store clears what is over", async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  await store.space(name).set("old", 1, 1_000);
  mock.timers.setTime(2_000_000);
  await openKeyValue(database);
  assert.deepEqual(database.query("SELECT key FROM keyv WHERE key = 'old'"), []);
});

test("many writers at once lose nothing", async () => {
  const space = store.space(name);
  const keys = Array.from({ length: 200 }, (_, at) => `key-${String(at).padStart(3, "0")}`);
  await Promise.all(keys.map((key, at) => space.set(key, at)));
  assert.deepEqual((await space.list({ prefix: "", limit: 1000 })).keys, keys);
  assert.deepEqual(
    await Promise.all(keys.map((key) => space.get(key))),
    keys.map((_, at) => at),
  );
});

test("another process's connection sees what was set at once", async () => {
  const other = await openDatabase(folder);
  const again = await openKeyValue(other);
  await Promise.all([store.space(name).set("a", 1), again.space(name).set("b", 2)]);
  assert.deepEqual([await again.space(name).get("a"), await store.space(name).get("b")], [1, 2]);
  other.close();
});

const refused: { name: string; code: string; key: string; value?: Json }[] = [
  { name: "an empty key", code: "LEG6010", key: "" },
  { name: "a key of more than 512 bytes", code: "LEG6010", key: "ü".repeat(257) },
  { name: "a key with a control character", code: "LEG6010", key: "a\nb" },
  { name: "a key with half a character", code: "LEG6010", key: "a\uD800" },
  {
    name: "a value of more than 512 KiB",
    code: "LEG6011",
    key: "key",
    value: "x".repeat(512 * 1024),
  },
];

for (const row of refused) {
  test(`${row.name} is refused`, async () => {
    await assert.rejects(store.space(name).set(row.key, row.value ?? 1), { code: row.code });
  });
}

test("a namespace takes so many keys and no more, but those that it has can be changed", async () => {
  const space = store.space(name);
  await space.set("first", 1);
  database.query(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO keyv (key, value, namespace) SELECT 'bulk' || i, '{\"value\":1}', (SELECT namespace FROM keyv WHERE key = 'first' AND namespace LIKE ? || '%') FROM n",
    KEYS_MAX - 2,
    name,
  );
  const fresh = (await openKeyValue(database)).space(name);
  await fresh.set("last", 1);
  await assert.rejects(fresh.set("beyond", 1), { code: "LEG6012" });
  await fresh.set("first", 2);
  assert.equal(await fresh.get("first"), 2);
  await fresh.delete("bulk1");
  await fresh.set("beyond", 1);
});

test("a database that fails rejects every operation instead of answering that there is nothing", async () => {
  const broken = await openDatabase(path.join(folder, "broken"));
  const space = (await openKeyValue(broken)).space(name);
  await space.set("key", 1);
  broken.query("DROP TABLE keyv");
  const told = { code: "LEG6005" };
  await assert.rejects(space.get("key"), told);
  await assert.rejects(space.entry("key"), told);
  await assert.rejects(space.set("key", 2), told);
  await assert.rejects(space.delete("key"), told);
  await assert.rejects(space.list({ prefix: "", limit: 1 }), told);
  broken.close();
});

test("a value that cannot be read back is told", async () => {
  await store.space(name).set("key", 1);
  database.query(
    "UPDATE keyv SET value = '{broken' WHERE key = 'key' AND namespace LIKE ? || '%'",
    name,
  );
  await assert.rejects(store.space(name).get("key"), { code: "LEG6005" });
});
