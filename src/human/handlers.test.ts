// Goal: a handler may answer a question before people do; whatever goes wrong with it leaves the question to people.
// Method: real programs and a real server on the loopback interface that answer, refuse, hang, write garbage or far too much.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { systemTimers } from "../manifest/watch/timers.ts";
import { type TestPeople, testPeople } from "../testing/people.ts";
import type { AskRequest } from "./contract.ts";

type Respond = (response: ServerResponse, body: string, request: IncomingMessage) => void;

let folder: string;
let base: string;
/** What the server does, by path. */
const routes = new Map<string, Respond>();
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const respond = routes.get(request.url ?? "");
  if (respond === undefined) response.writeHead(404).end("no such path");
  else respond(response, Buffer.concat(chunks).toString("utf8"), request);
});

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "legion-handlers-"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** People in real time, with the secrets of the environment that a handler is not to see. */
const realPeople = (t: TestContext) =>
  testPeople(t, {
    clock: systemClock,
    timers: systemTimers,
    env: { ...process.env, SECRET_KEY: "hunter2" },
  });

/** A handler that is a program of node. */
function program(script: string, timeout = "20s"): JsonObject {
  return { handler: { command: [process.execPath, "-e", script], folder, timeout } };
}

/** A handler that is a path of the server. */
function address(route: string, respond: Respond, timeout = "20s"): JsonObject {
  routes.set(route, respond);
  return { handler: { http: { url: `${base}${route}` }, timeout } };
}

async function answered(
  t: TestContext,
  config: JsonObject,
  request: Partial<AskRequest> = {},
): Promise<readonly [Json, string | undefined]> {
  const desk = await realPeople(t);
  const answer = await desk.ask({ config, ...request });
  const [question] = await desk.questions.list({ state: "all" });
  await desk.people.close();
  assert.deepEqual(desk.warnings, []);
  return [answer, question?.by];
}

/** The warning of a handler that cannot answer; a person answers after it. */
async function warned(
  t: TestContext,
  config: JsonObject,
  request: Partial<AskRequest> = {},
): Promise<string> {
  const desk = await realPeople(t);
  const asking = desk.ask({ config, ...request });
  const { id } = await desk.opened();
  await until(() => desk.warnings.length > 0);
  const [warning] = desk.warnings;
  assert.deepEqual([warning?.id, warning?.error.code], [id, "LEG2069"]);
  assert.equal((await desk.people.pending()).length, 1, "it is still open");
  await desk.people.decide(id, { type: "answer", answer: "by hand", by: "ada" });
  assert.equal(await asking, "by hand");
  await desk.people.close();
  return warning?.error.message ?? "";
}

async function until(is: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!is()) {
    if (performance.now() > end) throw new Error("it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const read = "const q = JSON.parse(require('fs').readFileSync(0, 'utf8'));";
const programs: readonly { name: string; script: string; want: Json; ask?: Partial<AskRequest> }[] =
  [
    { name: "text", script: "console.log(' as you like ')", want: "as you like" },
    { name: "JSON", script: "console.log('{\"a\": [1]}')", want: { a: [1] } },
    {
      name: "text that looks like JSON",
      script: "console.log('5')",
      want: "5",
      ask: { schema: { type: "string" } },
    },
    {
      name: "one of the choices",
      script: "console.log('LEFT')",
      want: "left",
      ask: { choices: ["left", "right"] },
    },
    {
      name: "the second of the choices that it reads",
      script: `${read} console.log(q.choices[1])`,
      want: "b",
      ask: { choices: ["a", "b"] },
    },
  ];

for (const { name, script, want, ask } of programs) {
  test(`a program answers with ${name}`, async (t) => {
    assert.deepEqual(await answered(t, program(script), ask), [want, "handler"]);
  });
}

test("a program gets the question, the folder of its manifest, and no secrets of the environment", async (t) => {
  const script = `${read} console.log(JSON.stringify({ q, cwd: process.cwd(), key: process.env.SECRET_KEY ?? null }))`;
  const [value] = await answered(t, program(script), { schema: { type: "object" } });
  const { q, cwd, key } = value as { q: JsonObject; cwd: string; key: Json };
  assert.equal(path.basename(cwd), path.basename(folder));
  assert.equal(key, null);
  const { id, expiresAt, ...rest } = q;
  assert.match(String(id), /^[0-9A-Z]{26}$/);
  assert.ok(Date.parse(String(expiresAt)) > Date.now());
  assert.deepEqual(rest, {
    question: "which one?",
    schema: { type: "object" },
    agent: "clerk",
    run: "run-1",
  });
});

const huge = "process.stdout.write('x'.repeat(400 * 1024), () => setInterval(() => {}, 1000))";
const failures: readonly { name: string; config: () => JsonObject; says: RegExp }[] = [
  {
    name: "a program that fails",
    config: () => program("console.log('yes'); process.exit(3)"),
    says: /failed with exit code 3/,
  },
  {
    name: "a program that is killed",
    config: () => program("process.kill(process.pid, 'SIGKILL')"),
    says: /was ended by SIGKILL/,
  },
  {
    name: "a program that does not exist",
    config: () => ({ handler: { command: ["./no-such-program"], folder } }),
    says: /could not be started/,
  },
  {
    name: "a program that hangs",
    config: () => program("console.log('yes'); setInterval(() => {}, 1000)", "300ms"),
    says: /took longer than 300 ms/,
  },
  {
    name: "a program that ends itself well when it is told to end",
    config: () =>
      program(
        "process.on('SIGTERM', () => process.exit(0)); console.log('yes'); setInterval(() => {}, 1000)",
        "500ms",
      ),
    says: /took longer than 500 ms/,
  },
  {
    name: "a program that writes too much",
    config: () => program(huge),
    says: /wrote more than 256 KiB/,
  },
  {
    name: "a status that is none",
    config: () => address("/500", (response) => response.writeHead(500).end("secret words")),
    says: /status 500;/,
  },
  {
    name: "a redirect",
    config: () =>
      address("/moved", (response) =>
        response.writeHead(307, { location: `${base}/elsewhere` }).end(),
      ),
    says: /status 307, and redirects are not followed/,
  },
  {
    name: "a body that is not JSON",
    config: () => address("/text", (response) => response.end("secret words")),
    says: /not JSON/,
  },
  {
    name: "a body without an answer",
    config: () => address("/other", (response) => response.end('{"value": "secret words"}')),
    says: /without a field "answer"/,
  },
  {
    name: "a body that is too large",
    config: () =>
      address("/huge", (response) => response.end(`{"answer": "${"x".repeat(400 * 1024)}"}`)),
    says: /more than 256 KiB/,
  },
  {
    name: "a body without end",
    config: () => address("/endless", endless),
    says: /more than 256 KiB/,
  },
  {
    name: "an address that hangs",
    config: () => address("/hang", () => {}, "200ms"),
    says: /took longer than 200 ms/,
  },
  {
    name: "a body that hangs",
    config: () => address("/slow", (response) => response.write('{"answer":'), "200ms"),
    says: /took longer than 200 ms/,
  },
  {
    name: "an address that breaks off",
    config: () => address("/cut", (response) => response.destroy()),
    says: /could not be reached/,
  },
  {
    name: "nobody at the address",
    config: () => ({ handler: { http: { url: "http://127.0.0.1:1/" } } }),
    says: /could not be reached/,
  },
];

function endless(response: ServerResponse): void {
  const write = () => {
    while (!response.destroyed && response.write("x".repeat(64 * 1024)));
    if (!response.destroyed) response.once("drain", write);
  };
  write();
}

for (const { name, config, says } of failures) {
  test(`${name} leaves the question to people, with a warning`, async (t) => {
    routes.set("/elsewhere", () => assert.fail("the redirect was followed"));
    const message = await warned(t, config());
    assert.match(message, says);
    assert.match(message, /the question stays open/);
    assert.ok(!message.includes("secret words") && !message.includes(base), message);
  });
}

test("an answer that the question does not allow leaves it to people", async (t) => {
  const config = address("/wrong", (response) => response.end('{"answer": 7}'));
  assert.match(
    await warned(t, config, { choices: ["by hand"] }),
    /no valid answer.*none of the choices/,
  );
});

test("an address answers, and gets the question and the headers of the manifest", async (t) => {
  let seen: { body: JsonObject; header: unknown; method: unknown } | undefined;
  routes.set("/answer", (response, body, request) => {
    seen = { body: JSON.parse(body), header: request.headers["x-team"], method: request.method };
    response.end('{"answer": {"id": 5}}');
  });
  const http = { url: `${base}/answer`, headers: { "X-Team": "support" } };
  const answer = await answered(t, { handler: { http } }, { schema: { type: "object" } });
  assert.deepEqual(answer, [{ id: 5 }, "handler"]);
  assert.deepEqual(
    [seen?.method, seen?.header, seen?.body.question],
    ["POST", "support", "which one?"],
  );
});

const quiet: readonly { name: string; config: (done: () => void) => JsonObject }[] = [
  {
    name: "status 202",
    config: (done) =>
      address("/accepted", (response) => {
        response.once("close", done).writeHead(202).end();
      }),
  },
  {
    name: "a program that writes nothing",
    config: () => program("require('fs').writeFileSync('told', '1')"),
  },
];

for (const { name, config } of quiet) {
  test(`${name} leaves the question to people, without a warning`, async (t) => {
    const desk = await realPeople(t);
    let isDone = false;
    const asking = desk.ask({ config: config(() => (isDone = true)) });
    const { id } = await desk.opened();
    const told = () =>
      readFile(path.join(folder, "told")).then(
        () => true,
        () => false,
      );
    for (let round = 0; round < 2_000 && !isDone; round += 1) {
      if (await told()) isDone = true;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok(isDone);
    assert.equal((await desk.people.pending()).length, 1);
    await desk.people.decide(id, { type: "answer", answer: "later", by: "ada" });
    assert.equal(await asking, "later");
    await desk.people.close();
    assert.deepEqual(desk.warnings, []);
  });
}

test("a handler runs once for a question, and once more in a process that finds it open", async (t) => {
  let calls = 0;
  const config = address("/count", (response) => {
    calls += 1;
    response.writeHead(202).end();
  });
  const desk = await realPeople(t);
  const asking = [1, 2, 3].map(() => assert.rejects(desk.ask({ config }), { code: "LEG2067" }));
  await until(() => calls > 0);
  const next = await desk.restart();
  await Promise.all(asking);
  assert.equal(calls, 1);
  const again = [next.ask({ config }), next.ask({ config })];
  await until(() => calls > 1);
  const { id } = await next.opened();
  await next.people.decide(id, { type: "answer", answer: "x", by: "ada" });
  assert.deepEqual(await Promise.all(again), ["x", "x"]);
  assert.equal(await next.ask({ config }), "x");
  await next.people.close();
  assert.equal(calls, 2);
});

test("a person who is faster ends the handler and all that it started", async (t) => {
  const pids = path.join(folder, "pids");
  const script = `
    const { spawn } = require("child_process");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    require("fs").writeFileSync(${JSON.stringify(pids)} + ".tmp", process.pid + " " + child.pid);
    require("fs").renameSync(${JSON.stringify(pids)} + ".tmp", ${JSON.stringify(pids)});
    setInterval(() => {}, 1000);`;
  const desk = await realPeople(t);
  const asking = desk.ask({ config: program(script) });
  const { id } = await desk.opened();
  let running: number[] = [];
  while (running.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    running = await readFile(pids, "utf8").then(
      (text) => text.split(" ").map(Number),
      () => [],
    );
  }
  await desk.people.decide(id, { type: "answer", answer: "faster", by: "ada" });
  assert.equal(await asking, "faster");
  await until(() => running.every((pid) => !isAlive(pid)));
  await desk.people.close();
  assert.deepEqual(desk.warnings, []);
});

test("the end of everything ends handlers, and waits for that", async (t) => {
  const desk: TestPeople = await realPeople(t);
  const configs = Array.from({ length: 12 }, () => program("setInterval(() => {}, 1000)"));
  const asking = configs.map((config, index) =>
    assert.rejects(desk.ask({ config, key: `k${index}` }), { code: "LEG2067" }),
  );
  await desk.opened();
  await desk.people.close();
  await Promise.all(asking);
  assert.deepEqual(desk.warnings, []);
});

/** An ended process that nobody has waited for yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return true;
}
