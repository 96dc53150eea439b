// Goal: the prompt tells of tools in few tokens, in valid TypeScript, and help and search tell the rest.
// Method: a set of 120 tools counted with the tokenizer of the model family; every declaration is compiled as TypeScript; hostile descriptions.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import type { HostReply } from "../sandbox/contract.ts";
import { functionCallingJson, toolSet } from "../testing/tool-set.ts";
import type { FunctionSpec, ToolBinding } from "./contract.ts";
import { declarations } from "./declarations/write.ts";
import {
  helpFor,
  INDEX_TOKENS_MAX,
  INLINE_TOKENS_MAX,
  searchTools,
  toolSection,
} from "./declarations.ts";
import { type Builtin, builtins } from "./types/builtin.ts";

const tokens = (text: string) => encode(text).length;
const set = { tools: toolSet() };

function binding(
  as: string,
  functions: Readonly<Record<string, FunctionSpec>>,
  description = "",
): ToolBinding {
  const limits = { timeoutMs: 1, maxArgumentBytes: 1, maxResultBytes: 1 };
  return {
    as,
    tool: { name: as, description, functions, limits, call: async () => null },
    functions: Object.keys(functions).toSorted(),
    config: {},
  };
}

const own = {
  tools: Object.entries<Builtin>(builtins).map(([as, { functions, description }]) =>
    binding(as, functions, description),
  ),
};

const valueIn = (reply: HostReply) => (reply.ok ? reply.value : assert.fail(reply.error.message));
const errorIn = (reply: HostReply) =>
  reply.ok ? assert.fail(JSON.stringify(reply.value)) : reply.error;

test("120 tools cost at most 4,500 tokens, with every signature and description", (t) => {
  const functions = set.tools.reduce((sum, tool) => sum + tool.functions.length, 0);
  assert.equal(functions, 120);
  const json = tokens(functionCallingJson(set.tools));
  const inline = tokens(toolSection(set, "inline"));
  const index = tokens(toolSection(set, "index"));
  t.diagnostic(
    `function-calling JSON ${json}, inline ${inline}, index ${index}, search ${tokens(toolSection(set, "search"))}`,
  );
  assert.ok(json >= 11_000, `the set is not trivial: ${json}`);
  assert.ok(inline <= 4_500, `inline ${inline}`);
  assert.ok(index <= 1_184, `index ${index}`);
});

test("no description of a function or parameter is lost inline", () => {
  const text = toolSection(set, "inline");
  for (const { tool } of set.tools) {
    for (const { description, parameters } of Object.values(tool.functions)) {
      assert.ok(text.includes(description.replace(/\.$/, "")), description);
      for (const [name, field] of Object.entries(
        parameters.properties as Record<string, { description: string }>,
      )) {
        assert.ok(text.includes(`${name}: ${field.description}`), field.description);
      }
    }
  }
});

test("a parameter that means something else in one function says so there", () => {
  const f = (description: string) => ({
    description: "Does.",
    parameters: { type: "object", properties: { id: { type: "string", description } } },
  });
  const text = declarations([
    binding("a", { one: f("The user"), two: f("The user"), three: f("The order") }),
  ]);
  assert.match(text, /^\/\/ id: The user$/m);
  assert.match(text, /^three\(.*\) \/\/ Does\. id: The order$/m);
  assert.match(text, /^one\(.*\) \/\/ Does$/m);
});

test("the declarations compile under tsc, and calls that are wrong do not", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-tsc-"));
  const expectError = ["@ts", "expect", "error"].join("-");
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
  await write("set.ts", `export {};\n${declarations(set.tools)}`);
  await write(
    "own.ts",
    `export {};\n${declarations(own.tools)}
    const text: string = await tools.files.read({ path: "a" });
    const { entries } = await tools.files.list();
    const sizes: (number | undefined)[] = entries.map(({ bytes }) => bytes);
    // ${expectError} path is missing
    await tools.files.read({ limit: 3 });
    // ${expectError} it is no number
    const wrong: number = await tools.kv.delete({ key: "a" });
    export const used = [text, sizes, wrong];`,
  );
  const tsc = createRequire(import.meta.url)
    .resolve("typescript/package.json")
    .replace("package.json", "bin/tsc");
  const options = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--noImplicitAny",
    "false",
    "--target",
    "es2024",
    "--module",
    "esnext",
  ];
  const files = ["set.ts", "own.ts"].map((name) => path.join(folder, name));
  try {
    await promisify(execFile)(process.execPath, [tsc, ...options, ...files]);
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the same tools in any order of functions give the same text", () => {
  const [first] = own.tools;
  const turned = {
    ...first,
    tool: {
      ...first?.tool,
      functions: Object.fromEntries(Object.entries(first?.tool.functions ?? {}).toReversed()),
    },
  } as ToolBinding;
  assert.equal(declarations([turned]), declarations(own.tools.slice(0, 1)));
});

test("names that are no identifiers are written as code can say them", async () => {
  const spec = { description: "Does.", parameters: { type: "object", properties: { "a-b": {} } } };
  const tools = [binding("3d", { "new-print": spec })];
  assert.match(declarations(tools), /^"3d": \{\n"new-print"\(_\?: \{ "a-b"\?: unknown \}\)/m);
  assert.match(toolSection({ tools }, "index"), /`await tools\["3d"\]\["new-print"\]\(\{\}\)`/);
});

test("no description and no name breaks out of its line", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("*/ }; evil()", "a\nb", "a\u2028evil()", "// x", "`${x}`", "\r\n}"),
  );
  fc.assert(
    fc.property(hostile, hostile, hostile, (description, parameter, name) => {
      const parameters = {
        type: "object",
        properties: { [parameter]: { type: "string", description } },
      };
      const tools = [
        binding(
          "tool",
          { [name]: { description, parameters }, other: { description, parameters } },
          description,
        ),
      ];
      const text = declarations(tools);
      const code = stripTypeScriptTypes(text);
      assert.equal(
        code
          .trim()
          .replaceAll(/\/\/.*$/gm, "")
          .trim(),
        "",
        "nothing but types and comments",
      );
      stripTypeScriptTypes(helpCode(String(valueIn(helpFor({ tools }, "tool.other")))));
    }),
    { numRuns: 300 },
  );
});

/** Help ends with a signature; as a member of a type it is TypeScript. */
function helpCode(help: string): string {
  return help.replace(/^tools\.tool\.(.*)$/m, "declare const t: { $1 }");
}

const many = (copies: number) => ({
  tools: Array.from({ length: copies }, (_, at) =>
    toolSet().map((tool) => ({ ...tool, as: `${tool.as}${at}` })),
  ).flat(),
});
const modes = [
  { name: "none", tools: [], mode: "" },
  { name: "the builtins", tools: own.tools, mode: "inline" },
  { name: "120 functions", tools: set.tools, mode: "inline" },
  { name: "600 functions", tools: many(5).tools, mode: "index" },
  { name: "6,000 functions", tools: many(50).tools, mode: "search" },
];
for (const { name, tools, mode } of modes) {
  test(`auto tells of ${name} by ${mode || "no section at all"}`, () => {
    const text = toolSection({ tools }, "auto");
    assert.equal(text, mode === "" ? "" : toolSection({ tools }, mode as "inline"));
    // An estimate by characters is near the tokens.
    assert.ok(tokens(text) <= Math.max(INLINE_TOKENS_MAX, INDEX_TOKENS_MAX) * 1.25);
  });
}

test("search names no tool, index names all", () => {
  assert.ok(!toolSection(set, "search").includes("github.listIssues"));
  for (const { as } of set.tools)
    assert.match(toolSection(set, "index"), new RegExp(`^- ${as} \\(`, "m"));
});

test("help for a function tells limits, default and an example", () => {
  const help = String(valueIn(helpFor(own, "files.list")));
  assert.match(help, /@param _\.limit at most this many; default 1000; at least 1; at most 10000/);
  assert.match(help, /@example await tools\.files\.list\(\{"path":"src"\}\)/);
  assert.match(
    help,
    /^tools\.files\.list\(_\?: \{ path\?: string; limit\?: number \}\): Promise<\{ entries: /m,
  );
});

for (const name of ["files.read", "tools.files.read", "tools.files.read({})"]) {
  test(`help finds ${name}`, () => {
    assert.match(String(valueIn(helpFor(own, name))), /Returns the text of a file/);
  });
}

test("help for a tool has its functions, help without a name has the tools", () => {
  assert.match(
    String(valueIn(helpFor(own, "kv"))),
    /^declare const tools: \{\nkv: \{[\s\S]*delete\([\s\S]*set\(/m,
  );
  assert.match(
    String(valueIn(helpFor(own, undefined))),
    /^- files \(glob, list, read\): Reads files/,
  );
});

const unknown = [
  { name: "fles", says: /no tool is named "fles"/, hint: /did you mean "files"\?/ },
  {
    name: "files.reed",
    says: /has no function "reed"/,
    hint: /did you mean "read"\?.*Example: await tools\.files\.read/,
  },
  { name: 3, says: /help takes the name/, hint: /help\("files.read"\)/ },
];
for (const { name, says, hint } of unknown) {
  test(`help for ${JSON.stringify(name)} says what there is`, () => {
    const error = errorIn(helpFor(own, name));
    assert.match(error.message, says);
    assert.match(error.hint ?? "", hint);
  });
}

const searches = [
  { query: "cancel an event", finds: "calendar.deleteEvent" },
  { query: "open pull request", finds: "github.createPullRequest" },
  { query: "refund", finds: "stripe.refundPayment" },
  { query: "pod logs", finds: "kubernetes.logs" },
  { query: "sql", finds: "storage.query" },
  { query: "thermostat", finds: "home.setTemperature" },
  { query: "screenshoot", finds: "browser.screenshot" },
  { query: "add a reaction", finds: "slack.addReaction" },
  { query: "emoji", finds: "slack.addReaction" },
];
for (const { query, finds } of searches) {
  test(`a search for "${query}" finds ${finds} among the first three`, async () => {
    const found = valueIn(await searchTools(set, query)) as {
      name: string;
      signature: string;
      description: string;
    }[];
    assert.ok(
      found.slice(0, 3).some(({ name }) => name === finds),
      found.map(({ name }) => name).join(" "),
    );
    assert.ok(
      found.length <= 10 &&
        found.every(
          ({ signature, description }) => signature.startsWith("tools.") && description !== "",
        ),
    );
  });
}

test("a search that finds nothing is an empty list, one without words is told", async () => {
  assert.deepEqual(valueIn(await searchTools(set, "zzzzqqqq")), []);
  for (const query of [undefined, "", "  ", 3])
    assert.match(errorIn(await searchTools(set, query)).hint ?? "", /search\("read a file"\)/);
});

test("a search finds functions of the agent only", async () => {
  const granted = own.tools.map((tool) =>
    tool.as === "files" ? { ...tool, functions: ["list"] } : tool,
  );
  const found = valueIn(await searchTools({ tools: granted }, "read file text")) as {
    name: string;
  }[];
  assert.ok(!found.some(({ name }) => name === "files.read"));
});
