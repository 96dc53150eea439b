// Goal: a call of which nobody knows whether it was made is made again only where that is safe or a person says so; what people are asked and say outlives kill -9 (R02).
// Method: real daemons that LEGION_FAILPOINT kills between the effect of a tool and its record, or a signal while people are asked; effects are lines of a file outside of the state folder.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Question } from "../state/questions.ts";
import { type Files, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { isLost, openQuestion } from "./durable-people.ts";
import { agentFiles, createPlace, evaluate, type Place, shopFiles } from "./durable-shop.ts";

const ANSWER_MS = 60_000;

function ask(daemon: TestDaemon, dedupeKey = "once") {
  const message = { namespace: "default", name: "clerk", task: "Do it.", dedupeKey };
  const answer = daemon.plane.ask(message, AbortSignal.timeout(ANSWER_MS));
  answer.catch(() => {});
  return answer;
}

/** Lets a daemon begin the task and be killed at that place. */
async function killedAt({ folder }: Place, files: Files, failpoint: string): Promise<void> {
  await using daemon = await startTestDaemon({
    ...{ folder, files },
    env: { LEGION_FAILPOINT: failpoint },
  });
  const answer = ask(daemon);
  assert.equal(await daemon.exit, null, daemon.stderr());
  await assert.rejects(answer, isLost);
}

const calling = (name: string) => [
  evaluate(
    `const said = await tools.shop.${name}({ n: 1 }).catch((error) => error.message); said`,
    "eval_and_complete",
  ),
];

test("R02: killed between the effect and its record, an idempotent call is made again with the same key", async () => {
  await using place = await createPlace();
  const files = {
    ...shopFiles(place.effectFile),
    ...agentFiles("clerk", calling("register"), { tools: ["shop"] }),
  };
  await killedAt(place, files, "journal-before:call.result:1");
  assert.equal(place.effects().length, 1);
  await using daemon = await startTestDaemon({ folder: place.folder });
  const { result } = await ask(daemon);
  assert.equal(result.value, "registered");
  const [first, second, ...more] = place.effects();
  assert.deepEqual(more, []);
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(second.key, first.key);
  assert.deepEqual(await daemon.plane.questions({ state: "all" }), []);
});

const unknowns: readonly {
  readonly name: string;
  readonly decision: "approve" | "deny" | "nobody";
  readonly says: RegExp;
  readonly effects: number;
}[] = [
  { name: "charge", decision: "approve", says: /^charged$/, effects: 2 },
  { name: "charge", decision: "deny", says: /nobody knows .* done/, effects: 1 },
  { name: "note", decision: "approve", says: /^noted$/, effects: 2 },
  { name: "note", decision: "nobody", says: /nobody knows .* nobody decided in time/, effects: 1 },
];
for (const { name, decision, says, effects } of unknowns) {
  test(`R02: killed between the effect of ${name} and its record, it waits for people (${decision})`, async () => {
    await using place = await createPlace();
    const approvalTimeout = decision === "nobody" ? "300ms" : "1h";
    const files = {
      ...shopFiles(place.effectFile),
      ...agentFiles("clerk", calling(name), { tools: ["shop"], approvalTimeout }),
    };
    await killedAt(place, files, "journal-before:call.result:1");
    await using daemon = await startTestDaemon({ folder: place.folder });
    if (decision !== "nobody") {
      const question = await openQuestion(daemon);
      assert.equal(question.call?.name, `shop.${name}`);
      assert.deepEqual(question.call.argument, { n: 1 });
      assert.equal(place.effects().length, 1, "it is not repeated in silence");
      await daemon.plane.decide(question.id, { type: decision, by: "test" });
    }
    const { result } = await ask(daemon);
    assert.match(String(result.value), says);
    assert.equal(place.effects().length, effects);
    assert.equal(new Set(place.effects().map(({ key }) => key)).size, 1);
  });
}

const natives: readonly { readonly failpoint: string; readonly done: readonly string[] }[] = [
  // The second call has done nothing yet.
  { failpoint: "journal-after:call.result:1", done: ["shop.charge"] },
  // It has, and there is no record of it.
  { failpoint: "journal-before:call.result:2", done: ["shop.charge", "shop.note"] },
];
for (const { failpoint, done } of natives) {
  test(`R01: two native calls at once, killed at ${failpoint}, are each made once`, async () => {
    await using place = await createPlace();
    const toolCalls = [
      { name: "charge", arguments: { amount: 1 } },
      { name: "note", arguments: { text: "a" } },
    ];
    const files = {
      ...shopFiles(place.effectFile, { note: 300 }),
      ...agentFiles("clerk", [{ toolCalls }, { text: "It is done." }], {
        ...{ mode: "tools", tools: ["shop"], outputSchema: { type: "string" } },
      }),
    };
    await killedAt(place, files, failpoint);
    assert.deepEqual(
      place.effects().map(({ name }) => name),
      done,
    );
    await using daemon = await startTestDaemon({ folder: place.folder });
    const question = await openQuestion(daemon);
    assert.equal(question.call?.name, "shop.note");
    const type = done.includes("shop.note") ? "deny" : "approve";
    await daemon.plane.decide(question.id, { type, by: "test" });
    const { result } = await ask(daemon);
    assert.deepEqual([result.status, result.value], ["ok", "It is done."]);
    assert.deepEqual(
      place.effects().map(({ name }) => name),
      ["shop.charge", "shop.note"],
    );
    const { steps } = await daemon.plane.runDetail(String(result.run));
    const results = steps.filter(({ type: each }) => each === "call.result");
    assert.equal(new Set(results.map(({ data }) => data.key)).size, 2);
    assert.equal(results.length, 2);
  });
}

test("R01: a question that was asked before kill -9 is the same one after it, and its answer ends the run", async () => {
  await using place = await createPlace();
  const { folder } = place;
  const files = {
    ...shopFiles(place.effectFile),
    ...agentFiles(
      "clerk",
      [
        evaluate('const who = await tools.human.ask({ question: "Who?" }); who'),
        evaluate('"for " + who', "eval_and_complete"),
      ],
      { tools: ["human"] },
    ),
  };
  let first: Question;
  {
    await using daemon = await startTestDaemon({ folder, files });
    ask(daemon);
    first = await openQuestion(daemon);
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  await using daemon = await startTestDaemon({ folder });
  const second = await openQuestion(daemon);
  assert.deepEqual(second, first);
  await daemon.plane.decide(second.id, { type: "answer", answer: "Ada", by: "test" });
  const { result } = await ask(daemon);
  assert.equal(result.value, "for Ada");
  assert.equal((await daemon.plane.questions({ state: "all" })).length, 1);
});

test("R02: an approval is good for its own arguments only, also after kill -9", async () => {
  await using place = await createPlace();
  const { folder, effectFile } = place;
  const files = {
    ...shopFiles(effectFile),
    ...agentFiles(
      "clerk",
      [
        evaluate("const first = await tools.shop.charge({ amount: 1 }); first"),
        evaluate(
          "const second = await tools.shop.charge({ amount: 100 }).catch((error) => error.message); [first, second]",
          "eval_and_complete",
        ),
      ],
      { tools: ["shop"], approvals: ["shop.charge"] },
    ),
  };
  let approved: Question;
  {
    const env = { LEGION_FAILPOINT: "journal-after:call.result:1" };
    await using daemon = await startTestDaemon({ folder, files, env });
    ask(daemon);
    approved = await openQuestion(daemon);
    assert.deepEqual(approved.call?.argument, { amount: 1 });
    assert.deepEqual(place.effects(), []);
    await daemon.plane.decide(approved.id, { type: "approve", by: "test" }).catch((error) => {
      assert.ok(isLost(error), String(error));
    });
    assert.equal(await daemon.exit, null);
  }
  await using daemon = await startTestDaemon({ folder });
  const asked = await openQuestion(daemon);
  assert.notEqual(asked.id, approved.id);
  assert.notEqual(asked.call?.hash, approved.call?.hash);
  assert.deepEqual(asked.call?.argument, { amount: 100 });
  await daemon.plane.decide(asked.id, { type: "deny", by: "test", reason: "too much" });
  const { result } = await ask(daemon);
  assert.match(JSON.stringify(result.value), /^\["charged",".*denied it: too much/);
  assert.deepEqual(
    place.effects().map(({ args }) => args),
    [{ amount: 1 }],
  );
});
