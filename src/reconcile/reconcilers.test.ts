// Goal: tools, routers and providers say whether they can be used, and those that use them follow.
// Method: one controller with the real reconcilers over a real store, tools in real files.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { JsonObject } from "../lib/json.ts";
import { createSecrets } from "../security/secrets.ts";
import { openMemoryStore } from "../state/memory.ts";
import type { PutChange } from "../state/store.ts";
import { manualTime } from "../testing/manual-timers.ts";
import { conditionOf, statusOf } from "./conditions.ts";
import { createController } from "./controller.ts";
import { providerReconciler } from "./provider.ts";
import { routerReconciler } from "./router.ts";
import { toolReconciler } from "./tool.ts";
import { createView } from "./view.ts";

const AT = Date.UTC(2026, 0, 1);

/** A folder of tools and what the reconcilers make of objects in it. */
async function open() {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-reconcilers-"));
  const time = manualTime(AT);
  const store = openMemoryStore({ clock: time.clock });
  const abort = new AbortController();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const view = await createView(store, { signal: abort.signal, onError, place: { cwd: folder } });
  const secrets = createSecrets({ env: { SET: "x", EMPTY: "" }, clock: time.clock });
  const controller = createController({
    ...{ store, view, ...time, onError, signal: abort.signal },
    reconcilers: [providerReconciler(secrets), routerReconciler(), toolReconciler()],
    emit: () => "",
    onFatal: onError,
  });
  const put = (kind: string, name: string, spec: JsonObject): PutChange => ({
    type: "put",
    key: { kind, namespace: "default", name },
    labels: {},
    annotations: {},
    spec,
    manager: "test",
    origin: { source: "roots", file: path.join(folder, "tools.yaml"), root: folder, document: 0 },
  });
  const settle = async (version: number) => {
    await view.reached(version);
    await controller.idle();
  };
  return {
    ...{ folder, errors, store, time, controller },
    async apply(kind: string, name: string, spec: JsonObject): Promise<void> {
      await settle((await store.write([put(kind, name, spec)], { at: AT })).version);
    },
    async remove(kind: string, name: string): Promise<void> {
      const { key } = put(kind, name, {});
      await settle((await store.write([{ type: "delete", key }], { at: AT })).version);
    },
    async said(kind: string, name: string): Promise<string> {
      const resource = await store.read({ kind, namespace: "default", name });
      const condition = resource && conditionOf(statusOf(resource), "Ready");
      const isStalled = resource && conditionOf(statusOf(resource), "Stalled")?.status === "True";
      return `${isStalled ? "stalled " : ""}${condition?.reason}: ${condition?.message}`;
    },
    async [Symbol.asyncDispose]() {
      await controller.close();
      abort.abort();
      await view.done;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const functions = { add: { description: "Adds." } };
const moduleTool = { type: "module", module: "./math.mjs", functions };

test("a Tool of type module is ready when its file loads and has its functions", async () => {
  await using opened = await open();
  const { folder, apply, said } = opened;
  const file = path.join(folder, "math.mjs");
  await apply("Tool", "math", moduleTool);
  assert.match(
    await said("Tool", "math"),
    /^stalled LoadFailed: File "\.\/math\.mjs" does not exist/,
  );
  await writeFile(file, "export function sub() {}");
  await apply("Tool", "math", { ...moduleTool, contentDigest: "1" });
  assert.match(
    await said("Tool", "math"),
    /^stalled LoadFailed: .*does not export a function "add"/,
  );
  await writeFile(file, "export function add() {} throw new Error('top level');");
  await apply("Tool", "math", { ...moduleTool, contentDigest: "2" });
  assert.match(await said("Tool", "math"), /^stalled LoadFailed: .*cannot be loaded: top level/);
  await writeFile(file, "export function add() {}");
  await apply("Tool", "math", { ...moduleTool, contentDigest: "3" });
  assert.match(await said("Tool", "math"), /^Loaded: /);
  assert.deepEqual(opened.errors, []);
});

test("a Tool that could not be loaded is looked at again by itself after five minutes", async () => {
  await using opened = await open();
  await opened.apply("Tool", "math", moduleTool);
  await writeFile(path.join(opened.folder, "math.mjs"), "export function add() {}");
  opened.time.advance(299_000);
  await opened.controller.idle();
  assert.match(await opened.said("Tool", "math"), /^stalled LoadFailed/);
  opened.time.advance(1_000);
  await opened.controller.idle();
  assert.match(await opened.said("Tool", "math"), /^Loaded/);
});

test("modules are loaded four at a time", async () => {
  await using opened = await open();
  const { folder, store, controller } = opened;
  const gauge = { now: 0, most: 0 };
  Object.assign(globalThis, { legionTestGauge: gauge });
  const text = `
    const gauge = globalThis.legionTestGauge;
    gauge.now += 1;
    gauge.most = Math.max(gauge.most, gauge.now);
    await new Promise((resolve) => setTimeout(resolve, 2));
    gauge.now -= 1;
    export function add() {}`;
  for (let index = 0; index < 20; index += 1) {
    await writeFile(path.join(folder, `m${index}.mjs`), `${text} // ${index}`);
    await opened.apply("Provider", "p", { index });
  }
  const changes = Array.from({ length: 20 }, (_, index) => ({
    type: "put" as const,
    key: { kind: "Tool", namespace: "default", name: `t${index}` },
    labels: {},
    annotations: {},
    spec: { ...moduleTool, module: `./m${index}.mjs` },
    manager: "test",
  }));
  const { version } = await store.write(changes, { at: AT });
  await opened.apply("Provider", "p", { version });
  await controller.idle();
  Reflect.deleteProperty(globalThis, "legionTestGauge");
  assert.equal(gauge.most, 4);
  assert.match(await opened.said("Tool", "t19"), /^Loaded/);
});

test("a Tool of type js follows the tools that it may call", async () => {
  await using opened = await open();
  const { apply, remove, said } = opened;
  const source = "function add() {}";
  const js = { type: "js", source, functions, capabilities: ["clock.now", "math"] };
  await apply("Tool", "clock", { type: "builtin", builtin: "now" });
  await apply("Tool", "calc", js);
  assert.match(await said("Tool", "calc"), /^stalled ToolMissing: No Tool is named "math"/);
  await apply("Tool", "math", moduleTool);
  assert.match(await said("Tool", "calc"), /^stalled ToolNotReady: The tool "math" cannot be used/);
  await writeFile(path.join(opened.folder, "math.mjs"), "export function add() {}");
  await apply("Tool", "math", { ...moduleTool, contentDigest: "1" });
  assert.match(await said("Tool", "calc"), /^Loaded: /);
  await apply("Tool", "calc", { ...js, capabilities: ["clock.noon"] });
  assert.match(await said("Tool", "calc"), /^stalled LoadFailed: .*no function "noon"/);
  await apply("Tool", "calc", js);
  await remove("Tool", "math");
  assert.match(await said("Tool", "calc"), /^stalled ToolMissing: /);
});

test("a Tool that may call itself does not wait for itself", async () => {
  await using opened = await open();
  const js = { type: "js", source: "function add() {}", functions, capabilities: ["calc"] };
  await opened.apply("Tool", "calc", js);
  assert.match(await opened.said("Tool", "calc"), /^Loaded: /);
});

test("a Tool names a builtin that exists", async () => {
  await using opened = await open();
  await opened.apply("Tool", "clock", { type: "builtin", builtin: "nov" });
  const said = await opened.said("Tool", "clock");
  assert.equal(said, 'stalled ToolMissing: No builtin is named "nov": did you mean "now"?');
});

test("a Router is ready when all providers of its targets and aliases are there", async () => {
  await using opened = await open();
  const { apply, remove, said } = opened;
  const tiers = [
    { name: "main", targets: ["acme/big", { provider: "other", model: "m", weight: 1 }] },
  ];
  await apply("Router", "default", { tiers, aliases: { smart: "main", cheap: "third/small" } });
  assert.equal(
    await said("Router", "default"),
    'stalled TargetMissing: Providers are missing: "acme", "other", "third". Apply what is missing, or take its targets out of the Router.',
  );
  for (const name of ["acme", "other", "third"])
    await apply("Provider", name, { wire: "scripted" });
  assert.match(await said("Router", "default"), /^Available: /);
  assert.match(await said("Provider", "acme"), /^Available: /);
  await remove("Provider", "other");
  assert.match(
    await said("Router", "default"),
    /^stalled TargetMissing: A Provider is missing: "other"/,
  );
});

test("a Provider says when its key is in no variable that is set; files and programs are not looked at", async () => {
  await using opened = await open();
  const { apply, said } = opened;
  const keyed = (valueFrom: JsonObject | JsonObject[], headers: JsonObject = {}) =>
    apply("Provider", "cloud", { wire: "openai-chat", apiKey: { valueFrom }, headers });
  const available = /^Available: /;
  await keyed({ env: "SET" });
  assert.match(await said("Provider", "cloud"), available);
  await keyed({ env: "EMPTY" });
  assert.equal(
    await said("Provider", "cloud"),
    "stalled SecretMissing: No secret for spec.apiKey of provider/cloud: the variable EMPTY is not set: set EMPTY.",
  );
  await keyed([{ env: "UNSET" }, { env: "SET" }]);
  assert.match(await said("Provider", "cloud"), available);
  await keyed({ env: "SET" }, { "x-team": { valueFrom: { env: "UNSET" } } });
  assert.match(await said("Provider", "cloud"), /^stalled SecretMissing: .*headers\.x-team/);
  for (const source of [{ file: "./none" }, { exec: ["./none"] }]) {
    await keyed([{ env: "UNSET" }, source]);
    assert.match(await said("Provider", "cloud"), available);
  }
});
