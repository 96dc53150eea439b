// Goal: read, list and glob give what the folder holds, in bounded parts, and say what to do when they cannot.
// Method: real folders, files of every awkward size and encoding, calls through a toolbox.
import assert from "node:assert/strict";
import * as fileSystem from "node:fs/promises";
import { link, mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { type TestToolbox, type Workplace, workplace } from "../../testing/toolbox.ts";
import { glob } from "./files/glob.ts";
import { grant } from "./files/granted.ts";

const SECRET = "the secret outside";
let place: Workplace;
let files: TestToolbox;
/** The granted folder, beside `outside` in the same temporary folder. */
let root = "";

before(async () => {
  place = await workplace();
  root = path.join(place.folder, "granted");
  const outside = path.join(place.folder, "outside");
  await mkdir(path.join(root, "src"), { recursive: true });
  await mkdir(outside);
  await writeFile(path.join(outside, "secret.txt"), SECRET);
  await writeFile(path.join(root, "README.md"), "# Read me\n");
  await mkdir(path.join(root, "src", "deep"));
  await writeFile(path.join(root, "src", "main.ts"), "export {};\n");
  await writeFile(path.join(root, "src", "deep", "a.test.ts"), "");
  await symlink("README.md", path.join(root, "inside-link"));
  const config = { roots: ["granted"] };
  files = await place.create({ tools: { files: { type: "builtin", builtin: "files", config } } });
});
after(() => place[Symbol.asyncDispose]());

const readError = (given: string, more: object = {}) =>
  files.error("files.read", { path: given, ...more });
const read = (given: string, more: object = {}) =>
  files.value("files.read", { path: given, ...more });

describe("read", () => {
  test("text comes back as it is, through links that stay inside too", async () => {
    assert.equal(await read("granted/README.md"), "# Read me\n");
    assert.equal(await read(path.join(root, "README.md")), "# Read me\n");
    assert.equal(await read("granted/inside-link"), "# Read me\n");
  });

  test("a file that is too large is told with how to read it in parts", async () => {
    await writeFile(path.join(root, "big"), "");
    await truncate(path.join(root, "big"), 2 ** 31);
    const error = await readError("granted/big");
    assert.equal(error.code, "LEG4024");
    assert.match(error.message, /has 2 GiB, and one read returns at most 1 MiB/);
    const part = await read("granted/big", { offset: 2 ** 31 - 2, limit: 100, encoding: "base64" });
    assert.equal(part, "AAA=");
  });

  test("a file of exactly the limit is read, one byte more is not", async () => {
    await writeFile(path.join(root, "limit"), "x".repeat(1024 * 1024));
    assert.equal(String(await read("granted/limit")).length, 1024 * 1024);
    await writeFile(path.join(root, "limit"), "x".repeat(1024 * 1024 + 1));
    assert.equal((await readError("granted/limit")).code, "LEG4024");
  });

  test("parts that follow each other make up the whole, wherever they are cut", async () => {
    const whole = "aé漢😀\nZ".repeat(20);
    await writeFile(path.join(root, "parts"), whole);
    for (const limit of [1, 2, 3, 4, 5, 7, 100]) {
      let text = "";
      for (let offset = 0; offset < Buffer.byteLength(whole); offset += limit)
        text += await read("granted/parts", { offset, limit });
      assert.equal(text, whole, `parts of ${limit}`);
    }
    assert.equal(await read("granted/parts", { offset: 10_000 }), "");
  });

  const notText = [
    Buffer.from([0xff, 0xfe, 0x41, 0]),
    Buffer.from([0x61, 0xc3]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from("a\0b"),
  ];
  for (const bytes of notText) {
    test(`bytes ${bytes.toString("hex")} are not text, and come back as base64`, async () => {
      await writeFile(path.join(root, "bytes"), bytes);
      const error = await readError("granted/bytes");
      assert.equal(error.code, "LEG4025");
      assert.match(error.example ?? "", /base64/);
      assert.equal(await read("granted/bytes", { encoding: "base64" }), bytes.toString("base64"));
    });
  }

  test("a byte order mark is taken off, an empty file is empty", async () => {
    await writeFile(path.join(root, "bom"), "\uFEFFtext");
    assert.equal(await read("granted/bom"), "text");
    await writeFile(path.join(root, "empty"), "");
    assert.equal(await read("granted/empty"), "");
  });
});

describe("list", () => {
  test("entries are sorted and have types and sizes", async () => {
    const folder = path.join(root, "listed");
    await mkdir(path.join(folder, "b"), { recursive: true });
    await writeFile(path.join(folder, "c.txt"), "12345");
    await symlink("c.txt", path.join(folder, "a"));
    assert.deepEqual(await files.value("files.list", { path: "granted/listed" }), {
      entries: [
        { path: "granted/listed/a", type: "link" },
        { path: "granted/listed/b", type: "folder" },
        { path: "granted/listed/c.txt", type: "file", bytes: 5 },
      ],
      more: false,
    });
    const first = await files.value("files.list", { path: "granted/listed", limit: 1 });
    assert.deepEqual(first, { entries: [{ path: "granted/listed/a", type: "link" }], more: true });
  });

  test("a file is told to be no folder", async () => {
    assert.equal((await files.error("files.list", { path: "granted/README.md" })).code, "LEG4023");
  });
});

describe("glob", () => {
  const rows = [
    {
      pattern: "granted/src/**/*.ts",
      paths: ["granted/src/deep/a.test.ts", "granted/src/main.ts"],
    },
    { pattern: "**/main.ts", paths: ["granted/src/main.ts"] },
    { pattern: "granted/src/*.ts", paths: ["granted/src/main.ts"] },
    {
      pattern: "granted/{README.md,src/main.ts}",
      paths: ["granted/README.md", "granted/src/main.ts"],
    },
    { pattern: "granted/README.md", paths: ["granted/README.md"] },
    { pattern: "granted/nothing/**", paths: [] },
  ];
  for (const { pattern, paths } of rows) {
    test(`${pattern} finds ${paths.length}`, async () => {
      assert.deepEqual(await files.value("files.glob", { pattern }), { paths, more: false });
    });
  }

  test("a pattern is relative to the path that is given", async () => {
    const found = await files.value("files.glob", { pattern: "**/*.ts", path: "granted/src/deep" });
    assert.deepEqual(found, { paths: ["granted/src/deep/a.test.ts"], more: false });
  });

  test("a limit tells that there is more", async () => {
    assert.deepEqual(
      await files.value("files.glob", { pattern: "granted/src/**/*.ts", limit: 1 }),
      { paths: ["granted/src/deep/a.test.ts"], more: true },
    );
  });

  test("node_modules is skipped unless the pattern names it", async () => {
    const folder = path.join(root, "node_modules", "x");
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "package.json"), "{}");
    assert.deepEqual(await files.value("files.glob", { pattern: "**/package.json" }), {
      paths: [],
      more: false,
    });
    assert.deepEqual(
      await files.value("files.glob", { pattern: "granted/node_modules/*/package.json" }),
      { paths: ["granted/node_modules/x/package.json"], more: false },
    );
  });

  test("links in circles, and a tree that is very deep, end", async () => {
    let folder = path.join(root, "tree");
    await mkdir(folder);
    process.chdir(folder);
    for (let level = 0; level < 300; level += 1) {
      await mkdir("d");
      process.chdir("d");
    }
    await writeFile("end.txt", "x");
    process.chdir(place.folder);
    folder = path.join(root, "tree");
    await symlink("..", path.join(folder, "up"));
    assert.deepEqual(await files.value("files.glob", { pattern: "granted/tree/**/*.txt" }), {
      paths: [],
      more: true,
    });
    await rm(folder, { recursive: true });
  });

  test("a search that looks at too much is told how to narrow it", async () => {
    const granted = await grant(["granted"], { cwd: place.folder });
    const { signal } = new AbortController();
    const error = { code: "LEG4026", message: /looked at 3 files and folders/ };
    await assert.rejects(glob(granted, { pattern: "**" }, signal, { visitedMax: 3 }), error);
    const narrow = await glob(granted, { pattern: "granted/src/deep/*" }, signal, {
      visitedMax: 3,
    });
    assert.deepEqual(narrow, { paths: ["granted/src/deep/a.test.ts"], more: false });
  });

  test("a folder with more entries than are looked at tells that there is more", async () => {
    const granted = await grant(["granted"], { cwd: place.folder });
    const { signal } = new AbortController();
    const search = (folderEntriesMax: number) =>
      glob(granted, { pattern: "granted/src/*" }, signal, { folderEntriesMax });
    const all = { paths: ["granted/src/main.ts"], more: false };
    assert.deepEqual(await search(2), all);
    assert.equal(((await search(1)) as { more: boolean }).more, true);
  });

  test("a search of a large folder ends when it is stopped between two matches", async () => {
    const folder = path.join(root, "large");
    await mkdir(folder);
    const names = Array.from({ length: 2_000 }, (_, at) => `${"ab".repeat(60)}-${at}`);
    await Promise.all(names.map((name) => writeFile(path.join(folder, name), "")));
    const granted = await grant(["granted"], { cwd: place.folder });
    const slow = `granted/large/*{${Array.from({ length: 90 }, (_, at) => `b*${at}x`).join(",")}}`;
    const controller = new AbortController();
    // The folder has been read when it is closed; what is left is matching, far longer than a few milliseconds.
    const open = async (...given: Parameters<typeof fileSystem.open>) => {
      const handle = await fileSystem.open(...given);
      if (!String(given[0]).endsWith("/large")) return handle;
      const close = handle.close.bind(handle);
      return Object.assign(handle, {
        close: () => close().finally(() => setTimeout(() => controller.abort(), 5)),
      });
    };
    const watched = { ...granted, fileSystem: { ...fileSystem, open } };
    const searching = glob(watched, { pattern: slow }, controller.signal);
    await assert.rejects(searching, { name: "AbortError" });
    await rm(folder, { recursive: true });
  });

  test("a search that is stopped ends", async () => {
    const reply = await files.call(
      "files.glob",
      { pattern: "**" },
      { signal: AbortSignal.abort() },
    );
    assert.ok(!reply.ok && reply.error.code === "LEG4007");
  });
});

describe("roots", () => {
  test("a root that is no folder is told when the toolbox is created", async () => {
    for (const roots of [["nothing"], ["granted/README.md"]]) {
      const creating = place.create({
        tools: { files: { type: "builtin", builtin: "files", config: { roots } } },
      });
      await assert.rejects(creating, { code: "LEG4012" });
    }
  });

  test("an agent's own roots take the place of the tool's", async () => {
    const tool = { type: "builtin", builtin: "files" };
    const uses = [{ name: "files", config: { roots: ["granted/src", "granted/src/deep"] } }];
    const narrow = await place.create({ tools: { files: tool }, uses });
    assert.equal((await narrow.error("files.read", { path: "granted/README.md" })).code, "LEG4020");
    assert.equal(await narrow.value("files.read", { path: "granted/src/main.ts" }), "export {};\n");
    const found = await narrow.value("files.glob", { pattern: "**/*.ts" });
    assert.deepEqual(found, {
      paths: ["granted/src/deep/a.test.ts", "granted/src/main.ts"],
      more: false,
    });
  });

  const grants: { name: string; tool: string[]; agent: string[]; code?: string }[] = [
    { name: "the same root", tool: ["granted"], agent: ["./granted/"] },
    { name: "a folder below", tool: ["granted"], agent: ["granted/src/deep", "granted/src"] },
    { name: "the folder above", tool: ["granted/src"], agent: ["granted"], code: "LEG4019" },
    { name: "the whole disk", tool: ["."], agent: ["/"], code: "LEG4019" },
    {
      name: "one inside, one beside",
      tool: ["granted/src"],
      agent: ["granted/src", "outside"],
      code: "LEG4019",
    },
    {
      name: "a link that leads out",
      tool: ["granted/src"],
      agent: ["granted/src/out"],
      code: "LEG4019",
    },
  ];
  for (const { name, tool, agent, code } of grants) {
    test(`${name} ${code ? "is refused" : "is given"} to an agent of a tool with roots of its own`, async () => {
      await symlink("../../outside", path.join(root, "src", "out")).catch(() => {});
      const creating = place.create({
        tools: { files: { type: "builtin", builtin: "files", config: { roots: tool } } },
        uses: [{ name: "files", config: { roots: agent } }],
      });
      if (code === undefined) await (await creating).value("files.list", { path: agent[0] });
      else await assert.rejects(creating, { code, valid: tool });
    });
  }

  test("hard links count as the files that they are", async () => {
    await link(path.join(root, "README.md"), path.join(root, "hard"));
    assert.equal(await read("granted/hard"), "# Read me\n");
  });
});
