// Goal: a request is answered by the first target that can, nothing is asked twice without need, and every try is recorded.
// Method: real model servers on 127.0.0.1 that fail as a row says; pauses are recorded in place of waiting.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import type { ErrorCode } from "../lib/codes.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { createSecrets } from "../security/secrets.ts";
import { hello } from "../testing/chat-client.ts";
import type { ModelReply } from "../testing/model-reply.ts";
import { startModelServer } from "../testing/model-server.ts";
import { objectSet, providerObject, routerObject } from "../testing/objects.ts";
import type { CompleteOptions, Completion } from "./contract.ts";
import { createRouter, type RouterDeps } from "./router.ts";

const folder = mkdtempSync(join(tmpdir(), "legion-router-"));
after(() => rmSync(folder, { recursive: true }));

const CANARY = 'Canary+4/7=zZ"9';
const timeouts = { firstByte: "2s", idle: "2s", total: "10s" };
const chat = (name: string, url: string, spec = {}) =>
  providerObject(name, { wire: "openai-chat", baseUrl: url, timeouts, ...spec }, folder);
const tiers = (...names: readonly string[]) =>
  names.map((name) => ({ name: `tier-${name}`, targets: [`${name}/m`] }));

interface Asked {
  readonly completion: Completion;
  readonly deltas: readonly string[];
  readonly warnings: readonly string[];
}

/** A router over these objects whose pauses take no time. */
function setUp(objects: readonly ManifestObject[], deps: Partial<RouterDeps> = {}) {
  const pauses: number[] = [];
  const secrets = createSecrets({ env: { CANARY }, clock: systemClock });
  const sleep = async (ms: number) => {
    pauses.push(ms);
  };
  const router = createRouter({
    objects: objectSet(objects),
    secrets,
    clock: systemClock,
    random: () => 0.5,
    sleep,
    ...deps,
  });
  async function ask(model = "default", options: Partial<CompleteOptions> = {}): Promise<Asked> {
    const deltas: string[] = [];
    const warnings: string[] = [];
    const completion = await router.complete(hello, {
      model,
      signal: new AbortController().signal,
      onDelta: ({ type, text }) => deltas.push(type === "text" ? text : `<${type}>`),
      onWarning: (message) => warnings.push(message),
      ...options,
    });
    return { completion, deltas, warnings };
  }
  return { ask, pauses };
}

/** Who was asked, in order, and with what error. */
function tried({ attempts }: Completion): string[] {
  return attempts.map(({ provider, error }) =>
    error === undefined ? provider : `${provider} ${error.outcome}`,
  );
}

interface Row {
  readonly name: string;
  /** What the first provider says; the second one always answers. */
  readonly first: readonly ModelReply[];
  readonly tried: readonly string[];
  readonly pauses?: readonly number[];
  readonly warning?: RegExp;
  readonly error?: ErrorCode;
}

const failed = (status: number, headers = {}): ModelReply => ({ error: { status }, headers });
const rows: readonly Row[] = [
  { name: "the first target answers", first: [{ text: "one" }], tried: ["one"] },
  {
    name: "a failing provider is asked three times, with pauses that grow, then the next one",
    first: [failed(500), failed(502), failed(500)],
    tried: ["one server_error", "one server_error", "one server_error", "two"],
    pauses: [375, 750],
    warning: /one\/m failed \(one answered 500 .*\), asking two\/m/,
  },
  {
    name: "a provider that recovers is not left",
    first: [failed(503), { text: "one" }],
    tried: ["one overloaded", "one"],
    pauses: [375],
  },
  {
    name: "R15: Retry-After is honoured",
    first: [failed(429, { "retry-after": "2" }), { text: "one" }],
    tried: ["one rate_limited", "one"],
    pauses: [2_000],
  },
  {
    name: "R15: a Retry-After above the cap is not waited for",
    first: [failed(429, { "retry-after": "3600" })],
    tried: ["one rate_limited", "two"],
  },
  {
    name: "R15: garbage in Retry-After is a usual pause",
    first: [failed(429, { "retry-after": "soon" }), { text: "one" }],
    tried: ["one rate_limited", "one"],
    pauses: [375],
  },
  {
    name: "a lost connection goes to the next target at once",
    first: [{ text: "one", fault: { kind: "reset" } }],
    tried: ["one connection", "two"],
  },
  {
    name: "a web page goes to the next target",
    first: [{ body: "<html>", contentType: "text/html" }],
    tried: ["one malformed", "two"],
  },
  {
    name: "a missing model goes to the next target",
    first: [failed(404)],
    tried: ["one model_missing", "two"],
  },
  {
    name: "a conversation too long goes to the next target",
    first: [failed(413)],
    tried: ["one context_overflow", "two"],
  },
  {
    name: "a refused key goes to the next target, and the operator is told",
    first: [failed(401)],
    tried: ["one unauthorised", "two"],
    warning:
      /^one\/m failed \(one answered 401 .*\) and is left out until its key or manifest changes, asking two\/m$/,
  },
  {
    name: "a wrong request is not asked again",
    first: [failed(400)],
    tried: ["one invalid_request"],
    error: "LEG5036",
  },
  {
    name: "a refusal is not asked again",
    first: [{ refusal: "No." }],
    tried: ["one refused"],
    error: "LEG5038",
  },
];

for (const { name, first, tried: want, pauses: wantPauses = [], warning, error } of rows) {
  test(name, async () => {
    await using one = await startModelServer(first);
    await using two = await startModelServer(() => ({ text: "two" }));
    const { ask, pauses } = setUp([
      chat("one", one.url),
      chat("two", two.url),
      routerObject("default", { tiers: tiers("one", "two") }),
    ]);
    const { completion, warnings } = await ask();
    assert.deepEqual(tried(completion), want);
    assert.deepEqual(pauses, wantPauses);
    assert.equal(one.requests.length + two.requests.length, want.length);
    // One warning where the second target is asked instead; an error is told once, by itself.
    assert.equal(warnings.length, two.requests.length, warnings.join("\n"));
    if (warning !== undefined) assert.match(warnings[0] ?? "", warning);
    if (!completion.ok) return assert.equal(completion.error.code, error);
    assert.equal(error, undefined);
    assert.equal(completion.text, completion.provider);
    assert.equal(completion.tier, `tier-${completion.provider}`);
    assert.deepEqual(
      [completion.model, completion.usage.inputTokens, completion.finish],
      ["m", 10, "stop"],
    );
    return undefined;
  });
}

test("R13: wherever a stream is cut, the text after the last reset is the answer, read once, and both tries are recorded", async () => {
  const text = "One, two, three, four.";
  let cut = 0;
  await using one = await startModelServer(() => ({
    text,
    fault: { kind: "cut", afterBytes: cut },
  }));
  await using two = await startModelServer(() => ({ text }));
  const { ask } = setUp([
    chat("one", one.url),
    chat("two", two.url),
    routerObject("default", { tiers: tiers("one", "two") }),
  ]);
  let resets = 0;
  for (cut = 0; cut < 800; cut += 1) {
    const { completion, deltas } = await ask();
    assert.deepEqual(tried(completion), ["one connection", "two"]);
    const reset = deltas.lastIndexOf("<reset>");
    assert.equal(deltas.slice(reset + 1).join(""), text, `cut after ${cut} bytes`);
    assert.equal(completion.ok && completion.text, text);
    // A reset comes exactly when something was passed on before.
    assert.equal(reset >= 0, reset > 0);
    resets += reset > 0 ? 1 : 0;
  }
  assert.ok(resets > 100, `only ${resets} cuts came after some text`);
});

test("when all fail, the error names each target with its reason", async () => {
  await using one = await startModelServer(() => failed(404));
  const keyless = chat("keyless", one.url, { apiKey: { valueFrom: { env: "SOME_KEY" } } });
  const { ask } = setUp([
    keyless,
    chat("one", one.url),
    chat("three", "http://legion.invalid/v1"),
    routerObject("default", { tiers: tiers("keyless", "one", "three") }),
  ]);
  const { completion } = await ask();
  assert.ok(!completion.ok);
  assert.equal(completion.error.code, "LEG5003");
  assert.match(
    completion.error.message,
    /^no model answered: keyless\/m: .*SOME_KEY is not set; one\/m: one answered 404 .*; three\/m: provider three at legion\.invalid /,
  );
  assert.match(completion.error.hint, /set SOME_KEY; or check the model's name/);
  assert.deepEqual(tried(completion), ["one model_missing", "three connection"]);
});

test("one target alone fails with its own error", async () => {
  const { ask } = setUp([
    chat("keyless", "http://127.0.0.1:9/v1", { apiKey: { valueFrom: { env: "SOME_KEY" } } }),
  ]);
  const { completion } = await ask("keyless/gpt");
  assert.ok(!completion.ok);
  assert.deepEqual(
    [completion.error.code, completion.error.hint, completion.attempts],
    ["LEG5050", "set SOME_KEY", []],
  );
});

test("a port that fetch refuses is told as that and not tried again", async () => {
  const { ask, pauses } = setUp([chat("one", "http://127.0.0.1:9/v1")]);
  const { completion, warnings } = await ask("one/m");
  assert.ok(!completion.ok);
  assert.equal(completion.error.code, "LEG5017");
  assert.match(completion.error.hint, /^choose another port/);
  assert.deepEqual([tried(completion), pauses, warnings], [["one connection"], [], []]);
});

const demo = providerObject("demo", { wire: "scripted", replies: [{ text: "canned" }] });

test("a scripted provider stands in with a warning that says which key is missing", async () => {
  const cloud = chat("cloud", "http://127.0.0.1:9/v1", {
    apiKey: { valueFrom: { env: "SOME_KEY" } },
  });
  const { ask } = setUp([
    cloud,
    demo,
    routerObject("default", {
      tiers: tiers("demo", "cloud"),
      aliases: { smart: "cloud/m" },
      allowScripted: true,
    }),
  ]);
  for (const model of ["default", "smart"]) {
    const { completion, warnings } = await ask(model);
    assert.equal(completion.ok && completion.text, "canned");
    assert.deepEqual(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /SOME_KEY is not set.*the scripted provider demo stands in; for a real answer, set SOME_KEY$/,
    );
  }
});

test("a scripted provider never stands in without allowScripted", async () => {
  const cloud = chat("cloud", "http://127.0.0.1:9/v1", {
    apiKey: { valueFrom: { env: "SOME_KEY" } },
  });
  const { ask } = setUp([cloud, demo, routerObject("default", { tiers: tiers("cloud", "demo") })]);
  const { completion, warnings } = await ask();
  assert.ok(!completion.ok);
  assert.match(
    completion.error.hint,
    /set SOME_KEY; or set allowScripted: true in router\/default/,
  );
  assert.deepEqual([warnings, completion.attempts], [[], []]);
});

test("a target that refused its key is left out until its manifest or its key changes", async () => {
  await using server = await startModelServer(({ headers }) =>
    headers.authorization === "Bearer good" ? { text: "in" } : failed(401),
  );
  const key = join(folder, "key");
  const write = (value: string) => writeFileSync(key, value, { mode: 0o600 });
  write("bad");
  const objects = [chat("one", server.url, { apiKey: { valueFrom: { file: "key" } } })];
  const { ask } = setUp([], {
    objects: {
      get: (kind, name) => objectSet(objects).get(kind, name),
      all: (kind) => objectSet(objects).all(kind),
    },
  });
  const outcome = async () => {
    const { completion, warnings } = await ask("one/m");
    assert.deepEqual(warnings, [], "nothing else is asked, and the error says it all");
    return [completion.ok ? completion.text : completion.error.outcome, server.requests.length];
  };
  assert.deepEqual(await outcome(), ["unauthorised", 1]);
  assert.deepEqual(await outcome(), ["unauthorised", 1]);
  objects[0] = chat("one", server.url, {
    apiKey: { valueFrom: { file: "key" } },
    maxResponseBytes: "1MiB",
  });
  assert.deepEqual(await outcome(), ["unauthorised", 2]);
  assert.deepEqual(await outcome(), ["unauthorised", 2]);
  write("good");
  assert.deepEqual(await outcome(), ["in", 3]);
});

test("a reload counts from the next request on", async () => {
  await using one = await startModelServer(() => ({ text: "one" }));
  await using two = await startModelServer(() => ({ text: "two" }));
  const providers = [chat("one", one.url), chat("two", two.url)];
  let current = objectSet([...providers, routerObject("default", { tiers: tiers("one") })]);
  const { ask } = setUp([], {
    objects: { get: (kind, name) => current.get(kind, name), all: (kind) => current.all(kind) },
  });
  const text = async () => (await ask()).completion;
  assert.equal((await text()).ok && tried(await text())[0], "one");
  current = objectSet([...providers, routerObject("default", { tiers: tiers("two") })]);
  assert.equal(tried(await text())[0], "two");
});

test("a target that takes longer than its tier allows is left for the next one", async () => {
  await using one = await startModelServer(() => ({
    text: "One, two, three.",
    fault: { kind: "stall", afterBytes: 500 },
  }));
  await using two = await startModelServer(() => ({ text: "two" }));
  const router = routerObject("default", {
    tiers: [{ name: "quick", targets: ["one/m"], timeout: "200ms" }, ...tiers("two")],
  });
  const { ask } = setUp([chat("one", one.url), chat("two", two.url), router]);
  const { completion, deltas } = await ask();
  assert.deepEqual(tried(completion), ["one timeout", "two"]);
  assert.match(completion.attempts[0]?.error?.message ?? "", /one did not answer within \d+ ms/);
  assert.deepEqual(deltas.slice(deltas.indexOf("<reset>")), ["<reset>", "two"]);
});

test("the time of one request bounds all of its tries", async () => {
  const replies = [{ delay: "1h", text: "late" }];
  const slow = ["one", "two", "three"].map((name) =>
    providerObject(name, { wire: "scripted", replies }),
  );
  const { ask } = setUp(
    [...slow, routerObject("default", { tiers: tiers("one", "two", "three") })],
    { limits: { requestMs: 100 } },
  );
  const { completion } = await ask();
  assert.deepEqual(tried(completion), ["one timeout", "two timeout", "three timeout"]);
});

test("a caller who stops, in the middle of an answer or of a pause, is not answered by another target", async () => {
  await using one = await startModelServer((_, index) =>
    index === 0 ? { text: "One, two", fault: { kind: "stall", afterBytes: 500 } } : failed(500),
  );
  await using two = await startModelServer(() => ({ text: "two" }));
  const objects = [
    chat("one", one.url),
    chat("two", two.url),
    routerObject("default", { tiers: tiers("one", "two") }),
  ];
  const inAnswer = new AbortController();
  const middle = await setUp(objects).ask("default", {
    signal: inAnswer.signal,
    onDelta: () => inAnswer.abort(),
  });
  assert.deepEqual(tried(middle.completion), ["one aborted"]);
  const inPause = new AbortController();
  const sleep = async () => inPause.abort();
  const paused = await setUp(objects, { sleep }).ask("default", { signal: inPause.signal });
  assert.deepEqual(tried(paused.completion), ["one server_error", "one aborted"]);
  assert.deepEqual(!paused.completion.ok && paused.completion.error.code, "LEG5040");
  assert.equal(two.requests.length, 0);
});

test("a model that is nothing gives an error and asks nobody", async () => {
  const { completion } = await setUp([demo]).ask("demi/x");
  assert.deepEqual([!completion.ok && completion.error.code, completion.attempts], ["LEG5001", []]);
});

const files: readonly {
  readonly name: string;
  readonly content: string;
  readonly says?: RegExp;
}[] = [
  { name: "a list of replies is used", content: "- text: from the file\n" },
  { name: "a file that is no list is told", content: "text: x\n", says: /replies\.yaml: / },
  { name: "a file that is not YAML is told", content: "- [\n", says: /replies\.yaml: / },
];

for (const { name, content, says } of files) {
  test(`repliesFrom: ${name}`, async () => {
    writeFileSync(join(folder, "replies.yaml"), content);
    const provider = providerObject(
      "demo",
      { wire: "scripted", repliesFrom: { file: "replies.yaml" } },
      folder,
    );
    const { completion } = await setUp([provider]).ask("demo/x");
    if (completion.ok)
      return assert.deepEqual([completion.text, says], ["from the file", undefined]);
    assert.match(completion.error.message, says ?? /^$/);
    return undefined;
  });
}

test("repliesFrom: a file out of the manifest root is not read", async () => {
  const provider = providerObject(
    "demo",
    { wire: "scripted", repliesFrom: { file: "../../etc/hostname" } },
    folder,
  );
  const { completion } = await setUp([provider]).ask("demo/x");
  assert.match(
    completion.ok ? "" : completion.error.message,
    /outside of the manifest root|does not exist/,
  );
});

const forms: Readonly<Record<string, string>> = {
  raw: CANARY,
  base64: Buffer.from(CANARY).toString("base64"),
  "basic credentials": Buffer.from(`u:${CANARY}`).toString("base64"),
  URL: encodeURIComponent(CANARY),
  JSON: JSON.stringify(CANARY).slice(1, -1),
};

const leaks: readonly { readonly name: string; readonly reply: (leak: string) => ModelReply }[] = [
  {
    name: "the message of an error",
    reply: (leak) => ({ error: { status: 404, message: `bad key ${leak}` } }),
  },
  {
    name: "a long message that is cut within it",
    reply: (leak) => ({ error: { status: 404, message: `${"x".repeat(290)} ${leak}` } }),
  },
  {
    name: "an error that is no JSON",
    reply: (leak) => ({ status: 502, body: `<h1>${leak}</h1>`, contentType: "text/html" }),
  },
  { name: "a body that is no answer", reply: (leak) => ({ body: `key=${leak}` }) },
  {
    name: "a chunk that is no JSON",
    reply: (leak) => ({ body: `data: ${leak}\n\n`, contentType: "text/event-stream" }),
  },
  {
    name: "an error in a stream",
    reply: (leak) => ({
      body: `data: ${JSON.stringify({ error: { message: leak } })}\n\n`,
      contentType: "text/event-stream",
    }),
  },
  { name: "a refusal", reply: (leak) => ({ refusal: leak }) },
  {
    name: "a redirect",
    reply: (leak) => ({
      status: 302,
      headers: { location: `https://x.example/${encodeURIComponent(leak)}` },
      body: "",
    }),
  },
];

for (const { name, reply } of leaks) {
  test(`S25: a key that comes back in ${name} is in no error, attempt or warning`, async () => {
    for (const [encoding, leak] of Object.entries(forms)) {
      await using server = await startModelServer(() => reply(leak));
      const keyed = (provider: string) =>
        chat(provider, server.url, { apiKey: { valueFrom: { env: "CANARY" } } });
      const { ask } = setUp([
        keyed("one"),
        keyed("two"),
        routerObject("default", { tiers: tiers("one", "two") }),
      ]);
      const { completion, warnings } = await ask();
      assert.equal(server.requests[0]?.headers.authorization, `Bearer ${CANARY}`);
      assert.ok(!completion.ok);
      const told = [
        completion.error.message,
        completion.error.hint,
        ...warnings,
        ...completion.attempts.map(({ error }) => error?.message ?? ""),
      ].join("\n");
      for (const form of Object.values(forms))
        assert.ok(!told.includes(form), `${encoding}: ${told}`);
      assert.ok(!told.includes(CANARY.slice(0, 8)), `${encoding}: ${told}`);
    }
  });
}

test("S27: a redirect to another host carries no key there", async () => {
  await using other = await startModelServer(() => ({ text: "gotcha" }));
  await using server = await startModelServer(() => ({
    status: 308,
    headers: { location: `${other.url}/chat/completions` },
    body: "",
  }));
  const { ask } = setUp([
    chat("one", server.url, {
      apiKey: { valueFrom: { env: "CANARY" } },
      headers: { "X-Team": "a", "X-Other": { valueFrom: { env: "CANARY" } } },
    }),
  ]);
  const { completion } = await ask("one/m");
  assert.equal(!completion.ok && completion.error.code, "LEG5022");
  assert.equal(other.requests.length, 0);
  assert.deepEqual(
    [server.requests[0]?.headers["x-team"], server.requests[0]?.headers["x-other"]],
    ["a", CANARY],
  );
});

test("S25: a key that stands in a header of the manifest is in no error either, and one that cannot be a header is told", async () => {
  await using server = await startModelServer(() => ({
    error: { status: 404, message: "no team for literal-key-1" },
  }));
  const { ask } = setUp([
    chat("one", server.url, { headers: { "X-Api-Key": "literal-key-1" } }),
    chat("two", server.url, { headers: { "X-Team": "naïve ✓" } }),
  ]);
  const one = await ask("one/m");
  assert.match(one.completion.ok ? "" : one.completion.error.message, /no team for \[redacted\]$/);
  const two = await ask("two/m");
  assert.equal(!two.completion.ok && two.completion.error.code, "LEG5053");
  assert.equal(server.requests.length, 1);
});
