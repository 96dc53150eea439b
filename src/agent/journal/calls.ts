import { type ErrorData, errorData } from "../../lib/errors.ts";
import type { Json } from "../../lib/json.ts";
import { redactValue } from "../../tools/call/redact.ts";
import type { FunctionSpec, Toolbox } from "../../tools/contract.ts";
import { toolCaller } from "../call-events.ts";
import type { Turn } from "../turn.ts";
import type { CallReply, PastCall, StepData } from "./past.ts";

/** One call of a turn, wherever it comes from. */
export interface CallRequest {
  /** Known once in all, and the same when the run goes on in another process. */
  readonly key: string;
  readonly name: string;
  readonly argument: Json | undefined;
  /** Where it was made, for the record. */
  readonly place: Pick<StepData["call.started"], "eval" | "call" | "id" | "readings">;
  /** As it is on record, when it is. */
  readonly past: PastCall | undefined;
  readonly signal: AbortSignal;
  readonly isCompleting?: boolean;
  /** A function of Legion's own, in place of a tool: it changes nothing, so it needs no leave. */
  own?(): Promise<CallReply> | CallReply;
  /** The event that led to it. */
  readonly causedBy: string;
  /** Stops the clocks that are not to run while people or other agents are waited for. */
  pause<T>(wait: Promise<T>): Promise<T>;
  /** How its errors are told. */
  told(error: ErrorData): Extract<CallReply, { ok: false }>["error"];
}

/**
 * Makes a call once: asked for on record, approved where that is needed, begun on record, made, its reply on record.
 * A call that was begun in an earlier process and has no reply is made again when its function is idempotent, else a person decides.
 */
export async function makeCall(turn: Turn, request: CallRequest): Promise<CallReply> {
  const { key, past, name } = request;
  const { options, record, deadline } = turn;
  if (past?.reply !== undefined) return past.reply;
  if (request.own !== undefined) return ownCall(turn, request, request.own);
  const refusal = options.meter?.refuse("call");
  if (refusal !== undefined) {
    deadline.stop({ type: "cancel", ...refusal });
    return failed(request, refusal.error);
  }
  const spec = functionSpec(options.toolbox, name);
  const why = whyAsk(turn, request, spec);
  if (past === undefined) {
    // Before anything is waited for: calls are recorded in the order in which they were made.
    const awaits = why === undefined ? {} : ({ awaits: "approval" } as const);
    await record.append("call.started", { ...askedFor(turn, request), ...awaits });
  }
  if (why !== undefined) {
    const denied = await deniedBy(turn, request, why);
    const isLeft = denied !== undefined && isNoReply(denied.code, request);
    if (request.signal.aborted || isLeft) return failed(request, stopped(name));
    if (denied !== undefined) {
      const reply = failed(request, denied);
      await record.append("call.result", { key, reply, ...(why === "unknown" && unknown) });
      return reply;
    }
    await record.append("call.started", { key });
  }
  const reply = await madeCall(turn, request, spec);
  if (!reply.ok && isNoReply(reply.error.code, request)) return reply;
  await record.append("call.result", { key, reply });
  return reply;
}

/** How a call is recorded that is asked for. */
function askedFor(
  turn: Turn,
  { key, name, place, argument }: CallRequest,
): StepData["call.started"] {
  const given = argument === undefined ? {} : { argument: redacted(turn, argument) };
  return { key, name, ...place, ...given };
}

/** Nothing waits for its beginning to be on disk, as it does nothing that lasts. */
async function ownCall(
  turn: Turn,
  request: CallRequest,
  own: NonNullable<CallRequest["own"]>,
): Promise<CallReply> {
  const { record } = turn;
  const isKnown = request.past !== undefined;
  const begun = isKnown ? undefined : record.append("call.started", askedFor(turn, request));
  const [reply] = await Promise.all([own(), begun]);
  await record.append("call.result", { key: request.key, reply });
  return reply;
}

const unknown = { isUnknown: true } as const;

async function madeCall(
  turn: Turn,
  request: CallRequest,
  spec: FunctionSpec | undefined,
): Promise<CallReply> {
  const { key, name, argument, signal, isCompleting, causedBy } = request;
  const { toolbox, vault, meter, activity } = turn.options;
  const call = toolbox.call(name, argument, {
    ...toolCaller(turn, causedBy),
    ...{ signal, idempotencyKey: key },
    ...(vault !== undefined && { vault }),
    ...(isCompleting === true && { isCompleting }),
  });
  meter?.spend({ toolCalls: 1 });
  const reply = await (spec?.waits === true
    ? waiting(turn, request, call)
    : (activity?.works(call) ?? call));
  if (reply.ok) return { ok: true, value: reply.value };
  return failed(request, reply.error);
}

/** Why a person has to decide before the call is made; undefined when nobody has to. */
function whyAsk(
  { options }: Turn,
  { name, past }: CallRequest,
  spec: FunctionSpec | undefined,
): "required" | "unknown" | undefined {
  // A function that does not exist does nothing.
  if (spec === undefined) return undefined;
  if (past !== undefined && past.begun > 0) return spec.idempotent === true ? undefined : "unknown";
  const patterns = options.agent.spec.approvals;
  const [tool] = name.split(".");
  const isNamed = patterns.includes(name) || patterns.includes(`${tool}.*`);
  return spec.approval === true || isNamed ? "required" : undefined;
}

/** Asks a person; the error when the answer is no. */
async function deniedBy(
  turn: Turn,
  made: CallRequest,
  why: "required" | "unknown",
): Promise<ErrorData | undefined> {
  const { key, name, argument = {}, past, signal } = made;
  const { approve } = turn.options;
  // Each time that nobody knows is a question of its own: an earlier yes was for an earlier attempt.
  const asked = why === "required" ? key : `${key}/again/${past?.begun ?? 0}`;
  if (approve === undefined)
    return why === "required" ? nobodyToAsk(name) : nobodyKnows(name, "there is nobody to ask");
  try {
    const request = { name, argument: redacted(turn, argument), why, key: asked, signal };
    const decision = await waiting(turn, made, approve(request));
    if (decision.approved) return undefined;
    const { error } = decision;
    return why === "required" ? error : nobodyKnows(name, error.message);
  } catch (error) {
    return errorData(error);
  }
}

/** Waits for people or other agents: no clock runs, and whoever ends the process need not wait too. */
function waiting<T>({ options }: Turn, { pause }: CallRequest, wait: Promise<T>): Promise<T> {
  const paused = pause(wait);
  return options.activity?.waits(paused) ?? paused;
}

function nobodyToAsk(name: string): ErrorData {
  return {
    code: "LEG2102",
    message: `${name} needs the approval of a person, and there is nobody to ask`,
    hint: "go another way, or say that a person has to do it",
  };
}

function nobodyKnows(name: string, why: string): ErrorData {
  return {
    code: "LEG2101",
    message: `nobody knows whether ${name} was done: Legion stopped while it ran, and it was not made again (${why})`,
    hint: "look whether it was done before you do anything that depends on it",
  };
}

/** What the code does not get is no reply: nobody knows whether the call was done, or people are still to answer. */
function isNoReply(code: string | undefined, { signal }: CallRequest): boolean {
  return code === "LEG2067" || (code === "LEG4007" && signal.aborted);
}

function stopped(name: string): ErrorData {
  return {
    code: "LEG4007",
    message: `${name} was stopped before it answered`,
    hint: "await every call before the code ends",
  };
}

function failed({ told }: CallRequest, error: ErrorData): Extract<CallReply, { ok: false }> {
  return { ok: false, error: told(error) };
}

function functionSpec({ tools }: Pick<Toolbox, "tools">, name: string): FunctionSpec | undefined {
  const [as = "", called = ""] = name.split(".");
  const binding = tools.find((tool) => tool.as === as);
  return binding?.functions.includes(called) ? binding.tool.functions[called] : undefined;
}

/** A value as it is recorded. */
export function redacted({ options }: Turn, value: Json): Json {
  return options.redact === undefined ? value : (redactValue(value, options.redact) ?? null);
}
