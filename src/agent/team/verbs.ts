import { LegionError } from "../../lib/errors.ts";
import type { Json } from "../../lib/json.ts";
import { durationMs } from "../../lib/quantities.ts";
import type { TurnResult } from "../contract.ts";
import { type Cancelled, runParallel } from "./combine.ts";
import { cancelledBy, stoppedByParent, unknownId } from "./errors.ts";
import type { Group } from "./groups.ts";
import type { StartedAgent } from "./started.ts";
import {
  endStarted,
  find,
  keyFor,
  register,
  startedOf,
  type Team,
  type TeamCall,
  taskFor,
  unwant,
  waited,
} from "./team.ts";

/** Messages of a started agent that its parent can read, the newest. */
const MESSAGES_SHOWN = 50;

/** The value of an agent's answer, or a cancel. */
export type TeamValue = Json | Cancelled;

export interface TeamTask {
  readonly agent: string;
  readonly task: string;
}

interface ToStarted {
  readonly id: string;
  readonly task: string;
}

/** What one turn may do with the agents of its spec.agents: the functions of the tool `agents`. */
export const verbs = {
  /** Runs one task of an agent without a conversation. */
  async call(team: Team, what: TeamTask & { group?: string }, call: TeamCall): Promise<TeamValue> {
    const group = what.group === undefined ? undefined : groupOf(team, what.group);
    return runOne(team, what, call, group);
  },

  async start(
    team: Team,
    { agent, task }: { agent: string; task?: string },
    call: TeamCall,
  ): Promise<{ id: string; result?: TeamValue }> {
    find(team, agent);
    const made = register(team, `${agent}/${nameOf(team, call)}`, agent);
    if (task === undefined) return { id: made.id };
    return { id: made.id, result: await tellOne(team, made, task, call) };
  },

  /** Waits for the answer. */
  async tell(team: Team, { id, task }: ToStarted, call: TeamCall): Promise<TeamValue> {
    return tellOne(team, startedOf(team, id), task, call);
  },

  /** Keeps the task and waits for nothing. */
  async cast(team: Team, { id, task }: ToStarted, call: TeamCall): Promise<null> {
    const told = startedOf(team, id).tell(taskFor(team, task, call));
    told.catch(() => {});
    return null;
  },

  async messages(team: Team, { id }: { id: string }): Promise<Json> {
    const { messages } = await startedOf(team, id).session();
    return messages.slice(-MESSAGES_SHOWN).map(({ type, at, text }) => ({ type, at, text }));
  },

  async parallel(
    team: Team,
    what: { tasks: readonly TeamTask[]; concurrency?: number; timeout?: string },
    call: TeamCall,
  ): Promise<TeamValue[] | Cancelled> {
    // None is begun when one of them cannot be.
    for (const { agent } of what.tasks) find(team, agent);
    const { concurrency = team.options.agent.spec.team.concurrency, timeout } = what;
    const group = team.groups.open(nameOf(team, call), timeoutOf(timeout));
    const thunks = what.tasks.map((task, index) => () => {
      const key = `${call.key}/${index + 1}`;
      return runOne(team, task, { ...call, key }, group);
    });
    const { over, stop } = group;
    const result = await runParallel<TeamValue>(thunks, { concurrency, over, stop });
    group.done();
    return result;
  },

  /** Ends a started agent, or a group. */
  async stop(team: Team, { id }: { id: string }): Promise<true> {
    const group = team.groups.of(id);
    if (group === undefined) await endStarted(team, startedOf(team, id), stoppedByParent());
    await group?.stop();
    group?.done();
    return true;
  },

  /** Opens a group: what is called in it can be ended together, and ends at its time. Gives its id. */
  async group(
    team: Team,
    { timeout, group }: { timeout?: string; group?: string },
    call: TeamCall,
  ): Promise<string> {
    const above = group === undefined ? undefined : groupOf(team, group);
    return team.groups.open(nameOf(team, call), timeoutOf(timeout), above).id;
  },

  /** Waits until a group is ended. */
  async wait(team: Team, { id }: { id: string }): Promise<Cancelled> {
    return groupOf(team, id).over;
  },
};

export type Verb = keyof typeof verbs;

async function runOne(
  team: Team,
  { agent, task }: TeamTask,
  call: TeamCall,
  group?: Group,
): Promise<TeamValue> {
  if (group?.cancelled !== undefined) return group.cancelled;
  const child = team.runs.begin({ agent: find(team, agent), ...taskFor(team, task, call) });
  group?.add(child);
  const result = await waited(team, child.result, call, () => unwant(team, child));
  return valueIn(result, group);
}

async function tellOne(
  team: Team,
  to: StartedAgent,
  task: string,
  call: TeamCall,
): Promise<TeamValue> {
  const told = to.tell(taskFor(team, task, call));
  try {
    return valueIn(await waited(team, told, call, () => to.drop(keyFor(team, call))));
  } catch (error) {
    if (!isEnd(error)) throw error;
    return cancelledBy("interrupted", error.toJSON());
  }
}

/** What tells a call from the others of its run. */
function nameOf({ options: { run } }: Team, { key }: TeamCall): string {
  return key.startsWith(`${run}/`) ? key.slice(run.length + 1) : key;
}

function groupOf(team: Team, id: string): Group {
  const group = team.groups.of(id);
  if (group === undefined) throw unknownId(id, [...team.started.keys()]);
  return group;
}

function timeoutOf(timeout: string | undefined): number | undefined {
  return timeout === undefined ? undefined : durationMs(timeout);
}

/** The value of an answer; a cancel with its reason, of a group that has been ended that of the group. */
function valueIn(result: TurnResult, group?: Group): TeamValue {
  if (result.status === "ok") return result.value;
  return group?.cancelled ?? cancelledBy(result.reason, result.error);
}

/** Whether an error is that a message was not taken up, because its agent or its parent had ended. */
function isEnd(error: unknown): error is LegionError {
  return error instanceof LegionError && ["LEG2094", "LEG2098", "LEG2033"].includes(error.code);
}
