// Goal: each time that the state of the world calls for it, the agent acts once, and once when it is over, wherever between the look and the end of the turn the daemon is killed (R01).
// Method: a chain of real daemons over one repository; each is killed when an event of the fire or of the turn has just come, and the next one has to finish what it began; the effects are counted outside of the state.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { DaemonEvent } from "../telemetry/events.ts";
import {
  actingRoots,
  fromNow,
  isOf,
  isTurnEnd,
  lastOf,
  opsFiles,
  pollFile,
  watcherKey,
  watchOf,
} from "../testing/acting.ts";
import { startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { startEndpoint } from "../testing/endpoint.ts";
import { startModelServer } from "../testing/model-server.ts";
import { createPlace } from "./durable-shop.ts";

const key = watcherKey("checkout");

/** What becomes of the endpoint in each of the daemons, and what has just happened when it is killed. */
const lives: readonly (readonly [status: number, isPlace: (event: DaemonEvent) => boolean])[] = [
  [503, isOf(key, "Fired")],
  [200, isOf(key, "Recovered")],
  [503, ({ kind }) => kind === "legion.agent.started"],
  [200, ({ kind }) => kind === "legion.tool.call.stop"],
  [503, isTurnEnd],
];

suite(
  "every fire and every end has one effect, however many daemons are killed",
  {
    concurrency: true,
  },
  () => {
    for (const groupWait of ["0s", "500ms"]) test(`groupWait ${groupWait}`, () => chain(groupWait));
  },
);

async function chain(groupWait: string): Promise<void> {
  await using place = await createPlace();
  await using shop = await startEndpoint();
  await using model = await startModelServer((request) => {
    const [state = ""] = /\b(?:down|up) again\b/.exec(lastOf(request)) ?? [];
    const code = `await tools.shop.reserve({ state: ${JSON.stringify(state)} })`;
    return { action: "eval_and_complete", code };
  });
  const files = {
    ...opsFiles(model, place),
    "watchers.d/checkout.yaml": pollFile("checkout", shop, {
      trigger: 'when status >= 500 then wake "down again"',
      ...{ recovery: 'wake "up again"', groupWait },
    }),
  };
  const repository = { folder: place.folder, files, args: actingRoots };
  const states = () => place.effects().map(({ args }) => (args as { state: string }).state);
  const wanted: string[] = [];
  /** What the daemons before began has been done. */
  const settled = async (daemon: TestDaemon) => {
    const fires = wanted.filter((state) => state === "down again").length;
    await daemon.until(key, (object) => {
      const watch = watchOf(object);
      const isIn = wanted.length % 2 === 0 ? "idle" : "firing";
      return watch.fires === fires && watch.pending === 0 && watch.state === isIn;
    });
    // The effect of a turn comes before its end.
    await daemon.untilEvent(() => states().length >= wanted.length);
    assert.deepEqual(states(), wanted);
  };
  for (const [status, isPlace] of lives) {
    await using daemon = await startTestDaemon(repository);
    await daemon.untilReady(key);
    await settled(daemon);
    const isNow = fromNow(isPlace);
    shop.become(status);
    wanted.push(status === 200 ? "up again" : "down again");
    await daemon.untilEvent(isNow);
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  await using daemon = await startTestDaemon(repository);
  await settled(daemon);
  const runs = await daemon.plane.runs({ agent: "ops" });
  assert.equal(runs.length, wanted.length);
}
