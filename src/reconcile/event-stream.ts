import type { DaemonEvent } from "../telemetry/events.ts";
import type { EventRing } from "../telemetry/ring.ts";
import type { EventQuery } from "./contract.ts";

/** Events that wait for one slow reader; older ones are left out for it. */
const WAITING_MAX = 10_000;

/** The events that are kept, and with `follow` those that come, until the signal is aborted. */
export async function* daemonEvents(
  ring: EventRing,
  query: EventQuery,
  signal: AbortSignal,
): AsyncGenerator<DaemonEvent, void, undefined> {
  const matches = matcher(query);
  const waiting: DaemonEvent[] = [];
  let news = Promise.withResolvers<void>();
  const unsubscribe = ring.subscribe((event) => {
    if (!matches(event)) return;
    if (waiting.length >= WAITING_MAX) waiting.shift();
    waiting.push(event);
    news.resolve();
  });
  const wake = () => news.resolve();
  signal.addEventListener("abort", wake, { once: true });
  try {
    const kept = ring.since(query.since).filter(matches);
    yield* query.limit === undefined ? kept : kept.slice(Math.max(0, kept.length - query.limit));
    while (query.follow === true && !signal.aborted) {
      news = Promise.withResolvers<void>();
      yield* waiting.splice(0);
      if (waiting.length === 0 && !signal.aborted) await news.promise;
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", wake);
  }
}

/** An agent's runs are about the agent. */
function matcher({ object, about }: EventQuery): (event: DaemonEvent) => boolean {
  return (event) => {
    const isObject = event.kind === "legion.object";
    if (about !== undefined && (about === "object") !== isObject) return false;
    if (object === undefined) return true;
    return isObject ? event.object === object : `Agent/${agentPath(event.agent)}` === object;
  };
}

/** Agents of the default namespace go by their name alone in events. */
function agentPath(agent: string): string {
  return agent.includes("/") ? agent : `default/${agent}`;
}
