import { LegionError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { noUsage } from "../../router/contract.ts";
import type { NewMessage, Put } from "../../state/inbox.ts";
import { keyText, type ResourceKey } from "../../state/resource.ts";
import type { TurnResult } from "../contract.ts";
import type { Incoming, Outcome, Told } from "../supervision.ts";
import {
  beingDeleted,
  cancelled,
  deadLetter,
  inboxFull,
  noLoop,
  notTaken,
  replacedTrigger,
  shuttingDown,
} from "./answers.ts";
import { isIdle } from "./delivery.ts";
import { forgetIfUnused } from "./lanes.ts";
import { type Lane, type Loop, laneOf, queuedIn, runningIn, type Supervision } from "./loop.ts";
import { admitTrigger } from "./overflow.ts";
import { pickReplica, replicaNames } from "./routing.ts";
import { addAsker, settle, vaultOf } from "./settling.ts";

/** The loop of an agent that is there, and is to stay. */
export function loopFor({ loops, closing }: Supervision, key: ResourceKey): Loop {
  if (closing.signal.aborted) throw shuttingDown();
  const loop = loops.get(keyText(key));
  if (loop === undefined) throw noLoop(key);
  if (loop.isEnding) throw beingDeleted(key);
  return loop;
}

/** Keeps a message and waits for its outcome. A duplicate gets that of the first. */
export async function ask(
  supervision: Supervision,
  key: ResourceKey,
  incoming: Incoming,
  signal: AbortSignal,
): Promise<Outcome> {
  signal.throwIfAborted();
  const id = incoming.id ?? newId(supervision.clock.now());
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop);
  const asker = { resolve, reject, isPatient: incoming.isPatient === true };
  let forget = addAsker(supervision, id, asker);
  const putting = put(supervision, key, id, incoming).then(async (told) => {
    if (told.dropped !== undefined) return resolve(notDelivered(supervision, key, told));
    // Under the key of another message, or sent before: it may have its answer.
    if (told.isDuplicate !== true) return;
    forget();
    forget = addAsker(supervision, told.message, asker);
    const known = await outcomeOf(supervision, loopFor(supervision, key), told.message);
    if (known !== undefined) resolve(known);
  });
  try {
    // The turn may end before the writer of the message hears that it is written.
    await Promise.all([putting, promise]);
    return await promise;
  } finally {
    forget();
    signal.removeEventListener("abort", stop);
  }
}

/** Keeps a message for an agent that takes messages, and lets its lane have a turn. */
export async function put(
  supervision: Supervision,
  key: ResourceKey,
  id: string,
  incoming: Incoming,
): Promise<Told> {
  await loopFor(supervision, key).ready;
  // It may have come to its end meanwhile.
  const loop = loopFor(supervision, key);
  const { trigger, isKept = false, conversation = trigger ?? routed(supervision, loop) } = incoming;
  if (!isKept) {
    const refused = notTaken(key, loop.lifecycle);
    if (refused !== undefined) throw refused;
    if (isIdle(incoming.task)) return { message: id, queued: queuedIn(loop), dropped: "idle" };
  }
  if (trigger !== undefined && !isKept && !(await isRepeated(supervision, loop, id, incoming))) {
    const dropped = await admit(supervision, loop, id, { trigger, conversation });
    if (dropped !== undefined) return dropped;
  }
  const lane = laneOf(loop, conversation);
  try {
    return await write(supervision, lane, id, incoming);
  } catch (error) {
    loop.triggers.delete(id);
    forgetIfUnused(lane);
    throw error;
  }
}

/** Whether a trigger was let in before: no cap and nothing that waits has a part in it. */
async function isRepeated(
  { inbox }: Supervision,
  { uid }: Loop,
  id: string,
  { dedupeKey }: Incoming,
): Promise<boolean> {
  return dedupeKey !== undefined && inbox.isKnown({ id, uid, dedupeKey });
}

/** Lets a trigger in, as one that waits; where it is dropped, what is told of that. */
async function admit(
  supervision: Supervision,
  loop: Loop,
  id: string,
  { trigger, conversation }: { readonly trigger: string; readonly conversation: string },
): Promise<Told | undefined> {
  const { key, triggers, policy } = loop;
  const waiting = [...triggers].flatMap(([other, at]) => (at === conversation ? other : []));
  const load = { running: runningIn(loop), waiting: triggers.size, max: policy.maxSessions };
  const decision = admitTrigger(policy.overflow, { ...load, waitingInLane: waiting.length });
  if (decision === "drop") return overflowed(supervision, loop, id, trigger);
  triggers.set(id, conversation);
  if (decision === "replace") await replace(supervision, loop, waiting);
  // The agent may have been stopped meanwhile.
  const late = notTaken(key, loop.lifecycle) ?? (loop.isEnding ? beingDeleted(key) : undefined);
  if (late === undefined) return undefined;
  triggers.delete(id);
  throw late;
}

async function write(
  supervision: Supervision,
  lane: Lane,
  id: string,
  { task, from, dedupeKey, trigger, vault, tick }: Incoming,
): Promise<Told> {
  const { inbox, vaults } = supervision;
  const { loop, conversation } = lane;
  const { uid, key } = loop;
  const message: NewMessage = {
    ...{ id, uid, task, conversation },
    ...(from !== undefined && { from }),
    ...(dedupeKey !== undefined && { dedupeKey }),
    ...(trigger !== undefined && { trigger }),
    ...(tick !== undefined && { tick }),
  };
  const keepVault = async () => {
    // Sent twice, a message has the data that came first.
    if (vault === undefined || (await vaults.read(vaultOf(id))) !== undefined) return;
    await vaults.keep(vaultOf(id), vault);
  };
  const putting = keepVault().then(() => inbox.put(message));
  lane.putting += 1;
  loop.puts.add(putting);
  let kept: Put;
  try {
    kept = await putting;
  } catch (error) {
    const isFull = error instanceof LegionError && error.code === "LEG6042";
    throw isFull ? inboxFull(key) : error;
  } finally {
    lane.putting -= 1;
    loop.puts.delete(putting);
  }
  const { duplicateOf: first, isTaken = false } = kept;
  if (isTaken) {
    loop.triggers.delete(id);
    forgetIfUnused(lane);
    if (vault !== undefined) await vaults.forget(vaultOf(id));
    return { message: id, queued: queuedIn(loop), dropped: "taken" };
  }
  if (first !== undefined) {
    loop.triggers.delete(id);
    forgetIfUnused(lane);
    // What still waits under its own id has its data to itself.
    const isOver = first !== id || (await inbox.outcome(id)) !== undefined;
    if (vault !== undefined && isOver) await vaults.forget(vaultOf(id));
    return { message: first, queued: queuedIn(loop), isDuplicate: true };
  }
  arrived(supervision, lane, trigger);
  return { message: id, queued: queuedIn(loop) };
}

function arrived(supervision: Supervision, lane: Lane, trigger: Incoming["trigger"]): void {
  const { loop } = lane;
  lane.queued += 1;
  lane.arrived += 1;
  if (trigger !== "heartbeat") loop.happened += 1;
  // What was put off holds back none but its own sender.
  lane.stopDue?.();
  supervision.changed(loop);
  supervision.wake(lane);
}

/** The conversation of the replica that gets the next message. */
function routed({ random }: Supervision, loop: Loop): string {
  const { replicas, routing } = loop.policy;
  const names = replicaNames(replicas);
  const loads = names.map((name) => {
    const { queued = 0, putting = 0, turn, turns = 0 } = loop.lanes.get(name) ?? {};
    return { load: queued + putting + (turn === undefined ? 0 : 1), turns };
  });
  const picked = names[pickReplica(routing, loads, { sent: loop.sent, random })];
  loop.sent += 1;
  return picked ?? names[0] ?? "";
}

function overflowed(supervision: Supervision, loop: Loop, id: string, trigger: string): Told {
  const message = `A trigger (${trigger}) was dropped: ${loop.policy.maxSessions} sessions run already. Raise spec.maxConcurrentSessions, or set spec.overflow to coalesce or queue(n).`;
  supervision.notify({ severity: "warning", reason: "TriggerDropped", message }, loop);
  return { message: id, queued: queuedIn(loop), dropped: "overflow" };
}

/** Takes back triggers that a newer one takes the place of. */
async function replace(
  supervision: Supervision,
  loop: Loop,
  messages: readonly string[],
): Promise<void> {
  const { agent, key } = loop;
  const { generation } = agent;
  for (const id of messages) {
    // One that begins now is not to be taken back.
    if (!loop.triggers.delete(id)) continue;
    const error = replacedTrigger(key).toJSON();
    const result = cancelled(agent, "terminated", error, { run: newId(supervision.clock.now()) });
    await supervision.inbox.finish(id, { generation, result });
    settle(supervision, id, generation, result);
  }
}

/** What one who asks hears of a message that was not delivered. */
function notDelivered(supervision: Supervision, key: ResourceKey, { message }: Told): Outcome {
  const { agent } = loopFor(supervision, key);
  const { name, spec } = agent.object;
  const figures = { iterations: 0, evaluations: 0, retries: 0, toolCalls: 0, durationMs: 0 };
  const run = newId(supervision.clock.now());
  const told = { agent: name, run, model: spec.model, usage: noUsage, ...figures };
  const { generation } = agent;
  return { message, generation, result: { status: "ok", value: "IDLE", ...told } };
}

/** What a message has come to already; undefined for one that waits. */
async function outcomeOf(
  { inbox, clock }: Supervision,
  { agent, key, uid }: Loop,
  message: string,
): Promise<Outcome | undefined> {
  const known = await inbox.outcome(message);
  if (known !== undefined) {
    const { generation, result } = known;
    // The inbox keeps results as the supervisor gave them.
    return { message, generation, result: result as unknown as TurnResult };
  }
  const letter = (await inbox.dead(uid)).find(({ id }) => id === message);
  if (letter === undefined) return undefined;
  const error = deadLetter(key, message, letter.cause).toJSON();
  const result = cancelled(agent, "terminated", error, { run: newId(clock.now()) });
  return { message, generation: agent.generation, result };
}
