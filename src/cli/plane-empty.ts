import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { ApplyReport, ApplyRequest, ObjectPlane } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";

/** The plane of a state folder that does not exist: it holds nothing, and nothing can be changed in it. */
export const emptyPlane: ObjectPlane = {
  list: async () => ({ items: [], version: 0 }),
  read: async () => undefined,
  history: async (key) => refuse(key),
  watch: (_since, _query, signal) => silence(signal),
  apply: async (request) =>
    request.dryRun === true ? planned(request) : refuse(request.objects[0]),
  applyPlan: async () => refuse(),
  delete: async ([first]) => refuse(first),
  edit: async (key) => refuse(key),
  rollback: async (key) => refuse(key),
};

/** What an apply would do where there is nothing yet. */
async function planned(request: ApplyRequest): Promise<ApplyReport> {
  const [{ createObjectPlane }, { openMemoryStore }] = await Promise.all([
    import("../reconcile/plane.ts"),
    import("../state/memory.ts"),
  ]);
  const store = openMemoryStore({ clock: systemClock });
  return createObjectPlane({ store, clock: systemClock, idle: true }).apply(request);
}

async function* silence(signal: AbortSignal): AsyncGenerator<never> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  yield* [];
}

function refuse(key?: ResourceKey): never {
  const noun = key === undefined ? "object" : key.kind.toLowerCase();
  throw new LegionError({
    code: "LEG6030",
    message: key === undefined ? "there are no objects" : `no ${noun} is named "${key.name}"`,
    hint: "nothing was applied to this state folder yet: legion apply -f FILE, or name the folder with --state-dir",
  });
}
