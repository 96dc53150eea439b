import { isObject } from "../../lib/json.ts";
import type { Journal, JournalStep, RunRecord } from "../../state/journal.ts";
import { addSpent, nothingSpent, type Spent } from "./meter-limits.ts";

/** The most runs that are read again of one parent. */
const RUNS_READ_MAX = 10_000;

/** What a turn had started before its process died. */
export interface TeamPast {
  /** Agents that were started and not stopped. */
  readonly started: readonly { readonly id: string; readonly name: string }[];
  /** Messages that nobody waits for, by the keys of their calls. */
  readonly casts: readonly { readonly id: string; readonly task: string; readonly key: string }[];
  /** Runs below that have ended, of all levels; the others count when they go on. */
  readonly runs: number;
  /** What those runs have spent. */
  readonly spent: Spent;
}

/**
 * Reads from the record what a run had started; undefined for a run that has only begun. Calls without a result are not
 * among it: the code makes them again.
 */
export async function readTeamPast(
  journal: Pick<Journal, "run" | "runs" | "steps">,
  run: string,
): Promise<TeamPast | undefined> {
  const record = await journal.run(run);
  if (record === undefined || record.steps <= 1) return undefined;
  const ended = await endedBelow(journal, run);
  const spent = (await Promise.all(ended.map((each) => spentBy(journal, each)))).reduce(
    addSpent,
    nothingSpent,
  );
  return { ...startedIn(await journal.steps(run)), runs: ended.length, spent };
}

/** What one run has spent. Of one that is damaged only the tokens are known. */
async function spentBy(
  { steps }: Pick<Journal, "steps">,
  { run, tokens }: RunRecord,
): Promise<Spent> {
  const recorded = await steps(run).catch(() => []);
  const requests = recorded.filter(({ type }) => type === "model.response").length;
  const isToolCall = ({ type, data: { name } }: JournalStep) =>
    type === "call.started" && typeof name === "string" && name.includes(".");
  return { tokens, requests, toolCalls: recorded.filter(isToolCall).length };
}

async function endedBelow(journal: Pick<Journal, "runs">, parent: string): Promise<RunRecord[]> {
  const ended: RunRecord[] = [];
  for (const child of await journal.runs({ parent, limit: RUNS_READ_MAX })) {
    if (child.status === "running") continue;
    ended.push(child, ...(await endedBelow(journal, child.run)));
  }
  return ended;
}

/** The agents that a record says were started, and what they were told without waiting. */
export function startedIn(steps: readonly JournalStep[]): Pick<TeamPast, "started" | "casts"> {
  const calls = new Map<string, { readonly name: string; readonly argument: unknown }>();
  const started = new Map<string, string>();
  const casts: { id: string; task: string; key: string }[] = [];
  for (const { type, data } of steps) {
    const { key, name, argument, reply } = data;
    if (typeof key !== "string") continue;
    if (type === "call.started" && typeof name === "string") calls.set(key, { name, argument });
    const call = calls.get(key);
    if (type !== "call.result" || call === undefined || !isObject(reply) || reply.ok !== true)
      continue;
    const { id, task } = isObject(call.argument) ? call.argument : {};
    const given = isObject(reply.value) ? reply.value.id : undefined;
    if (call.name === "agents.start" && typeof given === "string")
      started.set(given, given.slice(0, given.indexOf("/")));
    if (typeof id !== "string") continue;
    if (call.name === "agents.stop") started.delete(id);
    if (call.name === "agents.cast" && typeof task === "string") casts.push({ id, task, key });
  }
  return { started: [...started].map(([id, name]) => ({ id, name })), casts };
}
