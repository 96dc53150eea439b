import type { Clock } from "../../lib/clock.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { Resource, ResourceKey } from "../resource.ts";
import type { PutChange, Store, StoreChange, WriteOptions } from "../store.ts";

/** A fresh, empty store that keeps `eventsRetained` events, on a clock that stands until it is told to advance. */
export interface OpenedStore {
  readonly store: Store;
  readonly clock: Clock & { advance(ms: number): void };
  close(): Promise<void>;
}

export type OpenStore = (options?: { readonly eventsRetained?: number }) => Promise<OpenedStore>;

/** One sentence that holds for every driver. */
export interface ContractCase {
  readonly name: string;
  readonly eventsRetained?: number;
  check(opened: OpenedStore): Promise<void>;
}

/** The time of the writes of the contract. */
export const AT = Date.UTC(2026, 0, 1);

export function key(name: string, kind = "Agent", namespace = "default"): ResourceKey {
  return { kind, namespace, name };
}

export function put(
  name: string,
  spec: JsonObject = {},
  more: Partial<Omit<PutChange, "type" | "spec">> = {},
): PutChange {
  const plain = { key: key(name), labels: {}, annotations: {}, manager: "test" };
  return { type: "put", ...plain, spec, ...more };
}

export function write(
  store: Store,
  changes: readonly StoreChange[],
  options: Partial<WriteOptions> = {},
) {
  return store.write(changes, { at: AT, ...options });
}

/** The object that must be there. */
export async function found(store: Store, name: string): Promise<Resource> {
  const resource = await store.read(key(name));
  if (resource === undefined) throw new Error(`${name} is not there`);
  return resource;
}

/** Everything that a store keeps, for comparing. */
export async function everything(store: Store) {
  const resources = await store.list();
  const version = await store.version();
  return {
    version,
    resources,
    inventories: await store.inventories(),
    histories: await Promise.all(resources.map((resource) => store.history(resource))),
  };
}
