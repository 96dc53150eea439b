// Goal: no message that was acknowledged is lost when the process is killed, and only the one in flight is begun twice, as the same run (R01, R45).
// Method: this file, started as a child, answers messages over a real SQLite inbox and journal and writes down each turn; the parent kills it with SIGKILL and starts it again.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../lib/clock.ts";
import { openDatabase } from "../../state/database.ts";
import { MESSAGE_ATTEMPTS_MAX } from "../../state/inbox.ts";
import { openSqliteInbox } from "../../state/inbox-sqlite.ts";
import type { Journal } from "../../state/journal.ts";
import { openSqliteJournal } from "../../state/journal-sqlite.ts";
import { openSqliteLifecycles } from "../../state/lifecycles-sqlite.ts";
import { openSqliteVaults } from "../../state/vaults-sqlite.ts";
import { agentObject, echo, generationOf } from "../../testing/turns.ts";
import { createSession } from "../session.ts";
import type { RunGeneration } from "../supervision.ts";
import { createSupervisor } from "./supervisor.ts";

const MESSAGES = 20;
/** Long enough to be killed in. */
const TURN_MS = 5;
/** A task that kills its process. */
const DEADLY = "kill";

const self = fileURLToPath(import.meta.url);
const [, , childFolder, childMode] = process.argv;
const a = { kind: "Agent", namespace: "default", name: "a" };

/** Answers what waits, after sending messages when it is told to, and ends when nothing waits. Each turn is a line of the file `turns`. */
async function child(folder: string, mode: string): Promise<void> {
  const database = await openDatabase(folder);
  const inbox = openSqliteInbox(database, { clock: systemClock });
  const journal = openSqliteJournal(database, { clock: systemClock });
  const turn = echo(async ({ task }) => {
    appendFileSync(path.join(folder, "turns"), `${task}\n`);
    if (task === DEADLY) process.kill(process.pid, "SIGKILL");
    await sleep(TURN_MS);
  });
  const clock = systemClock;
  const supervisor = createSupervisor({
    ...{ inbox, journal, clock },
    runGeneration: recorded(journal, turn),
    lifecycles: openSqliteLifecycles(database, { clock }),
    vaults: openSqliteVaults(database, { clock }),
    sessionOf: async () => createSession(),
  });
  const agent = generationOf(await agentObject());
  const { promise: idle, resolve } = Promise.withResolvers<void>();
  let isSent = mode !== "send";
  const look = async () => {
    const waiting = await inbox.count(agent.uid);
    if (isSent && waiting === 0 && supervisor.state(a)?.phase === "idle") resolve();
  };
  supervisor.onChange(() => void look());
  supervisor.ensure(agent);
  for (let at = 0; mode === "send" && at < MESSAGES; at += 1) {
    const { message } = await supervisor.tell(a, { task: `task-${at}` });
    process.stdout.write(`${message}\n`);
  }
  isSent = true;
  await look();
  await idle;
  await supervisor.close(1_000);
  database.close();
}

/** Turns on record: their end answers the message in the same transaction. */
function recorded(journal: Journal, turn: RunGeneration): RunGeneration {
  return async (options) => {
    const { agent, conversation, message, key, task, answers } = options;
    const { uid, generation, object } = agent;
    const begun = { run: options.run, uid, agent: object.name, generation };
    const { run } = await journal.begin({ ...begun, conversation, message, key }, { task });
    const result = await turn({ ...options, run });
    await journal.end(run, {
      ...{ data: { status: result.status }, status: result.status, tokens: 0 },
      ...(answers(result) && { answer: { message, generation, result } }),
    });
    return result;
  };
}

if (childFolder !== undefined) await child(childFolder, childMode ?? "");
else crashTests();

function crashTests(): void {
  let root = "";
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "legion-supervisor-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  /** Starts a child and collects what it acknowledges. */
  function start(folder: string, mode: string) {
    const stdio = ["ignore", "pipe", "inherit"] as const;
    const process_ = spawn(process.execPath, [self, folder, mode], { stdio: [...stdio] });
    const acknowledged: string[] = [];
    const ended = once(process_, "close");
    const lines = createInterface(process_.stdout ?? process.stdin);
    lines.on("line", (line) => acknowledged.push(line));
    return { process_, acknowledged, ended, lines };
  }

  async function resumed(folder: string): Promise<void> {
    const [code] = await start(folder, "resume").ended;
    assert.equal(code, 0);
  }

  async function turnsOf(folder: string): Promise<string[]> {
    return (await readFile(path.join(folder, "turns"), "utf8")).trim().split("\n");
  }

  async function outcomesOf(folder: string, messages: readonly string[]) {
    const database = await openDatabase(folder);
    try {
      const inbox = openSqliteInbox(database, { clock: systemClock });
      assert.deepEqual([...(await inbox.counts())], []);
      const journal = openSqliteJournal(database, { clock: systemClock });
      const runs = await journal.runs({ status: "ok" });
      const answered = runs.map(({ message }) => message);
      assert.equal(new Set(answered).size, answered.length, "one run for each message");
      return await Promise.all(messages.map((message) => inbox.outcome(message)));
    } finally {
      database.close();
    }
  }

  for (const killedAfter of [1, 8, MESSAGES]) {
    test(`kill -9 after ${killedAfter} acknowledged messages: each is answered, and at most one was begun twice`, async () => {
      const folder = path.join(root, `killed-${killedAfter}`);
      const { process_, acknowledged, ended, lines } = start(folder, "send");
      lines.on("line", () => {
        if (acknowledged.length === killedAfter) process_.kill("SIGKILL");
      });
      const [, signal] = await ended;
      assert.equal(signal, "SIGKILL");
      assert.ok(acknowledged.length >= killedAfter);
      await resumed(folder);
      const outcomes = await outcomesOf(folder, acknowledged);
      assert.ok(outcomes.every((outcome) => outcome?.result.status === "ok"));
      const again = outcomes.filter((outcome) => outcome?.attempts !== 1);
      assert.ok(again.length <= 1, JSON.stringify(again));
      assert.ok(again.every((outcome) => outcome?.attempts === 2));
      const turns = await turnsOf(folder);
      const distinct = [...new Set(turns)];
      assert.ok(turns.length - distinct.length <= 1, `turns: ${turns.join(" ")}`);
      // In the order in which they were told, and each of those that were acknowledged.
      assert.deepEqual(
        distinct,
        distinct.map((_, at) => `task-${at}`),
      );
      assert.ok(distinct.length >= acknowledged.length);
    });
  }

  test("R11: a message that kills the process is given up after some attempts, and the next one is answered", async () => {
    const folder = path.join(root, "deadly");
    const database = await openDatabase(folder);
    const inbox = openSqliteInbox(database, { clock: systemClock });
    for (const task of [DEADLY, "harmless"]) await inbox.put({ id: task, uid: "uid-a", task });
    database.close();
    for (let at = 0; at < MESSAGE_ATTEMPTS_MAX; at += 1) {
      const [, signal] = await start(folder, "resume").ended;
      assert.equal(signal, "SIGKILL");
    }
    await resumed(folder);
    const [deadly, harmless] = await outcomesOf(folder, [DEADLY, "harmless"]);
    assert.equal(deadly, undefined, "it has no answer, and is kept as a dead letter");
    assert.equal(harmless?.result.status, "ok");
    const reopened = await openDatabase(folder);
    const letters = await openSqliteInbox(reopened, { clock: systemClock }).dead("uid-a");
    reopened.close();
    assert.deepEqual(
      letters.map(({ id, attempts }) => [id, attempts]),
      [[DEADLY, MESSAGE_ATTEMPTS_MAX]],
    );
    assert.match(letters[0]?.cause ?? "", /the process ended 5 times while it was answered/);
    const deaths = (await turnsOf(folder)).filter((task) => task === DEADLY);
    assert.equal(deaths.length, MESSAGE_ATTEMPTS_MAX);
  });
}
