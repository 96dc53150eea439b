import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { LegionError } from "../lib/errors.ts";
import { type Access, refuseForeign, refuseStranger } from "./access.ts";
import { closing, type Failed, failedOf, notJson } from "./failure.ts";
import { checkBody, queryOf } from "./query.ts";
import type { Answer, Route, Services } from "./route.ts";
import { methodsOf, routes } from "./routes.ts";
import { sendLines } from "./stream.ts";
import { BODY_BYTES_MAX, HEARTBEAT_MS } from "./wire.ts";

export interface Limits {
  /** Requests on more connections are answered with 503; twice as many are not accepted at all. */
  readonly connectionsMax: number;
  /** How long a client may take to send its headers, and all of its request. */
  readonly headersMs: number;
  readonly requestMs: number;
  readonly heartbeatMs: number;
}

export const LIMITS: Limits = {
  connectionsMax: 512,
  headersMs: 10_000,
  requestMs: 30_000,
  heartbeatMs: HEARTBEAT_MS,
};

export interface AppOptions {
  readonly services: Services;
  readonly access: Access;
  readonly limits: Limits;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Aborted when the server begins to close: streams end. */
  readonly closing: AbortSignal;
  /** Aborted when whoever still waits has to be sent away. */
  readonly forced: AbortSignal;
  /** Told of every internal error, with the id that the client got. */
  readonly onError: (id: string, error: unknown, route: string) => void;
}

/** How long a stream may take to show its first failure as a status of its own. */
const OPEN_MS = 100;

const KEEP_ALIVE_MS = 5_000;

/** One listener's worth of the API: checks, routes, and failures in one shape. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { limits, tls } = options;
  const { fastify } = await import("fastify");
  const server = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
  };
  const common = {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 1_024 },
    clientErrorHandler: answerBroken,
    // Paths that no route can have: badly encoded, or too long.
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) => {
      const { status, failure } = failedOf(error);
      reply.code(status).send(failure);
    },
  };
  const app: FastifyInstance =
    tls === undefined
      ? fastify({ ...common, http: server })
      : (fastify({ ...common, https: { ...server, ...tls } }) as unknown as FastifyInstance);
  acceptJsonOnly(app);
  guard(app, options, countConnections(app, limits));
  for (const route of routes) addRoute(app, route, options);
  return app;
}

function acceptJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, {});
    else parse(request, String(body), done);
  });
}

function countConnections(app: FastifyInstance, { connectionsMax }: Limits): () => number {
  let connections = 0;
  app.server.maxConnections = 2 * connectionsMax;
  app.server.on("connection", (socket: Socket) => {
    connections++;
    socket.on("close", () => connections--);
  });
  return () => connections;
}

/** What every request passes, also one for a path that does not exist; and how failures leave. */
function guard(app: FastifyInstance, options: AppOptions, connections: () => number): void {
  const { access, limits } = options;
  app.addHook("onRequest", async (request, reply) => {
    const { headers, raw } = request;
    const route = routeOf(request);
    refuseForeign({ headers, localAddress: raw.socket.localAddress }, access);
    if (route?.permission !== "public")
      refuseStranger({ headers, localAddress: undefined }, access);
    if (options.closing.aborted || connections() > limits.connectionsMax) {
      reply.header("connection", "close");
      throw options.closing.aborted ? closing() : tooMany(limits);
    }
    if (request.is404) throw noRoute(request, reply);
    if (route === undefined) throw unmapped(request);
    if (route.method === "POST" && !isJson(headers["content-type"])) throw notJson();
  });
  app.setNotFoundHandler((request, reply) => {
    throw noRoute(request, reply);
  });
  app.setErrorHandler((error, request, reply) => {
    const failed = failedOf(error);
    tell(failed, request, options);
    if (failed.status === 401) reply.header("www-authenticate", "Bearer");
    if (failed.status === 503) reply.header("retry-after", "1");
    return reply.code(failed.status).send(failed.failure);
  });
}

/** The row of the table for a request; a route that is in no row is denied. */
function routeOf({ method, routeOptions }: FastifyRequest): Route | undefined {
  return routes.find((route) => route.path === routeOptions.url && route.method === method);
}

function addRoute(app: FastifyInstance, route: Route, options: AppOptions): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      const query = await queryOf(request.query, route.query ?? {});
      const body = request.body === undefined ? {} : request.body;
      if (route.body !== undefined) await checkBody(body, route.body);
      const gone = goneOf(reply);
      const length = Number(request.headers["content-length"]);
      const answer = await route.handle(
        {
          params: request.params as Record<string, string>,
          query,
          body,
          bodyBytes: Number.isSafeInteger(length) ? length : BODY_BYTES_MAX,
          // What is only read ends when the server closes; who waits for an answer may have it.
          signal: AbortSignal.any([
            gone,
            route.method === "GET" ? options.closing : options.forced,
          ]),
        },
        options.services,
      );
      return await send(answer, gone, request, reply, options);
    },
  });
}

async function send(
  answer: Answer,
  gone: AbortSignal,
  request: FastifyRequest,
  reply: FastifyReply,
  options: AppOptions,
): Promise<unknown> {
  if (answer.type === "json") {
    reply.code(answer.status ?? 200).header("cache-control", "no-store");
    // As text: fastify takes undefined and text for no JSON.
    return reply.type("application/json").send(JSON.stringify(answer.value ?? null));
  }
  const { heartbeatMs } = options.limits;
  const isResult = answer.type === "result";
  await sendLines(reply.raw, isResult ? resultOf(answer.result) : answer.lines, {
    heartbeatMs,
    openAfterMs: isResult ? heartbeatMs : OPEN_MS,
    gone,
    ending: options.closing,
    onOpen: () => reply.hijack(),
    failureLine: (error) => {
      const failed = failedOf(error);
      tell(failed, request, options);
      return failed.failure;
    },
  });
  return reply;
}

async function* resultOf(result: Promise<unknown>): AsyncGenerator<unknown> {
  yield { result: await result };
}

/** Aborted when the answer is over, also because the client has closed the connection. */
function goneOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once("close", () => controller.abort());
  // It may have happened while the request was checked.
  if (raw.closed || raw.destroyed || raw.socket?.destroyed === true) controller.abort();
  return controller.signal;
}

function tell({ detail }: Failed, request: FastifyRequest, { onError }: AppOptions): void {
  if (detail === undefined) return;
  onError(detail.id, detail.error, `${request.method} ${request.routeOptions.url ?? ""}`);
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(;|$)/i.test(contentType ?? "");
}

function noRoute({ url, method }: FastifyRequest, reply: FastifyReply): LegionError {
  const methods = methodsOf(url.split("?", 1)[0] ?? "");
  if (methods.length === 0)
    return new LegionError({
      code: "LEG8010",
      message: "nothing is at this path",
      hint: "GET /v1/openapi.json lists all routes",
    });
  reply.header("allow", methods.join(", "));
  return new LegionError({
    code: "LEG8011",
    message: `the method ${method} is not allowed here`,
    hint: `use ${methods.join(" or ")}`,
    valid: methods,
  });
}

function unmapped({ routeOptions }: FastifyRequest): LegionError {
  return new LegionError({
    code: "LEG8009",
    message: `no permission is defined for ${routeOptions.url ?? "this route"}`,
    hint: "GET /v1/openapi.json lists the routes that can be used",
  });
}

function tooMany({ connectionsMax }: Limits): LegionError {
  return new LegionError({
    code: "LEG8005",
    message: `more than ${connectionsMax} connections are open`,
    hint: "try again in a moment",
  });
}

/** Requests that end before there is one: too slow, too large, not HTTP. */
function answerBroken(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [status, code, message] = brokenStatus(error.code);
  const hint = "send one whole HTTP/1.1 request at once";
  const body = JSON.stringify({ error: { code, message, hint } });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function brokenStatus(code: string | undefined): readonly [string, string, string] {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return ["408 Request Timeout", "LEG8016", "the request came too slowly"];
    case "HPE_HEADER_OVERFLOW":
      return ["431 Request Header Fields Too Large", "LEG8013", "the headers are too large"];
    default:
      return ["400 Bad Request", "LEG8017", "the request is not HTTP/1.1"];
  }
}
