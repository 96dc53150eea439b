import type { JsonObject } from "../../lib/json.ts";
import type { TurnResult } from "../contract.ts";
import type { Session } from "../session.ts";
import type { TeamAgent } from "./contract.ts";
import { stoppedByParent, tooManyWait } from "./errors.ts";
import type { ChildRun, ChildRuns } from "./runs.ts";

/** Messages that wait for one started agent at most. */
export const WAITING_MAX = 100;

/** One message for a started agent. */
export interface StartedTask {
  readonly task: string;
  readonly key: string;
  readonly vault?: JsonObject;
}

/** An agent that was started, with a conversation that lives as long as the turn that started it. */
export interface StartedAgent {
  readonly id: string;
  readonly name: string;
  readonly conversation: string;
  /** Runs a turn when those before it have ended. Throws LEG2099 when too many wait. Gives the turn of that key when there is one. */
  tell(task: StartedTask): Promise<TurnResult>;
  /** Ends one turn, or lets it not begin. */
  drop(key: string): void;
  session(): Promise<Session>;
  /** Ends the turn that runs and those that wait. */
  stop(reason: unknown): Promise<void>;
  /** Gives back what the conversation holds. */
  close(): Promise<void>;
}

export interface StartedOptions {
  readonly id: string;
  readonly name: string;
  readonly conversation: string;
  /** The agent as it is now; throws when it is gone. */
  readonly agent: () => TeamAgent;
  readonly runs: ChildRuns;
  readonly openSession: (agent: TeamAgent, conversation: string) => Promise<Session>;
}

/** Starts an agent: nothing runs before it is told something. */
export function startAgent(options: StartedOptions): StartedAgent {
  const { id, name, conversation, agent, runs, openSession } = options;
  const turns = new Map<string, Promise<TurnResult>>();
  const dropped = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();
  let current: ChildRun | undefined;
  let stopReason: unknown;
  let opened: Promise<Session> | undefined;

  function session(): Promise<Session> {
    if (opened !== undefined) return opened;
    const made = openSession(agent(), conversation);
    opened = made;
    made.catch(() => {
      if (opened === made) opened = undefined;
    });
    return made;
  }

  async function turn(task: StartedTask): Promise<TurnResult> {
    const open = await session();
    if (stopReason !== undefined || dropped.delete(task.key)) throw stopReason ?? stoppedByParent();
    current = runs.begin({ agent: agent(), conversation, session: open, ...task });
    return current.result;
  }

  return {
    id,
    name,
    conversation,
    tell(task) {
      const known = turns.get(task.key);
      if (known !== undefined) return known;
      if (turns.size >= WAITING_MAX) throw tooManyWait(id, WAITING_MAX);
      const told = last.then(() => turn(task));
      turns.set(task.key, told);
      last = told
        .catch(() => {})
        .then(() => {
          turns.delete(task.key);
          current = undefined;
        });
      return told;
    },
    drop(key) {
      if (current?.key === key) void current.stop(stoppedByParent());
      else if (turns.has(key)) dropped.add(key);
    },
    session,
    async stop(reason) {
      stopReason = reason;
      await current?.stop(reason);
      await last;
    },
    async close() {
      // One that did not open needs no closing, and a sandbox that is gone none either.
      await opened?.then((session) => session.close()).catch(() => {});
    },
  };
}
