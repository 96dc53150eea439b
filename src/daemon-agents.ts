/** What agents run with in a daemon: their record, their people, their teams, and the supervisor over all of it. */
import { type Activities, createActivities } from "./agent/activity.ts";
import type { TurnResult } from "./agent/contract.ts";
import { sessionFrom } from "./agent/journal/session.ts";
import type { Supervisor } from "./agent/supervision.ts";
import { dropOrphans } from "./agent/supervisor/orphans.ts";
import { createSupervisor } from "./agent/supervisor/supervisor.ts";
import { endOrphans } from "./agent/team/orphans.ts";
import { createTeams } from "./agent/team/teams.ts";
import { createPeople } from "./human/people.ts";
import type { Clock } from "./lib/clock.ts";
import { LegionError } from "./lib/errors.ts";
import { newId } from "./lib/ids.ts";
import { lazily } from "./lib/lazily.ts";
import { count } from "./lib/text.ts";
import { systemTimers } from "./manifest/watch/timers.ts";
import type { DaemonPlaneParts } from "./reconcile/daemon-plane.ts";
import type { View } from "./reconcile/view.ts";
import type { Database } from "./state/database.ts";
import { journalFailpoint } from "./state/failpoints.ts";
import type { Inbox } from "./state/inbox.ts";
import { openSqliteInbox } from "./state/inbox-sqlite.ts";
import {
  type Journal,
  RUNS_KEPT_MS,
  RUNS_KEPT_PER_AGENT,
  type RunRecord,
} from "./state/journal.ts";
import { openSqliteJournal } from "./state/journal-sqlite.ts";
import { type KeyValue, openKeyValue } from "./state/key-value.ts";
import type { LifecycleState, Lifecycles } from "./state/lifecycles.ts";
import { openSqliteLifecycles } from "./state/lifecycles-sqlite.ts";
import type { Questions } from "./state/questions.ts";
import { openSqliteQuestions } from "./state/questions-sqlite.ts";
import { keyText, type ResourceKey } from "./state/resource.ts";
import type { Fence } from "./state/store.ts";
import type { Vaults } from "./state/vaults.ts";
import { openSqliteVaults } from "./state/vaults-sqlite.ts";
import type { DaemonEvent, EmitObject, EventData, LegionEvent } from "./telemetry/events.ts";
import { createServices, notBegun, type Services, type TurnRequest } from "./turns/services.ts";

export interface AgentPartsOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly stack: AsyncDisposableStack;
  readonly database: Database;
  readonly fence: Fence;
  readonly view: View;
  readonly secretFiles: () => readonly string[];
  readonly publish: (event: DaemonEvent) => void;
  readonly emit: EmitObject;
  readonly onError: (error: unknown) => void;
  /** Ends what is done for people who ask, with the daemon. */
  readonly signal: AbortSignal;
}

export interface AgentParts
  extends Pick<
    DaemonPlaneParts,
    | "supervisor"
    | "journal"
    | "lifecycles"
    | "questions"
    | "decide"
    | "cancelRun"
    | "replay"
    | "rollback"
  > {
  readonly supervisor: Supervisor;
  readonly services: Services;
  readonly journal: Journal;
  readonly lifecycles: Lifecycles;
  /** Answers the messages and ends the runs that another process has left of an agent that is deleted now. */
  readonly endLeft: (uid: string) => Promise<void>;
  readonly keyValue: () => Promise<KeyValue>;
}

/** How often ended runs are looked through for those that are kept no longer. */
const PRUNE_MS = 60 * 60 * 1000;

/** Builds them, and puts right what a process that died has left. */
export async function buildAgentParts(options: AgentPartsOptions): Promise<AgentParts> {
  const { clock, database, fence, env, emit, signal, onError } = options;
  const durable = { clock, fence };
  const failpoint = journalFailpoint(env);
  const journal = openSqliteJournal(database, {
    ...durable,
    onWarning: (message) => warn(emit, "Journal", message),
    ...(failpoint && { failpoint }),
  });
  const questions = openSqliteQuestions(database, durable);
  const lifecycles = openSqliteLifecycles(database, durable);
  const vaults = openSqliteVaults(database, durable);
  const inbox = openSqliteInbox(database, durable);
  await endLeftovers(options, inbox, journal);
  keepBounded(options, journal);
  const activities = createActivities(systemTimers);
  const { get: keyValue } = lazily(() => openKeyValue(database));
  const { services, people, teams } = buildServices(
    options,
    { journal, questions, vaults, activities, keyValue },
    (key) => supervisor.state(key)?.lifecycle.state,
  );
  await people.resume();
  const supervisor = createSupervisor({
    ...{ inbox, journal, lifecycles, vaults, clock, onError },
    sessionOf: (uid, conversation, max) => sessionFrom(journal, uid, conversation, max),
    onNotice: (notice, key) => void emit(keyText(key), notice),
    runGeneration: ({ agent: { uid, generation, object }, ...turn }) =>
      runTurn(services, activities, { ...turn, uid, generation, agent: object }),
    untilAllWait: activities.allWait,
  });
  return {
    ...{ supervisor, services, journal, lifecycles, questions, keyValue },
    async endLeft(uid) {
      await dropOrphans(inbox, (other) => other !== uid);
      await endGhosts(journal, inbox, (run) => run.uid === uid);
    },
    decide: people.decide,
    cancelRun: async (run) =>
      (await supervisor.cancelRun(run)) || (await teams.cancelRun(run, runCancelled(run))),
    replay: ({ run }) => services.replayRun(run, signal),
    rollback: ({ run }) => services.rollbackRun(run, signal),
  };
}

/** What a process that died has left without an owner comes to its end. */
async function endLeftovers({ view, emit }: AgentPartsOptions, inbox: Inbox, journal: Journal) {
  const staying = view.ofKind("Agent").filter(({ deletionTimestamp }) => !deletionTimestamp);
  const uids = new Set(staying.map(({ uid }) => uid));
  const dropped = await dropOrphans(inbox, (uid) => uids.has(uid));
  if (dropped > 0) {
    const message = `${count(dropped, "message")} of agents that were deleted got no answer.`;
    emit("Daemon//legion", { severity: "warning", reason: "MessagesDropped", message });
  }
  await endGhosts(journal, inbox, (run, isAnswered) => isAnswered || !uids.has(run.uid));
  await endOrphans(journal);
}

/** Runs that nobody goes on with: their agent is gone, or their message got another end. */
async function endGhosts(
  journal: Journal,
  inbox: Inbox,
  isGhost: (run: RunRecord, isAnswered: boolean) => boolean,
) {
  for (const record of await journal.unfinished()) {
    const { run, message, parent } = record;
    if (parent !== undefined || message === undefined) continue;
    const outcome = await inbox.outcome(message);
    if (!isGhost(record, outcome !== undefined)) continue;
    const data = { result: { ...outcome?.result, run } };
    await journal.end(run, { data, status: "cancel", reason: "terminated", tokens: 0 });
  }
}

interface Stores {
  readonly journal: Journal;
  readonly questions: Questions;
  readonly vaults: Vaults;
  readonly activities: Activities;
  readonly keyValue: () => Promise<KeyValue>;
}

/** Turns, the people that they ask, and the teams that they start need each other. */
function buildServices(
  options: AgentPartsOptions,
  { journal, questions, vaults, activities, keyValue }: Stores,
  lifecycleOf: (key: ResourceKey) => LifecycleState | undefined,
) {
  const { cwd, env, stateFolder, clock, stack, view, secretFiles, publish, emit } = options;
  const people = stack.adopt(
    createPeople({
      ...{ questions, clock, env, timers: systemTimers },
      redact: (text) => services.redact(text),
      emit: (question, kind, data) => publish(questionEvent(clock, question, kind, data)),
      onWarning: ({ agent }, error) =>
        warn(emit, "Handler", `agent ${agent}: ${error.code}: ${error.message}`),
    }),
    (opened) => opened.close(),
  );
  const openTeam = createTeams({
    ...{ clock, timers: systemTimers, journal: async () => journal },
    agentOf(namespace, name) {
      const key = { kind: "Agent", namespace, name };
      const resource = view.get(key);
      if (resource === undefined || resource.deletionTimestamp !== undefined) return undefined;
      // One that people have stopped works for nobody.
      const state = lifecycleOf(key);
      if (state === "stopped" || state === "terminated") return undefined;
      const { uid, generation } = resource;
      return { uid, generation, object: view.object<"Agent">(resource) };
    },
    sessionOf: (uid, conversation, max) => sessionFrom(journal, uid, conversation, max),
    runChild: ({ agent: { uid, generation, object }, ...turn }) =>
      runTurn(services, activities, { ...turn, uid, generation, agent: object }),
  });
  const services: Services = stack.use(
    createServices({
      ...{ env, cwd, stateFolder, clock, keyValue, publish, secretFiles, openTeam },
      objectsOf: view.within,
      journal: async () => journal,
      vaults: async () => vaults,
      approve: people.approve,
      askPeople: people.ask,
    }),
  );
  return { services, people, teams: openTeam };
}

/** A turn whose tools cannot be built ends with the reason; whatever else fails, the supervisor decides about. */
async function runTurn(
  services: Services,
  activities: Activities,
  request: TurnRequest,
): Promise<TurnResult> {
  const activity = activities.begin();
  try {
    return await services.runTurn({ ...request, activity });
  } catch (error) {
    if (error instanceof LegionError && error.code.startsWith("LEG4"))
      return notBegun(request, error);
    throw error;
  } finally {
    activity.end();
  }
}

function questionEvent<K extends keyof EventData>(
  clock: Clock,
  { agent, run }: { readonly agent: string; readonly run: string },
  kind: K,
  data: EventData[K],
): LegionEvent {
  const nowMs = clock.now();
  const at = new Date(nowMs).toISOString();
  return { id: newId(nowMs), at, agent, run, kind, data } as LegionEvent;
}

/** Forgets old runs now and then; what fails is told and tried again the next time. */
function keepBounded({ clock, stack, onError }: AgentPartsOptions, journal: Journal): void {
  const prune = () =>
    journal
      .prune({ beforeMs: clock.now() - RUNS_KEPT_MS, keptPerAgent: RUNS_KEPT_PER_AGENT })
      .catch(onError);
  const timer = setInterval(() => void prune(), PRUNE_MS).unref();
  stack.defer(() => clearInterval(timer));
}

function runCancelled(run: string): LegionError {
  return new LegionError({
    code: "LEG2073",
    message: `run ${run} was interrupted by a person`,
    hint: "send the task again if it is still wanted",
  });
}

function warn(emit: EmitObject, reason: string, message: string): void {
  emit("Daemon//legion", { severity: "warning", reason, message });
}
