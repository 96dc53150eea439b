import type { Supervisor } from "../agent/supervision.ts";
import type { Crons } from "../cron/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Watchers } from "../watch/contract.ts";
import type { ApiObject } from "./contract.ts";

/** What knows how objects stand in this process. */
export interface LiveParts {
  readonly supervisor: Pick<Supervisor, "state">;
  readonly watchers: Pick<Watchers, "state">;
  readonly crons: Pick<Crons, "state">;
}

type Live = (key: ResourceKey, parts: LiveParts) => { readonly uid: string } | undefined;

/** By kind: the field of the status, and what stands in it. */
const lives: Readonly<Record<string, readonly [field: string, state: Live]>> = {
  Agent: ["loop", (key, { supervisor }) => supervisor.state(key)],
  Watcher: ["watch", (key, { watchers }) => watchers.state(key)],
  Cron: ["cron", (key, { crons }) => crons.state(key)],
};

/** The object with how it stands now. That is known in this process only: it changes with every message, look and tick, and is not worth a write. */
export function withLive(object: ApiObject, parts: LiveParts): ApiObject {
  const { kind, metadata, status } = object;
  const [field, stateOf] = lives[kind] ?? [];
  if (field === undefined || stateOf === undefined) return object;
  const { namespace, name } = metadata;
  const state = stateOf({ kind, namespace, name }, parts);
  if (state === undefined) return object;
  // The loop of a deleted agent may still end while the next one of its name waits.
  if (kind !== "Agent" && state.uid !== metadata.uid) return object;
  const { uid: _, ...told } = state;
  return { ...object, status: { ...status, [field]: told } };
}
