// Goal: a look at a port tells whether somebody takes the connection, what is said first, and reaches only what may be reached.
// Method: real ports that are opened and closed between looks; services that speak first, second, or never.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { WatcherSpec } from "../../manifest/generated/watcher.ts";
import { manualTime } from "../../testing/manual-timers.ts";
import { listening, look, type WatchPlace, watchPlace } from "../../testing/watch-sources.ts";
import type { SourceDeps } from "./look.ts";

let place: WatchPlace;
before(async () => {
  place = await watchPlace();
});
after(() => place[Symbol.asyncDispose]());

function probe(port: number, spec: Partial<WatcherSpec> = {}, deps: Partial<SourceDeps> = {}) {
  return place.source(
    { type: "tcpProbe", host: "localhost", port, allowPrivate: ["localhost"], ...spec },
    deps,
  );
}

interface Service extends AsyncDisposable {
  readonly port: number;
  /** Sockets that are open. */
  readonly open: ReadonlySet<Socket>;
}

async function service(speak: (socket: Socket) => void = () => {}, port = 0): Promise<Service> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    speak(socket);
  });
  await listening(server, port);
  return {
    open,
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("a port that is opened and closed is followed", async () => {
  const first = await service();
  const { port } = first;
  const source = await probe(port);
  const seen = [await look(source)];
  await first[Symbol.asyncDispose]();
  seen.push(await look(source));
  await using _again = await service(undefined, port);
  seen.push(await look(source));
  assert.deepEqual(seen, [
    { ok: true, open: true, value: true, banner: undefined },
    {
      ...{ ok: false, open: false, value: false },
      error: { code: "refused", message: "localhost refused the connection" },
    },
    { ok: true, open: true, value: true, banner: undefined },
  ]);
});

test("no connection is left when the look is over", async () => {
  await using server = await service();
  await look(await probe(server.port));
  for (const socket of server.open) await once(socket, "close");
  assert.equal(server.open.size, 0);
});

describe("banner", () => {
  const trigger = 'when not (banner startsWith "SSH-2.0")';

  test("is what the service says first, without the end of its line, when the trigger reads it", async () => {
    await using server = await service((socket) => socket.write("SSH-2.0-OpenSSH_10\r\n"));
    assert.equal((await look(await probe(server.port, { trigger }))).banner, "SSH-2.0-OpenSSH_10");
  });

  test("is what the service answers to what was sent", async () => {
    await using server = await service((socket) => {
      socket.once("data", (data) => socket.write(`+${data}`));
    });
    assert.equal((await look(await probe(server.port, { send: "PING\r\n" }))).banner, "+PING");
  });

  test("is cut", async () => {
    await using server = await service((socket) => socket.write("x".repeat(5_000)));
    const { banner } = await look(await probe(server.port, { trigger }));
    assert.equal(banner, "x".repeat(1_024));
  });

  test("is not waited for any longer than a moment", async () => {
    const time = manualTime();
    await using server = await service();
    const source = await probe(server.port, { trigger }, { timers: time.timers });
    const sample = look(source);
    while (time.pending().length === 0) await new Promise((resolve) => setImmediate(resolve));
    time.advance(time.pending()[0] ?? 0);
    assert.deepEqual(await sample, { ok: true, open: true, value: true, banner: undefined });
  });

  test("of a service that hangs up at once is missing, and the port is open", async () => {
    await using server = await service((socket) => socket.end());
    const sample = await look(await probe(server.port, { trigger }));
    assert.deepEqual([sample.open, sample.banner], [true, undefined]);
  });
});

describe("what may be reached", () => {
  const rows: readonly (readonly [host: string, allowPrivate: string[], code: string])[] = [
    ["localhost", [], "blocked"],
    ["127.0.0.1", [], "blocked"],
    ["127.1", [], "blocked"],
    ["2130706433", [], "blocked"],
    ["::1", [], "blocked"],
    ["::ffff:127.0.0.1", [], "blocked"],
    ["fe80::1%lo", [], "blocked"],
    ["169.254.169.254", ["0.0.0.0/0"], "blocked"],
    ["a:b", [], "invalid"],
  ];
  for (const [host, allowPrivate, code] of rows) {
    test(`${host} is ${code}`, async () => {
      await using server = await service();
      const { ok, open, error } = await look(await probe(server.port, { host, allowPrivate }));
      assert.deepEqual([ok, open, (error as { code: string }).code], [false, undefined, code]);
      assert.equal(server.open.size, 0);
    });
  }

  test("an address that is opened by its number is reached, however it is written", async () => {
    await using server = await service();
    for (const host of ["127.0.0.1", "127.1", "0x7f000001"])
      assert.equal(
        (await look(await probe(server.port, { host, allowPrivate: ["127.0.0.0/8"] }))).open,
        true,
      );
  });

  test("S30: all addresses of a name are judged", async () => {
    const lookup = async () => [
      { address: "127.0.0.1", family: 4 },
      { address: "10.0.0.1", family: 4 },
    ];
    await using server = await service();
    const source = await probe(
      server.port,
      { host: "mixed.test", allowPrivate: ["127.0.0.1"] },
      { lookup },
    );
    assert.equal(((await look(source)).error as { code: string }).code, "blocked");
  });

  test("a name that is not known is told, and the port is not open", async () => {
    const lookup = async () => {
      throw Object.assign(new Error("not found"), { code: "ENOTFOUND" });
    };
    const { open, error } = await look(await probe(1, { host: "gone.test" }, { lookup }));
    assert.deepEqual(
      [open, error],
      [false, { code: "dns", message: "gone.test cannot be resolved" }],
    );
  });

  test("a connection that is never taken is given up at the end of the time", async () => {
    const stop = new AbortController();
    const lookup = () => {
      stop.abort();
      return new Promise<never>(() => {});
    };
    const { ok, error } = await look(
      await probe(1, { host: "slow.test" }, { lookup }),
      stop.signal,
    );
    assert.deepEqual([ok, (error as { code: string }).code], [false, "timeout"]);
  });
});
