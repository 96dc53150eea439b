// Goal: no input, however hostile, hangs, crashes or blinds the loader: each is a diagnostic that tells the next step (reliability R22 to R28).
// Method: make what git cannot hold in a temporary folder (pipes, sockets, sparse files, links, bombs) and load it with the real file system.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Diagnostic } from "./diagnostics.ts";
import { FILE_BYTES_MAX, FOLDER_DEPTH_MAX } from "./limits.ts";
import { loadManifests } from "./load.ts";
import { renderText } from "./render.ts";

const base = mkdtempSync(join(tmpdir(), "legion-hostile-"));
after(() => rmSync(base, { recursive: true, force: true }));

const tool =
  "apiVersion: legion.dev/v1\nkind: Tool\nmetadata: { name: kv }\nspec: { type: builtin, builtin: kv }\n";
let folders = 0;

function newFolder(): string {
  folders += 1;
  const folder = join(base, `case-${folders}`);
  mkdirSync(folder);
  return folder;
}

interface Row {
  readonly name: string;
  /** Makes the case in a folder and gives the path to load; the folder itself unless it gives one. */
  readonly make: (folder: string) => string | undefined;
  readonly code: Diagnostic["code"];
  readonly summary: RegExp;
  /** What stands beside it is loaded all the same. */
  readonly objects?: number;
}

const write = (name: string, content: string | Uint8Array) => (folder: string) => {
  writeFileSync(join(folder, "good.yaml"), tool);
  writeFileSync(join(folder, name), content);
  return undefined;
};

const files: readonly Row[] = [
  {
    name: "a path that does not exist",
    make: () => "nowhere",
    code: "LEG1001",
    summary: /no such file/,
  },
  { name: "an empty folder", make: () => undefined, code: "LEG1002", summary: /no manifest/ },
  {
    name: "a named pipe in the folder",
    make: pipeIn,
    code: "LEG1003",
    summary: /a named pipe/,
    objects: 1,
  },
  {
    name: "a named pipe that is named",
    make: (folder) => pipeIn(folder) ?? join(folder, "pipe.yaml"),
    code: "LEG1003",
    summary: /a named pipe/,
  },
  { name: "a device", make: () => "/dev/zero", code: "LEG1003", summary: /a device/ },
  {
    name: "a folder whose name ends in .yaml",
    make: folderNamedLikeAFile,
    code: "LEG1003",
    summary: /a folder/,
    objects: 1,
  },
  { name: "a sparse file of 2 GiB", make: sparse, code: "LEG1004", summary: /2 GiB/, objects: 1 },
  {
    name: "a line of 10 MB",
    make: write("line.yaml", `a: ${"x".repeat(10_000_000)}\n`),
    code: "LEG1004",
    summary: /MiB/,
    objects: 1,
  },
  {
    name: "a file that may not be read",
    make: unreadable,
    code: "LEG1005",
    summary: /cannot be read/,
  },
  {
    name: "a link to itself",
    make: linkTo("loop.yaml", "loop.yaml"),
    code: "LEG1005",
    summary: /leads back to itself/,
    objects: 1,
  },
  {
    name: "a link whose target is gone",
    make: linkTo("gone.yaml", "nothing.yaml"),
    code: "LEG1001",
    summary: /no such file/,
    objects: 1,
  },
  {
    name: "a link out of the folder",
    make: linkTo("out.yaml", "/etc/hosts"),
    code: "LEG1030",
    summary: /leads out/,
    objects: 1,
  },
  {
    name: "a linked folder out of the folder",
    make: linkTo("out", "/etc"),
    code: "LEG1030",
    summary: /leads out/,
    objects: 1,
  },
  {
    name: "folders deeper than are searched",
    make: deepFolders,
    code: "LEG1031",
    summary: /deep/,
    objects: 1,
  },
  {
    name: "a NUL byte",
    make: write("nul.yaml", "kind: Tool\n\0"),
    code: "LEG1006",
    summary: /NUL byte at byte 11$/,
    objects: 1,
  },
  {
    name: "a byte that is no UTF-8",
    make: write("latin.yaml", Buffer.from("a: caf\xe9\n", "latin1")),
    code: "LEG1006",
    summary: /byte 6 begins no character/,
    objects: 1,
  },
  {
    name: "a character that is cut off",
    make: write("cut.yaml", Buffer.from([0x61, 0x3a, 0x20, 0xe2, 0x82])),
    code: "LEG1006",
    summary: /byte 3 begins no character/,
    objects: 1,
  },
  {
    name: "UTF-16",
    make: write("wide.yaml", Buffer.from(tool, "utf16le")),
    code: "LEG1006",
    summary: /NUL byte at byte 1$/,
    objects: 1,
  },
];

for (const { name, make, code, summary, objects = 0 } of files) {
  test(`${name} is refused with a reason`, async () => {
    const folder = newFolder();
    const path = make(folder) ?? ".";
    const set = await loadManifests([path], { cwd: folder, env: {} });
    const [diagnostic] = set.diagnostics;
    assert.equal(set.diagnostics.length, 1, renderText(set.diagnostics));
    assert.equal(diagnostic?.severity, "error");
    assert.equal(diagnostic?.code, code);
    assert.match(diagnostic?.summary ?? "", summary);
    assert.notEqual(diagnostic?.detail, "");
    assert.equal(set.objects.length, objects);
  });
}

test("a socket is refused with a reason", async () => {
  const folder = newFolder();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, "socket.yaml"), resolve));
  try {
    const { diagnostics } = await loadManifests([folder], { cwd: folder, env: {} });
    assert.match(diagnostics[0]?.summary ?? "", /a socket/);
    assert.equal(diagnostics[0]?.code, "LEG1003");
  } finally {
    server.close();
  }
});

test("folders that link to each other are walked once, and links within the folder count", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, "a"));
  writeFileSync(join(folder, "a", "kv.yaml"), tool);
  symlinkSync("..", join(folder, "a", "up"));
  symlinkSync("a", join(folder, "b"));
  symlinkSync("a/kv.yaml", join(folder, "kv.yaml"));
  const set = await loadManifests([folder], { cwd: folder, env: {} });
  assert.deepEqual(set.diagnostics, []);
  assert.equal(set.objects.length, 1);
});

test("hidden folders and node_modules are not looked at", async () => {
  const folder = newFolder();
  for (const name of [".git", "node_modules", "a"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "kv.yaml"), tool);
  }
  writeFileSync(join(folder, ".hidden.yaml"), "not: [a manifest");
  writeFileSync(join(folder, "notes.txt"), "not: [a manifest");
  const set = await loadManifests([folder], { cwd: folder, env: {} });
  assert.deepEqual(set.diagnostics, []);
  assert.equal(set.files, 1);
});

const bomb = [
  "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
  ...Array.from(
    { length: 9 },
    (_, level) => `a${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(", ")}]`,
  ),
].join("\n");
const keys = (amount: number) => Array.from({ length: amount }, (_, index) => `k${index}: 1`);

const texts: readonly { name: string; text: string; code: Diagnostic["code"] }[] = [
  { name: "an alias bomb", text: bomb, code: "LEG1023" },
  {
    name: "100,000 brackets in each other",
    text: `a: ${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    code: "LEG1024",
  },
  { name: "100,000 braces in each other", text: "{a: ".repeat(100_000), code: "LEG1024" },
  { name: "100,000 dashes in a line", text: `${"- ".repeat(100_000)}x`, code: "LEG1024" },
  { name: "100,000 question marks in a line", text: `${"? ".repeat(100_000)}x`, code: "LEG1024" },
  {
    name: "1,900 levels of indentation",
    text: Array.from({ length: 1900 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
    code: "LEG1024",
  },
  {
    name: "aliases that nest each other deep",
    text: [
      "a0: &a0 [x]",
      ...Array.from({ length: 200 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}]`),
    ].join("\n"),
    code: "LEG1024",
  },
  { name: "a map of 1,000,000 keys", text: keys(1_000_000).join("\n"), code: "LEG1004" },
  { name: "a map of 150,000 keys", text: keys(150_000).join("\n"), code: "LEG1025" },
  { name: "a flow map of 150,000 keys", text: `{${keys(150_000).join(", ")}}`, code: "LEG1025" },
  { name: "the same key 20,000 times", text: "a: 1\n".repeat(20_000), code: "LEG1025" },
  {
    name: "a million blank lines in a document",
    text: `a: 1\n${"\n".repeat(1_000_000)}b: 2\n`,
    code: "LEG1025",
  },
  { name: "200,000 documents", text: "--- 1\n".repeat(200_000), code: "LEG1025" },
  { name: "200,000 directives", text: "%a\n".repeat(200_000), code: "LEG1025" },
];

for (const { name, text, code } of texts) {
  test(`${name} is refused within bounds, and others run meanwhile`, async () => {
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 1);
    const startMs = performance.now();
    const rss = process.memoryUsage.rss();
    const { diagnostics } = await loadManifests([{ text, filename: "x.yaml" }], {
      cwd: base,
      env: {},
    });
    const elapsedMs = performance.now() - startMs;
    clearInterval(ticking);
    assert.equal(diagnostics[0]?.code, code, renderText(diagnostics));
    assert.equal(diagnostics.length, 1);
    // The promise is a second on a machine of its own; a machine under load gets three. Quadratic time takes minutes.
    assert.ok(elapsedMs < 3_000, `${elapsedMs} ms`);
    assert.ok(elapsedMs < 100 || ticks > 0, `no tick in ${elapsedMs} ms`);
    assert.ok((process.memoryUsage.rss() - rss) / 2 ** 20 < 250);
  });
}

test("a text of the largest size that is allowed is read", async () => {
  const head = `${tool.trimEnd().replace("{ type: builtin, builtin: kv }", "\n  type: builtin\n  builtin: kv")}\n#`;
  const text = head + "x".repeat(FILE_BYTES_MAX - head.length);
  const fits = await loadManifests([{ text, filename: "x.yaml" }], { cwd: base, env: {} });
  assert.equal(fits.objects.length, 1, renderText(fits.diagnostics));
  const over = await loadManifests([{ text: `${text}x`, filename: "x.yaml" }], {
    cwd: base,
    env: {},
  });
  assert.equal(over.diagnostics[0]?.code, "LEG1004");
});

test("no key reaches the prototype of objects", async () => {
  const spots = [
    "config: { __proto__: { polluted: 1 } }",
    "config: { constructor: { prototype: { polluted: 1 } } }",
    '"__proto__": { polluted: 1 }',
  ];
  for (const spot of spots) {
    const text = `apiVersion: legion.dev/v1\nkind: Tool\nmetadata: { name: kv }\nspec:\n  type: builtin\n  builtin: kv\n  ${spot}\n`;
    await loadManifests([{ text, filename: "x.yaml" }], { cwd: base, env: {} });
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  }
});

test("scalars are typed as YAML 1.2 says", async () => {
  const text = `${tool.replace("builtin: kv }", "builtin: kv, config: { no: NO, on: on, octal: 0o17, old: 017, float: 1e3, date: 2024-01-01, tilde: ~, yes: yes, t: true } }")}`;
  const set = await loadManifests([{ text, filename: "x.yaml" }], { cwd: base, env: {} });
  assert.deepEqual(set.get("Tool", "kv")?.spec.config, {
    no: "NO",
    on: "on",
    octal: 15,
    old: 17,
    float: 1000,
    date: "2024-01-01",
    tilde: null,
    yes: "yes",
    t: true,
  });
});

test("whatever a text holds, loading ends with objects or diagnostics", async () => {
  const signs = fc.constantFrom(
    "a",
    ": ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!t ",
    "|\n",
    ">\n",
    "'",
    '"',
    "#",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "?",
    "\t",
    "\\",
    "${X}",
    "kind: Tool\n",
    "\u0000",
    "\ud800",
    "\ufeff",
    "é",
  );
  const soup = fc.array(signs, { maxLength: 60 }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(soup, async (text) => {
      const set = await loadManifests([{ text, filename: "x.yaml" }], { cwd: base, env: {} });
      assert.equal(set.objects.length, 0);
      assert.ok(set.diagnostics.some(({ severity }) => severity === "error"));
      assert.doesNotMatch(renderText(set.diagnostics).replaceAll("\n", ""), /\p{Cc}/u);
    }),
    { numRuns: 1_000 },
  );
});

function pipeIn(folder: string): undefined {
  writeFileSync(join(folder, "good.yaml"), tool);
  execFileSync("mkfifo", [join(folder, "pipe.yaml")]);
}

function folderNamedLikeAFile(folder: string): undefined {
  writeFileSync(join(folder, "good.yaml"), tool);
  mkdirSync(join(folder, "x.yaml"));
}

function sparse(folder: string): undefined {
  writeFileSync(join(folder, "good.yaml"), tool);
  writeFileSync(join(folder, "sparse.yaml"), "");
  truncateSync(join(folder, "sparse.yaml"), 2 ** 31);
}

/** Nothing is forbidden to root, but this file of the kernel gives even root an error of input and output. */
function unreadable(folder: string): string {
  if (process.getuid?.() === 0) return "/proc/self/mem";
  const file = join(folder, "locked.yaml");
  writeFileSync(file, tool);
  chmodSync(file, 0);
  return file;
}

function linkTo(name: string, target: string): (folder: string) => undefined {
  return (folder) => {
    writeFileSync(join(folder, "good.yaml"), tool);
    symlinkSync(target, join(folder, name));
  };
}

function deepFolders(folder: string): undefined {
  writeFileSync(join(folder, "good.yaml"), tool);
  mkdirSync(join(folder, ...Array(FOLDER_DEPTH_MAX + 2).fill("d")), { recursive: true });
}
