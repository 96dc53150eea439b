/** Reads the parts of a saved machine; what is not as it was saved is left out. */
import type { Json } from "../lib/json.ts";
import { type Fires, type Gate, gates } from "./gates.ts";

/** Why a fire is due: the condition came true, it is true at this poll, or it is time to remind. */
export const fireKinds = ["edge", "poll", "reminder"] as const;
export type FireKind = (typeof fireKinds)[number];

/** A fire that is due, and the gate that holds it back. */
export interface Due {
  readonly kind: FireKind;
  readonly heldBy?: Gate;
}

export function numberFrom(json: Json | undefined): number | undefined {
  return typeof json === "number" ? json : undefined;
}

export function firesFrom(json: Json | undefined): Fires {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return { count: 0, recent: [] };
  const lastMs = numberFrom(json.lastMs);
  const recent = Array.isArray(json.recent) ? json.recent : [];
  return {
    count: numberFrom(json.count) ?? 0,
    ...(lastMs !== undefined && { lastMs }),
    recent: recent.filter((at) => typeof at === "number"),
  };
}

export function dueFrom(json: Json | undefined): Due | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const kind = fireKinds.find((each) => each === json.kind);
  const heldBy = gates.find((each) => each === json.heldBy);
  return kind && { kind, ...(heldBy !== undefined && { heldBy }) };
}
