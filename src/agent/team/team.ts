import { LegionError } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { Session } from "../session.ts";
import type { TeamAgent } from "./contract.ts";
import { goneFromTeam, notInTeam, parentEnded, stoppedByParent, unknownId } from "./errors.ts";
import { createGroups, type Groups } from "./groups.ts";
import type { TeamPast } from "./recover.ts";
import {
  type ChildRun,
  type ChildRuns,
  type ChildRunsOptions,
  createChildRuns,
  isShutdown,
} from "./runs.ts";
import { chainOf, createMember, type Seat } from "./seats.ts";
import { type StartedAgent, startAgent } from "./started.ts";

export interface TeamOptions extends Omit<ChildRunsOptions, "member"> {
  readonly agent: ManifestObject<"Agent">;
  /** The place of the turn itself, when it is one of a sub-agent. */
  readonly seat?: Seat;
  readonly vault?: JsonObject;
  /** That of the turn's caller. */
  readonly signal: AbortSignal;
  /** The agent of that name as it is now, in the namespace of the turn's agent. */
  readonly agentOf: (name: string) => TeamAgent | undefined;
  readonly openSession: (agent: TeamAgent, conversation: string) => Promise<Session>;
  /** Forgets the conversation of an agent whose parent has ended. */
  readonly forget?: (agent: TeamAgent, conversation: string) => Promise<unknown>;
  /** What the turn had started before its process died; undefined for a turn that begins. */
  readonly past?: TeamPast;
}

/** The agents below one turn. What can be done with them are the verbs (verbs.ts). */
export interface Team {
  readonly options: TeamOptions;
  readonly runs: ChildRuns;
  readonly groups: Groups;
  /** By id, in the order of their start. */
  readonly started: Map<string, StartedAgent>;
  /** Runs that nobody waits for any more, and that are about to be ended. */
  readonly unwanted: ChildRun[];
  /** Ends every agent below, the last one first. Done once, whoever asks. */
  close(reason?: unknown): Promise<void>;
}

/** The team of one turn. Its runs are known by the keys of the calls that begin them, so that a turn that goes on after a crash finds them. */
export function createTeam(options: TeamOptions): Team {
  const { agent, seat, past } = options;
  const member = createMember(agent.name, agent.spec.team, seat?.member);
  let closing: Promise<void> | undefined;
  const team: Team = {
    options,
    runs: createChildRuns({ ...options, member }),
    groups: createGroups(options.timers),
    started: new Map(),
    unwanted: [],
    close(reason = endReason(options)) {
      closing ??= closeAll(team, reason);
      return closing;
    },
  };
  if (seat !== undefined) seat.closeTeam = team.close;
  if (past !== undefined) {
    // Those above did not count what is below a run without an end.
    for (const each of chainOf(member)) each.runs += past.runs;
    goOn(team, past);
  }
  return team;
}

/** Takes up what the process before had started. */
function goOn(team: Team, { started, casts }: TeamPast): void {
  for (const { id, name } of started) register(team, id, name);
  for (const { id, task, key } of casts) {
    const told = team.started.get(id)?.tell(taskFor(team, task, { key }));
    told?.catch(() => {});
  }
}

async function closeAll(team: Team, reason: unknown): Promise<void> {
  team.groups.closeAll();
  await team.runs.close(reason);
  for (const each of [...team.started.values()].reverse()) await endStarted(team, each, reason);
}

/** Ends a started agent and forgets what it had said, but not when the next process goes on with it. */
export async function endStarted(
  { started, options }: Team,
  ended: StartedAgent,
  reason: unknown,
): Promise<void> {
  started.delete(ended.id);
  await ended.stop(reason);
  await ended.close();
  const agent = options.agentOf(ended.name);
  if (agent === undefined || isShutdown(reason)) return;
  await options.forget?.(agent, ended.conversation).catch(() => {});
}

/** With a turn that ends, its agents end for the same reason. */
function endReason({ agent, run, signal }: TeamOptions): unknown {
  const isGiven = signal.aborted && signal.reason instanceof LegionError;
  return isGiven ? signal.reason : parentEnded(agent.name, run);
}

/** The agent that a name means. Throws LEG2090. */
export function find({ options }: Team, name: string): TeamAgent {
  const { name: parent, spec } = options.agent;
  if (!spec.agents.includes(name)) throw notInTeam(parent, name, spec.agents);
  const found = options.agentOf(name);
  if (found === undefined) throw goneFromTeam(name, spec.agents);
  return found;
}

/** A started agent under its id; a new one when there is none of that id. */
export function register(team: Team, id: string, name: string): StartedAgent {
  const known = team.started.get(id);
  if (known !== undefined) return known;
  const { runs, options } = team;
  const { run, openSession } = options;
  const conversation = `team/${run}/${id.slice(name.length + 1)}`;
  const agent = () => find(team, name);
  const made = startAgent({ id, name, conversation, agent, runs, openSession });
  team.started.set(id, made);
  return made;
}

/** Throws LEG2095. */
export function startedOf({ started }: Team, id: string): StartedAgent {
  const found = started.get(id);
  if (found === undefined) throw unknownId(id, [...started.keys()]);
  return found;
}

/** Which call of the turn it is. */
export interface TeamCall {
  /** The idempotency key: the call that is made again finds the run that it began. */
  readonly key: string;
  readonly signal: AbortSignal;
  readonly vault?: JsonObject;
}

/** What the run of a call is known by. */
export function keyFor({ options }: Team, { key }: Pick<TeamCall, "key">): string {
  return `call/${options.run}/${key}`;
}

export function taskFor(team: Team, task: string, call: Pick<TeamCall, "key" | "vault">) {
  const vault = call.vault ?? team.options.vault;
  return { task, key: keyFor(team, call), ...(vault && { vault }) };
}

/**
 * Waits for something, for as long as the call does. While agents below work, others may take this turn's place. A turn
 * that is being ended hears nothing any more: it would act on what is only its own end.
 */
export async function waited<T>(
  { options, runs }: Team,
  wait: Promise<T>,
  { signal }: TeamCall,
  onAbort: () => void,
): Promise<T> {
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const settled = options.seat?.lend(wait) ?? wait;
    await settled.catch(() => {});
    if (runs.isClosing) await new Promise(() => {});
    return await settled;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Ends runs that nobody waits for any more: all of one moment one after the other, the last one first. */
export function unwant({ options, unwanted }: Team, child: ChildRun): void {
  if (unwanted.push(child) > 1) return;
  queueMicrotask(async () => {
    const reason = options.signal.aborted ? endReason(options) : stoppedByParent();
    for (const each of unwanted.splice(0).reverse()) await each.stop(reason);
  });
}
