// Goal: a misspelt key is never accepted, and is reported exactly where it stands.
// Method: rename each key of each valid fixture whose parent is closed, and look for LEG1007 at the place that the yaml package tells. Exempt are keys of maps that are free by their schema: labels, annotations, config, headers, aliases, functions, arguments, examples and what is inside JSON Schemas.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import { loadManifests } from "./load.ts";
import type { Kind } from "./objects.ts";

const folder = fileURLToPath(new URL("../../fixtures/valid/", import.meta.url));
const files = readdirSync(folder).filter(
  (name) => /\.(yaml|json)$/.test(name) && name !== "replies.yaml",
);

interface Key {
  readonly filename: string;
  readonly text: string;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
  /** The names that would be right here. */
  readonly allowed: readonly string[];
}

const keys = files.flatMap(keysOf);

test("the fixtures have keys to misspell", () => {
  assert.ok(keys.length > 150, `${keys.length} keys`);
});

test("every key that is misspelt is reported where it stands", async () => {
  for (const key of keys) await assertReported(key, `${key.name}x`);
});

test("whatever a key is renamed to, it is reported where it stands", async () => {
  const names = fc.stringMatching(/^[a-zA-Z]{1,12}$/);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...keys), names, async (key, name) => {
      fc.pre(!key.allowed.includes(name) && !/^(null|true|false)$/i.test(name));
      await assertReported(key, name);
    }),
    { numRuns: 200 },
  );
});

async function assertReported(
  { text, filename, start, end, line, column, name }: Key,
  renamed: string,
): Promise<void> {
  const quoted = text[start] === '"' ? JSON.stringify(renamed) : renamed;
  const changed = text.slice(0, start) + quoted + text.slice(end);
  const others = files
    .filter((file) => file !== filename)
    .map((file) => ({ filename: file, text: readFileSync(folder + file, "utf8") }));
  const { diagnostics } = await loadManifests([{ filename, text: changed }, ...others], {
    cwd: folder,
    env: {},
  });
  const found = diagnostics.filter(
    ({ code, range }) =>
      code === "LEG1007" && range?.start.line === line && range.start.column === column,
  );
  assert.equal(
    found.length,
    1,
    `${filename}:${line}:${column} ${name} -> ${renamed}: ${JSON.stringify(diagnostics, null, 1)}`,
  );
  assert.equal(found[0]?.severity, "error");
  assert.match(found[0]?.summary ?? "", new RegExp(`unknown field "${renamed}"`));
  assert.equal(found[0]?.range?.end.column, column + quoted.length);
}

function keysOf(filename: string): Key[] {
  const text = readFileSync(folder + filename, "utf8");
  const lineCounter = new LineCounter();
  return parseAllDocuments(text, { lineCounter }).flatMap((document) => {
    const found: Key[] = [];
    const collect = (node: unknown, schema: FieldSchema | undefined): void => {
      if (schema === undefined) return;
      if (isSeq(node)) for (const item of node.items) collect(item, schema.items);
      if (!isMap(node)) return;
      const { properties = {}, additionalProperties } = schema;
      for (const { key, value } of node.items) {
        if (!isScalar(key) || key.range == null) continue;
        const name = String(key.value);
        const [start, end] = key.range;
        const { line, col: column } = lineCounter.linePos(start);
        if (additionalProperties === false)
          found.push({
            filename,
            text,
            name,
            start,
            end,
            line,
            column,
            allowed: Object.keys(properties),
          });
        collect(
          value,
          properties[name] ??
            (typeof additionalProperties === "object" ? additionalProperties : undefined),
        );
      }
    };
    collect(document.contents, schemas[document.get("kind") as Kind]);
    return found;
  });
}
