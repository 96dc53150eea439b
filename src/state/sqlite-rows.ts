import { LegionError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import type { SqlRow } from "./database.ts";
import type { Resource, SpecRecord } from "./resource.ts";
import type { ObjectMark, StoreEvent } from "./store.ts";
import type { LeaseRow } from "./tables.ts";

/** The value of a JSON column. A text that is not JSON was not written by a store: the file is damaged. */
export function parsed<T>(text: unknown, file: string): T {
  try {
    return JSON.parse(String(text)) as T;
  } catch (error) {
    throw new LegionError(
      {
        code: "LEG6002",
        message: `the database ${file} is damaged: a row holds what is not JSON`,
        hint: "move the file away, or put back a copy of it",
      },
      error,
    );
  }
}

export function recordOf({ generation, at, manager, spec }: SqlRow, file: string): SpecRecord {
  return {
    generation: Number(generation),
    at: String(at),
    manager: String(manager),
    spec: parsed<JsonObject>(spec, file),
  };
}

export function eventOf({ version, type, body }: SqlRow, file: string): StoreEvent {
  return {
    version: Number(version),
    type: String(type) as StoreEvent["type"],
    resource: parsed<Resource>(body, file),
  };
}

export function leaseOf({ name, holder, epoch, renewals, ttl_ms }: SqlRow): LeaseRow {
  return {
    name: String(name),
    holder: holder === null ? null : String(holder),
    epoch: Number(epoch),
    renewals: Number(renewals),
    ttlMs: Number(ttl_ms),
  };
}

export function markOf({ kind, namespace, name, generation, version }: SqlRow): ObjectMark {
  const key = { kind: String(kind), namespace: String(namespace), name: String(name) };
  return { ...key, generation: Number(generation), resourceVersion: Number(version) };
}
