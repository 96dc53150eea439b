// Goal: a client over HTTP is the plane that is served: same answers, same errors, same streams.
// Method: the real client against the real server over a real store, on its socket.
import assert from "node:assert/strict";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { codes, type ErrorCode } from "../lib/codes.ts";
import { LegionError } from "../lib/errors.ts";
import { compileSchema } from "../lib/schema.ts";
import { createObjectEmitter } from "../telemetry/emitter.ts";
import { recordingAgents } from "../testing/agents-half.ts";
import { applyRequest, desiredTool, rawRequest, serveTestPlane } from "../testing/api-server.ts";
import { recordingWatching } from "../testing/watching-half.ts";
import { connect, requireDaemon } from "./client.ts";
import { failedOf, statusOf } from "./failure.ts";
import { routes } from "./routes.ts";

const never = new AbortController().signal;
const tool = (name: string) => ({ kind: "Tool", namespace: "default", name });
const host = { host: "localhost" };

test("what is applied is listed, read, edited, rolled back and deleted", async () => {
  await using served = await serveTestPlane();
  const client = await requireDaemon({ stateFolder: served.folder });
  const report = await client.apply(applyRequest([desiredTool("one"), desiredTool("two")]));
  assert.deepEqual(
    report.objects.map(({ name, outcome, generation }) => [name, outcome, generation]),
    [
      ["one", "created", 1],
      ["two", "created", 1],
    ],
  );
  assert.deepEqual(await client.list({ name: "one" }), await served.plane.list({ name: "one" }));
  assert.deepEqual(await client.read(tool("one")), await served.plane.read(tool("one")));
  assert.equal(await client.read(tool("three")), undefined);
  assert.equal((await client.list({ selector: "team=b" })).items.length, 0);
  await client.apply(applyRequest([desiredTool("one", "adds more")]));
  const rolled = await client.rollback(tool("one"));
  assert.equal(rolled.metadata.generation, 3);
  assert.equal(rolled.spec.description, "adds");
  assert.equal((await client.rollback(tool("one"), 2)).spec.description, "adds more");
  assert.deepEqual(await client.history(tool("one")), await served.plane.history(tool("one")));
  const edited = await client.edit(tool("one"), {
    labels: { tier: "x", team: null },
    manager: "m",
  });
  assert.deepEqual(edited.metadata.labels, { tier: "x" });
  const [said] = await client.delete([tool("one")], { dryRun: true });
  assert.equal(said?.metadata.name, "one");
  assert.equal((await client.delete([tool("one"), tool("two")])).length, 2);
  assert.equal((await client.list({})).items.length, 0);
});

test("a set that is larger than one body is applied as one", async () => {
  await using served = await serveTestPlane();
  const client = await requireDaemon({ stateFolder: served.folder });
  const objects = Array.from({ length: 1_500 }, (_, i) =>
    desiredTool(`tool-${i}`, `${"ü".repeat(900)} ${i}`),
  );
  const declaredInvalid = [tool("invalid")];
  const request = applyRequest(objects, { declaredInvalid, prune: true, unreadFiles: ["/a.yaml"] });
  const report = await client.apply(request);
  assert.equal(report.objects.filter(({ outcome }) => outcome === "created").length, 1_500);
  const again = await client.apply(request);
  assert.equal(again.rowsWritten, 0);
  const { items } = await client.list({});
  assert.equal(items.length, 1_500);
  const keys = items.map(({ metadata: { namespace, name } }) => ({
    kind: "Tool",
    namespace,
    name,
  }));
  assert.equal((await client.delete(keys)).length, 1_500, "more keys than one body takes");
});

test("a saved plan is applied as it is, also one that is larger than one body", async () => {
  await using served = await serveTestPlane();
  const client = await requireDaemon({ stateFolder: served.folder });
  const rows = [
    { name: "small", count: 2, chars: 10 },
    { name: "large", count: 1_000, chars: 2_000 },
  ];
  for (const { name, count, chars } of rows) {
    const objects = Array.from({ length: count }, (_, i) =>
      desiredTool(`${name}-${i}`, "x".repeat(chars)),
    );
    const source = `apply:${name}`;
    const request = applyRequest(objects, { source, dryRun: true });
    const { plan } = await client.apply(request);
    const report = await client.applyPlan(plan, "test");
    assert.equal(report.objects.length, count);
    assert.equal((await client.apply({ ...request, dryRun: false })).rowsWritten, 0, name);
    await assert.rejects(client.applyPlan(plan, "test"), { code: "LEG1081", exitCode: 3 });
  }
});

test("errors arrive as what they are", async () => {
  await using served = await serveTestPlane();
  const client = await requireDaemon({ stateFolder: served.folder });
  await client.apply(applyRequest([desiredTool("one")]));
  const other = desiredTool("one", "other words");
  for (const call of [
    (plane: typeof client) => plane.apply(applyRequest([other], { manager: "other" })),
    (plane: typeof client) => plane.delete([tool("onee")]),
    (plane: typeof client) => plane.edit(tool("one"), { labels: { team: "b" }, manager: "m" }),
    (plane: typeof client) => plane.rollback(tool("one"), 7),
    (plane: typeof client) => plane.apply(applyRequest([], { prune: true })),
    (plane: typeof client) => plane.apply(applyRequest([{ ...other, spec: { modle: 1 } }])),
    (plane: typeof client) => Array.fromAsync(plane.watch(999, {}, never)),
  ]) {
    const here = await failure(call({ ...client, ...served.plane }));
    const there = await failure(call(client));
    assert.deepEqual(there.toJSON(), here.toJSON());
    assert.equal(there.exitCode, here.exitCode);
  }
});

async function failure(call: Promise<unknown>): Promise<LegionError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof LegionError, String(error));
  return error;
}

test("a code of conflicts is a 409, and nothing else that exits with 3", () => {
  for (const code of Object.keys(codes) as ErrorCode[]) {
    const { exitCode } = new LegionError({ code, message: "", hint: "" });
    const status = statusOf(code);
    assert.ok(status >= 400 && status <= 504, `${code}: ${status}`);
    if (exitCode === 3) assert.equal(status, 409, code);
  }
  assert.equal(failedOf(new Error("x")).status, 500);
  const broken = new LegionError({ code: "LEG6006", message: "EIO on /secret/path", hint: "h" });
  const { status, failure, detail } = failedOf(broken);
  assert.equal(status, 500);
  assert.equal(failure.error.message, codes.LEG6006.title, "what a code means holds no path");
  assert.equal(detail?.error, broken);
});

test("a watch tells every change that it asked for, and ends without an error when it is aborted", async () => {
  await using served = await serveTestPlane();
  const client = await requireDaemon({ stateFolder: served.folder });
  await client.apply(applyRequest([desiredTool("before")]));
  const { version } = await client.list({});
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { type, object } of client.watch(
      version,
      { selector: "team=a" },
      stop.signal,
    )) {
      seen.push(`${type} ${object.metadata.name}`);
      if (type === "deleted") stop.abort();
    }
  })();
  await client.apply(applyRequest([desiredTool("one")]));
  await client.apply(applyRequest([desiredTool("one", "changed")]));
  await client.delete([tool("one")]);
  await watching;
  assert.deepEqual(seen, ["added one", "modified one", "deleted one"]);
  assert.deepEqual(await Array.fromAsync(client.watch(0, {}, AbortSignal.abort())), []);
});

test("the server ends a stream when its client goes", async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  await using served = await serveTestPlane({
    plane: {
      async *watch(_since, _query, signal) {
        begun.resolve();
        await once(signal, "abort");
        ended.resolve();
        yield* [];
      },
    },
  });
  const client = await requireDaemon({ stateFolder: served.folder });
  const stop = new AbortController();
  const watching = Array.fromAsync(client.watch(0, {}, stop.signal));
  await begun.promise;
  stop.abort();
  assert.deepEqual(await watching, []);
  await ended.promise;
});

test("a client that does not read costs no memory: the server reads on only as it is read", async () => {
  let made = 0;
  const text = "x".repeat(10_000);
  await using served = await serveTestPlane({
    plane: {
      async *events(_query, signal) {
        while (!signal.aborted) yield { id: String(made++), text } as never;
      },
    },
  });
  const socket = createConnection(served.server.socket);
  socket.pause();
  socket.write("GET /v1/events?follow HTTP/1.1\r\nhost: localhost\r\n\r\n");
  let before = -1;
  while (made !== before || made === 0) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  socket.destroy();
  assert.ok(made * text.length < 8 * 2 ** 20, `${made} events were made for nobody`);
});

test("an answer that takes long comes after lines that show life; aborting stops the waiting", async () => {
  const answers = Promise.withResolvers<void>();
  const stoppedBegins = Promise.withResolvers<void>();
  const stoppedEnds = Promise.withResolvers<void>();
  await using served = await serveTestPlane({
    limits: { heartbeatMs: 20 },
    plane: {
      async ask({ task }, signal) {
        if (task === "fail")
          throw new LegionError({ code: "LEG2030", message: "no loop", hint: "apply it" });
        if (task === "stopped") {
          stoppedBegins.resolve();
          signal.addEventListener("abort", () => stoppedEnds.resolve());
        }
        await Promise.race([answers.promise, once(signal, "abort")]);
        signal.throwIfAborted();
        if (task === "fail late")
          throw new LegionError({ code: "LEG2031", message: "it goes", hint: "wait" });
        return { message: "m", generation: 2, result: { status: "ok", result: task } };
      },
    },
  });
  const client = await requireDaemon({ stateFolder: served.folder });
  const ask = (task: string, signal = never) =>
    client.ask({ namespace: "default", name: "a", task, from: "me" }, signal);
  await assert.rejects(ask("fail"), { code: "LEG2030", message: "no loop", hint: "apply it" });
  const stop = new AbortController();
  const stopped = ask("stopped", stop.signal);
  stoppedBegins.promise.then(() => stop.abort(new Error("enough")));
  await assert.rejects(stopped, { message: "enough" });
  await stoppedEnds.promise;
  const late = assert.rejects(ask("fail late"), { code: "LEG2031" });
  const body = '{"task":"hello","wait":true}';
  const socket = createConnection(served.server.socket).setEncoding("utf8");
  socket.write(
    "POST /v1/agents/default/a/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  let text = "";
  for await (const chunk of socket) {
    text += chunk;
    if (text.includes('{"type":"heartbeat"}\n')) answers.resolve();
  }
  assert.match(text, /^HTTP\/1.1 200 OK\r\n/);
  assert.match(text, /\{"result":\{"message":"m","generation":2,.*"hello"\}\}\}\n/);
  await late;
});

test("messages, events and the daemon itself go through", async () => {
  const calls: unknown[] = [];
  await using served = await serveTestPlane({
    plane: {
      tell: async (message) => {
        calls.push(message);
        return { message: "m7", queued: 3 };
      },
      reconcile: async (options) => {
        calls.push(options);
        return [];
      },
      shutdown: async () => void calls.push("shutdown"),
    },
  });
  const client = await requireDaemon({ stateFolder: served.folder });
  const message = { namespace: "team", name: "a", task: "t", from: "me" };
  assert.deepEqual(await client.tell(message), { message: "m7", queued: 3 });
  assert.deepEqual(await client.reconcile({ wait: true, timeoutMs: 5 }), []);
  await client.apply(applyRequest([desiredTool("one")]));
  assert.equal((await client.restart(tool("one"))).metadata.name, "one");
  await assert.rejects(client.restart(tool("two")), { code: "LEG6030" });
  await client.shutdown();
  assert.deepEqual(calls, [message, { wait: true, timeoutMs: 5 }, "shutdown"]);
  assert.deepEqual(await client.status(), await served.plane.status());
  const emit = createObjectEmitter({ clock: systemClock, sink: served.ring.publish });
  const first = emit("Agent/default/a", { severity: "normal", reason: "Created", message: "m" });
  const second = emit("Agent/default/b", { severity: "normal", reason: "Created", message: "m" });
  const ids = async (query: object) =>
    (await Array.fromAsync(client.events(query, never))).map(({ id }) => id);
  assert.deepEqual(await ids({}), [first, second]);
  assert.deepEqual(await ids({ since: first }), [second]);
  assert.deepEqual(await ids({ limit: 1, about: "object" }), [second]);
  assert.deepEqual(await ids({ object: "Agent/default/a" }), [first]);
  const stop = new AbortController();
  const followed: string[] = [];
  for await (const { id } of client.events({ follow: true }, stop.signal)) {
    followed.push(id);
    if (followed.length === 2)
      emit("Agent/default/c", { severity: "warning", reason: "Rejected", message: "m" });
    if (followed.length === 3) stop.abort();
  }
  assert.equal(followed.length, 3);
});

test("closing lets who waits have the answer, tells streams that they are cut, and leaves nothing", async () => {
  const began = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const answer = Promise.withResolvers<void>();
  await using served = await serveTestPlane({
    plane: {
      ask: async (_message, signal) => {
        began[0].resolve();
        await answer.promise;
        signal.throwIfAborted();
        return { message: "m", generation: 1, result: { status: "ok" } };
      },
      async *watch(_since, _query, signal) {
        began[1].resolve();
        await once(signal, "abort");
        answer.resolve();
        yield* [];
      },
    },
  });
  const client = await requireDaemon({ stateFolder: served.folder });
  const asked = client.ask({ namespace: "default", name: "a", task: "t" }, never);
  const watched = assert.rejects(Array.fromAsync(client.watch(0, {}, never)), {
    code: "LEG8004",
    exitCode: 4,
  });
  await Promise.all(began.map(({ promise }) => promise));
  await served.server.close(5_000);
  assert.equal((await asked).generation, 1);
  await watched;
  for (const file of ["daemon.json", "run/legion.sock"])
    await assert.rejects(stat(join(served.folder, file)), { code: "ENOENT" }, file);
  assert.equal(await connect({ stateFolder: served.folder }), undefined);
});

test("closing waits no longer than the grace time", async () => {
  const begun = Promise.withResolvers<void>();
  const ask = () => {
    begun.resolve();
    return new Promise<never>(() => {});
  };
  await using served = await serveTestPlane({ plane: { ask } });
  const client = await requireDaemon({ stateFolder: served.folder });
  const asked = client.ask({ namespace: "default", name: "a", task: "t" }, never);
  const lost = assert.rejects(asked, { exitCode: 4 });
  await begun.promise;
  const began = performance.now();
  await served.server.close(100);
  assert.ok(performance.now() - began < 3_000);
  await lost;
});

test("the OpenAPI document is whole: every reference leads somewhere, every parameter is declared", async () => {
  await using served = await serveTestPlane();
  const { text } = await rawRequest(served.server, { path: "/v1/openapi.json", headers: host });
  const document = JSON.parse(text);
  assert.equal(document.openapi, "3.1.0");
  const schemas = Object.keys(document.components.schemas);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    assert.ok(schemas.includes(name ?? ""), name);
  const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(
    ([path, methods]) => Object.values(methods).map((operation) => ({ path, operation })),
  );
  assert.equal(operations.length, routes.length);
  assert.equal(
    new Set(operations.map(({ operation }) => operation.operationId)).size,
    routes.length,
  );
  for (const { path, operation } of operations) {
    const declared = operation.parameters.filter((one) => one.in === "path").map((one) => one.name);
    assert.deepEqual(
      declared,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    );
  }
});

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly in: string; readonly name: string }[];
}

test("answers have the form that the document says", async () => {
  const plane = { ...recordingAgents().plane, ...recordingWatching().plane };
  await using served = await serveTestPlane({ plane });
  const client = await requireDaemon({ stateFolder: served.folder });
  await client.apply(applyRequest([desiredTool("one")]));
  const one = "/v1/objects/Tool/default/one";
  const paths: Record<string, string> = {
    "/v1/objects/:kind/:namespace/:name": one,
    "/v1/objects/:kind/:namespace/:name/history": `${one}/history`,
  };
  for (const route of routes.filter(({ method }) => method === "GET")) {
    const answer = route.answers[200];
    if (answer?.as !== "json") continue;
    const path = paths[route.path] ?? route.path.replaceAll(/:\w+/g, "one");
    const { status, text, headers } = await rawRequest(served.server, { path, headers: host });
    assert.equal(status, 200, path);
    assert.match(headers["content-type"] ?? "", /^application\/json/);
    assert.deepEqual((await compileSchema(answer.schema))(JSON.parse(text)), [], path);
  }
  const report = await client.apply(applyRequest([desiredTool("two")], { dryRun: true }));
  const apply = routes.find(({ path }) => path === "/v1/apply")?.answers[200];
  assert.deepEqual((await compileSchema(apply?.schema ?? {}))(report), []);
});

test("keep-alive connections serve many requests without piling up listeners", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on("warning", onWarning);
  await using served = await serveTestPlane();
  const socket = createConnection(served.server.socket);
  socket.setEncoding("utf8");
  for (let i = 0; i < 30; i++) {
    socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert.match(String(await once(socket, "data")), /^HTTP\/1.1 200/);
  }
  socket.destroy();
  process.off("warning", onWarning);
  assert.deepEqual(warnings, []);
});
