import { type ErrorData, LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { formatDuration } from "../lib/quantities.ts";
import { checkedArguments, checkedResult } from "./call/check.ts";
import { type Found, findFunction, type Target, targetOf } from "./call/lookup.ts";
import { publicMessage, withoutHostPaths } from "./call/public-message.ts";
import { type Redact, redactError, safeRedact } from "./call/redact.ts";
import type { ToolBinding, ToolCaller, ToolContext, ToolReply } from "./contract.ts";

/** The longest delay of a timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Calls `tool.function` of a set of bindings: finds it, checks the argument, runs it within its limits, checks the result.
 * Never throws. What reaches the reader of an error is a LegionError's data, or the message of anything else that was thrown.
 * Every text of the reply goes through `redact` first.
 */
export async function callTool(
  bindings: readonly ToolBinding[],
  name: string,
  argument: Json | undefined,
  caller: ToolCaller,
  redact?: Redact,
): Promise<ToolReply> {
  const redacted = safeRedact(redact);
  const target = targetOf(name);
  const stopped = started(caller, target);
  let reply: ToolReply;
  try {
    const found = findFunction(bindings, target);
    const args = await checkedArguments(found, argument);
    const value = await run(found, args, caller);
    reply = { ok: true, value: await checkedResult(found, value, redacted) };
  } catch (error) {
    reply = { ok: false, error: failure(name, error, redacted) };
  }
  stopped(reply.ok ? { ok: true } : { ok: false, error: reply.error });
  return reply;
}

/** Tells the listener of the start, and gives back how to tell it of the end. A listener that throws harms no call. */
function started(
  caller: ToolCaller,
  target: Target,
): (end: { readonly ok: boolean; readonly error?: ErrorData }) => void {
  try {
    const stop = caller.onCall?.(target);
    return (end) => {
      try {
        stop?.(end);
      } catch {
        // The call is done; what a listener makes of it is no part of it.
      }
    };
  } catch {
    return () => {};
  }
}

/** Runs the tool until it answers, its time is over, or the caller's signal is aborted. A late answer is dropped. */
async function run(found: Found, args: JsonObject, caller: ToolCaller): Promise<unknown> {
  const { tool, config } = found.binding;
  const controller = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (error: LegionError) => {
    controller.abort(error);
    ended.reject(error);
  };
  const stop = () => end(stoppedError(found));
  const late = () => end(lateError(found));
  // The time of people and of other agents is not the tool's.
  const timer =
    found.spec.waits === true
      ? undefined
      : setTimeout(late, Math.min(tool.limits.timeoutMs, TIMER_MS_MAX));
  caller.signal.addEventListener("abort", stop, { once: true });
  try {
    if (caller.signal.aborted) throw stoppedError(found);
    const context = contextOf(caller, config, controller.signal);
    return await Promise.race([tool.call(found.function, args, context), ended.promise]);
  } finally {
    clearTimeout(timer);
    caller.signal.removeEventListener("abort", stop);
  }
}

/** What the tool gets besides its arguments. */
function contextOf(caller: ToolCaller, config: JsonObject, signal: AbortSignal): ToolContext {
  const { agent, run, onCall, isCompleting, vault = {} } = caller;
  const idempotencyKey = caller.idempotencyKey ?? `${run}/${newId()}`;
  return {
    ...{ config, agent, run, idempotencyKey, vault, signal },
    ...(onCall !== undefined && { onCall }),
    ...(isCompleting !== undefined && { isCompleting }),
  };
}

function stoppedError({ shown }: Found): LegionError {
  const hint = "await every call before the code ends";
  const message = `${shown} was stopped before it answered`;
  return new LegionError({ code: "LEG4007", message, hint });
}

function lateError({ shown, binding }: Found): LegionError {
  const message = `${shown} took longer than ${formatDuration(binding.tool.limits.timeoutMs)}`;
  const hint = "ask for less in one call, or raise spec.timeout of the tool";
  return new LegionError({ code: "LEG4006", message, hint });
}

/** What of a failure leaves the host: no secret, no stack, and no path of the host but those below the working folder. */
function failure(name: string, error: unknown, redact: Redact): ErrorData {
  const given = legionData(error);
  if (given === undefined) {
    const hint = "change the arguments, or mend the tool";
    const message = redact(`${name} failed: ${publicMessage(error, redact)}`);
    return { code: "LEG4008", message, hint };
  }
  const data = redactError(given, redact);
  const { message, hint } = data;
  return { ...data, message: withoutHostPaths(message), hint: withoutHostPaths(hint) };
}

/** The data of a LegionError; undefined for anything else, such as a proxy that throws when it is looked at. */
function legionData(error: unknown): ErrorData | undefined {
  try {
    return error instanceof LegionError ? error.toJSON() : undefined;
  } catch {
    return undefined;
  }
}
