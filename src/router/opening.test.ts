// Goal: a program that prints a key lives no longer than the request that needs the key, and what stopped it is told as that.
// Method: routers over providers whose program hangs, holding a FIFO open while it lives; real model servers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Clock, manualClock, systemClock } from "../lib/clock.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { createSecrets } from "../security/secrets.ts";
import { hello } from "../testing/chat-client.ts";
import { startModelServer } from "../testing/model-server.ts";
import { objectSet, providerObject, routerObject } from "../testing/objects.ts";
import { createRouter } from "./router.ts";

const folder = mkdtempSync(join(tmpdir(), "legion-opening-"));
after(() => rmSync(folder, { recursive: true }));
const fifo = join(folder, "alive");
execFileSync("mkfifo", [fifo]);

/** The test ends long before the program would. */
const timeout = 20_000;
const HANGS = `exec 3> ${fifo}; echo $$ >&3; exec sleep 60`;

function writeProgram(script: string): void {
  writeFileSync(join(folder, "key.sh"), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
}

const chat = (name: string, baseUrl: string, spec = {}) =>
  providerObject(name, { wire: "openai-chat", baseUrl, ...spec }, folder);
const keyed = (name: string, baseUrl: string) =>
  chat(name, baseUrl, { apiKey: { valueFrom: { exec: ["./key.sh"] } } });

function routerOver(objects: readonly ManifestObject[], clock: Clock = systemClock) {
  const secrets = createSecrets({ env: { PATH: process.env.PATH }, clock });
  return createRouter({ objects: objectSet(objects), secrets, clock });
}

/** The number of the program that hangs, once it does. */
async function announced(): Promise<number> {
  const stream = createReadStream(fifo, "utf8");
  const [pid] = await once(stream, "data");
  stream.resume();
  return Number(pid);
}

function assertGone(pid: number): void {
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
}

test("a caller who stops while the program hangs gets no program left behind", {
  timeout,
}, async () => {
  await using server = await startModelServer(() => ({ text: "in" }));
  writeProgram(HANGS);
  const controller = new AbortController();
  const { signal } = controller;
  const completing = routerOver([keyed("one", server.url)]).complete(hello, {
    model: "one/m",
    signal,
  });
  const pid = await announced();
  controller.abort();
  const completion = await completing;
  assertGone(pid);
  assert.equal(!completion.ok && completion.error.code, "LEG5040");
  assert.deepEqual(
    completion.attempts.map(({ error }) => error?.outcome),
    ["aborted"],
  );
  assert.equal(server.requests.length, 0);
});

test("the time of a tier holds for the program too, and the next tier is asked", {
  timeout,
}, async () => {
  await using server = await startModelServer(() => ({ text: "two" }));
  writeProgram(HANGS);
  const tiers = [
    { name: "quick", targets: ["one/m"], timeout: "500ms" },
    { name: "plain", targets: ["two/m"] },
  ];
  const router = routerOver([
    keyed("one", server.url),
    chat("two", server.url),
    routerObject("default", { tiers }),
  ]);
  const started = announced();
  const { signal } = new AbortController();
  const completion = await router.complete(hello, { model: "default", signal });
  assertGone(await started);
  assert.equal(completion.ok && completion.text, "two");
  assert.deepEqual(
    completion.attempts.map(({ provider, error }) => [provider, error?.code]),
    [
      ["one", "LEG5016"],
      ["two", undefined],
    ],
  );
});

test("a caller who stops while it is looked whether a refused key has changed leaves the target out", {
  timeout,
}, async () => {
  await using server = await startModelServer(() => ({ error: { status: 401 } }));
  const clock = manualClock();
  const router = routerOver([keyed("one", server.url)], clock);
  const outcome = async (signal = new AbortController().signal) => {
    const completion = await router.complete(hello, { model: "one/m", signal });
    return completion.ok ? "ok" : completion.error.outcome;
  };
  writeProgram("echo refused");
  assert.equal(await outcome(), "unauthorised");
  // From here on the output of the program is asked for again.
  clock.advance(60_000);
  writeProgram(HANGS);
  const controller = new AbortController();
  const looking = outcome(controller.signal);
  const pid = await announced();
  controller.abort();
  assert.equal(await looking, "aborted");
  assertGone(pid);
  writeProgram("echo refused");
  assert.equal(await outcome(), "unauthorised");
  assert.equal(server.requests.length, 1);
});
