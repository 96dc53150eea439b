// Goal: each planted fault gets exactly the message that people are promised, at its place, with the next step.
// Method: load every file and folder of fixtures/invalid and compare the text with the one beside it (UPDATE_EXPECTED=1 writes them anew, to be read in the diff).
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { manifestCodes } from "../lib/codes/manifest.ts";
import { sourceCodes } from "../lib/codes/sources.ts";
import { triggerCodes } from "../lib/codes/triggers.ts";
import { builtinFacts as builtins } from "../tools/types/builtin.ts";
import { loadManifests } from "./load.ts";
import { renderText } from "./render.ts";

const env = {
  MODEL: "local/small",
  HOME: "/home/someone",
  DEAD_URL: "127.0.0.1:11434",
  COUNT: "twelve",
};

const folder = fileURLToPath(new URL("../../fixtures/invalid/", import.meta.url));
const cases = readdirSync(folder).filter((name) => !name.endsWith(".txt"));

test("there are at least thirty planted faults", () => {
  assert.ok(cases.length >= 30);
});

/** What git cannot hold, what needs bulk, a flag or a server: other tests make it. */
const madeElsewhere = [
  "LEG1001",
  "LEG1003",
  "LEG1004",
  "LEG1005",
  "LEG1006",
  "LEG1025",
  "LEG1030",
  "LEG1031",
  "LEG1110",
  "LEG1111",
  "LEG1112",
  "LEG1113",
];

test("every code of manifests has a planted fault", () => {
  const texts = cases.map((name) => readFileSync(`${folder}${name}.txt`, "utf8")).join("");
  // 108x are those of plans and watching.
  const missing = Object.keys({ ...manifestCodes, ...sourceCodes, ...triggerCodes }).filter(
    (code) => !texts.includes(`[${code}]`) && !code.startsWith("LEG108"),
  );
  assert.deepEqual(missing, madeElsewhere);
});

for (const name of cases) {
  test(`${name} is reported as expected`, async () => {
    const { diagnostics } = await loadManifests([name], { cwd: folder, env, builtins });
    const text = renderText(diagnostics);
    const expected = `${folder}${name}.txt`;
    if (process.env.UPDATE_EXPECTED === "1") writeFileSync(expected, text);
    assert.notEqual(text, "");
    assert.equal(text, readFileSync(expected, "utf8"));
  });
}

test("all of them at once are reported at the same places, and nothing else is", async () => {
  const heads = (text: string): string[] =>
    text.match(/^\S+:\d+:\d+: error\[LEG\d+\]: .*$/gm) ?? [];
  const { diagnostics } = await loadManifests(["."], { cwd: folder, env, builtins });
  const together = heads(renderText(diagnostics, { max: Number.POSITIVE_INFINITY }));
  assert.deepEqual(
    heads(renderText(diagnostics)).length,
    together.length,
    "beyond the cap a line each",
  );
  const apart = cases.flatMap((name) => heads(readFileSync(`${folder}${name}.txt`, "utf8")));
  // A file that holds no manifest is an error when it is named, and skipped in a folder; overlays are named.
  const isNamed = /LEG10(02|14)|LEG1102|^\S*legion\.yaml:/;
  assert.deepEqual(
    apart.filter((head) => !together.includes(head) && !isNamed.test(head)),
    [],
  );
  assert.deepEqual(
    together.filter((head) => !apart.includes(head)),
    [],
  );
});
