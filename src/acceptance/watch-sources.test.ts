// Goal: whatever a watcher can look at, a change of it in the world reaches the agent: each source with what a daemon gives it.
// Method: one real daemon with a watcher of each type that asks no web server; the test changes a file, a process, a port and what a tool returns, and reads what the agent was told.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import {
  actingRoots,
  isTurnEnd,
  nth,
  opsFiles,
  told,
  watcherKey,
  watchOf,
} from "../testing/acting.ts";
import { startTestDaemon } from "../testing/daemon.ts";
import { startModelServer } from "../testing/model-server.ts";
import { createPlace, manifestOf } from "./durable-shop.ts";

/** A port on which nobody listens now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

const gaugeModule = `import { readFileSync } from "node:fs";
export const read = (args, { config }) => ({ level: Number(readFileSync(config.file, "utf8")) + args.more });
`;

const gauge = (file: string) => ({
  ...{ type: "module", description: "A gauge.", module: "code/gauge.js", config: { file } },
  functions: {
    read: {
      description: "Reads it.",
      parameters: { type: "object", properties: { more: { type: "number" } } },
      returns: { type: "object", required: ["level"], properties: { level: { type: "number" } } },
    },
  },
});

test("a program, a process, a port and a tool: the agent is told of each once, with what was seen", async () => {
  await using place = await createPlace();
  await using model = await startModelServer(() => ({ action: "return", result: "seen" }));
  const inside = (name: string) => join(place.folder, name);
  const port = await freePort();
  const watchers: Readonly<Record<string, object>> = {
    program: {
      ...{ type: "command", command: ["cat", inside("oven")] },
      trigger: 'when exit == 0 and stdout contains "hot" then wake "the oven is {{trim(stdout)}}"',
    },
    process: {
      ...{ type: "process", pidFile: "../worker.pid" },
      trigger: 'when running then wake "the worker is {{pid}}"',
    },
    port: {
      ...{ type: "tcpProbe", host: "127.0.0.1", port, allowPrivate: ["127.0.0.1"] },
      trigger: 'when open then wake "the port is open"',
    },
    tool: {
      ...{ type: "custom", tool: "gauge.read", arguments: { more: 1 } },
      trigger: 'when level > 3 then wake "the level is {{level}}"',
    },
  };
  const names = Object.keys(watchers);
  const manifests = Object.entries(watchers).map(([name, spec]) => [
    `watchers.d/${name}.yaml`,
    manifestOf("Watcher", name, { ...spec, interval: "200ms", agent: "ops" }),
  ]);
  const files = {
    ...opsFiles(model, place),
    ...Object.fromEntries(manifests),
    "agents.d/code/gauge.js": gaugeModule,
    "agents.d/gauge.yaml": manifestOf("Tool", "gauge", gauge(inside("level"))),
    oven: "cold\n",
    level: "1",
  };
  await using daemon = await startTestDaemon({ folder: place.folder, files, args: actingRoots });
  for (const name of names)
    await daemon.until(watcherKey(name), (object) => watchOf(object).state === "idle");
  writeFileSync(inside("oven"), "hot\n");
  writeFileSync(inside("worker.pid"), `${process.pid}\n`);
  writeFileSync(inside("level"), "4");
  await using server = createServer((socket) => socket.end()).listen(port, "127.0.0.1");
  await once(server, "listening");
  await daemon.untilEvent(nth(names.length, isTurnEnd));
  const texts = (await told(daemon)).toSorted();
  for (const wanted of [
    /Watcher port fired.*the port is open/s,
    /Watcher process fired.*the worker is \d+/s,
    /Watcher program fired.*the oven is hot/s,
    /Watcher tool fired.*the level is 5/s,
  ])
    assert.equal(texts.filter((text) => wanted.test(text)).length, 1, String(wanted));
  assert.equal(texts.length, names.length);
});
