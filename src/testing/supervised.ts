import type { Supervisor } from "../agent/supervision.ts";
import { createSupervisor, type SupervisorOptions } from "../agent/supervisor.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { openMemoryInbox } from "../state/inbox-memory.ts";
import { manualTime } from "./manual-timers.ts";
import { generationOf, heldTurns } from "./turns.ts";

/** A supervisor with turns that are held, on time that stands. */
export function supervisorRig(
  object: ManifestObject<"Agent">,
  options: Partial<SupervisorOptions> = {},
) {
  const time = manualTime();
  const turns = heldTurns();
  const errors: unknown[] = [];
  const inbox = options.inbox ?? openMemoryInbox(time);
  const supervisor = createSupervisor({
    runGeneration: turns.run,
    ...time,
    onError: (error) => errors.push(error),
    ...options,
    inbox,
  });
  return { time, turns, errors, inbox, supervisor, ensure: ensurer(supervisor, object) };
}

function ensurer(supervisor: Supervisor, object: ManifestObject<"Agent">) {
  return (name = "a", generation = 1) => supervisor.ensure(generationOf(object, generation, name));
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
