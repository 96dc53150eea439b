import { manualClock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Condition, ConditionType } from "../reconcile/contract.ts";
import { createObjectPlane } from "../reconcile/plane.ts";
import { openDatabase } from "../state/database.ts";
import type { Origin } from "../state/resource.ts";
import { openSqliteStore } from "../state/sqlite.ts";

export interface SeedObject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: JsonObject;
  readonly status?: JsonObject;
  readonly origin?: Omit<Origin, "source">;
}

/** Makes a state folder that holds these objects, as an apply on 1 January 2026 and reconcilers since then would have left it. */
export async function seedStateFolder(
  folder: string,
  objects: readonly SeedObject[],
): Promise<void> {
  const clock = manualClock();
  const database = await openDatabase(folder);
  try {
    const store = openSqliteStore(database, { clock });
    const plane = createObjectPlane({ store, clock, idle: true });
    await plane.apply({
      objects: objects.map(({ kind, name, namespace = "default", labels = {}, spec, origin }) => ({
        ...{ kind, name, namespace, labels, spec, annotations: {} },
        ...(origin !== undefined && { origin }),
      })),
      source: "roots",
      manager: "roots",
      digest: "seed",
    });
    const changes = objects.flatMap(({ kind, name, namespace = "default", status }) =>
      status === undefined
        ? []
        : [{ type: "status", key: { kind, name, namespace }, status } as const],
    );
    await store.write(changes, { at: clock.now() });
  } finally {
    await database.close();
  }
}

/** A condition of generation 1, or of another. */
export function seedCondition(
  type: ConditionType,
  status: Condition["status"],
  reason: string,
  message = `${reason} it is`,
  observedGeneration = 1,
): JsonObject {
  const lastTransitionTime = "2026-01-01T00:00:00.000Z";
  return { type, status, reason, message, lastTransitionTime, observedGeneration };
}
