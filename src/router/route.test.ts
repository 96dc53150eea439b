// Goal: a model reference always leads to the same candidates, in the manifest's order, each with one reason.
// Method: tables over small manifest sets; the pure functions only, nothing is asked.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ErrorCode } from "../lib/codes.ts";
import { LegionError } from "../lib/errors.ts";
import type { ProviderSpec } from "../manifest/generated/provider.ts";
import type { RouterSpec } from "../manifest/generated/router.ts";
import { objectSet, providerObject, routerObject } from "../testing/objects.ts";
import type { ModelRequest, WireError } from "./contract.ts";
import { resolveModel } from "./resolve.ts";
import { candidates } from "./route.ts";

const chat = (name: string, spec: Partial<ProviderSpec> = {}) =>
  providerObject(name, { wire: "openai-chat", baseUrl: "http://127.0.0.1/v1", ...spec });
const objects = objectSet([
  chat("openai", { apiKey: { valueFrom: { env: "OPENAI_API_KEY" } } }),
  chat("ollama"),
  chat("listed", {
    models: [
      { name: "plain" },
      { name: "small", capabilities: ["tools"] },
      { name: "large", capabilities: ["tools", "json_schema"] },
    ],
  }),
  chat("worded", { structuredOutput: "prompt", models: [{ name: "small", capabilities: [] }] }),
  providerObject("demo", { wire: "scripted", replies: [{ text: "hi" }] }),
  routerObject("default", {
    tiers: [
      { name: "local", targets: ["ollama/llama"], timeout: "20s" },
      { name: "cloud", targets: ["openai/gpt-5", { provider: "ollama", model: "big", weight: 3 }] },
      { name: "offline", targets: ["demo/hello"] },
    ],
    aliases: {
      smart: "openai/gpt-5",
      cheap: "local",
      shared: "cloud",
      stale: "gone",
      quote: "demo/hello",
    },
    allowScripted: true,
  }),
  routerObject("strict", {
    tiers: [
      { name: "a", targets: ["ollama/llama"] },
      { name: "b", targets: ["demo/hello"] },
    ],
    aliases: { shared: "a" },
  }),
  routerObject("canned", { tiers: [{ name: "only", targets: ["demo/hello"] }] }),
  routerObject("capable", {
    tiers: [
      {
        name: "all",
        targets: [
          "listed/small",
          "listed/large",
          "listed/plain",
          "listed/other",
          "worded/small",
          "gone/x",
        ].map((text, index) => weighted(text, 9 - index)),
      },
    ],
  }),
]);

function weighted(text: string, weight: number): RouterSpec["tiers"][number]["targets"][number] {
  const [provider = "", model = ""] = text.split("/");
  return { provider, model, weight };
}

const request: ModelRequest = { messages: [{ role: "user", content: "hello" }] };
const noKey: WireError = {
  outcome: "unauthorised",
  code: "LEG5050",
  message: "not set",
  hint: "set it",
};

function judged(model: string, { asked = request, key = false, out = "" } = {}): string[] {
  const facts = {
    provider: (name: string) => objects.get("Provider", name),
    keyMissing: ({ name }: { name: string }) => (name === "openai" && !key ? noKey : undefined),
    out: (target: { provider: string }) => (target.provider === out ? noKey : undefined),
  };
  return candidates(resolveModel(model, objects), asked, facts).map(
    ({ tier, provider, model: name, reason, standIn }) =>
      `${tier}: ${provider}/${name} ${reason}${standIn ? ", stands in" : ""}`,
  );
}

const structured: ModelRequest = {
  ...request,
  tools: [{ name: "read", description: "", parameters: {} }],
  responseSchema: { name: "r", schema: { type: "object" } },
};

const rows: readonly {
  readonly name: string;
  readonly model: string;
  readonly options?: Parameters<typeof judged>[1];
  readonly want: readonly string[];
}[] = [
  {
    name: "provider/model is asked directly",
    model: "ollama/any/thing:7b",
    want: ["direct: ollama/any/thing:7b chosen"],
  },
  {
    name: "a direct target without a key is told",
    model: "openai/gpt-5",
    want: ["direct: openai/gpt-5 no_key"],
  },
  {
    name: "a router's tiers come in the order of the manifest, the heavier target of a tier first, scripted ones last",
    model: "default",
    options: { key: true },
    want: [
      "local: ollama/llama chosen",
      "cloud: ollama/big tier_not_reached",
      "cloud: openai/gpt-5 tier_not_reached",
      "offline: demo/hello tier_not_reached, stands in",
    ],
  },
  {
    name: "what has no key is left out",
    model: "smart",
    want: ["cloud: openai/gpt-5 no_key", "offline: demo/hello chosen, stands in"],
  },
  {
    name: "what refused its key before is left out",
    model: "cheap",
    options: { out: "ollama" },
    want: ["local: ollama/llama excluded", "offline: demo/hello chosen, stands in"],
  },
  {
    name: "an alias of a tier stands for that tier only, and for the scripted stand-ins",
    model: "cheap",
    want: ["local: ollama/llama chosen", "offline: demo/hello tier_not_reached, stands in"],
  },
  {
    name: "without allowScripted a scripted target does not stand in",
    model: "strict",
    want: ["a: ollama/llama chosen", "b: demo/hello excluded, stands in"],
  },
  {
    name: "a router of scripted targets only needs no leave",
    model: "canned",
    want: ["only: demo/hello chosen"],
  },
  {
    name: "an alias of a scripted target means exactly it",
    model: "quote",
    want: ["offline: demo/hello chosen"],
  },
  {
    name: "capabilities that a list does not grant leave a model out; what is not said is tried",
    model: "capable",
    options: { asked: structured },
    want: [
      "all: listed/small missing_capability",
      "all: listed/large chosen",
      "all: listed/plain standby",
      "all: listed/other model_missing",
      "all: worded/small missing_capability",
      "all: gone/x model_missing",
    ],
  },
  {
    name: "a schema that is told in words needs no capability",
    model: "worded/small",
    options: { asked: { ...request, responseSchema: { name: "r", schema: {} } } },
    want: ["direct: worded/small chosen"],
  },
];

for (const { name, model, options, want } of rows) {
  test(name, () => {
    assert.deepEqual(judged(model, options), want);
  });
}

test("a tier's timeout goes with its targets, also through an alias", () => {
  assert.deepEqual(
    resolveModel("cheap", objects).targets.map(({ timeoutMs }) => timeoutMs),
    [20_000],
  );
});

const wrong: readonly {
  readonly model: string;
  readonly code: ErrorCode;
  readonly says: RegExp;
  readonly hint: RegExp;
}[] = [
  {
    model: "defualt",
    code: "LEG5001",
    says: /"defualt" is neither a Router nor an alias/,
    hint: /did you mean "default"/,
  },
  { model: "gpt-5", code: "LEG5001", says: /gpt-5/, hint: /use one of: .*ollama\/\.\.\./ },
  {
    model: "opnai/gpt-5",
    code: "LEG5001",
    says: /no Provider is named "opnai"/,
    hint: /did you mean "openai"/,
  },
  {
    model: "shared",
    code: "LEG5002",
    says: /several routers: default, strict/,
    hint: /provider\/model/,
  },
  { model: "stale", code: "LEG5001", says: /stands for "gone"/, hint: /local, cloud, offline/ },
  { model: "", code: "LEG5001", says: /""/, hint: /use one of/ },
  { model: "openai/", code: "LEG5001", says: /openai\//, hint: /use one of/ },
];

for (const { model, code, says, hint } of wrong) {
  test(`the model "${model}" cannot be used: ${code}`, () => {
    assert.throws(
      () => resolveModel(model, objects),
      (error) => {
        assert.ok(error instanceof LegionError);
        assert.equal(error.code, code);
        assert.match(error.message, says);
        assert.match(error.hint, hint);
        return true;
      },
    );
  });
}

test("equal weights always share by conversation: one conversation keeps its target, many use all", () => {
  const set = objectSet([
    chat("one"),
    chat("two"),
    chat("three"),
    routerObject("even", { tiers: [{ name: "t", targets: ["one/m", "two/m", "three/m"] }] }),
  ]);
  const plan = resolveModel("even", set);
  const facts = {
    provider: (name: string) => set.get("Provider", name),
    keyMissing: () => undefined,
    out: () => undefined,
  };
  const first = (task: string, later: string) =>
    candidates(
      plan,
      {
        messages: [
          { role: "user", content: task },
          { role: "assistant", content: later },
        ],
      },
      facts,
    )[0]?.provider ?? "";
  const used = new Set<string>();
  fc.assert(
    fc.property(fc.string(), fc.string(), (task, later) => {
      used.add(first(task, later));
      return first(task, later) === first(task, "something else");
    }),
  );
  assert.equal(used.size, 3);
});
