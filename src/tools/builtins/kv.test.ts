// Goal: agents keep values between runs, each its own unless a namespace is shared.
// Method: toolboxes of several agents over one real store.
import assert from "node:assert/strict";
import { after, before, mock, test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { ManifestSet } from "../../manifest/objects.ts";
import { type Workplace, workplace } from "../../testing/toolbox.ts";
import { createToolbox } from "../registry.ts";

let place: Workplace;
before(async () => {
  place = await workplace();
});
after(() => place[Symbol.asyncDispose]());

const kv = (agent: string, config: object = {}) =>
  place.create({
    agent,
    tools: { kv: { type: "builtin", builtin: "kv" } },
    uses: [{ name: "kv", config }],
  });

test("what one toolbox of an agent keeps, the next one has", async () => {
  const first = await kv("keeper");
  await first.value("kv.set", { key: "user/42", value: { visits: [1, null] } });
  await first.toolbox.close();
  const next = await kv("keeper");
  assert.deepEqual(await next.value("kv.get", { key: "user/42" }), { visits: [1, null] });
});

test("a key that is not there is null, and delete tells whether it was", async () => {
  const box = await kv("deleter");
  assert.equal(await box.value("kv.get", { key: "none" }), null);
  await box.value("kv.set", { key: "one", value: false });
  assert.equal(await box.value("kv.delete", { key: "one" }), true);
  assert.equal(await box.value("kv.delete", { key: "one" }), false);
});

test("agents do not see each other's keys, unless they name the same namespace", async () => {
  const [a, b] = [await kv("a"), await kv("b")];
  await a.value("kv.set", { key: "key", value: "of a" });
  assert.equal(await b.value("kv.get", { key: "key" }), null);
  const [sharedA, sharedB] = [
    await kv("a", { namespace: "team" }),
    await kv("b", { namespace: "team" }),
  ];
  assert.equal(await sharedA.value("kv.get", { key: "key" }), null);
  await sharedA.value("kv.set", { key: "key", value: "of the team" });
  assert.equal(await sharedB.value("kv.get", { key: "key" }), "of the team");
  assert.equal(await a.value("kv.get", { key: "key" }), "of a");
});

test("no namespace reaches the keys of an agent", async () => {
  const a = await kv("victim");
  await a.value("kv.set", { key: "key", value: "mine" });
  for (const namespace of [
    "victim",
    "agent/default/victim",
    "default/victim",
    "../agent/default/victim",
  ]) {
    assert.equal(await (await kv("thief", { namespace })).value("kv.get", { key: "key" }), null);
  }
});

test("agents of one name in two manifest namespaces see neither each other's keys nor shared ones", async () => {
  for (const config of [{}, { namespace: "team" }]) {
    const there = await kv("twin", config);
    await there.value("kv.set", { key: "key", value: "mine" });
    const elsewhere = await inNamespace("elsewhere", "twin", config);
    const call = (name: string, args: object) =>
      elsewhere.call(name, args as JsonObject, {
        agent: "twin",
        run: "run",
        signal: new AbortController().signal,
      });
    assert.deepEqual(await call("kv.get", { key: "key" }), { ok: true, value: null });
    assert.deepEqual(await call("kv.list", {}), { ok: true, value: { keys: [], more: false } });
    await call("kv.set", { key: "key", value: "theirs" });
    assert.equal(await there.value("kv.get", { key: "key" }), "mine");
    await elsewhere.close();
  }
});

/** The toolbox of an agent in a manifest namespace of its own. */
async function inNamespace(namespace: string, name: string, config: object) {
  const sets: ManifestSet[] = [];
  await place.create({
    agent: name,
    tools: { kv: { type: "builtin", builtin: "kv" } },
    uses: [{ name: "kv", config }],
    change: (set) => {
      sets.push(set);
      return set;
    },
  });
  const [objects] = sets;
  const agent = objects?.get("Agent", name);
  assert.ok(objects !== undefined && agent !== undefined);
  const { folder: cwd, pool, keyValue } = place;
  return createToolbox(
    { ...agent, namespace },
    { objects, pool, keyValue, clock: systemClock, cwd },
  );
}

const namespaces = [
  { name: "the same namespace", asked: "team", code: undefined },
  { name: "one below it", asked: "team/notes", code: undefined },
  { name: "another one", asked: "other", code: "LEG4019" },
  { name: "one that begins alike", asked: "team2", code: "LEG4019" },
];
for (const { name, asked, code } of namespaces) {
  test(`${name} is ${code === undefined ? "given" : "refused"} to an agent of a tool with a namespace`, async () => {
    const creating = place.create({
      tools: { kv: { type: "builtin", builtin: "kv", config: { namespace: "team" } } },
      uses: [{ name: "kv", config: { namespace: asked } }],
    });
    if (code === undefined) await (await creating).value("kv.list");
    else await assert.rejects(creating, { code });
  });
}

test("values with fields named constructor and prototype are kept whole", async () => {
  const box = await kv("odd");
  const value = { constructor: { name: "x" }, prototype: [1] };
  await box.value("kv.set", { key: "key", value });
  assert.deepEqual(await box.value("kv.get", { key: "key" }), value);
});

test("list has the keys with a prefix, and tells of more", async () => {
  const box = await kv("lister");
  await Promise.all(["b/2", "a", "b/1"].map((key) => box.value("kv.set", { key, value: 1 })));
  assert.deepEqual(await box.value("kv.list"), { keys: ["a", "b/1", "b/2"], more: false });
  assert.deepEqual(await box.value("kv.list", { prefix: "b/", limit: 1 }), {
    keys: ["b/1"],
    more: true,
  });
});

test("a value with a ttl is gone after it", async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const box = await kv("timer");
  await box.value("kv.set", { key: "key", value: 1, ttl: "1m30s" });
  mock.timers.setTime(1_089_000);
  assert.equal(await box.value("kv.get", { key: "key" }), 1);
  mock.timers.setTime(1_090_001);
  assert.equal(await box.value("kv.get", { key: "key" }), null);
});

test("a ttl of no time does not keep the value for ever", async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const box = await kv("zero");
  await box.value("kv.set", { key: "key", value: 1, ttl: "0ms" });
  mock.timers.setTime(1_000_002);
  assert.equal(await box.value("kv.get", { key: "key" }), null);
});

const refused = [
  { name: "a control character in the key", args: { key: "a\u0000b", value: 1 }, code: "LEG6010" },
  {
    name: "a key of many bytes in few characters",
    args: { key: "😀".repeat(200), value: 1 },
    code: "LEG6010",
  },
  {
    name: "a value of more than 512 KiB",
    args: { key: "a", value: "x".repeat(600_000) },
    code: "LEG6011",
  },
];
for (const { name, args, code } of refused) {
  test(`${name} is told`, async () => {
    assert.equal((await (await kv("refused")).error("kv.set", args)).code, code);
  });
}

test("a thousand sets at once are all kept", async () => {
  const box = await kv("busy");
  const keys = Array.from({ length: 1000 }, (_, at) => `key-${String(at).padStart(4, "0")}`);
  await Promise.all(keys.map((key) => box.value("kv.set", { key, value: key })));
  assert.deepEqual(await box.value("kv.list", { limit: 1000 }), { keys, more: false });
});
