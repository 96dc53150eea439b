// Goal: what can be done with watchers and crons goes over the wire whole, in both directions, and every answer has the form that its route says.
// Method: each method of that half through the real client and server to a recording half; raw requests for forms and refusals.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "../lib/schema.ts";
import type { WatchPlane } from "../reconcile/watch-contract.ts";
import { rawRequest, serveTestPlane } from "../testing/api-server.ts";
import { recordingWatching, watchAnswers } from "../testing/watching-half.ts";
import { requireDaemon } from "./client.ts";
import { openApiOf } from "./openapi.ts";
import { routes } from "./routes.ts";

const watcher = { kind: "Watcher", namespace: "team a", name: "checkout" };
const cron = { kind: "Cron", namespace: "default", name: "nightly" };
const wanted = { watcher, until: "2026-01-01T02:00:00.000Z", reason: "Grüße\n", by: "ada" };

const cases: { readonly [M in keyof WatchPlane]: readonly Parameters<WatchPlane[M]>[] } = {
  explainTrigger: [[watcher]],
  silences: [[]],
  silence: [[wanted], [{ ...wanted, reason: "" }]],
  unsilence: [[{ id: "01KD/../x" }], [{ watcher }]],
  cronTicks: [[cron, 5], [cron]],
  triggerCron: [[cron]],
  resumeCron: [[cron]],
};

test("every method goes over the wire with all its arguments, and its answer comes back", async () => {
  const { plane, calls } = recordingWatching();
  await using served = await serveTestPlane({ plane });
  const client = await requireDaemon({ stateFolder: served.folder });
  for (const [method, lists] of Object.entries(cases)) {
    for (const args of lists) {
      const call = client[method as keyof WatchPlane] as (...args: unknown[]) => Promise<unknown>;
      assert.deepEqual(await call(...args), watchAnswers[method as keyof WatchPlane], method);
      const { method: called, args: given = [] } = calls.at(-1) ?? {};
      assert.deepEqual([called, given.filter((each) => each !== undefined)], [method, args]);
    }
  }
});

test("what names nothing to unsilence asks nobody", async () => {
  const { plane, calls } = recordingWatching();
  await using served = await serveTestPlane({ plane });
  const client = await requireDaemon({ stateFolder: served.folder });
  assert.deepEqual(await client.unsilence({}), { removed: false });
  assert.deepEqual(calls, []);
});

const host = { host: "localhost", "content-type": "application/json" };
const parts: Record<string, string> = { namespace: "default", name: "nightly", id: "S1" };
const pathOf = (path: string) => path.replace(/:(\w+)/g, (_, name: string) => parts[name] ?? "");
const watchRoutes = routes.filter(({ permission }) => /^(watchers|crons)/.test(permission));

for (const { method, path, body, answers } of watchRoutes) {
  test(`${method} ${path} answers in the form that it says`, async () => {
    const { plane } = recordingWatching();
    await using served = await serveTestPlane({ plane });
    const sent = body && JSON.stringify(path.endsWith("/silences") ? wanted : {});
    const { status, text } = await rawRequest(served.server, {
      ...{ method, path: pathOf(path), headers: host, ...(sent !== undefined && { body: sent }) },
    });
    const answer = answers[status];
    assert.ok(answer, `${status} ${text}`);
    const check = await compileSchema(answer.schema);
    assert.deepEqual(check(JSON.parse(text)), [], text);
  });
}

const long = "x".repeat(2_000);
const refused: readonly {
  readonly what: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
}[] = [
  { what: "a silence without an end", path: "silences", body: { ...wanted, until: undefined } },
  { what: "a silence of nobody", path: "silences", body: { ...wanted, by: "" } },
  { what: "a silence of an agent", path: "silences", body: { ...wanted, watcher: cron } },
  { what: "a reason without end", path: "silences", body: { ...wanted, reason: long } },
  { what: "a field that there is none of", path: "silences", body: { ...wanted, for: "2h" } },
  { what: "a run with a body", path: "crons/default/c/trigger", body: { now: true } },
  { what: "more ticks than are kept", path: "crons/default/c/ticks?limit=1001", method: "GET" },
  { what: "ticks without a number", path: "crons/default/c/ticks?limit=many", method: "GET" },
];
for (const { what, path, method = "POST", body } of refused) {
  test(`${what} is refused before anything is done`, async () => {
    const { plane, calls } = recordingWatching();
    await using served = await serveTestPlane({ plane });
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const request = { method, path: `/v1/${path}`, headers: host, ...sent };
    const answer = await rawRequest(served.server, request);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, /LEG8014/);
    assert.deepEqual(calls, []);
  });
}

test("S07: who may do what with watchers and crons is a table, and stands in the document", () => {
  const document = openApiOf(routes, "0") as {
    paths: Record<string, Record<string, { "x-permission": string; operationId: string }>>;
  };
  const told = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => [
      `${method.toUpperCase()} ${path.replace("/v1/", "").replace("/{namespace}/{name}", "")}`,
      operation["x-permission"],
    ]),
  );
  const ours = told.filter(([, permission]) => /^(watchers|crons)/.test(permission ?? ""));
  assert.deepEqual(Object.fromEntries(ours), {
    "GET watchers/trigger": "watchers.read",
    "GET silences": "watchers.read",
    "POST silences": "watchers.control",
    "DELETE silences/{id}": "watchers.control",
    "DELETE watchers/silence": "watchers.control",
    "GET crons/ticks": "crons.read",
    "POST crons/trigger": "crons.control",
    "POST crons/resume": "crons.control",
  });
});
