import { parseDuration } from "../../lib/quantities.ts";
import type { AgentSpec } from "../../manifest/generated/agent.ts";
import type { HeartbeatPolicy } from "./beats.ts";
import { type Overflow, parseOverflow } from "./overflow.ts";
import type { RestartLimits } from "./restart.ts";
import type { Routing } from "./routing.ts";

/** What a spec says about the loop of its agent, in milliseconds. */
export interface Policy {
  readonly maxMessages: number;
  readonly redeliveryMs: number;
  readonly maxDeliveries: number;
  readonly maxSessions: number;
  readonly overflow: Overflow;
  readonly replicas: number;
  readonly routing: Routing;
  readonly restart: RestartLimits;
  readonly ttlMs: number | undefined;
  readonly terminateOn: ReadonlySet<string>;
  readonly heartbeat: HeartbeatPolicy | undefined;
}

/** Reads the policy of a spec. An object that an older Legion stored has not all fields: what is not there is as in the schema. */
export function policyOf(spec: AgentSpec): Policy {
  const { conversation, inbox, heartbeat, restart, ttl }: Partial<AgentSpec> = spec;
  return {
    maxMessages: conversation?.maxMessages ?? 200,
    redeliveryMs: durationOr(inbox?.redeliveryDelay, 60_000),
    maxDeliveries: inbox?.maxDeliveries ?? 30,
    maxSessions: spec.maxConcurrentSessions ?? 3,
    overflow: parseOverflow(spec.overflow ?? "drop"),
    replicas: spec.replicas ?? 1,
    routing: spec.routing ?? "leastBusy",
    restart: {
      policy: restart?.policy ?? "permanent",
      maxRestarts: restart?.maxRestarts ?? 3,
      withinMs: durationOr(restart?.within, 5_000),
      delayMs: durationOr(restart?.delay, 10_000),
      delayMsMax: durationOr(restart?.maxDelay, 300_000),
      healthyAfterMs: durationOr(restart?.healthyAfter, 600_000),
    },
    ttlMs: ttl === undefined ? undefined : parseDuration(ttl),
    terminateOn: new Set(spec.terminateOn ?? []),
    heartbeat: heartbeat && {
      everyMs: durationOr(heartbeat.every, 60_000),
      jitter: heartbeat.jitter ?? 10,
      task: heartbeat.task ?? "Heartbeat: look whether anything is to be done.",
      when: heartbeat.when ?? "changed",
    },
  };
}

function durationOr(text: string | undefined, otherwise: number): number {
  return parseDuration(text ?? "") ?? otherwise;
}
