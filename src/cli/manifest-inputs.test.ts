// Goal: -f takes files, folders, patterns, standard input and URLs; what a URL serves is bounded and pinned (S56).
// Method: real folders and real servers on loopback; a table of what servers do wrong.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { LegionError } from "../lib/errors.ts";
import { loadManifests } from "../manifest/load.ts";
import { readManifestInputs } from "./manifest-inputs.ts";
import { cacheFolderOf, createPinnedContent } from "./pinned-content.ts";

const folder = mkdtempSync(join(tmpdir(), "legion-inputs-"));
mkdirSync(join(folder, "agents"));
for (const name of ["agents/a.yaml", "agents/b.yaml", "agents/c.json", "odd[1].yaml"])
  writeFileSync(join(folder, name), "");
after(() => rmSync(folder, { recursive: true }));

const signal = new AbortController().signal;
const readStdin = async () => Buffer.from("typed");
const read = (inputs: readonly string[], more: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  readManifestInputs(inputs, { cwd: folder, signal, readStdin, ...more });

const manifest = `apiVersion: legion.dev/v1
kind: Tool
metadata: { name: kv }
spec: { type: builtin, builtin: kv }
`;
const digest = createHash("sha256").update(manifest).digest("hex");

/** A server on loopback that ends with the test. */
async function serve(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/x.yaml`, port, [Symbol.dispose]: close };
}

function refuses(inputs: readonly string[], code: string, message: RegExp, timeoutMs = 5_000) {
  return assert.rejects(read(inputs, { timeoutMs }), (error: LegionError) => {
    assert.equal(error.code, code, error.message);
    assert.match(`${error.message}\n${error.hint}`, message);
    return true;
  });
}

test("files, folders and patterns are told as paths, sorted, and - is standard input", async () => {
  assert.deepEqual(await read(["agents", "agents/*.yaml", "odd[1].yaml", "**/*.json", "-"]), [
    "agents",
    "agents/a.yaml",
    "agents/b.yaml",
    "odd[1].yaml",
    "agents/c.json",
    { filename: "<stdin>", bytes: Buffer.from("typed") },
  ]);
  assert.deepEqual(await read([join(folder, "agents/?.json")]), [join(folder, "agents/c.json")]);
});

test("a pattern without a file is an error", () =>
  refuses(["agents/*.toml"], "LEG7041", /matches "agents\/\*\.toml"/));

test("a URL of this machine is read as it is, and with the digest it is pinned to", async () => {
  using server = await serve((_, response) => response.end(manifest));
  for (const url of [server.url, `${server.url}#sha256=${digest}`]) {
    const inputs = await read([url]);
    assert.deepEqual(inputs, [
      { filename: server.url, bytes: Buffer.from(manifest), isRemote: true },
    ]);
    const set = await loadManifests(inputs, { cwd: folder, env: {} });
    assert.deepEqual(set.diagnostics, []);
    assert.equal(set.get("Tool", "kv")?.source.shown, server.url);
  }
});

test("what is pinned and was read once is there without the server, unless it was changed (S56)", async () => {
  const pinned = createPinnedContent(join(folder, "cache", "pinned"));
  let url: string;
  {
    using server = await serve((_, response) => response.end(manifest));
    url = `${server.url}#sha256=${digest}`;
    await readManifestInputs([url], { cwd: folder, signal, readStdin, pinned });
  }
  const [input] = await readManifestInputs([url], { cwd: folder, signal, readStdin, pinned });
  assert.ok(typeof input === "object" && "bytes" in input && input.isRemote);
  assert.equal(input.bytes.toString(), manifest);
  assert.equal(statSync(join(folder, "cache/pinned", digest)).mode & 0o777, 0o600);
  writeFileSync(join(folder, "cache/pinned", digest), "something else");
  await assert.rejects(readManifestInputs([url], { cwd: folder, signal, readStdin, pinned }), {
    code: "LEG7042",
  });
});

test("pinned content is kept among the caches of the user, or not at all", async () => {
  assert.equal(cacheFolderOf({ XDG_CACHE_HOME: "/c", HOME: "/h" }), "/c/legion");
  assert.equal(cacheFolderOf({ XDG_CACHE_HOME: "c", HOME: "/h" }), "/h/.cache/legion");
  assert.equal(cacheFolderOf({}), undefined);
  const nowhere = createPinnedContent("/proc/legion");
  await nowhere.keep(digest, Buffer.from(manifest));
  assert.equal(await nowhere.get(digest), undefined);
});

test("a digest that is not that of the content is refused", async () => {
  using server = await serve((_, response) => response.end(`${manifest}\n`));
  const other = createHash("sha256").update(`${manifest}\n`).digest("hex");
  await refuses([`${server.url}#sha256=${digest}`], "LEG7044", new RegExp(other));
});

test("a URL that may be another machine's has to be pinned, and the error tells the digest", async () => {
  using server = await serve((_, response) => response.end(manifest));
  // A name that leads to this machine is not known to be this machine.
  const url = `http://0.0.0.0:${server.port}/x.yaml`;
  await refuses([url], "LEG7043", new RegExp(`#sha256=${digest}`));
  assert.equal((await read([`${url}#sha256=${digest}`])).length, 1);
});

test("redirects are followed on the host, and no further", async () => {
  using server = await serve(({ url }, response) => {
    if (url === "/y") response.end(manifest);
    else response.writeHead(302, { location: "/y" }).end();
  });
  assert.equal((await read([server.url])).length, 1);
  using elsewhere = await serve((_, response) =>
    response.writeHead(302, { location: server.url }).end(),
  );
  await refuses([elsewhere.url], "LEG7042", /leads to another place/);
  using endless = await serve((_, response) => response.writeHead(302, { location: "/z" }).end());
  await refuses([endless.url], "LEG7042", /leads on without end/);
});

const wrong: readonly { name: string; listener: RequestListener; message: RegExp }[] = [
  {
    name: "an error",
    listener: (_, response) => response.writeHead(404).end(),
    message: /answers 404/,
  },
  {
    name: "too much",
    listener: (_, response) => response.end(Buffer.alloc(2 * 2 ** 20 + 1)),
    message: /more than the 2 MiB/,
  },
  { name: "nothing", listener: () => {}, message: /no whole answer within/ },
  {
    name: "a half",
    listener: (_, response) => response.writeHead(200).write("x"),
    message: /no whole answer within/,
  },
  {
    name: "an end before its time",
    listener: ({ socket }) => socket.destroy(),
    message: /cannot read/,
  },
];

for (const { name, listener, message } of wrong) {
  test(`a server that sends ${name} is told of`, async () => {
    using server = await serve(listener);
    await refuses(
      [server.url],
      "LEG7042",
      message,
      name === "nothing" || name === "a half" ? 200 : 5_000,
    );
  });
}

const addresses: readonly { url: string; message: RegExp }[] = [
  { url: "http://127.0.0.1:1/x", message: /no connection|bad port/ },
  { url: "http://me:secret@127.0.0.1/x", message: /user or password/ },
  { url: "http://127.0.0.1/x#sha256=12", message: /not a digest/ },
  { url: "http://[/x", message: /not a URL/ },
];

for (const { url, message } of addresses) {
  test(`the URL ${url} is refused`, async () => {
    await refuses([url], "LEG7042", message);
    await assert.rejects(read([url]), (error: LegionError) => !error.message.includes("secret"));
  });
}

test("an interrupt ends the reading", async () => {
  const controller = new AbortController();
  using server = await serve(() => controller.abort());
  await assert.rejects(read([server.url], { signal: controller.signal }), { code: "LEG7007" });
});
