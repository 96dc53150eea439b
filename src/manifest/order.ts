import type { Kind } from "./objects.ts";
import { compareText } from "./place.ts";

/** The annotation with which a manifest moves an object within its kind; lower waves go first. */
export const SYNC_WAVE_ANNOTATION = "legion.dev/sync-wave";

/** What an order is made of. */
export interface Ordered {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A kind comes after those that it depends on. */
const kindOrder = {
  Source: 0,
  Provider: 1,
  Router: 2,
  Tool: 3,
  Agent: 4,
  Watcher: 5,
  Cron: 6,
} as const satisfies Record<Kind, number>;

/** In the order of creation: kind, sync wave, name, namespace. Kinds that are not known come last. Deletes go the other way round. */
export function compareOrder(a: Ordered, b: Ordered): number {
  return (
    rankOf(a.kind) - rankOf(b.kind) ||
    compareText(a.kind, b.kind) ||
    waveOf(a) - waveOf(b) ||
    compareText(a.name, b.name) ||
    compareText(a.namespace, b.namespace)
  );
}

/** The sync wave of an object; 0 when it names none, or none that is a whole number. */
export function waveOf({ annotations }: Pick<Ordered, "annotations">): number {
  const text = annotations[SYNC_WAVE_ANNOTATION];
  return text !== undefined && isWave(text) ? Number(text) : 0;
}

/** Whether a text is a sync wave: a whole number of at most nine digits. */
export function isWave(text: string): boolean {
  return /^-?[0-9]{1,9}$/.test(text);
}

function rankOf(kind: string): number {
  return Object.hasOwn(kindOrder, kind) ? kindOrder[kind as Kind] : Object.keys(kindOrder).length;
}
