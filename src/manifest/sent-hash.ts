import { textHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import type { ManifestObject } from "./objects.ts";

const hashes = new WeakMap<JsonObject, string>();

/** Hash of the spec of an object as it is written. Key order counts, so that it costs little: another order is taken for another text. */
export function sentHash({ sent }: Pick<ManifestObject, "sent">): string {
  const known = hashes.get(sent);
  if (known !== undefined) return known;
  const fresh = textHash(JSON.stringify(sent));
  hashes.set(sent, fresh);
  return fresh;
}

/** Makes known what the hash of a spec is. */
export function knowSentHash(sent: JsonObject, hash: string): void {
  hashes.set(sent, hash);
}
