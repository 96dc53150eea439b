import type { LegionError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { Vaults } from "../../state/vaults.ts";
import type { TurnResult } from "../contract.ts";
import { cancelled, deadLetter } from "./answers.ts";
import type { Asker, Loop, Supervision } from "./loop.ts";
import { endRunsOf } from "./runs.ts";

type Askers = Pick<Supervision, "askers">;

/** Lets somebody wait for the outcome of a message; the function that comes back ends it. */
export function addAsker({ askers }: Askers, message: string, asker: Asker): () => void {
  const waiting = askers.get(message) ?? new Set();
  askers.set(message, waiting.add(asker));
  return () => {
    waiting.delete(asker);
    if (waiting.size === 0 && askers.get(message) === waiting) askers.delete(message);
  };
}

/** Whether somebody waits for the next end of a turn, whatever that is. */
export function isAwaited({ askers }: Askers, message: string): boolean {
  return (
    askers
      .get(message)
      ?.values()
      .some(({ isPatient }) => !isPatient) ?? false
  );
}

/** Tells those who wait for a message what it came to. */
export function settle(
  { askers }: Askers,
  message: string,
  generation: number,
  result: TurnResult,
): void {
  const waiting = askers.get(message) ?? [];
  askers.delete(message);
  for (const asker of waiting) asker.resolve({ message, generation, result });
}

/** Tells people, and those who wait, that a message was given up; it is kept among the dead letters. */
export function tellDead(
  supervision: Supervision,
  loop: Loop,
  message: string,
  cause: string,
): void {
  const { agent, key } = loop;
  const text = `The message ${message} is a dead letter: ${cause}. See legion inbox dead.`;
  supervision.notify({ severity: "warning", reason: "DeadLetter", message: text }, loop);
  const error = deadLetter(key, message, cause).toJSON();
  const result = cancelled(agent, "terminated", error, { run: newId(supervision.clock.now()) });
  settle(supervision, message, agent.generation, result);
}

/** Messages that wait, of one conversation or of all, are answered with the reason, and counted, and their runs end; those that have a turn are not among them. */
export async function dropWaiting(
  supervision: Supervision,
  loop: Loop,
  reason: LegionError,
  conversation?: string,
): Promise<number> {
  const { inbox, journal, changed, clock, vaults, onError } = supervision;
  const { agent, uid } = loop;
  await Promise.allSettled(loop.puts);
  const { generation } = agent;
  const run = newId(clock.now());
  const result = cancelled(agent, "terminated", reason.toJSON(), { run });
  const lanes = [...loop.lanes.values()].filter(
    (lane) => conversation === undefined || lane.conversation === conversation,
  );
  const except = lanes.flatMap(({ turn }) => turn?.told.message ?? []);
  const dropped = await inbox.drop(uid, {
    except,
    ...(conversation !== undefined && { conversation }),
    answer: () => ({ generation, result }),
  });
  await endRunsOf(journal, dropped, result, (error) => onError(error, loop.key));
  for (const { id } of dropped) {
    settle(supervision, id, generation, result);
    loop.triggers.delete(id);
    await forgetVault(vaults, id);
  }
  for (const lane of lanes) {
    lane.queued = 0;
    lane.stopDue?.();
  }
  changed(loop);
  return dropped.length;
}

/** Under which name the vault of a message is kept until its run has it. */
export function vaultOf(message: string): string {
  return `message/${message}`;
}

/** Forgets what a message brought for tools; most bring nothing, and need no write. */
export async function forgetVault(vaults: Vaults, message: string): Promise<void> {
  const name = vaultOf(message);
  if ((await vaults.read(name)) !== undefined) await vaults.forget(name);
}
