import { errorData, LegionError } from "../../lib/errors.ts";
import { canonicalHash } from "../../lib/hash.ts";
import { isObject, type Json } from "../../lib/json.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { agentSpace, sharedSpace } from "../../tools/builtins/kv.ts";
import { type Looker, LookFault, type SourceDeps } from "./look.ts";

/**
 * A key of the key-value store. `value` is what it holds, `type` the name of its type in the trigger language, `length` the characters,
 * items or keys of it, and `ttl` the time that is left to it. `event` is add, change, delete, or none, also at the first look; more time
 * to live is no change.
 */
export async function kvWatch(
  watcher: ManifestObject<"Watcher">,
  { keyValue, clock }: SourceDeps,
): Promise<Looker> {
  const space = spaceOf(watcher);
  const key = watcher.spec.key ?? "";
  /** Of the value at the look before; null where there was none. */
  let before: string | null | undefined;
  return {
    async look(signal) {
      const entry = await entryOf(keyValue, space, key);
      signal.throwIfAborted();
      const hash = entry === undefined ? null : canonicalHash(entry.value);
      const event = eventOf(before, hash);
      before = hash;
      if (entry === undefined) return { key, event };
      const { value, expiresAtMs } = entry;
      return {
        ...{ key, event, value, type: typeOf(value), length: lengthOf(value) },
        ttl: expiresAtMs === undefined ? undefined : Math.max(0, expiresAtMs - clock.now()),
      };
    },
    save: () => (before === undefined ? {} : { space, key, before }),
    restore(saved) {
      // What was seen of another key says nothing of this one.
      if (saved.space !== space || saved.key !== key) return;
      if (typeof saved.before === "string" || saved.before === null) before = saved.before;
    },
  };
}

function spaceOf({ name, namespace, spec }: ManifestObject<"Watcher">): string {
  if (spec.kvNamespace !== undefined) return sharedSpace(namespace, spec.kvNamespace);
  if (spec.agent !== undefined) return agentSpace(namespace, spec.agent);
  throw new LegionError({
    code: "LEG2753",
    message: `the watcher "${name}" names no keys: neither a namespace of the kv tools nor an agent`,
    hint: "set spec.kvNamespace, or spec.agent to look at the keys that this agent has to itself",
  });
}

async function entryOf(keyValue: SourceDeps["keyValue"], space: string, key: string) {
  try {
    return await (await keyValue()).space(space).entry(key);
  } catch (error) {
    throw new LookFault("store", errorData(error).message, {}, error);
  }
}

function eventOf(before: string | null | undefined, now: string | null): string {
  if (before === undefined || before === now) return "none";
  if (before === null) return "add";
  return now === null ? "delete" : "change";
}

function typeOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "map";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function lengthOf(value: Json): number | undefined {
  if (typeof value === "string") return Array.from(value).length;
  if (Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : undefined;
}
