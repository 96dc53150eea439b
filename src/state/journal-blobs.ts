import { canonicalText, textHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Database } from "./database.ts";
import { blobDamaged } from "./journal-errors.ts";
import { fieldsSum } from "./journal-sums.ts";

// As floating point: a damaged integer may be larger than what a number holds exactly.
const SELECT = "SELECT CAST(kept_ms AS REAL) AS kept_ms, body, sum FROM blobs WHERE hash = ?";
const HASH = /^[0-9a-f]{64}$/;
/** How exactly it is known when a value was kept last. */
const KEPT_STEP_MS = 60 * 60 * 1000;

/** Values that are known by the hash of their canonical JSON. */
export interface Blobs {
  keep(value: JsonObject, nowMs: number): string;
  read(hash: string): JsonObject | undefined;
  /** Remembers that a run uses the values whose hashes stand at the top of what it has recorded. */
  use(run: string, data: JsonObject): void;
  /** Forgets what no run uses and nobody has kept since. */
  prune(beforeMs: number): void;
}

/** The blobs of one database. Calls that write are made inside a transaction. */
export function blobsOf(database: Database): Blobs {
  const run = database.query;
  return {
    keep(value, nowMs) {
      const body = Buffer.from(canonicalText(value));
      const hash = textHash(body);
      // One that is damaged is whole again after this.
      run(
        `INSERT INTO blobs VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE
          SET kept_ms = excluded.kept_ms, body = excluded.body, sum = excluded.sum
          WHERE abs(CAST(kept_ms AS REAL) - excluded.kept_ms) > ${KEPT_STEP_MS} OR body <> excluded.body`,
        ...[hash, nowMs, body, fieldsSum([hash, nowMs])],
      );
      return hash;
    },
    read(hash) {
      const row = run(SELECT, hash)[0];
      if (row === undefined) {
        // The hash in its row may be what is damaged.
        if (run("SELECT 1 FROM blob_uses WHERE hash = ? LIMIT 1", hash).length > 0)
          throw blobDamaged(hash);
        return undefined;
      }
      const body = Buffer.from(row.body as Uint8Array);
      const isWhole = row.sum === fieldsSum([hash, Number(row.kept_ms)]) && textHash(body) === hash;
      if (!isWhole) throw blobDamaged(hash);
      return JSON.parse(body.toString());
    },
    use(runId, data) {
      for (const value of Object.values(data)) {
        if (typeof value !== "string" || !HASH.test(value)) continue;
        run(
          "INSERT OR IGNORE INTO blob_uses SELECT hash, ? FROM blobs WHERE hash = ?",
          runId,
          value,
        );
      }
    },
    prune(beforeMs) {
      run(
        `DELETE FROM blobs WHERE kept_ms < ?
          AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE blob_uses.hash = blobs.hash)`,
        beforeMs,
      );
    },
  };
}
