// Goal: state of the world wakes an agent once, with the reason and the values, and tells it once when that is over; neither a restart, nor kill -9, nor a changed manifest beside the trigger loses what was counted.
// Method: real daemons over real files; a real endpoint that counts its answers, so that nothing depends on the clock; an agent whose model is a real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "../reconcile/contract.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { agentKey, type Files, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { type Endpoint, startEndpoint } from "../testing/endpoint.ts";
import { type ModelServer, startModelServer } from "../testing/model-server.ts";
import { createPlace, manifestOf, shopFiles } from "./durable-shop.ts";

const TRIGGER = 'when status >= 500 for 3 polls then wake "checkout answers {{status}}"';
const checkout = { kind: "Watcher", namespace: "default", name: "checkout" };

function watcherFile({ url }: Endpoint, spec: object = {}): string {
  return manifestOf("Watcher", "checkout", {
    ...{ type: "httpPoll", url, allowPrivate: ["127.0.0.1"], interval: "100ms", agent: "ops" },
    ...{ trigger: TRIGGER, recovery: 'wake "checkout answers {{status}} again"', ...spec },
  });
}

function files(endpoint: Endpoint, model: ModelServer, effectFile: string, spec?: object): Files {
  return {
    ...shopFiles(effectFile),
    "agents.d/model.yaml": manifestOf("Provider", "local", {
      wire: "openai-chat",
      baseUrl: model.url,
    }),
    "agents.d/ops.yaml": manifestOf("Agent", "ops", {
      ...{ description: "Keeps the shop open.", model: "local/it", tools: ["shop"] },
    }),
    "watchers.d/checkout.yaml": watcherFile(endpoint, spec),
  };
}

/** Of the last message: what the agent is told, and does. A word that only the message of a fire has decides. */
function operator() {
  return startModelServer(({ body }) => {
    const last = (body.messages as readonly { readonly content: string }[]).at(-1)?.content ?? "";
    if (last.includes("again")) return { action: "return", result: "noted" };
    return last.includes("answers 503")
      ? { action: "eval_and_complete", code: 'await tools.shop.charge({ item: "restart" })' }
      : { action: "return", result: "done" };
  });
}

/** A daemon that watches an endpoint for its agent. */
async function startStory() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await createPlace());
  const endpoint = stack.use(await startEndpoint());
  const model = stack.use(await operator());
  const repository = {
    folder: place.folder,
    args: ["agents.d", "watchers.d"],
    files: files(endpoint, model, place.effectFile),
  };
  const start = () => startTestDaemon(repository);
  const owned = stack.move();
  return {
    ...{ place, endpoint, model, start },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What the agent was told, one text a turn. */
async function told(daemon: TestDaemon): Promise<readonly string[]> {
  const events = await daemon.events();
  return events.flatMap((event) =>
    event.kind === "legion.agent.started" ? [event.data.task] : [],
  );
}

function isOf(object: string, reason: string) {
  return (event: DaemonEvent) =>
    event.kind === "legion.object" && event.object === object && event.data.reason === reason;
}

const stoppedTurns = (count: number) => {
  let seen = 0;
  return (event: DaemonEvent) => event.kind === "legion.agent.stopped" && ++seen === count;
};

const watchOf = (object: ApiObject | undefined) =>
  (object?.status.watch ?? {}) as {
    readonly state?: string;
    readonly polls?: number;
    readonly fires?: number;
  };

const isPending = (object: ApiObject | undefined) => watchOf(object).state === "pending";

test("an endpoint that answers 503 for three polls wakes its agent once, which acts, and is told once when it is over", async () => {
  await using story = await startStory();
  const { place, endpoint, model } = story;
  await using daemon = await story.start();
  await daemon.untilReady(checkout);
  endpoint.become(503);
  await daemon.untilEvent(stoppedTurns(1));
  // It fires on, and wakes nobody a second time.
  await endpoint.untilAnswered(endpoint.answered.length + 5);
  assert.deepEqual(
    place.effects().map(({ name, args }) => ({ name, args })),
    [{ name: "shop.charge", args: { item: "restart" } }],
  );
  endpoint.become(200);
  await daemon.untilEvent(stoppedTurns(2));
  await endpoint.untilAnswered(endpoint.answered.length + 5);
  const [down = "", up = "", ...more] = await told(daemon);
  assert.deepEqual(more, []);
  assert.match(down, /checkout answers 503/);
  assert.match(down, /status >= 500 for 3 polls/);
  assert.match(down, /"status": ?503/);
  assert.match(up, /checkout answers 200 again/);
  assert.equal(model.requests.length, 2);
  const watch = (await daemon.plane.read(checkout))?.status.watch as Record<string, unknown>;
  assert.deepEqual([watch.state, watch.fires, watch.pending], ["idle", 1, 0]);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`a daemon that is ended by ${signal} after the second of three polls fires with the first poll of the next one`, async () => {
    await using story = await startStory();
    const { place, endpoint } = story;
    {
      await using daemon = await story.start();
      await daemon.untilReady(checkout);
      await endpoint.untilAnswered(2);
      await endpoint.hold();
      endpoint.next(503, 503);
      await endpoint.hold();
      // What the second poll has counted is on disk before the third one ends.
      await daemon.until(checkout, isPending);
      daemon.kill(signal);
      await daemon.exit;
    }
    const before = endpoint.answered.length;
    assert.deepEqual(endpoint.answered.slice(-2), [503, 503]);
    endpoint.next(503);
    await using daemon = await story.start();
    await daemon.untilEvent(isOf("Watcher/default/checkout", "Fired"));
    assert.deepEqual(endpoint.answered.slice(before), [503]);
    endpoint.become(200);
    await daemon.untilEvent(stoppedTurns(2));
    assert.equal((await told(daemon)).length, 2);
    assert.equal(place.effects().length, 1);
  });
}

const changes = [
  { name: "another interval keeps what was counted", spec: { interval: "150ms" }, polls: 1 },
  {
    name: "another text of the trigger counts anew",
    spec: { trigger: `${TRIGGER} # urgent` },
    polls: 3,
  },
];

for (const { name, spec, polls } of changes) {
  test(`of a manifest that changes in the middle of for 3 polls, ${name}`, async () => {
    await using story = await startStory();
    const { endpoint } = story;
    await using daemon = await story.start();
    await daemon.untilReady(checkout);
    await endpoint.untilAnswered(2);
    await endpoint.hold();
    endpoint.next(503, 503);
    await endpoint.hold();
    await daemon.until(checkout, isPending);
    await daemon.replace("watchers.d/checkout.yaml", watcherFile(endpoint, spec));
    await daemon.untilReady(checkout, 2);
    // The poll that was under way during the change may have been given up with the generation that began it.
    for (let seen = 0; seen < polls; seen += 1) {
      const watch = watchOf(await daemon.plane.read(checkout));
      assert.equal(watch.fires, 0, `after ${seen} polls`);
      const counted = watch.polls ?? 0;
      await endpoint.hold();
      endpoint.next(503);
      await daemon.until(checkout, (object) => (watchOf(object).polls ?? 0) > counted);
    }
    await daemon.untilEvent(isOf("Watcher/default/checkout", "Fired"));
  });
}

test("a watcher rests while its agent is stopped, and goes on with it", async () => {
  await using story = await startStory();
  const { endpoint } = story;
  await using daemon = await story.start();
  await daemon.untilReady(checkout);
  await endpoint.untilAnswered(1);
  const why = { reason: "test", actor: "test" };
  await daemon.plane.move(agentKey("ops"), "stopped", why);
  const rests = (object: ApiObject | undefined) => watchOf(object).state === "suspended";
  await daemon.until(checkout, rests);
  const polls = watchOf(await daemon.plane.read(checkout)).polls;
  await daemon.plane.move(agentKey("ops"), "running", why);
  await daemon.until(checkout, (object) => !rests(object));
  await endpoint.untilAnswered(endpoint.answered.length + 1);
  assert.ok((watchOf(await daemon.plane.read(checkout)).polls ?? 0) >= (polls ?? 0));
});
