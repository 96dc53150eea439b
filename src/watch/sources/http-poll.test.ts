// Goal: a sample says what a server answered, or by a stable code why it did not, and holds no secret.
// Method: real servers with and without TLS, certificates made on the spot, and a name server that the test answers for.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer as createNetServer, type Socket } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { manualClock, systemClock } from "../../lib/clock.ts";
import type { WatcherSpec } from "../../manifest/generated/watcher.ts";
import { createSecrets } from "../../security/secrets.ts";
import { testCertificate } from "../../testing/certificate.ts";
import {
  listening,
  look,
  serve,
  type TestServer,
  type WatchPlace,
  watchPlace,
} from "../../testing/watch-sources.ts";
import type { SourceDeps } from "./look.ts";

let place: WatchPlace;
let server: TestServer;
let answer: RequestListener = (_, response) => response.end();
const came: IncomingMessage[] = [];
before(async () => {
  place = await watchPlace();
  server = await serve((request, response) => {
    came.push(request);
    answer(request, response);
  });
});
after(async () => {
  await place[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function poll(spec: Partial<WatcherSpec> = {}, deps: Partial<SourceDeps> = {}) {
  came.length = 0;
  const allowPrivate = ["localhost"];
  return place.source({ type: "httpPoll", url: server.url, allowPrivate, ...spec }, deps);
}

function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): RequestListener {
  const type = { "content-type": "application/json; charset=utf-8" };
  return (_, response) =>
    response.writeHead(status, { ...type, ...headers }).end(JSON.stringify(body));
}

describe("what was answered", () => {
  test("status, body, text and headers are roots, and the status is the value", async () => {
    answer = json(200, { count: 3 }, { "Retry-After": "120" });
    const sample = await look(await poll());
    assert.equal(sample.ok, true);
    assert.equal(sample.status, 200);
    assert.equal(sample.value, 200);
    assert.deepEqual(sample.body, { count: 3 });
    assert.equal(sample.text, '{"count":3}');
    assert.equal((sample.headers as Record<string, string>)["retry-after"], "120");
    assert.equal(sample.redirects, 0);
    assert.equal(sample.tls, undefined);
    assert.equal(sample.error, undefined);
  });

  for (const status of [201, 301, 404, 429, 500, 503]) {
    test(`an answer with status ${status} is an answer`, async () => {
      answer = json(status, { status });
      const { ok, status: seen, body } = await look(await poll());
      assert.deepEqual([ok, seen, body], [true, status, { status }]);
    });
  }

  test("a change of the answer is seen at the next look", async () => {
    const source = await poll();
    for (const [status, state] of [
      [200, "up"],
      [503, "down"],
      [200, "up"],
    ] as const) {
      answer = json(status, { state });
      const sample = await look(source);
      assert.deepEqual([sample.status, sample.body], [status, { state }]);
    }
  });

  const bodies: readonly {
    readonly name: string;
    readonly type: string;
    readonly bytes: string | Buffer;
    readonly text: string;
    readonly body?: unknown;
  }[] = [
    {
      name: "JSON of another name",
      type: "application/problem+json",
      bytes: "[1]",
      text: "[1]",
      body: [1],
    },
    { name: "JSON by no name", type: "text/plain", bytes: "[1]", text: "[1]" },
    { name: "JSON that is none", type: "application/json", bytes: "[1", text: "[1" },
    {
      name: "Latin 1",
      type: "text/plain; charset=ISO-8859-1",
      bytes: Buffer.from([0xe5]),
      text: "å",
    },
    {
      name: "a charset that nobody knows",
      type: "text/plain; charset=none",
      bytes: "å",
      text: "å",
    },
    {
      name: "a byte order mark",
      type: "application/json",
      bytes: "\ufeff[1]",
      text: "[1]",
      body: [1],
    },
  ];
  for (const { name, type, bytes, text, body } of bodies) {
    test(`the body is read: ${name}`, async () => {
      answer = (_, response) => response.writeHead(200, { "content-type": type }).end(bytes);
      const sample = await look(await poll());
      assert.deepEqual([sample.text, sample.body], [text, body]);
    });
  }

  test("a body beyond maxBytes is cut between characters, and is no JSON", async () => {
    answer = json(200, "ååååå");
    const { ok, text, body } = await look(await poll({ maxBytes: "6B" }));
    assert.deepEqual([ok, text, body], [true, '"åå', undefined]);
  });

  test("S33: a gzip bomb is cut after decompression", async () => {
    const bomb = gzipSync(Buffer.alloc(100_000_000));
    answer = (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    const { ok, text } = await look(await poll({ maxBytes: "10KiB" }));
    assert.deepEqual([ok, (text as string).length], [true, 10_240]);
  });

  test("method, body and headers are sent", async () => {
    let body = "";
    answer = async (request, response) => {
      body = (await request.toArray()).join("");
      response.end();
    };
    await look(await poll({ method: "POST", body: "ping", headers: { "X-Probe": "1" } }));
    assert.deepEqual([came[0]?.method, came[0]?.headers["x-probe"], body], ["POST", "1", "ping"]);
  });

  test("redirects are followed, unless the manifest says no", async () => {
    answer = (request, response) =>
      request.url === "/end"
        ? response.end("there")
        : response.writeHead(302, { location: "/end" }).end();
    const followed = await look(await poll());
    assert.deepEqual([followed.status, followed.text, followed.redirects], [200, "there", 1]);
    const not = await look(await poll({ followRedirects: false }));
    assert.deepEqual([not.status, not.redirects], [302, 0]);
  });
});

describe("conditions", () => {
  const conditional: RequestListener = (request, response) => {
    if (request.headers["if-none-match"] === '"1"') response.writeHead(304).end();
    else json(200, { version: 1 }, { etag: '"1"' })(request, response);
  };

  test("a 304 is the answer before, once more", async () => {
    answer = conditional;
    const source = await poll();
    const first = await look(source);
    const second = await look(source);
    assert.equal(came[1]?.headers["if-none-match"], '"1"');
    assert.deepEqual(second, first);
  });

  test("Last-Modified is asked about as well", async () => {
    const moment = "Sat, 01 Aug 2026 00:00:00 GMT";
    answer = (request, response) =>
      request.headers["if-modified-since"] === moment
        ? response.writeHead(304).end()
        : response.writeHead(200, { "last-modified": moment }).end("text");
    const source = await poll();
    assert.deepEqual([(await look(source)).text, (await look(source)).text], ["text", "text"]);
    assert.equal(came.length, 2);
  });

  test("after an answer without a mark nothing is asked about", async () => {
    answer = conditional;
    const source = await poll();
    await look(source);
    answer = json(500, {});
    await look(source);
    answer = conditional;
    assert.equal((await look(source)).status, 200);
    assert.equal(came[2]?.headers["if-none-match"], undefined);
  });

  test("conditions of the manifest are its own: a 304 is told", async () => {
    answer = conditional;
    const source = await poll({ headers: { "If-None-Match": '"1"' } });
    await look(source);
    assert.equal((await look(source)).status, 304);
  });

  test("the mark of an answer that a redirect led to is not sent to the first host", async () => {
    answer = (request, response) =>
      request.url === "/end"
        ? response.writeHead(200, { etag: '"1"' }).end()
        : response.writeHead(302, { location: "/end" }).end();
    const source = await poll();
    await look(source);
    await look(source);
    assert.ok(came.every(({ headers }) => headers["if-none-match"] === undefined));
  });
});

describe("TLS", () => {
  const day = 86_400_000;
  const clock = manualClock(Date.now());

  async function secureSource(certificate: { cert: string }, port: number) {
    await writeFile(path.join(place.folder, "ca.pem"), certificate.cert);
    return poll({ url: `https://localhost:${port}/`, caFile: "ca.pem" }, { clock });
  }

  test("tls.expiresIn is the time that the certificate has left, also after it was changed", async () => {
    const first = await testCertificate({ until: new Date(clock.now() + 10 * day) });
    const secure = await serve((_, response) => response.end(), first);
    const source = await secureSource(first, secure.port);
    const { tls } = (await look(source)) as { tls: { expiresIn: number } };
    assert.ok(Math.abs(tls.expiresIn - 10 * day) <= 1_000, String(tls.expiresIn));
    await secure[Symbol.asyncDispose]();
    const second = await testCertificate({ until: new Date(clock.now() + 90 * day) });
    await writeFile(path.join(place.folder, "ca.pem"), second.cert);
    await using _again = await serve((_, response) => response.end(), second, secure.port);
    const after = (await look(source)) as { tls: { expiresIn: number } };
    assert.ok(Math.abs(after.tls.expiresIn - 90 * day) <= 1_000, JSON.stringify(after));
  });

  test("a certificate that has ended is a fault, and by how much it has ended is told", async () => {
    const ended = await testCertificate({
      from: new Date(clock.now() - 60 * day),
      until: new Date(clock.now() - 2 * day),
    });
    let asked = 0;
    await using secure = await serve((_, response) => {
      asked += 1;
      response.end();
    }, ended);
    const sample = await look(await secureSource(ended, secure.port));
    assert.equal(sample.ok, false);
    assert.deepEqual(sample.error, {
      code: "tls",
      message: "the certificate of localhost has ended",
    });
    const { expiresIn } = sample.tls as { expiresIn: number };
    assert.ok(Math.abs(expiresIn + 2 * day) <= 1_000, String(expiresIn));
    assert.equal(asked, 0, "nothing was asked over that connection");
  });

  const faults = [
    {
      name: "of nobody who is trusted",
      names: ["DNS:localhost"],
      trusted: false,
      says: /signed by nobody/,
    },
    {
      name: "for another name",
      names: ["DNS:other.test"],
      trusted: true,
      says: /is for other names/,
    },
  ];
  for (const { name, names, trusted, says } of faults) {
    test(`a certificate ${name} is a fault`, async () => {
      const certificate = await testCertificate({ names });
      await using secure = await serve((_, response) => response.end(), certificate);
      const ca = trusted ? certificate : await testCertificate();
      const { ok, error } = await look(await secureSource(ca, secure.port));
      assert.equal(ok, false);
      assert.equal((error as { code: string }).code, "tls");
      assert.match((error as { message: string }).message, says);
    });
  }

  test("a server without TLS is a fault of TLS", async () => {
    const { error } = await look(await poll({ url: server.url.replace("http:", "https:") }));
    assert.equal((error as { code: string }).code, "tls");
  });
});

describe("caFile", () => {
  const rows = [
    { name: "that is not there", caFile: "none.pem", code: "LEG2750", says: /does not exist/ },
    { name: "outside of the root", caFile: "../x.pem", code: "LEG2750", says: /outside/ },
    { name: "that is a folder", caFile: ".", code: "LEG2750", says: /not a regular file/ },
    {
      name: "that holds no certificate",
      caFile: "text.pem",
      code: "LEG2751",
      says: /no certificate/,
    },
  ];
  for (const { name, caFile, code, says } of rows) {
    test(`one ${name} is refused when the source is made`, async () => {
      await writeFile(path.join(place.folder, "text.pem"), "no certificate");
      await assert.rejects(poll({ caFile }), { code, message: says });
    });
  }
});

describe("secrets", () => {
  const headers = { authorization: { valueFrom: { env: "TOKEN" } } };
  const withToken = (env: Record<string, string>) => ({
    secrets: createSecrets({ env, clock: systemClock }),
  });

  test("are resolved anew for every look, and no sample holds one that comes back", async () => {
    const env = { TOKEN: "first-secret" };
    answer = (request, response) =>
      json(
        200,
        { you: request.headers.authorization },
        { "x-echo": request.headers.authorization ?? "" },
      )(request, response);
    const source = await poll({ headers }, withToken(env));
    const samples = [await look(source)];
    env.TOKEN = "second-secret";
    samples.push(await look(source));
    assert.deepEqual(
      came.map((request) => request.headers.authorization),
      ["first-secret", "second-secret"],
    );
    assert.doesNotMatch(JSON.stringify(samples), /first-secret|second-secret/);
    assert.deepEqual(samples[1]?.body, { you: "[redacted]" });
  });

  test("one that cannot be resolved is told when the source is made", async () => {
    await assert.rejects(poll({ headers }, withToken({})), {
      code: "LEG5050",
      message: /spec\.headers\.authorization of watcher\/watched/,
    });
  });

  test("one that is gone later is a fault of the look", async () => {
    const env: Record<string, string> = { TOKEN: "secret" };
    const source = await poll({ headers }, withToken(env));
    delete env.TOKEN;
    const { ok, error } = await look(source);
    assert.equal(ok, false);
    assert.deepEqual((error as { code: string }).code, "secret");
  });

  test("S27: none goes to another host by a redirect", async () => {
    await using other = await serve((request, response) => {
      came.push(request);
      response.end();
    });
    answer = (_, response) => response.writeHead(302, { location: other.url }).end();
    const key = { "x-api-key": { valueFrom: { env: "TOKEN" } } };
    await look(
      await poll({ headers: { ...headers, ...key } }, withToken({ TOKEN: "secret-value" })),
    );
    assert.equal(came.length, 2);
    assert.match(JSON.stringify(came[0]?.headers), /secret-value/);
    assert.doesNotMatch(JSON.stringify(came[1]?.headers), /secret-value/);
  });
});

describe("what goes wrong", () => {
  test("S28: a private address that nobody opened is blocked", async () => {
    const { ok, error } = await look(await poll({ allowPrivate: [] }));
    assert.equal(ok, false);
    assert.equal((error as { code: string }).code, "blocked");
    assert.equal(came.length, 0);
  });

  test("S30: a name that is private at the second look is blocked at the second look", async () => {
    const addresses = ["127.0.0.1", "127.0.0.2"];
    const lookup = async () => [{ address: addresses.shift() ?? "", family: 4 }];
    answer = (_, response) => response.end();
    const url = `http://rebind.test:${server.port}/`;
    const source = await poll({ url, allowPrivate: ["127.0.0.1"] }, { lookup });
    assert.equal((await look(source)).ok, true);
    assert.deepEqual((await look(source)).error, {
      code: "blocked",
      message: "rebind.test is at 127.0.0.2, a loopback address",
    });
  });

  test("a port where nobody listens is refused", async () => {
    await using gone = await serve(() => {});
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    const { error } = await look(await poll({ url }));
    assert.deepEqual(error, { code: "refused", message: "localhost refused the connection" });
  });

  test("a server that hangs is given up at the end of the time, and nothing of it is left", async () => {
    const stop = new AbortController();
    const closed = Promise.withResolvers<void>();
    const hanging = createNetServer((socket) => {
      socket.on("close", () => closed.resolve()).once("data", () => stop.abort());
    });
    await listening(hanging);
    const { port } = hanging.address() as { port: number };
    const { ok, error } = await look(await poll({ url: `http://localhost:${port}/` }), stop.signal);
    assert.deepEqual(
      [ok, error],
      [false, { code: "timeout", message: "localhost did not answer in time" }],
    );
    await closed.promise;
    hanging.close();
    await once(hanging, "close");
  });

  test("no connection is left when the look is over", async () => {
    const sockets = new Set<Socket>();
    const keep = (socket: Socket) => sockets.add(socket);
    server.server.on("connection", keep);
    answer = (_, response) => response.end("text");
    const source = await poll();
    for (let at = 0; at < 3; at += 1) await look(source);
    server.server.off("connection", keep);
    for (const socket of sockets) if (!socket.closed) await once(socket, "close");
    assert.equal(sockets.size, 3);
  });

  test("a header that cannot be sent is told as such", async () => {
    const { error } = await look(await poll({ headers: { "x-note": "secret \n line" } }));
    assert.deepEqual(error, {
      code: "invalid",
      message: "the request to localhost holds a character that cannot be sent",
    });
  });

  test("close ends a look that runs", async () => {
    const came = Promise.withResolvers<void>();
    answer = () => came.resolve();
    const source = await poll();
    const sample = look(source);
    await came.promise;
    await source.close?.();
    assert.equal((await sample).ok, false);
  });

  test("an entry that opens nothing is refused when the source is made", async () => {
    await assert.rejects(poll({ allowPrivate: ["http://localhost"] }), { code: "LEG2752" });
  });
});
