// Goal: only who may speak to the daemon can, and what it answers tells strangers nothing.
// Method: the requirements by their ids, each tried with raw requests against a real server.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../lib/clock.ts";
import {
  applyRequest,
  desiredTool,
  rawRequest,
  serveTestPlane,
  type TestServer,
} from "../testing/api-server.ts";
import { hostsOf } from "./access.ts";
import { createApp, LIMITS } from "./app.ts";
import { connect, requireDaemon } from "./client.ts";
import { routes } from "./routes.ts";
import { createStaging } from "./staging.ts";

const json = { "content-type": "application/json" };
const loopback = { host: "127.0.0.1", port: 0 };

async function serveTcp(): Promise<TestServer & { url: URL; token: string }> {
  const served = await serveTestPlane({ tcp: loopback });
  const token = (await readFile(join(served.folder, "token"), "utf8")).trim();
  return { ...served, url: new URL(served.server.address ?? ""), token };
}

async function temporary(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "legion-api-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function codeOf(text: string): string {
  return JSON.parse(text).error.code;
}

const driver = `
  process.umask(0);
  const { serveTestPlane } = await import(process.argv[1]);
  const served = await serveTestPlane();
  process.stdout.write(JSON.stringify({ folder: served.folder, socket: served.server.socket }));
  process.stdin.on("data", () => served[Symbol.asyncDispose]().then(() => process.exit()));
`;

test("S01: under umask 000 the socket is 0600 in a folder 0700, no port is open, others get EACCES", async () => {
  const module = fileURLToPath(new URL("../testing/api-server.ts", import.meta.url));
  const child = execFile(process.execPath, ["--input-type=module", "-e", driver, module]);
  const exited = new Promise((resolve) => child.on("exit", resolve));
  const said = new Promise<string>((resolve) => child.stdout?.once("data", resolve));
  const { folder, socket } = JSON.parse(await said);
  try {
    assert.equal((await stat(join(folder, "run"))).mode & 0o777, 0o700);
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
    assert.equal((await stat(join(folder, "daemon.json"))).mode & 0o777, 0o600);
    assert.equal(listeningPorts(child.pid ?? 0), 0);
    if (process.getuid?.() === 0) {
      await chmod(folder, 0o755);
      assert.equal(errorAsOther(socket), "EACCES");
    }
  } finally {
    child.stdin?.write("end");
    await exited;
  }
});

/** Sockets in the state LISTEN (0A) among those that the process has open. */
function listeningPorts(pid: number): number {
  const script = `
    const { readdirSync, readlinkSync, readFileSync } = require("node:fs");
    const own = new Set(readdirSync("/proc/${pid}/fd").map((fd) => {
      try { return /^socket:\\[(\\d+)\\]/.exec(readlinkSync("/proc/${pid}/fd/" + fd))?.[1]; } catch { return; }
    }));
    const rows = ["tcp", "tcp6"].flatMap((name) => readFileSync("/proc/${pid}/net/" + name, "utf8").split("\\n"));
    const open = rows.map((row) => row.trim().split(/\\s+/)).filter((row) => row[3] === "0A" && own.has(row[9]));
    process.stdout.write(String(open.length));
  `;
  return Number(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }));
}

function errorAsOther(socket: string): string {
  const script = `
    process.setgid(65534); process.setuid(65534);
    require("node:net").connect(${JSON.stringify(socket)})
      .on("connect", () => { console.log("connected"); process.exit(); })
      .on("error", (error) => console.log(error.code));
  `;
  return spawnSync(process.execPath, ["-e", script], { encoding: "utf8", cwd: "/" }).stdout.trim();
}

test("S02: an address that other machines reach needs TLS, and nothing is left listening without", async () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org"])
    await assert.rejects(serveTestPlane({ tcp: { host, port: 0 } }), {
      code: "LEG8022",
      exitCode: 2,
    });
  await using served = await serveTcp();
  assert.equal(served.url.hostname, "127.0.0.1");
});

test("S02: with a certificate it listens there, for clients that have the token", async (context) => {
  const folder = await temporary(context);
  const [tlsCert, tlsKey] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = [
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost,IP:127.0.0.1",
  ];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", tlsKey, "-out", tlsCert];
  await promisify(execFile)("openssl", ["req", "-x509", ...key, ...files, ...subject]);
  const tcp = { host: "0.0.0.0", port: 0, tlsCert, tlsKey };
  await using served = await serveTestPlane({ tcp });
  const { port } = new URL(served.server.address ?? "");
  const address = `https://localhost:${port}`;
  const ca = await readFile(tlsCert, "utf8");
  const tokenFile = join(served.folder, "token");
  const client = await requireDaemon({ address, ca, tokenFile });
  assert.equal((await client.status()).health, "ok");
  await assert.rejects(requireDaemon({ address, ca }), { code: "LEG8006" });
  await assert.rejects(requireDaemon({ address, tokenFile }), { code: "LEG8001" });
  await assert.rejects(serveTestPlane({ tcp: { ...tcp, tlsKey: tlsCert } }), { code: "LEG8025" });
});

test("S03: the token has 256 bits, its file is 0600, and it is made once", async () => {
  await using served = await serveTcp();
  assert.ok(Buffer.from(served.token, "base64url").length >= 32);
  assert.equal((await stat(join(served.folder, "token"))).mode & 0o777, 0o600);
  await served.server.close(0);
  const again = await serveTestPlane({ tcp: loopback, stateFolder: served.folder });
  assert.equal((await readFile(join(served.folder, "token"), "utf8")).trim(), served.token);
  await again[Symbol.asyncDispose]();
});

test("S03: without the token, with a short or a wrong one, the answer is 401, also where no route is", async () => {
  await using served = await serveTcp();
  const { token, url } = served;
  const wrong = token.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  const headers = [
    "",
    "Bearer",
    "Bearer x",
    `Bearer ${wrong}`,
    `Basic ${token}`,
    `Bearer ${token}x`,
  ];
  for (const authorization of headers) {
    for (const path of ["/v1/status", "/nowhere", "/v1/openapi.json"]) {
      const answer = await rawRequest(url, {
        path,
        headers: authorization ? { authorization } : {},
      });
      assert.equal(answer.status, 401, `${authorization} ${path}`);
      assert.equal(codeOf(answer.text), "LEG8006");
      assert.ok(!answer.text.includes(token));
    }
  }
  const authorization = `Bearer ${token}`;
  assert.equal(
    (await rawRequest(url, { path: "/v1/status", headers: { authorization } })).status,
    200,
  );
  assert.equal((await rawRequest(url, { path: "/healthz" })).text, '{"status":"ok"}');
});

test("S03: a token file that others may read, that is short or no file is refused", async (context) => {
  const folder = await temporary(context);
  const tokenFile = join(folder, "given");
  const good = "0123456789abcdef".repeat(4);
  const rows = [
    { text: good, mode: 0o640, want: /mode 640/ },
    { text: good, mode: 0o604, want: /mode 604/ },
    { text: "short", mode: 0o600, want: /256/ },
    { text: good.slice(1), mode: 0o600, want: /256/ },
    { text: `${good} ${good}`, mode: 0o600, want: /256/ },
    { text: "x".repeat(5_000), mode: 0o600, want: /too large/ },
  ];
  for (const { text, mode, want } of rows) {
    await writeFile(tokenFile, text);
    await chmod(tokenFile, mode);
    const tcp = { ...loopback, tokenFile };
    await assert.rejects(serveTestPlane({ tcp }), { code: "LEG8023", message: want });
  }
  for (const path of [folder, join(folder, "missing")])
    await assert.rejects(serveTestPlane({ tcp: { ...loopback, tokenFile: path } }), {
      code: "LEG8023",
    });
  await writeFile(tokenFile, `${good}\n`);
  await chmod(tokenFile, 0o600);
  await using served = await serveTestPlane({ tcp: { ...loopback, tokenFile } });
  const address = served.server.address ?? "";
  assert.equal((await (await requireDaemon({ address, tokenFile })).status()).health, "ok");
});

test("S03: the client does not send its token over the network as plain text", async () => {
  await assert.rejects(connect({ address: "http://192.0.2.1:80", token: "t" }), {
    code: "LEG8022",
  });
});

test("S04: another name in the Host header is refused, even with the token", async () => {
  await using served = await serveTcp();
  const authorization = `Bearer ${served.token}`;
  const ask = (host: string) =>
    rawRequest(served.url, { path: "/v1/status", headers: { authorization, host } });
  const refused = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a b"];
  for (const host of [...refused, "localhost@evil.example", "0.0.0.0", "[::2]"]) {
    const answer = await ask(host);
    assert.equal(answer.status, 403, host);
    assert.equal(codeOf(answer.text), "LEG8007");
  }
  for (const host of [
    "localhost",
    `localhost:${served.url.port}`,
    "LOCALHOST",
    "127.0.0.1",
    "[::1]:1",
  ])
    assert.equal((await ask(host)).status, 200, host);
  const local = await rawRequest(served.server, {
    path: "/healthz",
    headers: { host: "evil.example" },
  });
  assert.equal(local.status, 403, "a socket that somebody has forwarded is as safe");
});

test("S05: a foreign or null Origin is refused, none and the own one are allowed, CORS is not offered", async () => {
  await using served = await serveTcp();
  const headers = { authorization: `Bearer ${served.token}`, host: served.url.host };
  const ask = (origin?: string, method = "GET") =>
    rawRequest(served.url, {
      method,
      path: "/v1/status",
      headers: { ...headers, ...(origin && { origin }) },
    });
  for (const origin of ["http://evil.example", "null", "http://localhost:1", "file://", "x"]) {
    const answer = await ask(origin);
    assert.equal(answer.status, 403, origin);
    assert.equal(codeOf(answer.text), "LEG8008");
  }
  for (const origin of [undefined, served.url.origin]) {
    const answer = await ask(origin);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
  const preflight = await ask(served.url.origin, "OPTIONS");
  assert.equal(preflight.status, 405);
  assert.equal(preflight.headers["access-control-allow-origin"], undefined);
});

test("S06: what changes something takes JSON by POST or DELETE only", async () => {
  await using served = await serveTestPlane();
  const host = { host: "localhost" };
  const types = [
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data",
    undefined,
  ];
  for (const route of routes.filter(({ method }) => method === "POST")) {
    const path = route.path.replace(/:\w+/g, "x");
    for (const type of types) {
      const headers = { ...host, ...(type && { "content-type": type }) };
      const answer = await rawRequest(served.server, { method: "POST", path, headers, body: "{}" });
      assert.equal(answer.status, 415, `${path} ${type}`);
      assert.equal(codeOf(answer.text), "LEG8012");
    }
    if (routes.some(({ method, path }) => method === "GET" && path === route.path)) continue;
    for (const method of ["GET", "PUT", "PATCH"]) {
      const answer = await rawRequest(served.server, {
        method,
        path,
        headers: { ...host, ...json },
      });
      assert.equal(answer.status, path === "/v1/applies/x" ? 404 : 405, `${method} ${path}`);
      assert.match(String(answer.headers.allow), /POST/);
    }
  }
});

test("S07: every route has a permission, and one that is not in the table is denied", async () => {
  const registered: string[] = [];
  const controller = new AbortController();
  const app = await createApp({
    services: { plane: {} as never, staging: createStaging(systemClock), version: "0" },
    access: { hosts: hostsOf([]) },
    limits: LIMITS,
    closing: controller.signal,
    forced: controller.signal,
    onError: () => {},
  });
  app.addHook("onRoute", ({ method, url }) => void registered.push(`${method} ${url}`));
  app.get("/rogue", async () => "open");
  assert.deepEqual(registered, ["GET /rogue"]);
  const rogue = await app.inject({ url: "/rogue", headers: { host: "localhost" } });
  assert.equal(rogue.statusCode, 403);
  assert.equal(rogue.json().error.code, "LEG8009");
  for (const { method, path, permission } of routes) {
    assert.ok(permission.length > 0);
    assert.ok(app.hasRoute({ method, url: path }), path);
  }
  const served =
    app.printRoutes({ commonPrefix: false }).match(/\((GET|POST|DELETE)[^)]*\)/g) ?? [];
  const methods = served.flatMap((list) => list.slice(1, -1).split(", "));
  assert.equal(methods.length, routes.length + 1, "nothing but the table and the rogue is served");
  const open = routes.filter(({ permission }) => permission === "public");
  assert.deepEqual(
    open.map(({ path }) => path),
    ["/healthz"],
  );
  await app.close();
});

test("S08: a body above 1 MiB is 413, one just below is read", async () => {
  await using served = await serveTestPlane();
  const headers = { host: "localhost", ...json };
  const post = (size: number) =>
    rawRequest(served.server, {
      ...{ method: "POST", path: "/v1/reconcile", headers },
      body: `{${" ".repeat(size - 2)}}`,
    });
  assert.equal((await post(2 ** 20)).status, 200);
  const large = await post(2 ** 20 + 1);
  assert.equal(large.status, 413);
  assert.equal(codeOf(large.text), "LEG8013");
  const client = await requireDaemon({ stateFolder: served.folder });
  const huge = applyRequest([desiredTool("huge", "x".repeat(2 ** 20 + 1))]);
  await assert.rejects(client.apply(huge), { code: "LEG8013" });
});

test("S08: slow headers and slow bodies end with 408, and the daemon answers others meanwhile", async () => {
  await using served = await serveTestPlane({ limits: { headersMs: 300, requestMs: 600 } });
  const client = await requireDaemon({ stateFolder: served.folder });
  const head = "POST /v1/reconcile HTTP/1.1\r\nhost: localhost\r\n";
  for (const begin of [
    head,
    `${head}content-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
  ]) {
    const slow = createConnection(served.server.socket);
    slow.write(begin);
    const answer = Array.fromAsync(slow);
    assert.equal((await client.status()).health, "ok");
    const text = Buffer.concat(await answer).toString();
    assert.match(text, /^HTTP\/1.1 408 /);
    assert.equal(codeOf(text.slice(text.indexOf("{"))), "LEG8016");
  }
});

test("S08: requests on too many connections are 503, and soon after it answers again", async () => {
  await using served = await serveTestPlane({ limits: { connectionsMax: 5 } });
  const idle = Array.from({ length: 5 }, () => createConnection(served.server.socket));
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.on("connect", resolve))));
  const ask = () => rawRequest(served.server, { path: "/healthz", headers: { host: "localhost" } });
  const refused = await ask();
  assert.equal(refused.status, 503);
  assert.equal(codeOf(refused.text), "LEG8005");
  assert.equal(refused.headers["retry-after"], "1");
  for (const socket of idle) socket.destroy();
  while ((await ask()).status !== 200) await new Promise((resolve) => setImmediate(resolve));
});

test("S08: what is not a request, not JSON, too deep or unknown is refused as such", async () => {
  await using served = await serveTestPlane();
  const post = (body: string, path = "/v1/reconcile") =>
    rawRequest(served.server, {
      method: "POST",
      path,
      headers: { host: "localhost", ...json },
      body,
    });
  const deep = `{"wait":${"[".repeat(400_000)}${"]".repeat(400_000)}}`;
  const bodies = [
    "{",
    "null",
    "[]",
    '"x"',
    '{"wait":1}',
    '{"wiat":true}',
    deep,
    '{"__proto__":{}}',
  ];
  for (const body of bodies) {
    const answer = await post(body);
    assert.equal(answer.status, 400, body.slice(0, 20));
    assert.equal(codeOf(answer.text), "LEG8014");
  }
  assert.match((await post('{"wiat":true}')).text, /did you mean \\"wait\\"/);
  const get = (path: string) => rawRequest(served.server, { path, headers: { host: "localhost" } });
  for (const path of ["/v1/objects?knid=x", "/v1/watch?since=-1", "/v1/events?follow=1&follow=2"])
    assert.equal((await get(path)).status, 400, path);
  for (const path of ["/v1/%zz", `/v1/objects/Tool/default/${"x".repeat(3_000)}`]) {
    const answer = await get(path);
    assert.equal(answer.status, 400, path);
    assert.equal(codeOf(answer.text), "LEG8014");
  }
  const socket = createConnection(served.server.socket);
  socket.write("this is no request\r\n\r\n");
  const text = Buffer.concat(await Array.fromAsync(socket)).toString();
  assert.match(text, /^HTTP\/1.1 400 /);
  assert.equal(codeOf(text.slice(text.indexOf("{"))), "LEG8017");
});

test("S09: an internal error tells an id and nothing else; the log has the rest", async () => {
  const canary = "CANARY-SECRET";
  const thrown = Object.assign(new Error(`${canary} in ${process.cwd()}`), { env: process.env });
  await using served = await serveTestPlane({
    plane: {
      status: async () => Promise.reject(thrown),
      async *events() {
        yield { id: "1" } as never;
        throw thrown;
      },
    },
  });
  const ask = (path: string) => rawRequest(served.server, { path, headers: { host: "localhost" } });
  const { status, text, headers } = await ask("/v1/status");
  assert.equal(status, 500);
  const [logged] = served.errors;
  const failure = JSON.parse(text);
  assert.deepEqual(failure, {
    error: {
      code: "LEG9001",
      message: "internal error",
      hint: `look for ${logged?.id} in the log of the daemon`,
    },
    id: logged?.id,
  });
  assert.equal(logged?.error, thrown);
  assert.equal(logged?.route, "GET /v1/status");
  const stream = await ask("/v1/events");
  const [, last = ""] = stream.text.trimEnd().split("\n");
  assert.equal(JSON.parse(last).error.code, "LEG9001");
  const all = text + stream.text + JSON.stringify(headers);
  for (const leak of [canary, process.cwd(), "at ", process.env.PATH ?? "PATH"])
    assert.ok(!all.includes(leak), leak);
});
