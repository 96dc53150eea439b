// Goal: a message that comes again because its turn could not be finished goes on with what the turn has done: no call is made twice, whatever is mended or restarted between (R01, R11).
// Method: real daemons with a model server that fails in the middle of turns; tools that write down what they do; a daemon that is stopped while people are waited for.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "../state/database.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { agentKey, type Files, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import type { ModelReply } from "../testing/model-reply.ts";
import { type ModelServer, startModelServer } from "../testing/model-server.ts";
import { createPlace, manifestOf, shopFiles } from "./durable-shop.ts";

const refused: ModelReply = { error: { status: 400, message: "not now" } };
const code = (
  text: string,
  action: "eval_and_continue" | "eval_and_complete" = "eval_and_continue",
): ModelReply => ({ action, code: text });
const charging = [
  code("const charged = await tools.shop.charge({ amount: 5 }); charged"),
  code("charged", "eval_and_complete"),
];

/** A model that follows the steps of each conversation, but for requests that are refused. */
function modelOf(steps: readonly ModelReply[], isRefused: (step: number) => boolean) {
  return startModelServer(({ body }) => {
    const messages = body.messages as readonly { readonly role: string }[];
    const lastTask = messages.findLastIndex(
      ({ role }, index) => role === "user" && messages[index - 1]?.role !== "assistant",
    );
    const step = messages.slice(lastTask).filter(({ role }) => role === "assistant").length;
    return isRefused(step) ? refused : (steps[step] ?? refused);
  });
}

function files({ url }: ModelServer, effectFile: string, spec: object = {}): Files {
  return {
    ...shopFiles(effectFile),
    "agents.d/model.yaml": manifestOf("Provider", "local", { wire: "openai-chat", baseUrl: url }),
    "agents.d/buyer.yaml": manifestOf("Agent", "buyer", {
      ...{ description: "Buys.", model: "local/it", outputSchema: {}, tools: ["shop", "human"] },
      ...{ inbox: { redeliveryDelay: "1s" }, restart: { delay: "10ms" }, ...spec },
    }),
  };
}

const buyer = agentKey("buyer");
const message = () => ({ namespace: "default", name: "buyer", task: "Buy it." });

function stopped(daemon: TestDaemon, test: (status: string, reason?: string) => boolean) {
  return daemon.untilEvent((event: DaemonEvent) => {
    if (event.kind !== "legion.agent.stopped") return false;
    const { data } = event;
    return test(data.status, data.status === "cancel" ? data.reason : undefined);
  });
}

test("a turn that lost its provider after a call goes on from there with the next delivery", async () => {
  await using place = await createPlace();
  let isDown = true;
  await using model = await modelOf(charging, (step) => step === 1 && isDown);
  await using daemon = await startTestDaemon({
    folder: place.folder,
    files: files(model, place.effectFile),
  });
  await daemon.untilReady(buyer);
  await daemon.plane.tell(message());
  await stopped(daemon, (_, reason) => reason === "provider_failed");
  isDown = false;
  await stopped(daemon, (status) => status === "ok");
  assert.deepEqual(
    place.effects().map(({ name }) => name),
    ["shop.charge"],
  );
  const runs = await daemon.plane.runs({ agent: "buyer" });
  assert.deepEqual(
    runs.map(({ status }) => status),
    ["ok"],
  );
});

test("a daemon that is killed before the next delivery leaves it to the next one", async () => {
  await using place = await createPlace();
  let isDown = true;
  await using model = await modelOf(charging, (step) => step === 1 && isDown);
  const inbox = { redeliveryDelay: "3s" };
  const repository = { folder: place.folder, files: files(model, place.effectFile, { inbox }) };
  {
    await using daemon = await startTestDaemon(repository);
    await daemon.untilReady(buyer);
    await daemon.plane.tell(message());
    await stopped(daemon, (_, reason) => reason === "provider_failed");
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  isDown = false;
  await using daemon = await startTestDaemon({ folder: place.folder });
  await stopped(daemon, (status) => status === "ok");
  assert.equal(place.effects().length, 1);
});

test("R11: a turn that is given up in the middle goes on from there when its letter is put back", async () => {
  await using place = await createPlace();
  let isDown = true;
  await using model = await modelOf(charging, (step) => step === 1 && isDown);
  const inbox = { redeliveryDelay: "1s", maxDeliveries: 2 };
  await using daemon = await startTestDaemon({
    folder: place.folder,
    files: files(model, place.effectFile, { inbox }),
  });
  await daemon.untilReady(buyer);
  await daemon.plane.tell(message());
  await daemon.untilEvent(
    ({ kind, data }) =>
      kind === "legion.object" && "reason" in data && data.reason === "DeadLetter",
  );
  isDown = false;
  const [letter] = await daemon.plane.deadLetters(buyer);
  assert.equal(letter?.delivery, 2);
  const [run] = await daemon.plane.runs({ agent: "buyer" });
  assert.equal((await daemon.plane.resumeRun(run?.run ?? "")).message, letter.id);
  await stopped(daemon, (status) => status === "ok");
  assert.equal(place.effects().length, 1);
  assert.deepEqual(await daemon.plane.deadLetters(buyer), []);
});

const asking = [
  code("const charged = await tools.shop.charge({ amount: 5 }); charged"),
  code('const said = await tools.human.ask({ question: "Ship it?" }); said'),
  code("[charged, said]", "eval_and_complete"),
];

/** Resolves when a person is asked. */
const asked = (daemon: TestDaemon) =>
  daemon.untilEvent(({ kind }) => kind === "legion.human.input_required");

/** Resolves when that many questions are open. */
async function openQuestions(daemon: TestDaemon, wanted: number) {
  let open = 0;
  await daemon.untilEvent(({ kind }) => {
    if (kind === "legion.human.input_required") open += 1;
    return open === wanted;
  });
  return daemon.plane.questions({});
}

test("R04: what a run began with is damaged: its message is a dead letter, and nothing is done again", async () => {
  await using place = await createPlace();
  await using model = await modelOf(asking, () => false);
  const repository = { folder: place.folder, files: files(model, place.effectFile) };
  {
    await using daemon = await startTestDaemon(repository);
    await daemon.untilReady(buyer);
    await daemon.plane.tell(message());
    await asked(daemon);
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  const database = await openDatabase(join(place.folder, ".legion"));
  database.query("UPDATE blobs SET body = zeroblob(length(body))");
  database.close();
  await using daemon = await startTestDaemon({ folder: place.folder });
  await daemon.untilEvent(
    ({ kind, data }) =>
      kind === "legion.object" && "reason" in data && data.reason === "DeadLetter",
  );
  const letters = await daemon.plane.deadLetters(buyer);
  assert.match(letters[0]?.cause ?? "", /^LEG6063/);
  assert.equal(place.effects().length, 1);
});

test("R45: turns that only wait for people do not hold the end of the daemon, and go on after the next start", async () => {
  await using place = await createPlace();
  await using model = await modelOf(asking, () => false);
  const conversations = ["c-1", "c-2"];
  {
    await using daemon = await startTestDaemon({
      ...{ folder: place.folder, files: files(model, place.effectFile) },
      args: ["--grace", "1h"],
    });
    await daemon.untilReady(buyer);
    for (const conversation of conversations)
      await daemon.plane.tell({ ...message(), conversation });
    assert.equal((await openQuestions(daemon, 2)).length, 2);
    assert.equal((await daemon.plane.status()).agents.turns, 2);
    daemon.kill("SIGTERM");
    assert.equal(await daemon.exit, 0, daemon.stderr());
  }
  await using daemon = await startTestDaemon({ folder: place.folder });
  for (const { id } of await daemon.plane.questions({}))
    await daemon.plane.decide(id, { type: "answer", answer: "yes", by: "test" });
  const answered = new Set<string>();
  await daemon.untilEvent((event) => {
    const isDone = event.kind === "legion.agent.stopped" && event.data.status === "ok";
    if (isDone) assert.deepEqual("value" in event.data && event.data.value, ["charged", "yes"]);
    if (isDone) answered.add(event.run);
    return answered.size === 2;
  });
  assert.equal(place.effects().length, 2);
});
