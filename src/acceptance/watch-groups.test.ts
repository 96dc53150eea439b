// Goal: what comes together is told together, what is silenced or held back by another watcher is told to nobody, and neither is its end.
// Method: real daemons and endpoints whose answers the test decides; what the agent was told is read from the events of its turns.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  actingRoots,
  isOf,
  isTurnEnd,
  nth,
  opsFiles,
  pollFile,
  told,
  watcherKey,
  watchOf,
} from "../testing/acting.ts";
import { type Files, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { type Endpoint, startEndpoint } from "../testing/endpoint.ts";
import { startModelServer } from "../testing/model-server.ts";
import { createPlace } from "./durable-shop.ts";

const names = ["cart", "checkout", "search"];
const isDown = "when status >= 500";

/** A place with an agent whose model just answers. */
async function startShop() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await createPlace());
  const model = stack.use(await startModelServer(() => ({ action: "return", result: "seen" })));
  const owned = stack.move();
  return {
    folder: place.folder,
    files: opsFiles(model, place),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function start(folder: string, files: Files): Promise<TestDaemon> {
  return startTestDaemon({ folder, files, args: actingRoots });
}

function groupFiles(endpoint: Endpoint, groupWait: string): Files {
  const spec = { group: "shop", groupWait, conversation: "alarms" };
  return Object.fromEntries(
    names.map((name) => [
      `watchers.d/${name}.yaml`,
      pollFile(name, endpoint, { ...spec, trigger: `${isDown} then wake "${name} is down"` }),
    ]),
  );
}

const hasFired = (daemon: TestDaemon) =>
  Promise.all(names.map((name) => daemon.untilEvent(isOf(watcherKey(name), "Fired"))));

suite("what is told, and what is not", { concurrency: 3 }, () => {
  test("three watchers of one group that fire within groupWait wake the agent once, with three fires", async () => {
    await using shop = await startShop();
    await using endpoint = await startEndpoint();
    await using daemon = await start(shop.folder, { ...shop.files, ...groupFiles(endpoint, "3s") });
    for (const name of names) await daemon.untilReady(watcherKey(name));
    endpoint.become(503);
    await hasFired(daemon);
    await daemon.untilEvent(isTurnEnd);
    const [text = "", ...more] = await told(daemon);
    assert.deepEqual(more, []);
    assert.match(text, /^3 fires of watchers came together/);
    for (const name of names) assert.ok(text.includes(`${name} is down`), text);
    for (const name of names) {
      const watch = watchOf(
        await daemon.until(watcherKey(name), (object) => watchOf(object).pending === 0),
      );
      assert.equal(watch.fires, 1);
    }
  });

  test("a daemon that is killed while a group waits: each fire is told once by the next one", async () => {
    await using shop = await startShop();
    await using endpoint = await startEndpoint();
    const files = { ...shop.files, ...groupFiles(endpoint, "4s") };
    {
      await using daemon = await start(shop.folder, files);
      for (const name of names) await daemon.untilReady(watcherKey(name));
      endpoint.become(503);
      await hasFired(daemon);
      daemon.kill("SIGKILL");
      await daemon.exit;
    }
    await using daemon = await start(shop.folder, {});
    await daemon.untilEvent(isTurnEnd);
    const isTold = (object: Parameters<typeof watchOf>[0]) => {
      const { fires, pending } = watchOf(object);
      return fires === 1 && pending === 0;
    };
    for (const name of names) await daemon.until(watcherKey(name), isTold);
    // They may be in one message or, when the time was over with the end of the first daemon, in two.
    const all = (await told(daemon)).join("\n");
    for (const name of names) assert.equal(all.split(`${name} is down`).length, 2, all);
  });

  test("a silenced watcher fires and tells nobody, nor its end, also over a kill; afterwards it tells both", async () => {
    await using shop = await startShop();
    await using endpoint = await startEndpoint();
    const key = watcherKey("checkout");
    const files = {
      ...shop.files,
      "watchers.d/checkout.yaml": pollFile("checkout", endpoint, {
        trigger: `${isDown} then wake "down with {{status}}"`,
        recovery: 'wake "up with {{status}}"',
      }),
    };
    {
      await using daemon = await start(shop.folder, files);
      await daemon.untilReady(key);
      const until = new Date(Date.now() + 3_600_000).toISOString();
      await daemon.plane.silence({ watcher: key, until, reason: "deploy", by: "test" });
      daemon.kill("SIGKILL");
      await daemon.exit;
    }
    endpoint.become(503);
    await using daemon = await start(shop.folder, {});
    await daemon.untilEvent(isOf(key, "Fired"));
    const silenced = await daemon.until(
      key,
      (object) => (watchOf(object).suppressed?.silenced ?? 0) > 0,
    );
    assert.equal(watchOf(silenced).fires, 1);
    // Its end comes when nothing is silenced any more, and still belongs to a fire that nobody heard of.
    assert.deepEqual(await daemon.plane.unsilence({ watcher: key }), { removed: true });
    endpoint.become(200);
    await daemon.untilEvent(isOf(key, "Recovered"));
    endpoint.become(500);
    await daemon.untilEvent(nth(1, isTurnEnd));
    endpoint.become(204);
    await daemon.untilEvent(nth(2, isTurnEnd));
    const [down = "", up = "", ...more] = await told(daemon);
    assert.match(down, /down with 500/);
    assert.match(up, /up with 204/);
    assert.deepEqual(more, []);
  });

  test("unless firing(network): the fire is held back while the network is down, and told by the next time", async () => {
    await using shop = await startShop();
    await using network = await startEndpoint();
    await using checkout = await startEndpoint();
    const key = watcherKey("checkout");
    const files = {
      ...shop.files,
      "watchers.d/network.yaml": pollFile("network", network, {
        trigger: `${isDown} then wake "no network"`,
      }),
      "watchers.d/checkout.yaml": pollFile("checkout", checkout, {
        trigger: `${isDown} unless firing(network) then wake "checkout {{status}}"`,
        recovery: 'wake "checkout is back"',
      }),
    };
    await using daemon = await start(shop.folder, files);
    for (const name of ["network", "checkout"]) await daemon.untilReady(watcherKey(name));
    network.become(503);
    await daemon.untilEvent(nth(1, isTurnEnd));
    checkout.become(503);
    await daemon.untilEvent(isOf(key, "Suppressed"));
    checkout.become(200);
    await daemon.until(key, (object) => watchOf(object).state === "idle");
    assert.deepEqual(await told(daemon).then((texts) => texts.length), 1);
    network.become(200);
    await daemon.until(watcherKey("network"), (object) => watchOf(object).state === "idle");
    checkout.become(500);
    await daemon.untilEvent(nth(2, isTurnEnd));
    const [first = "", second = "", ...more] = await told(daemon);
    assert.match(first, /no network/);
    assert.match(second, /checkout 500/);
    assert.deepEqual(more, []);
    const { fires, suppressed } = watchOf(await daemon.plane.read(key));
    assert.deepEqual([fires, (suppressed?.unless ?? 0) > 0], [1, true]);
  });
});
