// Goal: a client finds its daemon or says that there is none, never waits for ever, and trusts no answer that is cut or strange.
// Method: real sockets with servers that misbehave; random chunks through the reader of lines.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { manualClock } from "../lib/clock.ts";
import { desiredTool, serveTestPlane } from "../testing/api-server.ts";
import { connect, requireDaemon } from "./client.ts";
import { readDaemonFile, removeDaemonFile, writeDaemonFile } from "./daemon-file.ts";
import { readLines } from "./ndjson.ts";
import { prepareSocket, socketPathOf } from "./socket.ts";
import { createStaging } from "./staging.ts";
import { uploadOfApply } from "./upload.ts";
import { BODY_BYTES_MAX } from "./wire.ts";

async function temporary(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "legion-api-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A state folder whose daemon answers every connection with the given bytes, and nothing more. */
async function strangeDaemon(
  context: TestContext,
  answer: (socket: Socket, request: string) => void,
): Promise<string> {
  const stateFolder = await temporary(context);
  const socket = join(stateFolder, "legion.sock");
  const sockets = new Set<Socket>();
  const server = createServer((connection) => {
    sockets.add(connection);
    connection.on("error", () => undefined);
    connection.once("data", (data) => answer(connection, data.toString()));
  }).listen(socket);
  await once(server, "listening");
  context.after(() => {
    server.close();
    for (const open of sockets) open.destroy();
  });
  await writeDaemonFile(stateFolder, { ...{ pid: 1, socket }, startedAt: "", version: "0" });
  return stateFolder;
}

function response(body: string, more = ""): string {
  const length = Buffer.byteLength(body);
  return `HTTP/1.1 200 OK\r\n${more}content-length: ${length}\r\n\r\n${body}`;
}
const greeting = response('{"version":"0.1.0","api":"v1","pid":1}');

test("no folder, no file, a file of something else, a daemon that is dead: there is none", async (context) => {
  const stateFolder = await temporary(context);
  assert.equal(await connect({ stateFolder: join(stateFolder, "missing") }), undefined);
  assert.equal(await connect({ stateFolder }), undefined);
  for (const text of ["", "{", "[]", '{"pid":1}']) {
    await writeFile(join(stateFolder, "daemon.json"), text);
    assert.equal(await connect({ stateFolder }), undefined, text);
  }
  const socket = join(stateFolder, "legion.sock");
  const file = { pid: 1, socket, startedAt: "", version: "0" };
  await writeDaemonFile(stateFolder, file);
  assert.equal(await connect({ stateFolder }), undefined);
  await deadSocket(socket);
  assert.equal(await connect({ stateFolder }), undefined);
  assert.equal(await connect({ address: "127.0.0.1:1" }), undefined);
  assert.equal(await connect({ address: `unix:${socket}` }), undefined);
  await assert.rejects(requireDaemon({ stateFolder }), {
    code: "LEG8001",
    exitCode: 4,
    hint: /legion up/,
    message: new RegExp(stateFolder),
  });
});

/** The socket of a process that was killed. */
async function deadSocket(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", script]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}

test("the client tells of a daemon of another version", async () => {
  await using served = await serveTestPlane();
  const stateFolder = served.folder;
  assert.equal((await connect({ stateFolder, version: "0.1.0" }))?.warning, undefined);
  assert.match(
    (await connect({ stateFolder, version: "0.2.0" }))?.warning ?? "",
    /0\.1\.0.*0\.2\.0/,
  );
  assert.equal((await connect({ stateFolder }))?.version, "0.1.0");
});

test("who is no daemon of this API is told apart", async (context) => {
  const rows = [
    { answer: "SSH-2.0-OpenSSH\r\n", code: "LEG8002" },
    { answer: response("<html>"), code: "LEG8002" },
    { answer: response('{"version":"1","api":"v2","pid":1}'), code: "LEG8002" },
    { answer: "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", code: "LEG8002" },
    { answer: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", code: "LEG8003" },
    { answer: "", code: "LEG8003" },
  ];
  for (const { answer, code } of rows) {
    const stateFolder = await strangeDaemon(context, (socket) => socket.end(answer));
    await assert.rejects(connect({ stateFolder }), { code, exitCode: 4 }, answer);
  }
});

test("a stream that is cut is an error, wherever it is cut", async (context) => {
  const event = '{"id":"1","kind":"k"}\n';
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  const rows = [
    { stream: chunk(event), code: "LEG8003" },
    { stream: chunk(event) + chunk('{"id":') + chunk(""), code: "LEG8003" },
    { stream: chunk(event) + chunk("nonsense\n") + chunk(""), code: "LEG8002" },
    { stream: chunk(event) + chunk('{"error":{"code":"LEG0000"}}\n') + chunk(""), code: "LEG8002" },
    { stream: chunk(event) + chunk(""), code: undefined },
  ];
  for (const { stream, code } of rows) {
    const stateFolder = await strangeDaemon(context, (socket, request) =>
      socket.end(request.includes("/v1/version") ? greeting : head + stream),
    );
    const client = await requireDaemon({ stateFolder });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { id } of client.events({}, new AbortController().signal)) seen.push(id);
    })();
    if (code === undefined) await reading;
    else await assert.rejects(reading, { code, exitCode: 4 }, stream);
    assert.deepEqual(seen, ["1"]);
    const asked = client.ask({ namespace: "", name: "a", task: "t" }, new AbortController().signal);
    await assert.rejects(asked, { exitCode: 4 });
  }
});

test("a daemon that accepts and says nothing is given up", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const heard = Promise.withResolvers<void>();
  const stateFolder = await strangeDaemon(context, () => heard.resolve());
  const connecting = assert.rejects(connect({ stateFolder }), { code: "LEG8003" });
  await heard.promise;
  context.mock.timers.tick(10_000);
  await connecting;
});

test("a stream without a sign of life is given up after 45 s, and not before", async (context) => {
  const opened = Promise.withResolvers<void>();
  const stateFolder = await strangeDaemon(context, (socket, request) => {
    if (request.includes("/v1/version")) return socket.end(greeting);
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{}\n\r\n");
    return opened.resolve();
  });
  const client = await requireDaemon({ stateFolder });
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const events = client.events({ follow: true }, new AbortController().signal);
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();
  await opened.promise;
  let failed = false;
  const next = assert.rejects(iterator.next(), { code: "LEG8003" }).then(() => (failed = true));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  context.mock.timers.tick(44_000);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.equal(failed, false);
  context.mock.timers.tick(2_000);
  await next;
});

test("lines come out whole, wherever the bytes were cut", async () => {
  const values = fc.array(fc.oneof(fc.jsonValue(), fc.string({ unit: "grapheme" })));
  const cuts = fc.array(fc.nat({ max: 40 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(values, cuts, async (lines, sizes) => {
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("\n");
      const read = await Array.fromAsync(readLines(chunksOf(Buffer.from(text), sizes)));
      assert.deepEqual(read, JSON.parse(JSON.stringify(lines)));
    }),
  );
});

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const size = (sizes[i % sizes.length] ?? 0) + (i % 7 === 0 ? 1 : 0);
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

test("an upload holds every item once and in order, in parts below the limit", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 300_000 }), { maxLength: 30 }), (sizes) => {
      const objects = sizes.map((size, i) => desiredTool(`t${i}`, "ü".repeat(size)));
      const request = { objects, source: "s", manager: "m", digest: "d", prune: true };
      const upload = uploadOfApply(request);
      const bodies = upload.type === "whole" ? [upload.body] : [upload.begin, ...upload.parts];
      for (const body of bodies) assert.ok(Buffer.byteLength(body) <= BODY_BYTES_MAX);
      const parsed = bodies.map((body) => JSON.parse(body));
      assert.deepEqual(
        parsed.flatMap((part) => part.objects ?? []),
        objects,
      );
      assert.equal(parsed[0].prune, true);
    }),
    { numRuns: 30 },
  );
});

test("uploads are bounded in number, bytes and age, and ended by what ends them", () => {
  const clock = manualClock();
  const limits = { uploadsMax: 2, bytesMax: 100, ageMaxMs: 1_000 };
  const staging = createStaging(clock, limits);
  const first = staging.begin("apply", { source: "s" }, 10);
  staging.add("apply", first, { objects: [1, 2] }, 40);
  staging.add("apply", first, { objects: [3], unreadFiles: ["f"] }, 40);
  assert.throws(() => staging.add("apply", first, { objects: [4] }, 11), { code: "LEG8005" });
  assert.throws(() => staging.take("plan", first), { code: "LEG8015" });
  const { frame, lists } = staging.take("apply", first);
  assert.deepEqual(frame, { source: "s" });
  assert.deepEqual(lists, { objects: [1, 2, 3], unreadFiles: ["f"] });
  assert.throws(() => staging.take("apply", first), { code: "LEG8015" });
  const second = staging.begin("apply", {}, 1);
  const third = staging.begin("plan", {}, 1);
  assert.notEqual(second, third);
  assert.throws(() => staging.begin("plan", {}, 1), { code: "LEG8005" });
  staging.discard(second);
  clock.advance(800);
  staging.add("plan", third, {}, 1);
  clock.advance(800);
  staging.add("plan", third, {}, 1);
  clock.advance(1_001);
  assert.throws(() => staging.add("plan", third, {}, 1), { code: "LEG8015" });
});

test("the socket of a dead daemon is replaced; a living one, a file and a link are refused", async (context) => {
  const folder = await temporary(context);
  const path = join(folder, "run", "legion.sock");
  await prepareSocket(path);
  await deadSocket(path);
  await prepareSocket(path);
  const living = createServer().listen(path);
  await once(living, "listening");
  await assert.rejects(prepareSocket(path), { code: "LEG8021", exitCode: 3 });
  living.close();
  await once(living, "close");
  await writeFile(path, "a file");
  await assert.rejects(prepareSocket(path), { code: "LEG8021" });
  assert.equal(await readFile(path, "utf8"), "a file");
  await chmod(dirname(path), 0o777);
  await rm(path);
  await prepareSocket(path);
  await symlink(dirname(path), join(folder, "link"));
  await assert.rejects(prepareSocket(join(folder, "link", "legion.sock")), { code: "LEG8020" });
  await writeFile(join(folder, "plain"), "");
  await assert.rejects(prepareSocket(join(folder, "plain", "legion.sock")), { code: "LEG8020" });
});

test("a state folder whose path is too long for a socket has it in a short place, which clients find", async (context) => {
  const folder = await temporary(context);
  const runtime = join(folder, "x");
  await mkdir(runtime);
  const stateFolder = join(folder, "long".repeat(30), "state");
  await mkdir(stateFolder, { recursive: true });
  const path = await socketPathOf(stateFolder, { XDG_RUNTIME_DIR: runtime });
  assert.ok(path.startsWith(join(runtime, "legion")), path);
  assert.notEqual(path, await socketPathOf(dirname(stateFolder), { XDG_RUNTIME_DIR: runtime }));
  const other = await socketPathOf(stateFolder, { XDG_RUNTIME_DIR: "/run/".padEnd(120, "x") });
  assert.match(other, /\/legion-\d+\/[0-9a-f]{16}\/legion\.sock$/);
  await using served = await serveTestPlane({ stateFolder, socketPath: path });
  assert.equal(served.server.socket, path);
  assert.equal((await (await requireDaemon({ stateFolder })).status()).health, "ok");
});

test("a daemon removes its own file only", async (context) => {
  const folder = await temporary(context);
  const mine = { pid: 1, socket: "/a", startedAt: "1", version: "0" };
  const other = { ...mine, pid: 2 };
  await writeDaemonFile(folder, mine);
  await writeDaemonFile(folder, other);
  await removeDaemonFile(folder, mine);
  assert.deepEqual(await readDaemonFile(folder), other);
  await removeDaemonFile(folder, other);
  assert.equal(await readDaemonFile(folder), undefined);
});

test("two servers cannot share a folder, and the second leaves the first alone", async () => {
  await using served = await serveTestPlane();
  await assert.rejects(serveTestPlane({ stateFolder: served.folder }), { code: "LEG8021" });
  assert.equal((await (await requireDaemon({ stateFolder: served.folder })).status()).health, "ok");
});
