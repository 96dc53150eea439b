import type { Clock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { checkFence, leasesOver } from "./leases.ts";
import { selects } from "./selector.ts";
import { CHANGES_PAGE_MAX, type Store } from "./store.ts";
import { TooOldError } from "./store-errors.ts";
import type { Tables } from "./tables.ts";
import { createNews, follow } from "./watch.ts";
import { planWrite } from "./write-plan.ts";

export interface StoreOptions {
  /** For leases only, and of it only the monotonic time. */
  readonly clock: Clock;
  readonly newUid?: (nowMs: number) => string;
  /** Events that the log keeps; EVENTS_RETAINED unless told. */
  readonly eventsRetained?: number;
  /** How often to look for commits of other processes while somebody watches. */
  readonly pollMs?: number;
}

/** The store contract over a driver's tables. Reads and writes are done when the call returns; only watching waits. */
export function storeOverTables(tables: Tables, options: StoreOptions): Store {
  const { clock, newUid = newId, pollMs } = options;
  const news = createNews(() => tables.version(), pollMs);
  const store: Store = {
    async read(key) {
      return tables.object(key);
    },
    async list({ labels, ...filter } = {}) {
      const found = tables.objects(filter);
      return labels === undefined
        ? found
        : found.filter((resource) => selects(labels, resource.labels));
    },
    async write(changes, { at, fence }) {
      const context = { at: new Date(at).toISOString(), newUid: () => newUid(at) };
      const result = tables.atomically(() => {
        if (fence !== undefined) checkFence(tables, fence);
        const reader = {
          version: tables.version(),
          object: tables.object,
          inventory: tables.inventory,
        };
        const plan = planWrite(reader, changes, context);
        return { version: plan.version, rowsWritten: tables.apply(plan), events: plan.events };
      });
      news.advance(result.version);
      return result;
    },
    async orphans() {
      return tables.ownerless().filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
    },
    async inventory(source) {
      return tables.inventory(source);
    },
    async inventories() {
      return tables.inventories();
    },
    async unmoved(source, request) {
      return tables.unmoved(source, request);
    },
    async history(key) {
      const living = tables.object(key);
      return living === undefined ? [] : tables.records(living.uid);
    },
    async version() {
      return tables.version();
    },
    async changes(since, limit) {
      const oldest = tables.oldest();
      const version = tables.version();
      if (since < oldest || since > version) throw new TooOldError(since, oldest, version);
      const events = tables.events(since, Math.min(limit, CHANGES_PAGE_MAX));
      return { events, version: events.at(-1)?.version ?? since };
    },
    watch(since, signal) {
      return follow(store.changes, news, since, signal);
    },
    leases: leasesOver(tables, clock),
  };
  return store;
}
