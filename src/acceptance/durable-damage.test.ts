// Goal: a run whose record is damaged is put aside by itself: its agent goes on with the next message, and nobody else notices (R03, R04).
// Method: a real daemon is stopped with one run finished and two waiting for a person; bits of two runs are flipped in the database file, and the newest step of the third is cut off; then it starts again.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "../state/database.ts";
import { agentKey, type Files, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { decideAll } from "./durable-people.ts";
import { agentFiles, createPlace, evaluate, shopFiles } from "./durable-shop.ts";

const ANSWER_MS = 60_000;

function ask({ plane }: TestDaemon, name: string, task: string) {
  const message = { namespace: "default", name, task, dedupeKey: task };
  const answer = plane.ask(message, AbortSignal.timeout(ANSWER_MS));
  answer.catch(() => {});
  return answer;
}

function files(effectFile: string): Files {
  const asking = [
    evaluate("const noted = await tools.shop.note({}); noted"),
    evaluate('const answer = await tools.human.ask({ question: "Well?" }); answer'),
    evaluate("answer", "eval_and_complete"),
  ].map((reply, index) => ({ ...reply, when: { step: index + 1 } }));
  const done = { action: "return", result: "done", when: { lastContains: "Be quick." } };
  const spec = { tools: ["shop", "human"] };
  return {
    ...shopFiles(effectFile),
    ...agentFiles("first", [done, ...asking], spec),
    ...agentFiles("second", [done, ...asking], spec),
    ...agentFiles("third", [done, ...asking], spec),
  };
}

/** Changes the bytes of one step of a run on disk. */
async function damage(
  folder: string,
  run: string,
  type: string,
  change: (body: Buffer) => Buffer,
): Promise<void> {
  const database = await openDatabase(join(folder, ".legion"));
  try {
    const of =
      "WHERE run = ? AND type = ? AND seq = (SELECT MAX(seq) FROM steps WHERE run = ? AND type = ?)";
    const place = [run, type, run, type];
    const [row] = database.query(`SELECT body FROM steps ${of}`, ...place);
    assert.ok(row?.body instanceof Uint8Array, `${run} has no ${type}`);
    database.query(`UPDATE steps SET body = ? ${of}`, change(Buffer.from(row.body)), ...place);
  } finally {
    database.close();
  }
}

function withFlippedBit(body: Buffer): Buffer {
  const place = Math.floor(body.length / 2);
  body.writeUInt8(body.readUInt8(place) ^ 1, place);
  return body;
}

const half = (body: Buffer) => body.subarray(0, Math.floor(body.length / 2));

/** How the runs of an agent stand, oldest first. */
async function statuses({ plane }: TestDaemon, agent: string): Promise<readonly string[]> {
  return (await plane.runs({ agent })).map(({ status }) => status).toReversed();
}

test("R03, R04: a damaged run is in quarantine, a torn newest step is done again, and all others go on", async () => {
  await using place = await createPlace();
  const { folder, effectFile } = place;
  const waiting: string[] = [];
  let finished = "";
  {
    await using daemon = await startTestDaemon({
      ...{ folder, files: files(effectFile) },
      // Those that wait for a person are not waited for.
      args: ["--grace", "50ms"],
    });
    finished = String((await ask(daemon, "first", "Be quick.")).result.run);
    for (const name of ["second", "third"]) {
      ask(daemon, name, `Wait for ${name}.`);
      const asked = await daemon.untilEvent(
        (event) => event.kind === "legion.human.input_required" && event.agent === name,
      );
      waiting.push("run" in asked ? asked.run : "");
    }
    daemon.kill("SIGTERM");
    assert.equal(await daemon.exit, 0, daemon.stderr());
  }
  const [second = "", third = ""] = waiting;
  await damage(folder, finished, "model.response", withFlippedBit);
  await damage(folder, second, "eval.result", withFlippedBit);
  await damage(folder, third, "call.started", half);
  await using daemon = await startTestDaemon({ folder });
  const { plane } = daemon;
  await using _people = decideAll(plane, () => ({ type: "answer", answer: "well", by: "test" }));
  // The one that was torn goes on as if its newest step had not been written.
  const { result } = await ask(daemon, "third", "Wait for third.");
  assert.deepEqual([result.value, result.run], ["well", third]);
  assert.match(
    daemon.stderr(),
    new RegExp(`newest record, step \\d+ of the run ${third}, is torn`),
  );
  // Nothing goes on with the one that is damaged, and its agent answers the next message.
  assert.deepEqual(await statuses(daemon, "second"), ["quarantined"]);
  assert.equal((await ask(daemon, "second", "Be quick.")).result.value, "done");
  assert.deepEqual(await statuses(daemon, "second"), ["quarantined", "ok"]);
  const [letter, ...more] = await plane.deadLetters(agentKey("second"));
  assert.deepEqual(more, []);
  assert.equal(letter?.task, "Wait for second.");
  assert.match(letter.cause, /damaged|quarantine/);
  // One that has ended is looked at when somebody reads it.
  await assert.rejects(plane.runDetail(finished), { code: "LEG6062" });
  assert.deepEqual(await statuses(daemon, "first"), ["quarantined"]);
  assert.equal((await ask(daemon, "first", "Be quick again: Be quick.")).result.value, "done");
  assert.equal(place.effects().length, 2);
  assert.equal((await plane.status()).agents.queued, 0);
});
