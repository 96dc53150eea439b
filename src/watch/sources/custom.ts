import { isObject, type JsonObject } from "../../lib/json.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { type Looker, LookFault, type SourceDeps } from "./look.ts";

/** Roots that every watcher has: a field of a result with such a name is read as value.NAME. */
const common = new Set(["now", "poll", "ok", "error", "latency", "value", "prev"]);

/** What a function of a Tool returns: `value` is all of it, and the fields of an object are roots of their own. */
export async function custom(
  { name, namespace, spec }: ManifestObject<"Watcher">,
  { callTool }: SourceDeps,
): Promise<Looker> {
  return {
    async look(signal) {
      const reply = await callTool({
        namespace,
        caller: `watcher/${name}`,
        tool: spec.tool ?? "",
        arguments: (spec.arguments ?? {}) as JsonObject,
        signal,
      });
      if (!reply.ok) {
        const { code, message } = reply.error;
        throw new LookFault("tool", `${code}: ${message}`);
      }
      const { value } = reply;
      const fields = isObject(value) ? Object.entries(value) : [];
      return { ...Object.fromEntries(fields.filter(([field]) => !common.has(field))), value };
    },
  };
}
