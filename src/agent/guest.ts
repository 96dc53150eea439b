import type { Json } from "../lib/json.ts";
import type { GuestSurface, Host, HostReply } from "../sandbox/contract.ts";
import type { Toolbox } from "../tools/contract.ts";
import { helpFor, searchTools } from "../tools/declarations.ts";
import { hostError } from "../tools/host-error.ts";
import { makeCall } from "./journal/calls.ts";
import type { PastEvaluation } from "./journal/past.ts";
import type { Turn } from "./turn.ts";

type GuestFunction = (argument: Json | undefined, turn: Turn) => Promise<HostReply> | HostReply;

/** The functions that every agent's code has besides its tools. */
const functions: Readonly<Record<string, GuestFunction>> = {
  help: (name, { options }) => helpFor(options.toolbox, name),
  search: (query, { options }) => searchTools(options.toolbox, query),
  recall: (handle, { session }) => session.recall.answer(handle),
};

/** The names that the code of an agent with these tools can call. */
export function guestSurface({ tools }: Pick<Toolbox, "tools">): GuestSurface {
  const names = tools.map(({ as, functions: granted }) => [as, granted] as const);
  const preludes = tools.flatMap(({ prelude }) => (prelude === undefined ? [] : [prelude]));
  return {
    tools: Object.fromEntries(names),
    functions: Object.keys(functions),
    ...(preludes.length > 0 && { prelude: preludes.join("\n") }),
  };
}

/** One evaluation, as its host knows it. */
export interface GuestOptions {
  /** Of the evaluation within its turn, from 1. */
  readonly number: number;
  readonly past: PastEvaluation | undefined;
  readonly isCompleting: boolean;
  readonly causedBy: string;
}

/** Answers the guest's calls: its own functions here, tools through the toolbox. Everything is recorded in the order in which the guest asks and is told. */
export function guestHost(
  turn: Turn,
  { number, past, isCompleting, causedBy }: GuestOptions,
): Host {
  const { options, deadline } = turn;
  return async (name, argument, { call, readings, signal, pauseClock }) => {
    const key = `${options.run}/${number}.${call}`;
    const known = past?.calls[call - 1];
    const place = { eval: number, call, readings };
    const own = Object.hasOwn(functions, name) ? functions[name] : undefined;
    // One way for all: what is on record first reaches the guest first.
    const reply = await makeCall(turn, {
      ...{ key, name, argument, place, past: known, signal, isCompleting, causedBy },
      ...(own !== undefined && { own: () => own(argument, turn) }),
      pause: (wait) => deadline.pause(pauseClock(wait)),
      told: hostError,
    });
    return reply.ok ? { ok: true, value: reply.value } : reply;
  };
}
