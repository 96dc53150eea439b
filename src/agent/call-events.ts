import type { ErrorCode } from "../lib/codes.ts";
import { targetOf } from "../tools/call/lookup.ts";
import type { ToolCaller } from "../tools/contract.ts";
import type { PastCall } from "./journal/past.ts";
import type { Turn } from "./turn.ts";

/** Who calls tools in this turn. Each call is two events, caused by `causedBy`. */
export function toolCaller(turn: Turn, causedBy: string): ToolCaller {
  const { agent, run, emit, clock } = turn.options;
  return {
    agent: agent.name,
    run,
    signal: turn.deadline.signal,
    onCall(call) {
      const startedMs = clock.monotonic();
      const started = emit("legion.tool.call.start", call, causedBy);
      turn.spent.toolCalls += 1;
      return (end) => {
        const durationMs = clock.monotonic() - startedMs;
        emit("legion.tool.call.stop", { ...call, ...end, durationMs }, started);
      };
    },
  };
}

/** Tells of a call that is served from the record, and counts it as one of this turn. */
export function tellServed(turn: Turn, { name, reply }: PastCall, causedBy: string): void {
  // Functions that all code has are no tools.
  if (reply === undefined || !name.includes(".")) return;
  const { emit, meter } = turn.options;
  const target = targetOf(name);
  const started = emit("legion.tool.call.start", target, causedBy);
  turn.spent.toolCalls += 1;
  meter?.spend({ toolCalls: 1 });
  const end = { ...target, ok: reply.ok, durationMs: 0, isReplayed: true } as const;
  emit("legion.tool.call.stop", reply.ok ? end : { ...end, error: errorOf(reply.error) }, started);
}

function errorOf({ code, message, hint = "" }: { code?: string; message: string; hint?: string }) {
  return { code: (code ?? "LEG4008") as ErrorCode, message, hint };
}
