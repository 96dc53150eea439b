// Goal: every source keeps its promises: a poll never rejects, ends when it is told to, and is never two at once; a tool's result becomes roots.
// Method: one table of a working spec for each type, with stores and tools that fail and hang; what is given is held against the roots of the language.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, before, describe, test } from "node:test";
import type { Json } from "../../lib/json.ts";
import type { WatcherSpec } from "../../manifest/generated/watcher.ts";
import {
  look,
  serve,
  type TestServer,
  type WatchPlace,
  watchPlace,
} from "../../testing/watch-sources.ts";
import type { ToolReply } from "../../tools/contract.ts";
import { rootsOf } from "../../trigger/roots.ts";
import { lookFaults, type SourceToolCall } from "./look.ts";
import { sourceTypes } from "./sources.ts";

type Type = WatcherSpec["type"];

let place: WatchPlace;
let server: TestServer;
const calls: SourceToolCall[] = [];
let reply: (call: SourceToolCall) => Promise<ToolReply> = async () => ({ ok: true, value: 1 });
before(async () => {
  server = await serve((_, response) => response.end("text"));
  place = await watchPlace({
    callTool: async (call) => {
      calls.push(call);
      return reply(call);
    },
  });
});
after(async () => {
  await place[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const allowPrivate = ["localhost"];
const specs: Readonly<Record<Type, () => Partial<WatcherSpec>>> = {
  httpPoll: () => ({ url: server.url, allowPrivate }),
  fileWatch: () => ({ path: "watched" }),
  kvWatch: () => ({ key: "k", kvNamespace: "n" }),
  command: () => ({ command: ["true"] }),
  process: () => ({ match: "node" }),
  tcpProbe: () => ({ host: "localhost", port: server.port, allowPrivate }),
  custom: () => ({ tool: "probe.look" }),
};
const types = Object.keys(sourceTypes) as Type[];

describe("promises of every source", () => {
  for (const type of types) {
    test(`${type} gives its roots, ok, and nothing else`, async () => {
      const sample = await look(await place.source({ type, ...specs[type]() }));
      const known = new Set(Object.keys(rootsOf(type)));
      assert.deepEqual(
        Object.keys(sample).filter((root) => !known.has(root)),
        [],
      );
      assert.equal(typeof sample.ok, "boolean");
    });

    test(`${type} that is aborted before it began ends with a timeout`, async () => {
      const source = await place.source({ type, ...specs[type]() });
      const sample = await look(source, AbortSignal.abort());
      assert.equal(sample.ok, false);
      assert.equal((sample.error as { code: string }).code, "timeout");
    });

    test(`${type} leaves no listener on a signal that outlives the look`, async () => {
      const source = await place.source({ type, ...specs[type]() });
      const { signal } = new AbortController();
      for (let at = 0; at < 3; at += 1) await look(source, signal);
      assert.equal(getEventListeners(signal, "abort").length, 0);
    });

    test(`${type} that is closed looks no more`, async () => {
      const source = await place.source({ type, ...specs[type]() });
      await source.close?.();
      assert.equal((await look(source)).ok, false);
    });
  }

  test("every fault has a line that says what it means", () => {
    for (const [code, meaning] of Object.entries(lookFaults)) {
      assert.match(code, /^[a-z_]+$/);
      assert.match(meaning, /^[A-Za-z].{8,}[^.]$/);
    }
  });
});

describe("what cannot be built is told with a code", () => {
  const rows: readonly (readonly [
    name: string,
    type: Type,
    spec: Partial<WatcherSpec>,
    code: string,
  ])[] = [
    ["a url that is none", "httpPoll", { url: "http://shop:80000/" }, "LEG2754"],
    ["a pattern that is wrong", "process", { match: "(" }, "LEG2755"],
    ["a pattern that RE2 does not have", "process", { match: "a(?=b)" }, "LEG2755"],
    [
      "a network that is none",
      "tcpProbe",
      { host: "x", port: 1, allowPrivate: ["10.0.0.0/40"] },
      "LEG2752",
    ],
  ];
  for (const [name, type, spec, code] of rows)
    test(name, async () => {
      await assert.rejects(place.source({ type, ...spec }), { code });
    });
});

describe("a look that hangs", () => {
  test("is given up when it is told to, and the next one waits for it", async () => {
    const called = Promise.withResolvers<void>();
    const first = Promise.withResolvers<ToolReply>();
    reply = () => {
      called.resolve();
      return first.promise;
    };
    const source = await place.source({ type: "custom", tool: "probe.look" });
    const stop = new AbortController();
    const given = look(source, stop.signal);
    await called.promise;
    stop.abort();
    assert.deepEqual(await given, {
      ok: false,
      error: { code: "timeout", message: "it was not over in time" },
    });
    calls.length = 0;
    reply = async () => ({ ok: true, value: "second" });
    const next = look(source);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls.length, 0, "never two at once");
    first.resolve({ ok: true, value: "late" });
    assert.equal((await next).value, "second");
  });

  test("does not hold up close", async () => {
    reply = () => new Promise<never>(() => {});
    const source = await place.source({ type: "custom", tool: "probe.look" });
    const sample = look(source);
    await source.close?.();
    assert.equal((await sample).ok, false);
  });

  test("a bug is told as one, and does not reject", async () => {
    reply = async () => {
      throw new Error("unexpected");
    };
    const source = await place.source({ type: "custom", tool: "probe.look" });
    assert.deepEqual(await look(source), {
      ok: false,
      error: { code: "internal", message: "unexpected" },
    });
  });
});

describe("custom", () => {
  async function sampleOf(value: Json | undefined) {
    reply = async () => ({ ok: true, value });
    return look(await place.source({ type: "custom", tool: "probe.look" }));
  }

  test("the tool is called by name with the arguments of the manifest, for the watcher", async () => {
    reply = async () => ({ ok: true, value: null });
    calls.length = 0;
    const spec = { tool: "probe.look", arguments: { city: "Oslo", days: [1, 2] } };
    await look(await place.source({ type: "custom", ...spec }));
    const [{ signal, ...call } = {} as SourceToolCall] = calls;
    assert.deepEqual(call, {
      ...{ namespace: "default", caller: "watcher/watched", tool: "probe.look" },
      arguments: { city: "Oslo", days: [1, 2] },
    });
    assert.equal(signal.aborted, false);
  });

  for (const value of [3, "text", null, [1], true])
    test(`${JSON.stringify(value)} is the value`, async () => {
      assert.deepEqual(await sampleOf(value), { ok: true, value });
    });

  test("the fields of an object are roots of their own", async () => {
    const value = { temperature: -3, wind: { speed: 12 } };
    assert.deepEqual(await sampleOf(value), { ok: true, value, ...value });
  });

  test("a field by the name of a root that every watcher has does not take its place", async () => {
    const value = { ok: false, error: "x", now: 1, poll: 2, latency: 3, prev: 4, value: 5, own: 6 };
    assert.deepEqual(await sampleOf(value), { ok: true, value, own: 6 });
  });

  test("a field named __proto__ changes nothing", async () => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"own":1}') as Json;
    const sample = await sampleOf(value);
    assert.equal(sample.own, 1);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
    assert.equal(Object.getPrototypeOf(sample), Object.prototype);
  });

  test("an error of the tool is a fault with its code and message", async () => {
    reply = async () => ({
      ok: false,
      error: { code: "LEG2040", message: "no such place", hint: "name another" },
    });
    const sample = await look(await place.source({ type: "custom", tool: "probe.look" }));
    assert.deepEqual(sample, {
      ok: false,
      error: { code: "tool", message: "LEG2040: no such place" },
    });
  });
});
