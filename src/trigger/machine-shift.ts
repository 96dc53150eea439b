import type { Json, JsonObject } from "../lib/json.ts";
import { numberFrom } from "./machine-state.ts";

/** How far the moments of a saved machine are moved, in milliseconds. */
export interface TimeShift {
  /** All of them: the clock that they were read from was put right. */
  readonly allMs: number;
  /** Since when conditions have been true: so much of that time nobody looked. */
  readonly lastingMs: number;
}

/** A saved machine with its moments moved; see `Machine.save`. */
export function shiftMachine(saved: JsonObject, { allMs, lastingMs }: TimeShift): JsonObject {
  const moved = (at: Json | undefined, byMs: number): Json => {
    const ms = numberFrom(at);
    return ms === undefined ? (at ?? null) : ms + byMs;
  };
  const tracker = (from: Json | undefined): Json =>
    isRecord(from) ? { ...from, since: moved(from.since, allMs + lastingMs) } : (from ?? null);
  const { fires, rings } = saved;
  return {
    ...saved,
    lastTrueMs: moved(saved.lastTrueMs, allMs),
    armedMs: moved(saved.armedMs, allMs),
    firedMs: moved(saved.firedMs, allMs),
    when: tracker(saved.when),
    clear: tracker(saved.clear),
    fires: isRecord(fires)
      ? {
          ...fires,
          ...(fires.lastMs !== undefined && { lastMs: moved(fires.lastMs, allMs) }),
          recent: listOf(fires.recent).map((at) => moved(at, allMs)),
        }
      : (fires ?? null),
    rings: listOf(rings).map((ring) =>
      isRecord(ring) ? { ...ring, times: listOf(ring.times).map((at) => moved(at, allMs)) } : ring,
    ),
  };
}

function isRecord(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function listOf(json: Json | undefined): Json[] {
  return Array.isArray(json) ? json : [];
}
