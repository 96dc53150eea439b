// Goal: folders import only what the architecture lets them, packages stay behind their one folder, and nothing goes in circles.
// Method: read every import of every source file and hold it against the two tables below.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));

/** Which folders each folder may import from, besides itself. */
const layers: Record<string, readonly string[]> = {
  lib: [],
  trigger: ["lib"],
  manifest: ["lib", "trigger"],
  state: ["lib", "manifest"],
  telemetry: ["lib", "state"],
  security: ["lib", "manifest", "state", "telemetry"],
  sandbox: ["lib"],
  tools: ["lib", "manifest", "state", "telemetry", "security", "sandbox"],
  router: ["lib", "manifest", "state", "telemetry", "security"],
  human: ["lib", "manifest", "state", "telemetry", "security", "tools"],
  agent: ["lib", "manifest", "state", "telemetry", "security", "sandbox", "tools", "router"],
  turns: [
    "lib",
    "manifest",
    "state",
    "telemetry",
    "security",
    "sandbox",
    "tools",
    "router",
    "agent",
  ],
  watch: ["lib", "trigger", "manifest", "state", "telemetry", "security", "tools"],
  cron: ["lib", "trigger", "manifest", "state", "telemetry"],
  reconcile: [
    "lib",
    "trigger",
    "manifest",
    "state",
    "telemetry",
    "security",
    "sandbox",
    "tools",
    "router",
    "agent",
    "watch",
    "cron",
  ],
  api: ["lib", "manifest", "state", "telemetry", "agent", "watch", "cron", "reconcile"],
  cli: [
    "lib",
    "trigger",
    "manifest",
    "state",
    "telemetry",
    "tools",
    "agent",
    "watch",
    "cron",
    "reconcile",
    "api",
    "(root)",
  ],
  testing: ["*"],
  acceptance: ["*"],
  bench: ["*"],
  "(root)": ["*"],
};

/** Third-party packages and the only places that may import them; types alone may go further. */
const packages: Record<string, readonly string[]> = {
  "@jitl/quickjs-ng-wasmfile-release-sync": ["sandbox/"],
  "@keyv/sqlite": ["state/"],
  "@sebastianwessel/quickjs": ["sandbox/"],
  acorn: ["sandbox/", "manifest/code/"],
  ajv: ["lib/schema.ts", "manifest/"],
  canonicalize: ["lib/hash.ts"],
  chevrotain: ["trigger/"],
  clipanion: ["cli/"],
  croner: ["lib/schedules.ts"],
  "eventsource-parser": ["router/wires/"],
  fastify: ["api/"],
  "json-p3": ["cli/jsonpath.ts"],
  "json-schema-to-typescript": ["manifest/generate.ts"],
  keyv: ["state/"],
  minisearch: ["tools/"],
  pino: ["lib/log.ts"],
  "pino-pretty": ["lib/log.ts"],
  "quickjs-emscripten-core": ["sandbox/"],
  re2js: ["lib/patterns.ts"],
  "string-width": ["cli/"],
  ulid: ["lib/ids.ts"],
  yaml: ["manifest/", "cli/output.ts"],
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const sources = globSync("**/*.ts", { cwd: root })
  .filter((file) => !file.includes("generated/") && !file.endsWith(".test.ts"))
  .toSorted();
const imports = sources.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(`${root}${file}`, "utf8");
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|import\("([^"]+)"\)/gm,
  );
  return [...found].map(([, type, statically, dynamically]) => ({
    file,
    target: statically ?? dynamically ?? "",
    typeOnly: type !== undefined,
  }));
}

/** `cli/run.ts` -> `cli`; `main.ts` -> `(root)`. */
function folderOf(file: string): string {
  return file.includes("/") ? (file.split("/")[0] ?? "") : "(root)";
}

function packageOf(target: string): string {
  return target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
}

test("every folder has a row and imports only what the row lists", () => {
  const wrong = imports.flatMap(({ file, target }) => {
    if (!target.startsWith(".")) return [];
    const from = folderOf(file);
    const to = folderOf(posix.join(dirname(file), target));
    const allowed = layers[from];
    if (allowed === undefined) return [`${from}/ has no row`];
    return from === to || allowed.includes(to) || allowed.includes("*")
      ? []
      : [`${file} imports ${target}`];
  });
  assert.deepEqual(wrong, []);
});

test("the rows hold no circle", () => {
  const visit = (folder: string, path: readonly string[]): void => {
    assert.ok(!path.includes(folder), `circle: ${[...path, folder].join(" -> ")}`);
    for (const next of layers[folder] ?? [])
      if (next !== "(root)" && next !== "*") visit(next, [...path, folder]);
  };
  for (const folder of Object.keys(layers)) visit(folder, []);
});

test("every package stays behind its folder and is in the table", () => {
  const wrong = imports.flatMap(({ file, target, typeOnly }) => {
    if (
      target.startsWith(".") ||
      target.startsWith("node:") ||
      typeOnly ||
      folderOf(file) === "bench"
    )
      return [];
    const places = packages[packageOf(target)];
    if (places === undefined) return [`${file}: ${target} has no row`];
    return places.some((place) => file.startsWith(place)) ? [] : [`${file} imports ${target}`];
  });
  assert.deepEqual(wrong, []);
});

test("the reader of imports finds all forms", () => {
  const forms = importsOf("layers.test.ts").map(({ target }) => target);
  assert.ok(forms.includes("node:assert/strict"), "a plain import");
  assert.ok(imports.length > sources.length, "dynamic and static imports of the tree");
});
