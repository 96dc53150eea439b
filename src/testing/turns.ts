import { EventEmitter, once } from "node:events";
import type { CancelReason, TurnResult } from "../agent/contract.ts";
import type { AgentGeneration, RunGeneration } from "../agent/supervision.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { noUsage } from "../router/contract.ts";

type Turn = Parameters<RunGeneration>[0];

/** A turn that a test ends when it wants to. */
export interface HeldTurn extends Turn {
  /** Ends it with this value. */
  answer(value?: string): void;
  /** Ends it as runTurn ends a turn that was aborted. */
  interrupt(): void;
  /** Ends it without an answer. */
  cancel(reason: CancelReason): void;
  reject(error: Error): void;
}

/** Turns that end when they are told to. */
export interface HeldTurns {
  readonly run: RunGeneration;
  /** In the order in which they began. */
  readonly begun: readonly HeldTurn[];
  /** The turn of that number, from 0, when it has begun. */
  at(index: number): Promise<HeldTurn>;
}

/** No turn ends by itself, and none hears its signal. */
export function heldTurns(): HeldTurns {
  const begun: HeldTurn[] = [];
  const heard = new EventEmitter();
  return {
    begun,
    run(turn) {
      const { promise, resolve, reject } = Promise.withResolvers<TurnResult>();
      const interrupted = { status: "cancel", reason: "interrupted" } as const;
      begun.push({
        ...turn,
        answer: (value = turn.task) => resolve({ ...figures(turn), status: "ok", value }),
        interrupt: () =>
          resolve({ ...figures(turn), ...interrupted, error: turn.signal.reason.toJSON() }),
        cancel: (reason) => resolve(cancelOf(turn, reason)),
        reject,
      });
      heard.emit("turn");
      return promise;
    },
    async at(index) {
      while (begun.length <= index) await once(heard, "turn");
      return begun[index] as HeldTurn;
    },
  };
}

/** Answers every task with itself, after whatever was given to wait for. */
export function echo(wait: (turn: Turn) => Promise<unknown> = async () => {}): RunGeneration {
  return async (turn) => {
    await wait(turn);
    return { ...figures(turn), status: "ok", value: turn.task };
  };
}

/** The result of a turn that has no answer. */
export function cancelOf(turn: Turn, reason: CancelReason): TurnResult {
  const error = { code: "LEG5001", message: `it ended as ${reason}`, hint: "" } as const;
  return { ...figures(turn), status: "cancel", reason, error };
}

function figures({ agent, run }: Turn) {
  const { name, spec } = agent.object;
  const counted = { iterations: 1, evaluations: 0, retries: 0, toolCalls: 0, usage: noUsage };
  return { agent: name, run, model: spec.model, durationMs: 1, ...counted };
}

/** An Agent as loading gives it. */
export async function agentObject(name = "a"): Promise<ManifestObject<"Agent">> {
  const manifest = {
    apiVersion: "legion.dev/v1",
    kind: "Agent",
    metadata: { name },
    spec: { description: "An agent under test.", model: "script/it" },
  };
  const script = {
    apiVersion: "legion.dev/v1",
    kind: "Provider",
    metadata: { name: "script" },
    spec: { wire: "scripted", replies: [{ action: "done" }] },
  };
  const text = [manifest, script].map((each) => JSON.stringify(each)).join("\n---\n");
  const set = await loadManifests([{ text, filename: "test.yaml" }], {
    cwd: process.cwd(),
    env: {},
  });
  const agent = set.get("Agent", name);
  if (agent === undefined) throw new Error("the agent under test did not load");
  return agent;
}

/** A generation of an agent of that name. */
export function generationOf(
  object: ManifestObject<"Agent">,
  generation = 1,
  name = object.name,
): AgentGeneration {
  const createdAt = new Date(Date.UTC(2026, 0, 1)).toISOString();
  return { uid: `uid-${name}`, generation, object: { ...object, name }, createdAt };
}
