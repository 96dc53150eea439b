// Goal: a request reaches only addresses that were judged, gives no host what belongs to another one, and is bounded in bytes and time (S27, S30 to S33).
// Method: real servers on the loopback, whose address is opened; name servers that change their mind.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer as createNetServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { testCertificate } from "../testing/certificate.ts";
import { listening, serve, type TestServer } from "../testing/watch-sources.ts";
import { type GuardedRequest, guardedRequest, REDIRECTS_MAX } from "./guarded-request.ts";
import { allowedHosts, publicOnly } from "./url-guard.ts";

const loopback = allowedHosts(["localhost", "other.test", "127.0.0.1"]);
const here = async () => [{ address: "127.0.0.1", family: 4 }];

/** The requests that came, and the answers by path. */
const came: IncomingMessage[] = [];
const answers: Record<string, RequestListener> = {};
let server: TestServer;
let other: TestServer;
before(async () => {
  const listener: RequestListener = (request, response) => {
    came.push(request);
    const { pathname } = new URL(request.url ?? "", "http://x");
    const answer = answers[pathname];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  };
  server = await serve(listener);
  other = await serve(listener);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

function ask(url: string, more: Partial<GuardedRequest> = {}) {
  came.length = 0;
  return guardedRequest({
    ...{ url: new URL(url, server.url), method: "GET", headers: {}, maxBytes: 1_000 },
    ...{ redirectsMax: REDIRECTS_MAX, allowed: loopback, lookup: here },
    signal: AbortSignal.timeout(20_000),
    ...more,
  });
}

function redirect(to: string, status = 302): RequestListener {
  return (_, response) => response.writeHead(status, { location: to }).end();
}

describe("S30: the connection is made to the address that was judged", () => {
  test("a name server that answers with an open address first and a closed one then is asked once", async () => {
    let asked = 0;
    const lookup = async () => {
      asked += 1;
      return [{ address: asked === 1 ? "127.0.0.2" : "127.0.0.1", family: 4 }];
    };
    const allowed = allowedHosts(["127.0.0.2"]);
    const url = `http://rebind.test:${server.port}/`;
    await assert.rejects(ask(url, { lookup, allowed }), { code: /^(refused|unreachable)$/ });
    assert.equal(asked, 1);
    assert.equal(came.length, 0, "nothing came to the closed address");
  });

  test("a private address is not connected to, also not by number", async () => {
    for (const url of [
      server.url,
      `http://127.1:${server.port}/`,
      `http://[::ffff:7f00:1]:${server.port}/`,
    ])
      await assert.rejects(ask(url, { allowed: publicOnly }), { code: "blocked" });
    assert.equal(came.length, 0);
  });

  test("S32: variables for proxies have no say", async () => {
    const names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY"];
    const old = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) process.env[name] = "http://127.0.0.1:1";
    process.env.NODE_USE_ENV_PROXY = "1";
    answers["/direct"] = (_, response) => response.end("direct");
    try {
      assert.equal(String((await ask("/direct")).bytes), "direct");
    } finally {
      for (const [name, value] of old) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      delete process.env.NODE_USE_ENV_PROXY;
    }
  });
});

describe("S31: redirects", () => {
  test("five are followed and counted, a sixth is not", async () => {
    for (let at = 0; at < 6; at += 1) answers[`/hop${at}`] = redirect(`/hop${at + 1}`);
    answers["/hop6"] = (_, response) => response.end("end");
    const { redirects, bytes } = await ask("/hop1");
    assert.deepEqual([redirects, String(bytes)], [5, "end"]);
    await assert.rejects(ask("/hop0"), { code: "too_many_redirects" });
    assert.equal(came.length, 6);
  });

  test("without following, the redirect is the answer", async () => {
    answers["/away"] = redirect("http://127.0.0.1/");
    const { status, headers, redirects } = await ask("/away", { redirectsMax: 0 });
    assert.deepEqual([status, headers.location, redirects], [302, "http://127.0.0.1/", 0]);
  });

  const blocked = [
    ["metadata", "http://169.254.169.254/latest/"],
    ["metadata in another spelling", "http://0xa9fea9fe/"],
    ["a private network", "http://10.0.0.1/"],
    ["a file", "file:///etc/passwd"],
    ["data", "data:text/plain,x"],
    ["a URL with a user", "http://root:root@localhost/"],
  ] as const;
  for (const [name, to] of blocked) {
    test(`to ${name} is blocked`, async () => {
      answers["/to"] = redirect(to);
      await assert.rejects(ask("/to"), { code: "blocked" });
    });
  }

  test("to a name that is private by now is blocked", async () => {
    answers["/moved"] = redirect(`http://private.test:${server.port}/`);
    const allowed = allowedHosts(["localhost"]);
    await assert.rejects(ask("/moved", { allowed }), { code: "blocked", message: /private\.test/ });
  });

  test("to no URL is told", async () => {
    answers["/broken"] = redirect("http://[x/");
    await assert.rejects(ask("/broken"), { code: "bad_redirect" });
  });

  test("from https to http is blocked", async () => {
    const certificate = await testCertificate();
    await using secure = await serve(redirect(`${server.url}/plain`), certificate);
    const { createSecureContext } = await import("node:tls");
    const secureContext = createSecureContext({ ca: certificate.cert });
    await assert.rejects(ask(secure.url, { secureContext }), {
      code: "blocked",
      message: "localhost redirects from https to http",
    });
  });

  const methods = [
    { status: 301, method: "POST", becomes: "GET", body: "" },
    { status: 302, method: "POST", becomes: "GET", body: "" },
    { status: 303, method: "POST", becomes: "GET", body: "" },
    { status: 307, method: "POST", becomes: "POST", body: "order" },
    { status: 308, method: "POST", becomes: "POST", body: "order" },
    { status: 303, method: "HEAD", becomes: "HEAD", body: "" },
    { status: 301, method: "HEAD", becomes: "HEAD", body: "" },
  ] as const;
  for (const { status, method, becomes, body } of methods) {
    test(`${status} makes ${becomes} of ${method}`, async () => {
      answers["/first"] = redirect("/second", status);
      let seen = "";
      answers["/second"] = async (request, response) => {
        seen = `${request.method} ${(await request.toArray()).join("")}`;
        response.end();
      };
      const given = method === "POST" ? { body: "order" } : {};
      await ask("/first", { method, ...given, headers: { "content-type": "text/plain" } });
      assert.equal(seen, `${becomes} ${body}`);
      assert.equal(came[1]?.headers["content-type"] !== undefined, becomes === method);
    });
  }
});

describe("S27: what belongs to a host", () => {
  const secrets = {
    Authorization: "Bearer secret",
    Cookie: "secret",
    "X-Api-Key": "secret",
    "X-Trace": "1",
  };
  const askSecretly = (to: string) => {
    answers["/from"] = redirect(to);
    answers["/there"] = (_, response) => response.end();
    return ask("/from", { headers: secrets, credentials: ["X-Api-Key"] });
  };

  test("goes along a redirect to the same host", async () => {
    await askSecretly("/there");
    const { authorization, cookie, "x-api-key": key } = came[1]?.headers ?? {};
    assert.deepEqual([authorization, cookie, key], ["Bearer secret", "secret", "secret"]);
  });

  for (const [name, to] of [
    ["another name", () => `http://other.test:${server.port}/there`],
    ["another port", () => `${other.url}/there`],
    ["the number of the same machine", () => `http://127.0.0.1:${server.port}/there`],
  ] as const) {
    test(`does not go to ${name}`, async () => {
      await askSecretly(to());
      assert.equal(came.length, 2);
      assert.doesNotMatch(JSON.stringify(came[1]?.headers), /secret/);
      assert.equal(came[1]?.headers["x-trace"], "1");
      assert.equal(came[1]?.headers.host, new URL(to()).host);
    });
  }

  test("does not come back by a redirect back", async () => {
    answers["/back"] = redirect(`${server.url}/there`);
    await askSecretly(`http://other.test:${server.port}/back`);
    assert.equal(came.length, 3);
    assert.doesNotMatch(JSON.stringify(came[2]?.headers), /secret/);
  });

  test("headers that frame a message are not taken from callers", async () => {
    answers["/framed"] = (_, response) => response.end();
    const headers = {
      "Content-Length": "5",
      "Transfer-Encoding": "chunked",
      Connection: "upgrade",
    };
    await ask("/framed", { headers });
    const {
      connection,
      "transfer-encoding": encoding,
      "content-length": length,
    } = came[0]?.headers ?? {};
    assert.deepEqual([connection, encoding, length], ["close", undefined, undefined]);
  });
});

describe("S33: limits", () => {
  const compressions = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;
  for (const [encoding, compress] of Object.entries(compressions)) {
    test(`a bomb in ${encoding} is cut after decompression`, async () => {
      const bomb = compress(Buffer.alloc(50_000_000));
      answers["/bomb"] = (_, response) =>
        response.writeHead(200, { "content-encoding": encoding }).end(bomb);
      const { bytes, isCut } = await ask("/bomb");
      assert.deepEqual([bytes.length, isCut], [1_000, true]);
    });

    test(`${encoding} is read`, async () => {
      answers["/small"] = (_, response) =>
        response.writeHead(200, { "content-encoding": encoding }).end(compress("small"));
      const { bytes, isCut } = await ask("/small");
      assert.deepEqual([String(bytes), isCut], ["small", false]);
    });

    test(`what is not the ${encoding} that it says is told`, async () => {
      answers["/wrong"] = (_, response) =>
        response.writeHead(200, { "content-encoding": encoding }).end("this is not compressed");
      await assert.rejects(ask("/wrong"), { code: "encoding" });
      answers["/half"] = (_, response) =>
        response
          .writeHead(200, { "content-encoding": encoding })
          .end(compress("half").subarray(0, -3));
      await assert.rejects(ask("/half"), { code: "encoding" });
    });
  }

  test("a compression that nobody asked for is told", async () => {
    answers["/odd"] = (_, response) =>
      response.writeHead(200, { "content-encoding": "gzip, gzip" }).end("x");
    await assert.rejects(ask("/odd"), { code: "encoding" });
  });

  test("an answer without a body has no compression to fail", async () => {
    answers["/none"] = (_, response) =>
      response.writeHead(204, { "content-encoding": "gzip" }).end();
    assert.equal((await ask("/none")).bytes.length, 0);
    assert.equal((await ask("/none", { method: "HEAD" })).bytes.length, 0);
  });

  test("a body without an end is cut", async () => {
    answers["/endless"] = (_, response) => {
      const more = () => {
        while (response.write("x".repeat(10_000)));
      };
      response.on("drain", more);
      more();
    };
    const { bytes, isCut } = await ask("/endless");
    assert.deepEqual([bytes.length, isCut], [1_000, true]);
  });

  test("a body of exactly as many bytes is whole", async () => {
    answers["/exact"] = (_, response) => response.end("x".repeat(1_000));
    const { bytes, isCut } = await ask("/exact");
    assert.deepEqual([bytes.length, isCut], [1_000, false]);
  });

  for (const [name, begin] of [
    ["before its first line", () => {}],
    [
      "within its body",
      (socket: Socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"),
    ],
  ] as const) {
    test(`a server that hangs ${name} is left, and the connection with it`, async () => {
      const stop = new AbortController();
      const closed = Promise.withResolvers<void>();
      const hanging = createNetServer((socket) => {
        socket.on("error", () => {}).on("close", () => closed.resolve());
        socket.once("data", () => {
          begin(socket);
          setImmediate(() => stop.abort());
        });
      });
      await listening(hanging);
      const { port } = hanging.address() as { port: number };
      await assert.rejects(ask(`http://localhost:${port}/`, { signal: stop.signal }), {
        code: "timeout",
        message: "localhost did not answer in time",
      });
      await closed.promise;
      hanging.close();
      await once(hanging, "close");
    });
  }

  const broken = [
    { name: "a reset", say: (socket: Socket) => socket.resetAndDestroy(), code: "reset" },
    { name: "an end without an answer", say: (socket: Socket) => socket.end(), code: "reset" },
    {
      name: "something that is not HTTP",
      say: (socket: Socket) => socket.end("SSH-2.0-x\r\n"),
      code: "protocol",
    },
    {
      name: "an answer in another protocol, which was not asked for",
      say: (socket: Socket) =>
        socket.write("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"),
      code: "protocol",
    },
    {
      name: "half a body",
      say: (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
      code: "reset",
    },
  ];
  for (const { name, say, code } of broken) {
    test(`${name} is ${code}`, async () => {
      const rude = createNetServer((socket) => {
        socket.on("error", () => {}).once("data", () => say(socket));
      });
      await listening(rude);
      const { port } = rude.address() as { port: number };
      await assert.rejects(ask(`http://localhost:${port}/?token=secret`), (error: Error) => {
        assert.equal((error as { code?: string }).code, code);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
      rude.close();
    });
  }
});
