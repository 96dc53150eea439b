// Goal: a set in which the checks found nothing is not checked again by the next process, and whatever the checks depend on is.
// Method: loads by processes of one set each, with a cache; one thing is changed in between, and the outcome is that of a load without a cache. A digest planted in the cache shows when it is believed.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createTextCache } from "./cache.ts";
import { INSTRUCTIONS_BYTES_MAX } from "./limits.ts";
import { createManifestLoader, type LoadOptions } from "./loader.ts";
import type { ManifestSet } from "./objects.ts";
import { STAMP_TRUST_MS } from "./watch/limits.ts";

const base = mkdtempSync(join(tmpdir(), "legion-clean-"));
after(() => rmSync(base, { recursive: true, force: true }));

const PLANTED = "planted";
const builtins: NonNullable<LoadOptions["builtins"]> = {
  kv: { functions: ["get"], config: { type: "object", properties: { namespace: {} } } },
};

const manifests = `apiVersion: legion.dev/v1
kind: Provider
metadata: { name: cloud }
spec: { wire: openai-chat, baseUrl: "https://models.example.com/v1" }
---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: kv }
spec: { type: builtin, builtin: kv, config: { namespace: shared } }
---
apiVersion: legion.dev/v1
kind: Agent
metadata: { name: plain }
spec: { description: d, instructions: i, model: "\${MODEL}", tools: [kv] }
---
apiVersion: legion.dev/v1
kind: Agent
metadata: { name: named }
spec: { description: d, instructionsFrom: { file: text.txt }, model: cloud/large }
`;

/** A folder with manifests, and a cache that was filled by one load. */
interface Place {
  readonly folder: string;
  readonly cacheFolder: string;
}

type Load = Partial<LoadOptions> & { readonly isOnce?: boolean };

function load({ folder, cacheFolder }: Place, { isOnce = true, ...more }: Load, isCached = true) {
  const loader = createManifestLoader({
    ...(isCached && { cacheFolder }),
    isOnce,
    nowMs: () => Date.now() + STAMP_TRUST_MS,
  });
  const options = { cwd: folder, env: { MODEL: "cloud/large" }, builtins, ...more };
  return loader.load([join(folder, "all.yaml")], options);
}

/** The lines of the cache that know a set. */
function setLines({ cacheFolder }: Place): readonly string[] {
  const text = readFileSync(join(cacheFolder, "manifests.cache"), "utf8");
  return text.split("\n").filter((line) => line.slice(9).startsWith("set:"));
}

/** Makes the cache say something else of the set that it knows, which shows in what is loaded as soon as it is believed. */
function plant(place: Place): void {
  const [line = ""] = setLines(place);
  const hash = line.slice(9).split(" ")[0]?.slice("set:".length) ?? "";
  const cache = createTextCache(place.cacheFolder);
  cache.save(new Map(), () => new Set(), undefined, { hash, digest: PLANTED });
}

async function prepared(text = manifests): Promise<Place> {
  const folder = mkdtempSync(join(base, "folder-"));
  const place = { folder, cacheFolder: mkdtempSync(join(base, "cache-")) };
  writeFileSync(join(folder, "text.txt"), "Work.\n");
  writeFileSync(join(folder, "all.yaml"), text);
  await load(place, {});
  return place;
}

const told = ({ digest, objects, diagnostics }: ManifestSet) => ({ digest, objects, diagnostics });

test("the next process believes that nothing is wrong with the very same set, and tells the same of it", async () => {
  const place = await prepared();
  assert.equal(setLines(place).length, 1);
  assert.deepEqual(told(await load(place, {})), told(await load(place, {}, false)));
  assert.equal(setLines(place).length, 1);
  plant(place);
  assert.equal((await load(place, {})).digest, PLANTED);
});

const write = (name: string, text: string) => (place: Place) =>
  writeFileSync(join(place.folder, name), text);
const nothing = () => {};

/** What is changed, how the set is loaded then, and the code of what is wrong with it then; undefined where it is another set that is well. */
const cases: Readonly<
  Record<string, readonly [change: (place: Place) => void, load: Load, code?: string]>
> = {
  "an environment variable": [nothing, { env: { MODEL: "clout/large" } }, "LEG1052"],
  "an environment variable, to something that is well": [nothing, { env: { MODEL: "cloud/x" } }],
  "what a builtin takes": [
    nothing,
    {
      builtins: {
        kv: {
          functions: [],
          config: { type: "object", properties: {}, additionalProperties: false },
        },
      },
    },
    "LEG1058",
  ],
  "a manifest": [write("all.yaml", manifests.replace("[kv]", "[vk]")), {}, "LEG1050"],
  "a label": [write("all.yaml", manifests.replace("name: kv }", "name: kv, labels: {a: b} }")), {}],
  "a file that is named": [write("text.txt", "Rest.\n"), {}],
  "a file that is named, to one that is too large": [
    write("text.txt", "x".repeat(INSTRUCTIONS_BYTES_MAX + 1)),
    {},
    "LEG1004",
  ],
  "a file that is named, to none": [
    ({ folder }) => rmSync(join(folder, "text.txt")),
    {},
    "LEG1061",
  ],
};

for (const [what, [change, options, code]] of Object.entries(cases)) {
  test(`another ${what}: the set is checked`, async () => {
    const place = await prepared();
    plant(place);
    change(place);
    const set = await load(place, options);
    assert.deepEqual(told(set), told(await load(place, options, false)));
    const codes = set.diagnostics.map((diagnostic) => diagnostic.code);
    assert.deepEqual(codes, code === undefined ? [] : [code]);
  });
}

test("a file that is named is looked at, though all that the documents say is known", async () => {
  const text = manifests.replace("instructionsFrom: { file: text.txt }", "instructions: i");
  const source = `apiVersion: legion.dev/v1
kind: Source
metadata: { name: far }
spec: { type: git, url: "https://git.example.com/a.git", ref: { branch: main }, verify: { mode: commit, allowedSigners: text.txt } }
`;
  const place = await prepared(`${text}---\n${source}`);
  assert.deepEqual((await load(place, {})).diagnostics, []);
  assert.equal(setLines(place).length, 1);
  rmSync(join(place.folder, "text.txt"));
  const codes = (await load(place, {})).diagnostics.map(({ code }) => code);
  assert.deepEqual(codes, ["LEG1061"]);
});

test("the value of a variable written out is looked at like every other text", async () => {
  const withPassword = (text: string) =>
    manifests.replace("namespace: shared", `password: "${text}"`);
  const env = { MODEL: "cloud/large", PASSWORD: "correct horse" };
  const place = await prepared();
  write("all.yaml", withPassword(`\${PASSWORD}`))(place);
  assert.deepEqual((await load(place, { env })).diagnostics, []);
  assert.equal(setLines(place).length, 2);
  write("all.yaml", withPassword("correct horse"))(place);
  const { diagnostics } = await load(place, { env });
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ["LEG1070"],
  );
});

test("a set in which something is wrong or doubtful is not remembered", async () => {
  const place = await prepared(manifests.replace("[kv]", "[vk]"));
  assert.deepEqual(setLines(place), []);
  const scripted = `---
apiVersion: legion.dev/v1
kind: Provider
metadata: { name: script }
spec: { wire: scripted, replies: [{ text: a }] }
---
apiVersion: legion.dev/v1
kind: Router
metadata: { name: r }
spec: { tiers: [{ name: t, targets: [cloud/a, script/b] }] }
`;
  const doubtful = await prepared(`${manifests}${scripted}`);
  const { diagnostics } = await load(doubtful, {});
  assert.deepEqual(
    diagnostics.map(({ severity }) => severity),
    ["warning"],
  );
  assert.deepEqual(setLines(doubtful), []);
});

test("objects that are there besides, and loaders that load again, are checked in full", async () => {
  const place = await prepared();
  plant(place);
  const { objects, digest } = await load(place, {}, false);
  for (const more of [{ existing: objects.slice(0, 1) }, { isOnce: false }])
    assert.equal((await load(place, more)).digest, digest);
});

test("a cache that is damaged, or of another version, is not believed", async () => {
  for (const damage of [
    (text: string) => text.replace(`["${PLANTED}"]`, '["Planted"]'),
    (text: string) => text.replace("legion manifests ", "legion manifestS "),
  ]) {
    const place = await prepared();
    plant(place);
    const file = join(place.cacheFolder, "manifests.cache");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, damage(text));
    const { digest } = await load(place, {}, false);
    assert.equal((await load(place, {})).digest, digest);
  }
});
