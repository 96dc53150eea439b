import type { JsonObject } from "../lib/json.ts";

/** Data of a run that only tools may read, encrypted at rest with a key in a file of the state folder (0600). Never part of the journal. */
export interface Vaults {
  keep(run: string, vault: JsonObject): Promise<void>;
  read(run: string): Promise<JsonObject | undefined>;
  forget(run: string): Promise<void>;
}

/** What the data of a message is kept under until the message has its answer; it goes with the message. */
export function vaultOfMessage(message: string): string {
  return `message/${message}`;
}
