import { LegionError } from "../lib/errors.ts";
import type { Resource, ResourceKey } from "../state/resource.ts";
import { checkTool, toolsOf } from "../tools/check-tool.ts";
import { type Reconciler, ready, stalled, type Verdict, waiting } from "./reconciler.ts";
import { sentenceOf, settledAs } from "./verdict.ts";
import type { View } from "./view.ts";

/** Modules that are loaded at once. */
const CONCURRENCY = 4;
/** When a tool that could not be loaded is looked at again; a file that it names may be readable then. */
const RECHECK_MS = 300_000;

/** A Tool is ready when an agent could use it. Each agent's turn makes its own of it, so there is nothing to keep. */
export function toolReconciler(): Reconciler {
  return {
    kind: "Tool",
    concurrency: CONCURRENCY,
    references: (resource, view) =>
      toolKeys(resource.namespace, toolsOf(view.object<"Tool">(resource))),
    async reconcile(resource, { view }) {
      const object = view.object<"Tool">(resource);
      try {
        await checkTool(object, view.within(resource.namespace));
      } catch (error) {
        if (!(error instanceof LegionError)) throw error;
        const reason = error.code === "LEG4001" ? "ToolMissing" : "LoadFailed";
        return stalled(reason, sentenceOf(error), { retryAfterMs: RECHECK_MS });
      }
      const blocked = blockedBy(resource, toolsOf(object), view);
      return blocked ?? ready("Loaded", "Its functions can be called.");
    },
  };
}

export function toolKeys(namespace: string, names: readonly string[]): ResourceKey[] {
  return names.map((name) => ({ kind: "Tool", namespace, name }));
}

/** What is said of an object that uses tools which exist, when one of them cannot be used, or has not been looked at. */
export function blockedBy(
  user: Resource,
  names: readonly string[],
  view: View,
): Verdict | undefined {
  let pending: string | undefined;
  for (const key of toolKeys(user.namespace, names)) {
    const tool = view.get(key);
    const isItself = tool?.uid === user.uid;
    const found = tool === undefined || isItself ? "ready" : settledAs(tool);
    if (found === "stalled") {
      const message = `The tool "${key.name}" cannot be used: see legion describe tool/${key.name}, and mend it.`;
      return stalled("ToolNotReady", message);
    }
    if (found === "pending") pending ??= key.name;
  }
  if (pending === undefined) return undefined;
  return waiting(
    "ToolPending",
    `The tool "${pending}" is being looked at; this goes on when that is done.`,
  );
}
