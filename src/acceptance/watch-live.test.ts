// Goal: whoever watches watchers and crons over the API sees each change of how they stand as it comes, although the store of objects does not change.
// Method: a real daemon; legion get -w and legion silence against it as people run them, and the stream of the API itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  actingRoots,
  cronFile,
  cronKey,
  cronOf,
  hourlyElsewhere,
  isOf,
  isTurnEnd,
  opsFiles,
  pollFile,
  told,
  watcherKey,
  watchOf,
} from "../testing/acting.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { startTestDaemon } from "../testing/daemon.ts";
import { startEndpoint } from "../testing/endpoint.ts";
import { startModelServer } from "../testing/model-server.ts";
import { createPlace } from "./durable-shop.ts";

const key = watcherKey("checkout");

/** A daemon with a watcher and a cron of one agent. */
async function start() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await createPlace());
  const model = stack.use(await startModelServer(() => ({ action: "return", result: "seen" })));
  const shop = stack.use(await startEndpoint());
  const files = {
    ...opsFiles(model, place),
    "watchers.d/checkout.yaml": pollFile("checkout", shop, {
      trigger: 'when status >= 500 then wake "it answers {{status}}"',
    }),
    "watchers.d/report.yaml": cronFile("report", {
      ...{ schedule: hourlyElsewhere(), agent: "ops", task: "Report." },
    }),
  };
  const daemon = stack.use(
    await startTestDaemon({ folder: place.folder, files, args: actingRoots }),
  );
  await daemon.untilReady(key);
  await daemon.untilReady(cronKey("report"));
  const owned = stack.move();
  return { daemon, shop, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Runs a command until its output matches each of the expressions, one after the other; what follows from each is done then. */
async function followed(
  cwd: string,
  words: readonly string[],
  steps: readonly (readonly [RegExp, () => unknown])[],
): Promise<string> {
  const ended = new AbortController();
  const left = [...steps];
  let from = 0;
  const { stdout } = await runOnStreams(words, {
    cwd,
    signal: AbortSignal.any([ended.signal, AbortSignal.timeout(30_000)]),
    onOutput(text) {
      const [expression, then] = left[0] ?? [];
      const found = expression?.exec(text.slice(from));
      if (found == null) return;
      from += found.index + found[0].length;
      left.shift();
      then?.();
      if (left.length === 0) ended.abort();
    },
  });
  assert.deepEqual(
    left.map(([expression]) => String(expression)),
    [],
    stdout,
  );
  return stdout;
}

test("legion get watchers -w shows a line when one fires, and one when that is over", async () => {
  await using rig = await start();
  const { daemon, shop } = rig;
  await followed(
    daemon.folder,
    ["get", "watchers", "-w"],
    [
      [/checkout.*idle/, () => shop.become(503)],
      [/checkout.*firing/, () => shop.become(200)],
      [/checkout.*idle/, () => {}],
    ],
  );
});

test("legion get crons -w shows a run that a person asked for", async () => {
  await using rig = await start();
  const { daemon } = rig;
  await followed(
    daemon.folder,
    ["get", "crons", "-w"],
    [
      [/report.*waiting/, () => void daemon.plane.triggerCron(cronKey("report"))],
      [/report.*\bok\b/, () => {}],
    ],
  );
});

test("the stream of the API tells each state, with versions to go on from that stay the store's", async () => {
  await using rig = await start();
  const { daemon, shop } = rig;
  const { items, version } = await daemon.plane.list({ kind: "Watcher" });
  assert.equal(watchOf(items[0]).state, "idle");
  const ended = new AbortController();
  const states: (string | undefined)[] = [];
  const versions: number[] = [];
  shop.become(503);
  for await (const event of daemon.plane.watch(version, { kind: "Watcher" }, ended.signal)) {
    assert.equal(event.object.kind, "Watcher");
    versions.push(event.version);
    const { state, pending } = watchOf(event.object);
    if (states.at(-1) !== state) states.push(state);
    if (state === "firing" && pending === 0) shop.become(200);
    if (state === "idle" && states.includes("firing")) break;
  }
  ended.abort();
  assert.deepEqual(states.slice(states.indexOf("firing")), ["firing", "idle"]);
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
});

test("legion silence holds back what a watcher tells, and its state says until when", async () => {
  await using rig = await start();
  const { daemon, shop } = rig;
  const { exitCode, stderr } = await runOnStreams(
    ["silence", "checkout", "2h", "--reason", "deploy"],
    { cwd: daemon.folder },
  );
  assert.equal(exitCode, 0, stderr);
  await daemon.until(key, (object) => "silencedUntil" in watchOf(object));
  shop.become(503);
  await daemon.untilEvent(isOf(key, "Suppressed"));
  const removed = await runOnStreams(["silence", "remove", "checkout"], { cwd: daemon.folder });
  assert.equal(removed.exitCode, 0, removed.stderr);
  shop.become(200);
  await daemon.until(key, (object) => watchOf(object).state === "idle");
  await daemon.plane.triggerCron(cronKey("report"));
  await daemon.untilEvent(isTurnEnd);
  assert.deepEqual(await told(daemon), ["Report."]);
  await daemon.until(cronKey("report"), (object) => cronOf(object).last?.state === "ok");
});
