import { createSession, type Session } from "../agent/session.ts";
import type { RunGeneration, Supervisor } from "../agent/supervision.ts";
import { createSupervisor, type SupervisorOptions } from "../agent/supervisor/supervisor.ts";
import type { Clock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { Inbox } from "../state/inbox.ts";
import { openMemoryInbox } from "../state/inbox-memory.ts";
import type { JournalStep, RunRecord } from "../state/journal.ts";
import type { Grave, Lifecycle, Lifecycles } from "../state/lifecycles.ts";
import { manualTime } from "./manual-timers.ts";
import { generationOf, heldTurns } from "./turns.ts";

/** What outlives a supervisor, in memory. */
export interface SupervisedState
  extends Pick<SupervisorOptions, "inbox" | "journal" | "vaults" | "sessionOf" | "runGeneration"> {
  readonly lifecycles: Pick<Lifecycles, "read" | "set" | "forget" | "bury" | "grave">;
  /** By key. */
  readonly runs: Map<string, RunRecord>;
  readonly sessions: Map<string, Session>;
}

/** A supervisor with turns that are held, on time that stands. */
export function supervisorRig(
  object: ManifestObject<"Agent">,
  options: Partial<SupervisorOptions & ReturnType<typeof manualTime>> = {},
) {
  const given = manualTime();
  const { clock = given.clock, timers = given.timers } = options;
  const time = { ...given, ...options, clock, timers };
  const turns = heldTurns();
  const errors: unknown[] = [];
  const notices: string[] = [];
  const inbox = options.inbox ?? openMemoryInbox({ clock });
  const { runGeneration = turns.run } = options;
  const state = supervisedState({ clock, inbox, runGeneration });
  const supervisor = createSupervisor({
    ...state,
    onError: (error) => errors.push(error),
    onNotice: ({ reason, message }) => notices.push(`${reason}: ${message}`),
    ...options,
    ...{ clock, timers, inbox },
    runGeneration: state.runGeneration,
  });
  const ensure = ensurer(supervisor, object);
  return { time, turns, errors, notices, inbox, state, supervisor, ensure };
}

function ensurer(supervisor: Supervisor, object: ManifestObject<"Agent">) {
  return (name = "a", generation = 1, spec: Partial<ManifestObject<"Agent">["spec"]> = {}) =>
    supervisor.ensure(
      generationOf({ ...object, spec: { ...object.spec, ...spec } }, generation, name),
    );
}

/** State in memory, with turns whose ends are kept as the services keep them: the end of a run answers its message. */
export function supervisedState({
  clock,
  inbox = openMemoryInbox({ clock }),
  runGeneration,
}: {
  readonly clock: Clock;
  readonly inbox?: Inbox;
  readonly runGeneration: RunGeneration;
}): SupervisedState {
  const runs = new Map<string, RunRecord>();
  const sessions = new Map<string, Session>();
  const lifecycles = new Map<string, Lifecycle>();
  const graves = new Map<string, Grave>();
  const vaults = new Map<string, JsonObject>();
  const at = () => new Date(clock.now()).toISOString();
  const steps = (run: RunRecord, task: string): JournalStep[] => [
    { seq: 1, at: run.startedAt, type: "turn.started", data: { task } },
  ];
  const tasks = new Map<string, string>();
  return {
    ...{ inbox, runs, sessions },
    runGeneration: keptTurns(inbox, runs, tasks, runGeneration),
    journal: {
      runOfKey: async (key) => runs.get(key),
      run: async (id) => runs.values().find(({ run }) => run === id),
      unfinished: async () => [...runs.values()].filter(({ status }) => status === "running"),
      steps: async (id) =>
        [...runs.values()]
          .filter(({ run }) => run === id)
          .flatMap((run) => steps(run, tasks.get(id) ?? "")),
      forgetConversation: async (uid, name) => sessions.delete(`${uid}/${name}`),
      async end(id, { status, reason }) {
        for (const [key, record] of runs)
          if (record.run === id) runs.set(key, { ...record, status, ...(reason && { reason }) });
      },
    },
    lifecycles: {
      read: async (uid) => lifecycles.get(uid),
      async set(lifecycle) {
        const kept = { ...lifecycle, at: at() };
        lifecycles.set(lifecycle.uid, kept);
        return kept;
      },
      forget: async (uid) => void lifecycles.delete(uid),
      bury: async (grave) => void graves.set(grave.uid, { ...grave, buriedAt: at() }),
      grave: async (uid) => graves.get(uid),
    },
    vaults: {
      keep: async (run, vault) => void vaults.set(run, vault),
      read: async (run) => vaults.get(run),
      forget: async (run) => void vaults.delete(run),
    },
    async sessionOf(uid, conversation) {
      const name = `${uid}/${conversation}`;
      const session = sessions.get(name) ?? createSession();
      sessions.set(name, session);
      return session;
    },
  };
}

/** Turns that begin and end as those of the services: known by their key, and ended together with their message. */
function keptTurns(
  inbox: Inbox,
  runs: Map<string, RunRecord>,
  tasks: Map<string, string>,
  runGeneration: RunGeneration,
): RunGeneration {
  return async (turn) => {
    const { key, message, run, agent, conversation, answers, task, signal } = turn;
    await inbox.begin(message);
    const startedAt = new Date(0).toISOString();
    const begun = { uid: agent.uid, agent: agent.object.name, generation: agent.generation };
    const past = runs.get(key);
    const record: RunRecord = past ?? {
      ...begun,
      ...{ run, key, message, conversation, startedAt, status: "running", steps: 1, tokens: 0 },
    };
    runs.set(key, record);
    tasks.set(run, task);
    const result = await runGeneration(turn);
    const isShutDown = signal.reason?.code === "LEG2033" && result.status === "cancel";
    if (isShutDown) return result;
    if (answers(result)) {
      await inbox.finish(message, { generation: agent.generation, result });
    }
    runs.set(key, { ...record, status: result.status });
    return result;
  };
}

/** Resolves when the state of the loop meets the check. */
export async function until(supervisor: Supervisor, check: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => check() && resolve();
  const stop = supervisor.onChange(look);
  look();
  await promise;
  stop();
}

/** Lets everything run that only waits for promises. */
export const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));
