import type { LegionError } from "../lib/errors.ts";
import { atomically, type Database, databaseError, type SqlRow } from "./database.ts";
import { migrate } from "./migrations.ts";
import type { Resource } from "./resource.ts";
import { eventOf, leaseOf, markOf, parsed, recordOf } from "./sqlite-rows.ts";
import { EVENTS_RETAINED, HISTORY_MAX, type Inventory, type Store } from "./store.ts";
import { type StoreOptions, storeOverTables } from "./store-over-tables.ts";
import type { LeaseRow, Tables } from "./tables.ts";
import { rowsOf, type WritePlan } from "./write-plan.ts";

/** How soon commits of other processes are seen by those who watch. */
const POLL_MS = 100;

/** The store in a database, which it does not own. One store a connection: others on the same connection are seen only by polling. */
export function openSqliteStore(database: Database, options: StoreOptions): Store {
  migrate(database);
  return storeOverTables(sqliteTables(database, options.eventsRetained ?? EVENTS_RETAINED), {
    pollMs: POLL_MS,
    ...options,
  });
}

function sqliteTables(database: Database, eventsRetained: number): Tables {
  const run = database.query;
  const first = (sql: string, ...values: (string | number)[]): SqlRow | undefined =>
    run(sql, ...values)[0];
  const guarded = untilWriteLost(database);
  const resources = (sql: string, ...values: string[]): Resource[] =>
    run(sql, ...values).map((row) => parsed<Resource>(row.body, database.file));
  return {
    atomically: guarded,
    version: () => Number(first("SELECT MAX(version) AS version FROM events")?.version ?? 0),
    object: ({ kind, namespace, name }) =>
      resources(
        "SELECT body FROM resources WHERE kind = ? AND namespace = ? AND name = ?",
        kind,
        namespace,
        name,
      )[0],
    objects: (filter) => {
      const { where, values } = narrowed(filter);
      return resources(`SELECT body FROM resources WHERE ${where} ${SORTED}`, ...values);
    },
    ownerless: () =>
      resources(
        `SELECT body FROM resources WHERE owners IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM json_each(resources.owners) AS owner
          JOIN resources AS living ON living.uid = owner.value
        ) ${SORTED}`,
      ),
    records: (uid) =>
      run(
        "SELECT generation, at, manager, spec FROM records WHERE uid = ? ORDER BY generation DESC",
        uid,
      ).map((row) => recordOf(row, database.file)),
    inventory: (source) => {
      const row = first("SELECT body FROM inventories WHERE source = ?", source);
      return row && parsed<Inventory>(row.body, database.file);
    },
    inventories: () =>
      run("SELECT body FROM inventories ORDER BY source").map((row) =>
        parsed<Inventory>(row.body, database.file),
      ),
    unmoved: (source, request) => run(UNMOVED, source, request).map(markOf),
    oldest: () =>
      Math.max(0, Number(first("SELECT MIN(version) AS version FROM events")?.version ?? 0) - 1),
    events: (since, limit) =>
      run(
        "SELECT version, type, body FROM events WHERE version > ? ORDER BY version LIMIT ?",
        since,
        limit,
      ).map((row) => eventOf(row, database.file)),
    apply: (plan) => apply(database, plan, eventsRetained),
    lease: (name) => leaseRow(database, name),
    keepLease: ({ name, holder, epoch, renewals, ttlMs }) => {
      run(
        "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)",
        name,
        holder,
        epoch,
        renewals,
        ttlMs,
      );
    },
  };
}

const UNMOVED = `SELECT kind, namespace, name, generation, resources.version FROM resources, settled
  WHERE source = ? AND request = ? AND moved <= settled.version`;
const SORTED = "ORDER BY kind, namespace, name";

function narrowed(filter: Parameters<Tables["objects"]>[0]) {
  const fields = (["kind", "namespace"] as const).filter((field) => filter[field] !== undefined);
  return {
    where: fields.map((field) => `${field} = ?`).join(" AND ") || "TRUE",
    values: fields.map((field) => filter[field] ?? ""),
  };
}

function apply(database: Database, plan: WritePlan, eventsRetained: number): number {
  const run = database.query;
  for (const { version, type, resource } of plan.events) {
    const { kind, namespace, name, uid, ownerReferences } = resource;
    const body = JSON.stringify(resource);
    run("INSERT INTO events VALUES (?, ?, ?)", version, type, body);
    if (type === "deleted") {
      run("DELETE FROM resources WHERE uid = ?", uid);
      run("DELETE FROM records WHERE uid = ?", uid);
      continue;
    }
    if (plan.statusOnly.has(version)) {
      run("UPDATE resources SET body = ?, version = ? WHERE uid = ?", body, version, uid);
      continue;
    }
    const owners = ownerReferences.map((owner) => owner.uid);
    run(
      "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      kind,
      namespace,
      name,
      uid,
      owners.length > 0 ? JSON.stringify(owners) : null,
      body,
      resource.generation,
      version,
      version,
    );
  }
  for (const { uid, generation, at, manager, spec } of plan.records) {
    const text = JSON.stringify(spec);
    run("INSERT INTO records VALUES (?, ?, ?, ?, ?)", uid, generation, at, manager, text);
    if (generation > HISTORY_MAX) {
      run("DELETE FROM records WHERE uid = ? AND generation <= ?", uid, generation - HISTORY_MAX);
    }
  }
  for (const { source, inventory } of plan.inventories) {
    if (inventory === undefined) run("DELETE FROM inventories WHERE source = ?", source);
    else run("INSERT OR REPLACE INTO inventories VALUES (?, ?)", source, JSON.stringify(inventory));
  }
  for (const { source, request } of plan.settled)
    run("INSERT OR REPLACE INTO settled VALUES (?, ?, ?)", source, request, plan.version);
  if (plan.events.length > 0 && plan.version > eventsRetained) {
    run("DELETE FROM events WHERE version <= ?", plan.version - eventsRetained);
  }
  return rowsOf(plan);
}

/** What the disk did to a connection in a transaction. */
const lostWrites = new WeakMap<Database, LegionError>();

/**
 * Transactions, until the disk failed in one of them. After a failed fsync nobody knows what is on disk, and the next
 * one may report success for pages that were dropped: nothing more is written on this connection (R07), by none of its
 * users. A new process reads what is really there.
 */
export function untilWriteLost(database: Database): Tables["atomically"] {
  return (work) => {
    const lost = lostWrites.get(database);
    if (lost !== undefined) throw lost;
    try {
      return atomically(database, work);
    } catch (error) {
      const known = databaseError(error, database.file);
      if (known.code === "LEG6006") lostWrites.set(database, known);
      throw error;
    }
  };
}

/** A row of the leases, for whoever checks a fence inside a transaction of its own. */
export function leaseRow(database: Database, name: string): LeaseRow | undefined {
  const row = database.query("SELECT * FROM leases WHERE name = ?", name)[0];
  return row && leaseOf(row);
}
