import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import type {
  AskRequest,
  CallApproval,
  CallDecision,
  People,
  PeopleOptions,
} from "../human/contract.ts";
import { createPeople } from "../human/people.ts";
import type { Clock } from "../lib/clock.ts";
import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { openDatabase } from "../state/database.ts";
import type { Question, Questions } from "../state/questions.ts";
import { openSqliteQuestions } from "../state/questions-sqlite.ts";
import { type ManualTime, manualTime } from "./manual-timers.ts";

/** People over a real store of questions; time passes when it is told to. */
export interface TestPeople {
  readonly people: People;
  readonly questions: Questions;
  readonly time: ManualTime;
  readonly events: { readonly kind: string; readonly data: object; readonly run: string }[];
  readonly warnings: { readonly id: string; readonly error: ErrorData }[];
  /** Moves the wall clock, and no other. */
  jump(ms: number): void;
  /** Another process over the same database; this one has ended. */
  restart(): Promise<TestPeople>;
  /** Asks as the code of an agent does. */
  ask(request?: Partial<AskRequest>): Promise<Json>;
  /** Asks for the approval of a call. */
  approve(request?: Partial<CallApproval>): Promise<CallDecision>;
  /** The only open question, once there is one. */
  opened(): Promise<Question>;
}

interface TestOptions extends Partial<PeopleOptions> {
  readonly time?: ManualTime;
  /** Of the database. */
  readonly folder?: string;
}

const HOUR_MS = 3_600_000;

/** People of a fresh process, over a database of their own; they end with the test. */
export async function testPeople(
  test: Pick<TestContext, "after">,
  options: TestOptions = {},
): Promise<TestPeople> {
  const time = options.time ?? manualTime();
  let jumpedMs = 0;
  const clock = options.clock ?? {
    now: () => time.clock.now() + jumpedMs,
    monotonic: time.clock.monotonic,
  };
  const store = await storeOf(options, clock);
  const { questions, folder } = store;
  const events: TestPeople["events"] = [];
  const warnings: TestPeople["warnings"] = [];
  const people = createPeople({
    timers: time.timers,
    env: process.env,
    emit: ({ run }, kind, data) => void events.push({ kind, data, run }),
    onWarning: ({ id }, error) => void warnings.push({ id, error }),
    ...options,
    questions,
    clock,
  });
  const end = async () => {
    await people.close();
    store.close();
  };
  test.after(async () => {
    await end();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  return {
    people,
    questions,
    time,
    events,
    warnings,
    jump: (ms) => {
      jumpedMs += ms;
    },
    async restart() {
      await end();
      const next = await testPeople(test, { ...options, ...(folder && { folder }), clock, time });
      await next.people.resume();
      return next;
    },
    ask: (request) => people.ask({ ...question(), ...request }),
    approve: (request) => people.approve({ ...call(), ...request }),
    async opened() {
      for (let round = 0; round < 1_000; round += 1) {
        const [question] = await people.pending();
        if (question !== undefined) return question;
        await new Promise(setImmediate);
      }
      throw new Error("nothing was asked");
    },
  };
}

interface Store {
  readonly questions: Questions;
  readonly folder?: string;
  close(): void;
}

async function storeOf({ questions, folder }: TestOptions, clock: Clock): Promise<Store> {
  if (questions !== undefined) return { questions, close: () => {} };
  const place = folder ?? (await mkdtemp(path.join(tmpdir(), "legion-people-")));
  const database = await openDatabase(place);
  return {
    questions: openSqliteQuestions(database, { clock }),
    folder: place,
    close: () => database.close(),
  };
}

const who = { agent: "clerk", uid: "uid-1", run: "run-1", key: "run-1/1.1", timeoutMs: HOUR_MS };

/** What a test does not say of a question. */
function question(): AskRequest {
  const { signal } = new AbortController();
  return { ...who, question: "which one?", config: {}, signal };
}

/** What a test does not say of a call. */
function call(): CallApproval {
  const { signal } = new AbortController();
  return { ...who, name: "mail.send", argument: { to: "a@b.c" }, why: "required", signal };
}
