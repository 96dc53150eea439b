import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import path from "node:path";
import { LegionError } from "../lib/errors.ts";
import type { Database } from "./database.ts";
import { type DurableOptions, fencedWrites } from "./fenced-writes.ts";
import { migrate } from "./migrations.ts";
import { vaultKey } from "./vault-key.ts";
import type { Vaults } from "./vaults.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The vaults in a database, which it does not own; their key is in a file beside it, made when the first vault is kept. */
export function openSqliteVaults(database: Database, { clock, fence }: DurableOptions): Vaults {
  migrate(database);
  const write = fencedWrites(database, fence);
  let reading: Promise<Buffer> | undefined;
  const key = () => {
    reading ??= vaultKey(path.dirname(database.file));
    // One that could not be had is asked for again: it may have been put back.
    reading.catch(() => {
      reading = undefined;
    });
    return reading;
  };
  return {
    async keep(run, vault) {
      const body = encrypt(await key(), run, JSON.stringify(vault));
      const sql = "INSERT OR REPLACE INTO vaults VALUES (?, ?, ?)";
      write(() => database.query(sql, run, clock.now(), body));
    },
    async read(run) {
      const body = database.query("SELECT body FROM vaults WHERE run = ?", run)[0]?.body;
      return body === undefined
        ? undefined
        : JSON.parse(decrypt(await key(), run, body as Uint8Array));
    },
    async forget(run) {
      write(() => database.query("DELETE FROM vaults WHERE run = ?", run));
    },
  };
}

/** Nonce, tag, ciphertext. Bound to its run: the row of one run does not open as that of another. */
function encrypt(key: Buffer, run: string, text: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(run));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

function decrypt(key: Buffer, run: string, body: Uint8Array): string {
  try {
    const nonce = body.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(run));
    decipher.setAuthTag(body.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const sealed = body.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString();
  } catch (error) {
    throw new LegionError(
      {
        code: "LEG6081",
        message: `the vault of ${run} cannot be opened`,
        hint: "put back the vault.key of this state folder, or send the message again with its data",
      },
      error,
    );
  }
}
