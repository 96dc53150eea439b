import { type ErrorData, LegionError } from "../lib/errors.ts";
import { canonicalHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import { formatDuration } from "../lib/quantities.ts";
import { compileSchema } from "../lib/schema.ts";
import { redactDeep } from "../security/redact.ts";
import type { Question } from "../state/questions.ts";
import { fittingAnswer } from "./answers.ts";
import { approvalText, decisionOf, isUsable } from "./approvals.ts";
import { type AskedQuestions, createAskedQuestions } from "./asked-questions.ts";
import type { AskRequest, CallApproval, CallDecision, People, PeopleOptions } from "./contract.ts";
import { decideQuestion, LISTED_MAX } from "./decide.ts";
import { createHandlers, type Handlers } from "./handlers.ts";
import { notWaited } from "./open-questions.ts";
import { createTeller } from "./question-events.ts";

/** What the caller is told as a no; any other failure is one of Legion's own. */
const refusals: ReadonlySet<string> = new Set(["LEG2065", "LEG2066", "LEG6072"]);

/** What asking needs. */
interface Desk {
  readonly asked: AskedQuestions;
  readonly handlers: Handlers;
  readonly redacted: <T>(value: T) => T;
  readonly now: () => number;
}

/** Asks people through a store of questions. Whoever makes it calls `resume` once, and `close` before the store is closed. */
export function createPeople(options: PeopleOptions): People {
  const { questions, clock, timers, env, onWarning } = options;
  const redactKnown = options.redact ?? ((text: string) => text);
  const redacted = <T>(value: T): T => redactDeep(value, { redactKnown });
  const warn = (question: Question, error: ErrorData) => onWarning?.(question, redacted(error));
  const tell = createTeller(clock, options.emit);
  const handlers = createHandlers({
    env,
    timers,
    warn,
    answer: async (question, readings) =>
      decideByHandler(options, question, redacted(await fittingAnswer(question, readings))),
  });
  const asked = createAskedQuestions({
    questions,
    clock,
    timers,
    warn,
    hear(question) {
      tell(question);
      if (question.state !== "pending") handlers.end(question.id);
    },
  });
  const desk = { asked, handlers, redacted, now: clock.now };
  return {
    ask: (request) => ask(desk, request),
    approve: (request) => approve(desk, request),
    decide: (id, decision) => decideQuestion(questions, id, decision, redacted),
    pending: () => questions.list({ state: "pending", limit: LISTED_MAX }),
    withdraw: asked.withdraw,
    resume: asked.resume,
    async close() {
      asked.close();
      await handlers.close();
    },
  };
}

async function ask({ asked, handlers, redacted }: Desk, request: AskRequest): Promise<Json> {
  const { question, choices, schema, timeoutMs, agent, run, signal } = request;
  if (schema !== undefined) await compileSchema(schema);
  const shown = redacted({
    text: question,
    ...(choices && { choices }),
    ...(schema && { schema }),
  });
  const end = await asked.decided(
    {
      ...shown,
      key: `question/${request.key}`,
      type: "question",
      uid: request.uid ?? "",
      agent,
      run,
      timeoutMs,
    },
    signal,
    (open) => handlers.begin(open, request.config),
  );
  // It may have been decided before its handler began.
  handlers.end(end.id);
  if (end.state === "answered") return end.answer ?? null;
  throw end.state === "expired" ? nobodyAnswered(end) : notWaited(end);
}

async function approve(desk: Desk, request: CallApproval): Promise<CallDecision> {
  try {
    return await approval(desk, request);
  } catch (error) {
    if (!(error instanceof LegionError) || !refusals.has(error.code)) throw error;
    return { approved: false, error: error.toJSON() };
  }
}

async function approval(desk: Desk, request: CallApproval): Promise<CallDecision> {
  const { asked, redacted, now } = desk;
  const { key, name, argument, agent, uid, run, timeoutMs, signal } = request;
  let isWaitedFor = false;
  const end = await asked.decided(
    {
      key: `approval/${key}`,
      type: "approval",
      uid,
      agent,
      run,
      text: approvalText(request),
      call: { name, argument: redacted(argument), hash: canonicalHash(argument) },
      timeoutMs,
    },
    signal,
    () => {
      isWaitedFor = true;
    },
  );
  if (end.state === "withdrawn") throw notWaited(end);
  // One that was waited for was given in time, whatever the wall clock says.
  return decisionOf(end, isWaitedFor || isUsable(end, now()));
}

async function decideByHandler(
  { questions }: Pick<PeopleOptions, "questions">,
  { id }: Question,
  answer: Json,
): Promise<void> {
  try {
    await questions.decide(id, { state: "answered", by: "handler", answer });
  } catch (error) {
    // A person was faster.
    if (!(error instanceof LegionError && error.code === "LEG6071")) throw error;
  }
}

function nobodyAnswered({ askedAt, expiresAtMs }: Question): LegionError {
  const waited = formatDuration(Math.max(0, expiresAtMs - Date.parse(askedAt)));
  return new LegionError({
    code: "LEG2061",
    message: `nobody answered within ${waited}`,
    hint: "go on without the answer, or ask again with a longer timeout",
  });
}
