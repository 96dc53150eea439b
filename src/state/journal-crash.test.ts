// Goal: wherever the process is killed, each run is on record up to a step and no further, and going on from there ends as if nothing had happened (R01, R03).
// Method: this file, started as a child, records random runs and is killed before or after each record, at steps of a type, and in the middle of batches; the parent opens the same file, looks, and goes on.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { manualClock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import { newRun, openJournal } from "../testing/journals.ts";
import { openDatabase } from "./database.ts";
import { journalFailpoint } from "./failpoints.ts";
import { openSqliteInbox } from "./inbox-sqlite.ts";
import type { Journal, StepType } from "./journal.ts";

const SEEDS = [1, 2, 3];
const RUNS = ["r1", "r2", "r3"];
/** Children at once. */
const LANES = 2;

interface Act {
  readonly run: string;
  readonly type: StepType;
  readonly data: JsonObject;
}

/** What runs do, one record after the other, drawn from a seed; each run begins, has steps, and most of them end. */
function scriptOf(seed: number): readonly Act[] {
  const middle = fc.constantFrom<StepType>("model.response", "call.started", "call.result");
  const text = fc.string({ maxLength: 40, unit: "binary" }).map((value) => ({ text: value }));
  const steps = fc.array(fc.tuple(middle, text), { minLength: 1, maxLength: 2 });
  const run = fc.tuple(steps, fc.boolean());
  const order = fc.array(fc.nat({ max: RUNS.length - 1 }), { minLength: 40, maxLength: 40 });
  const drawn = fc.sample(fc.tuple(fc.tuple(run, run, run), order), { seed, numRuns: 1 })[0];
  assert.ok(drawn !== undefined);
  const [runs, turns] = drawn;
  const left = runs.map(([middles, isEnded], at): Act[] => {
    const of = { run: RUNS[at] ?? "" };
    const begin: Act = { ...of, type: "turn.started", data: { task: at } };
    const acts = middles.map(([type, data]): Act => ({ ...of, type, data }));
    const end: Act[] = isEnded ? [{ ...of, type: "turn.finished", data: { value: at } }] : [];
    return [begin, ...acts, ...end];
  });
  return turns.flatMap((at) => left[at]?.shift() ?? []);
}

function act(journal: Journal, { run, type, data }: Act): Promise<unknown> {
  const message = `m-${run}`;
  if (type === "turn.started") {
    return journal.begin(newRun(run, { key: `message/${message}/1`, message }), data);
  }
  if (type !== "turn.finished") return journal.append(run, type, data);
  const conversation = { uid: "uid-a", name: run, messages: [data], maxMessages: 10 };
  const answer = { message, generation: 1, result: data };
  return journal.end(run, { data, status: "ok", tokens: 1, conversation, answer });
}

/** Records the script from where its runs are. */
async function perform(journal: Journal, script: readonly Act[]): Promise<void> {
  const recorded = new Map<string, number>();
  for (const next of script) {
    if (next.type === "turn.started") {
      const { steps } = (await act(journal, next)) as { readonly steps: number };
      recorded.set(next.run, steps - 1);
      continue;
    }
    const left = recorded.get(next.run) ?? 0;
    if (left > 0) recorded.set(next.run, left - 1);
    else await act(journal, next);
  }
}

async function messages(folder: string): Promise<void> {
  const database = await openDatabase(folder);
  const inbox = openSqliteInbox(database, { clock: manualClock() });
  for (const run of RUNS) await inbox.put({ id: `m-${run}`, uid: "uid-a", task: run });
  database.close();
}

/** All that is there; the database itself must be whole. */
async function look(folder: string) {
  const warnings: string[] = [];
  const opened = await openJournal(folder, { onWarning: (message) => warnings.push(message) });
  const { database, journal, clock, close } = opened;
  assert.equal(database.query("PRAGMA integrity_check")[0]?.integrity_check, "ok");
  const inbox = openSqliteInbox(database, { clock });
  const found = await Promise.all(
    RUNS.map(async (run) => {
      const record = await journal.run(run);
      if (record === undefined) return undefined;
      const steps = (await journal.steps(run)).map(({ type, data }) => ({ type, data }));
      const said = (await journal.conversation("uid-a", run, 10))?.messages;
      const result = (await inbox.outcome(`m-${run}`))?.result;
      return { steps, status: record.status, said, result };
    }),
  );
  close();
  assert.deepEqual(warnings, []);
  return found;
}

/** What is to be there after these acts. */
function expected(script: readonly Act[]) {
  return RUNS.map((run) => {
    const steps = script.filter((one) => one.run === run).map(({ type, data }) => ({ type, data }));
    if (steps.length === 0) return undefined;
    const end = steps.find(({ type }) => type === "turn.finished")?.data;
    const isEnded = end !== undefined;
    return { steps, status: isEnded ? "ok" : "running", said: end && [end], result: end };
  });
}

const self = fileURLToPath(import.meta.url);
const [, , childFolder, childWork] = process.argv;

/** `script:SEED` records a script one by one; `batches` records as fast as it can and says what is on disk. */
async function child(folder: string, work: string): Promise<void> {
  const failpoint = journalFailpoint(process.env);
  const { journal } = await openJournal(folder, failpoint && { failpoint });
  if (work !== "batches") return perform(journal, scriptOf(Number(work.split(":")[1])));
  for (const run of RUNS) await journal.begin(newRun(run), {});
  for (let at = 2; ; at += 3) {
    const batch = RUNS.flatMap((run) => [at, at + 1, at + 2].map((seq) => ({ run, seq })));
    await Promise.all(
      batch.map(async ({ run, seq }) => {
        assert.equal(await journal.append(run, "call.result", { seq }), seq);
        process.stdout.write(`${run} ${seq}\n`);
      }),
    );
  }
}

if (childFolder !== undefined) await child(childFolder, childWork ?? "");
else crashTests();

function crashTests(): void {
  let root = "";
  let template = "";
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "legion-journal-crash-"));
    template = path.join(root, "template");
    await messages(template);
  });
  after(() => rm(root, { recursive: true, force: true }));

  const killed = async (name: string, work: string, failpoint: string): Promise<string> => {
    const folder = path.join(root, name);
    await cp(template, folder, { recursive: true });
    const env = { ...process.env, LEGION_FAILPOINT: failpoint };
    const process_ = spawn(process.execPath, [self, folder, work], { stdio: "inherit", env });
    const [, signal] = await once(process_, "exit");
    assert.equal(signal, "SIGKILL", `the child was to die at ${failpoint}`);
    return folder;
  };

  for (const seed of SEEDS) {
    test(`R01: killed before or after records of script ${seed}, what is there is what was written, and going on ends it`, async () => {
      const script = scriptOf(seed);
      const places = script.flatMap((_, at) => [
        { failpoint: `journal-write-before:${at + 1}`, records: at },
        { failpoint: `journal-write-after:${at + 1}`, records: at + 1 },
      ]);
      // Every place of the first script, every other one of the rest.
      const queue = places.filter((_, at) => seed === SEEDS[0] || at % 4 === seed % 4).values();
      const lane = async () => {
        for (const { failpoint, records } of queue) {
          const name = `${seed}-${failpoint.replace(":", "-")}`;
          const folder = await killed(name, `script:${seed}`, failpoint);
          assert.deepEqual(await look(folder), expected(script.slice(0, records)), failpoint);
          const { journal, close } = await openJournal(folder);
          await perform(journal, script);
          close();
          assert.deepEqual(await look(folder), expected(script), `${failpoint}, gone on`);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    });
  }

  test("a failpoint names the n-th record of a type", async () => {
    const script = scriptOf(1);
    const type = "turn.started";
    const second = script.findIndex((one, at) => {
      const before = script.slice(0, at).filter((other) => other.type === type);
      return one.type === type && before.length === 1;
    });
    for (const [place, records] of Object.entries({ before: second, after: second + 1 })) {
      const folder = await killed(`type-${place}`, "script:1", `journal-${place}:${type}:2`);
      assert.deepEqual(await look(folder), expected(script.slice(0, records)));
    }
  });

  for (const acknowledged of [1, 10, 100]) {
    test(`killed after ${acknowledged} acknowledged records of batches: each of them is there, and no gap`, async () => {
      const folder = path.join(root, `batches-${acknowledged}`);
      await cp(template, folder, { recursive: true });
      const stdio = ["ignore", "pipe", "inherit"] as const;
      const process_ = spawn(process.execPath, [self, folder, "batches"], { stdio: [...stdio] });
      const said: string[] = [];
      createInterface(process_.stdout ?? process.stdin).on("line", (line) => {
        said.push(line);
        if (said.length === acknowledged) process_.kill("SIGKILL");
      });
      await once(process_, "close");
      const { journal, close } = await openJournal(folder);
      for (const run of RUNS) {
        const steps = await journal.steps(run);
        const sent = steps.slice(1).map(({ data }) => data.seq);
        assert.deepEqual(
          sent,
          sent.map((_, at) => at + 2),
        );
        const mine = said.filter((line) => line.startsWith(run));
        const last = Math.max(0, ...mine.map((line) => Number(line.split(" ")[1])));
        assert.ok(steps.length >= last, `${run}: ${steps.length} steps, ${last} acknowledged`);
      }
      assert.ok(said.length >= acknowledged);
      close();
    });
  }

  test("R03: a log of the file that is torn anywhere leaves the record as it was before, or as it is after", async () => {
    const source = path.join(root, "torn");
    const { journal, database, close } = await openJournal(source);
    await journal.begin(newRun("r1"), { task: 0 });
    database.query("PRAGMA wal_checkpoint(TRUNCATE)");
    await journal.append("r1", "call.result", { text: "x".repeat(5_000) });
    const snapshot = path.join(root, "torn-snapshot");
    await cp(source, snapshot, { recursive: true });
    close();
    const { size } = await stat(path.join(snapshot, "legion.db-wal"));
    for (let tear = 0; tear <= 20; tear += 1) {
      const folder = path.join(root, `tear-${tear}`);
      await cp(snapshot, folder, { recursive: true });
      await rm(path.join(folder, "legion.db-shm"));
      await truncate(path.join(folder, "legion.db-wal"), Math.floor((size * tear) / 20));
      const [found] = await look(folder);
      assert.equal(found?.steps.length, tear === 20 ? 2 : 1, `tear ${tear}`);
    }
  });

  test("without the variable there is no failpoint; one that is not known is refused, one of the store is not the journal's", () => {
    assert.equal(journalFailpoint({}), undefined);
    assert.equal(journalFailpoint({ LEGION_FAILPOINT: "store-write-before:1" }), undefined);
    const wrong = ["x", "journal-write-before", "journal-before:1", "journal-before:nothing:1"];
    for (const LEGION_FAILPOINT of wrong)
      assert.throws(() => journalFailpoint({ LEGION_FAILPOINT }), { code: "LEG6036" });
    for (const LEGION_FAILPOINT of ["journal-write-after:2", "journal-after:call.result:1"])
      assert.notEqual(journalFailpoint({ LEGION_FAILPOINT }), undefined);
  });
}
