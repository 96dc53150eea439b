// Goal: agents three levels deep end with the one at the top, the last one first, and go on with it after kill -9 (R44, R01).
// Method: real daemons; the agent at the bottom waits for a person, so that all levels run when the top is cancelled or the process dies.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRecord } from "../state/journal.ts";
import { type Files, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { openQuestion } from "./durable-people.ts";
import { agentFiles, createPlace, evaluate, shopFiles } from "./durable-shop.ts";

const ANSWER_MS = 60_000;

function teamFiles(effectFile: string): Files {
  const below = (name: string) => [
    evaluate(`const said = await agents.call("${name}", "Go on."); said`),
    evaluate("({ below: said })", "eval_and_complete"),
  ];
  return {
    ...shopFiles(effectFile),
    ...agentFiles("top", below("middle"), { agents: ["middle"] }),
    ...agentFiles("middle", below("bottom"), { agents: ["bottom"] }),
    ...agentFiles(
      "bottom",
      [
        evaluate('const noted = await tools.shop.note({ text: "begun" }); noted'),
        evaluate('const answer = await tools.human.ask({ question: "Well?" }); answer'),
        evaluate("[noted, answer]", "eval_and_complete"),
      ],
      { tools: ["shop", "human"] },
    ),
  };
}

function ask({ plane }: TestDaemon) {
  const message = { namespace: "default", name: "top", task: "Begin.", dedupeKey: "once" };
  const answer = plane.ask(message, AbortSignal.timeout(ANSWER_MS));
  answer.catch(() => {});
  return answer;
}

/** All runs, from the top down. */
async function levels({ plane }: TestDaemon): Promise<readonly RunRecord[]> {
  const runs = await plane.runs({});
  return runs.toSorted((a, b) => depth(runs, a) - depth(runs, b));
}

function depth(runs: readonly RunRecord[], { parent }: RunRecord): number {
  const above = runs.find(({ run }) => run === parent);
  return above === undefined ? 0 : 1 + depth(runs, above);
}

const shown = ({ agent, status }: RunRecord) => `${agent} ${status}`;

test("R44: cancelling the run at the top ends those below it, the last one first", async () => {
  await using place = await createPlace();
  const { folder, effectFile } = place;
  await using daemon = await startTestDaemon({ folder, files: teamFiles(effectFile) });
  const answer = ask(daemon);
  const question = await openQuestion(daemon);
  const before = await levels(daemon);
  assert.deepEqual(before.map(shown), ["top running", "middle running", "bottom running"]);
  const { plane } = daemon;
  assert.deepEqual(await plane.cancelRun(before[0]?.run ?? ""), { cancelled: true });
  const { result } = await answer;
  assert.deepEqual([result.status, result.reason], ["cancel", "interrupted"]);
  const after = await levels(daemon);
  assert.deepEqual(after.map(shown), ["top cancel", "middle cancel", "bottom cancel"]);
  const events = await daemon.events();
  const ends = events.flatMap((event) =>
    event.kind === "legion.agent.stopped" ? [event.agent] : [],
  );
  assert.deepEqual(ends, ["bottom", "middle", "top"]);
  const [withdrawn] = await plane.questions({ state: "all" });
  assert.deepEqual([withdrawn?.id, withdrawn?.state], [question.id, "withdrawn"]);
  // Nothing of it comes back with the next process.
  daemon.kill("SIGKILL");
  await daemon.exit;
  await using next = await startTestDaemon({ folder });
  assert.deepEqual(await levels(next), after);
  assert.equal((await next.plane.status()).agents.queued, 0);
  assert.equal(place.effects().length, 1);
});

test("R44, R01: three levels go on after kill -9 as the runs that they were", async () => {
  await using place = await createPlace();
  const { folder, effectFile } = place;
  let before: readonly RunRecord[];
  {
    await using daemon = await startTestDaemon({ folder, files: teamFiles(effectFile) });
    ask(daemon);
    await openQuestion(daemon);
    before = await levels(daemon);
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  await using daemon = await startTestDaemon({ folder });
  const question = await openQuestion(daemon);
  assert.equal(question.run, before[2]?.run);
  await daemon.plane.decide(question.id, { type: "answer", answer: "well", by: "test" });
  const { result } = await ask(daemon);
  assert.deepEqual(result.value, { below: { below: ["noted", "well"] } });
  const after = await levels(daemon);
  assert.deepEqual(after.map(shown), ["top ok", "middle ok", "bottom ok"]);
  assert.deepEqual(
    after.map(({ run }) => run),
    before.map(({ run }) => run),
  );
  assert.deepEqual(
    place.effects().map(({ name, run }) => [name, run]),
    [["shop.note", before[2]?.run]],
  );
  assert.equal((await daemon.plane.questions({ state: "all" })).length, 1);
});
