import type { Action, Trigger } from "./ast.ts";
import type { Span } from "./problems.ts";

/** What a trigger or its recovery needs that stands outside of it, and where it says so. */
export interface TriggerReference extends Span {
  readonly kind: Action["kind"] | "watcher";
  /** The name behind the colon, or of the watcher in `unless firing(NAME)`. */
  readonly name?: string;
  /** Which text the offsets are of. */
  readonly in: "trigger" | "recovery";
  /** What a target is given. */
  readonly given?: "text" | "map";
  /** The keys of the map, where all of them are literals. */
  readonly keys?: readonly string[];
}

/** The references of a trigger; without a `then` it wakes for the sake of its whole condition. */
export function referencesOf(trigger: Trigger): readonly TriggerReference[] {
  const { when, then, unless } = trigger;
  const { start, end } = when.expression;
  const actions: readonly TriggerReference[] =
    then === undefined
      ? [{ kind: "wake", start, end, in: "trigger" }]
      : referencesIn(then.actions, "trigger");
  if (unless === undefined) return actions;
  return [{ kind: "watcher", name: unless.name, in: "trigger", ...unless.at }, ...actions];
}

export function referencesIn(
  actions: readonly Action[],
  text: TriggerReference["in"],
): readonly TriggerReference[] {
  return actions.map((action) => referenceOf(action, text));
}

/** The span of a target is that of its name. */
function referenceOf(action: Action, text: TriggerReference["in"]): TriggerReference {
  const { kind, start, end } = action;
  if (kind === "wake" || kind === "silent") return { kind, start, end, in: text };
  const keys = action.map?.entries.map(({ key }) =>
    key.kind === "string" ? key.value : undefined,
  );
  return {
    kind,
    name: action.name,
    start: start + kind.length + 1,
    end,
    in: text,
    ...(action.text !== undefined && { given: "text" as const }),
    ...(action.map !== undefined && { given: "map" as const }),
    ...(keys?.every((key) => key !== undefined) && { keys }),
  };
}
