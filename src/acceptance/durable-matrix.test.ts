// Goal: a daemon that is killed before or after any record of a run goes on with it at the next start, and all ends as if nothing had happened (R01, R02).
// Method: real daemons, kill -9 by LEGION_FAILPOINT before and after every record that an undisturbed run writes, for three seeds, one for each kind of sandbox and the order of calls. The daemon that goes on with one run is the one that is killed in the next: its failpoint lies behind the records that are left of the first, and what stands on disk shows that it was reached where it was to be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "../lib/ids.ts";
import type { JsonObject } from "../lib/json.ts";
import { lazily } from "../lib/lazily.ts";
import type { MessageOutcome } from "../reconcile/agents-contract.ts";
import type { Question } from "../state/questions.ts";
import { agentKey, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { callsWithoutResult, readDisk, recordsLeft } from "./durable-disk.ts";
import { type Decision, decideAll } from "./durable-people.ts";
import {
  buyerFiles,
  createPlace,
  type Effect,
  type Place,
  type Variation,
} from "./durable-shop.ts";

/** By seed. */
const VARIATIONS: readonly Variation[] = [
  { isolation: "shared", delays: { charge: 0, note: 20 } },
  { isolation: "process", delays: { charge: 20, note: 0, reserve: 5 } },
  { isolation: "worker", delays: { charge: 0, note: 0 } },
];
/** Each seed's places are shared among so many repositories, so that the work is even. */
const SHARES = 2;
const LANES = 2;
const ANSWER_MS = 60_000;

interface KillPlace {
  readonly moment: "before" | "after";
  /** The number of the record. */
  readonly record: number;
}

/** What is the same for every run, whatever happened to it. */
interface Outcome {
  readonly value: JsonObject;
  readonly effects: readonly string[];
  readonly messages: readonly string[];
  readonly steps: readonly string[];
}

/** A run that nothing has disturbed. */
interface Whole {
  readonly outcome: Outcome;
  readonly records: readonly string[];
}

/** A run that was begun, and where its daemon was killed. */
interface Begun {
  readonly id: string;
  readonly where: string;
}

function ask(daemon: TestDaemon, id: string): Promise<MessageOutcome> {
  const message = { namespace: "default", name: "buyer", task: "Buy a lamp.", conversation: id };
  return daemon.plane.ask({ ...message, id }, AbortSignal.timeout(ANSWER_MS));
}

/** Answers the question; of a call that nobody knows about: no when it was done, yes when it was not. */
function decideFor(place: Place) {
  return ({ type, run, call, text }: Question): Decision => {
    if (type === "question") return { type: "answer", answer: "yes", by: "test" };
    assert.match(text, /nobody knows whether/);
    const found = place.effects().filter((each) => each.run === run && each.name === call?.name);
    assert.ok(found.length <= 1, `${call?.name} was repeated in silence`);
    return { type: found.length === 1 ? "deny" : "approve", by: "test" };
  };
}

/** How a run ended, in what must not depend on whether its daemon was killed. */
async function outcomeOf(
  { plane }: TestDaemon,
  id: string,
  result: MessageOutcome["result"],
  effects: readonly Effect[],
): Promise<Outcome> {
  assert.equal(result.status, "ok", JSON.stringify(result.error));
  const { token, ...value } = result.value as JsonObject;
  const { run, steps, children } = await plane.runDetail(String(result.run));
  assert.equal(run.status, "ok");
  const runs = new Map([run, ...children].map(({ run: each, agent }) => [each, agent]));
  const own = effects.filter((each) => runs.has(each.run));
  // Random values and times are those of the first time.
  for (const { args } of own)
    if (typeof args === "object" && args !== null && "token" in args)
      assert.equal(args.token, token);
  const messages = await plane.messages(agentKey("buyer"), id);
  return {
    value,
    effects: own.map((each) => `${runs.get(each.run)}: ${each.name}`).toSorted(),
    messages: messages.map(
      ({ type, text }) => `${type}: ${text.replaceAll(String(token), "TOKEN")}`,
    ),
    steps: steps.map(({ type }) => type).filter((type) => type !== "call.started"),
  };
}

async function undisturbed(variation: Variation): Promise<Whole> {
  await using place = await createPlace();
  const { folder, effectFile } = place;
  const files = buyerFiles(effectFile, variation);
  await using daemon = await startTestDaemon({ folder, files });
  await using people = decideAll(daemon.plane, decideFor(place));
  const id = newId();
  const { result } = await ask(daemon, id);
  const outcome = await outcomeOf(daemon, id, result, place.effects());
  assert.equal(people.decided.length, 1);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exit, 0, daemon.stderr());
  const { records, queued } = await readDisk(folder, id);
  assert.equal(queued, 0);
  return { outcome, records };
}

/** Before each record, and after it. */
function placesOf({ records }: Whole): readonly KillPlace[] {
  return records.flatMap((_type, index): KillPlace[] => [
    { moment: "before", record: index + 1 },
    { moment: "after", record: index + 1 },
  ]);
}

/** One repository: kills at each of the places, one run each. */
async function checkChain(
  { variation, seed }: { readonly variation: Variation; readonly seed: number },
  whole: Whole,
  places: readonly KillPlace[],
): Promise<void> {
  await using place = await createPlace();
  const { folder, effectFile } = place;
  const files = buyerFiles(effectFile, variation);
  let before: Begun | undefined;
  let left = 0;
  for (const { moment, record } of places) {
    const where = `seed ${seed}, ${moment} record ${record}`;
    const env = { LEGION_FAILPOINT: `journal-write-${moment}:${left + record}` };
    await using daemon = await startTestDaemon({ folder, files, env });
    await using _people = decideAll(daemon.plane, decideFor(place));
    if (before !== undefined) await checkEnd(daemon, place, before, whole);
    const id = newId();
    const answered = ask(daemon, id).then(
      ({ result }) => assert.fail(`${where}: it answered ${JSON.stringify(result)}`),
      () => daemon.exit,
    );
    assert.equal(await Promise.race([daemon.exit, answered]), null, where);
    const disk = await readDisk(folder, id);
    assert.equal(disk.records.length, moment === "before" ? record - 1 : record, where);
    const inFlight = disk.runs.flatMap(({ steps }) => callsWithoutResult(steps));
    for (const { key } of inFlight)
      assert.ok(place.effects().filter((each) => each.key === key).length <= 1, where);
    left = recordsLeft(disk, whole.records.length, place.effects());
    before = { id, where };
  }
  await using daemon = await startTestDaemon({ folder, files });
  await using _people = decideAll(daemon.plane, decideFor(place));
  if (before !== undefined) await checkEnd(daemon, place, before, whole);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exit, 0, daemon.stderr());
  assert.equal((await readDisk(folder, "")).queued, 0);
}

async function checkEnd(
  daemon: TestDaemon,
  place: Place,
  { id, where }: Begun,
  { outcome: expected }: Whole,
): Promise<void> {
  const { result } = await ask(daemon, id).catch((error: unknown) =>
    Promise.reject(new Error(where, { cause: error })),
  );
  const outcome = await outcomeOf(daemon, id, result, place.effects());
  assert.deepEqual(outcome, expected, where);
}

test("R01, R02: killed before and after every record of a run, it ends as if nothing had happened", async (context) => {
  const wholes = VARIATIONS.map((variation, index) =>
    lazily(async () => {
      const whole = await undisturbed(variation);
      const { length } = whole.records;
      assert.ok(length > 25, `${length} records`);
      const places = placesOf(whole);
      context.diagnostic(`seed ${index + 1}: ${length} records, killed at ${places.length} places`);
      return { whole, places };
    }),
  );
  const chains = Array.from({ length: SHARES }, (_, share) =>
    VARIATIONS.map((variation, index) => async () => {
      const { whole, places } = (await wholes[index]?.get()) ?? assert.fail();
      const own = places.filter((_place, number) => number % SHARES === share);
      await checkChain({ variation, seed: index + 1 }, whole, own);
    }),
  );
  const queue = chains.flat().values();
  const lane = async () => {
    for (const check of queue) await check();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
});
