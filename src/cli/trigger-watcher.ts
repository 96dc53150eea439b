import { LegionError, unknownName } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { schemaOfFunction } from "../manifest/function-schema.ts";
import type { WatcherSpec } from "../manifest/generated/watcher.ts";
import { DEFAULT_NAMESPACE } from "../manifest/loaded.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import type { TriggerOptions } from "../trigger/trigger.ts";
import type { WatcherState } from "../watch/contract.ts";
import type { CommandContext } from "./context.ts";
import { declaredObjects } from "./declared-objects.ts";
import type { OpenPlane } from "./plane.ts";
import { notFound, oneTarget, referenceText, type Scope } from "./references.ts";

/** A watcher that a command names, wherever it was found. */
export interface FoundWatcher {
  readonly key: ResourceKey;
  readonly spec: WatcherSpec;
  /** What its trigger is understood with. */
  readonly options: TriggerOptions;
  /** As its daemon, or the last one, left it. */
  readonly state?: Omit<WatcherState, "uid">;
  /** Its tree with the values at the last poll, where a daemon runs. */
  readonly tree?: readonly ExplainedLine[];
}

/** The watcher that `NAME` or `watcher/NAME` names. Throws LEG7017, LEG7002. */
export function watcherTarget(
  word: string | undefined,
  scope: Scope,
  command: string,
): ResourceKey {
  if (word === undefined || word === "")
    throw new LegionError({
      code: "LEG7017",
      message: `legion ${command} needs the name of a watcher`,
      hint: `legion get watchers lists them; then: legion ${command} NAME`,
    });
  const key = oneTarget([word.includes("/") ? word : `watcher/${word}`], scope);
  if (key.kind === "Watcher") return key;
  throw new LegionError({
    code: "LEG7002",
    message: `legion ${command} takes a watcher, and ${referenceText(key)} is none`,
    hint: `write watcher/NAME, for example: legion ${command} watcher/checkout`,
    valid: ["watcher/NAME"],
  });
}

/** The watcher of manifests; undefined when it is wrong by itself, or what may hold it cannot be read, which is then told on stderr. Throws LEG6030. */
export async function watcherInFiles(
  key: ResourceKey,
  paths: readonly string[],
  context: CommandContext,
): Promise<FoundWatcher | undefined> {
  const { name, namespace = DEFAULT_NAMESPACE } = key;
  const { objects, names, find } = await declaredObjects("Watcher", namespace, paths, context);
  const found = await find(name);
  if (found === "wrong") return undefined;
  if (found === undefined)
    throw unknownName("LEG6030", "watcher", name, names, suggest(name, names));
  return { key, spec: found.spec, options: optionsOf(found.spec, objects, key) };
}

/** The watcher of a daemon or of a state folder. Throws LEG6030. */
export async function watcherInStore(
  key: ResourceKey,
  { plane, daemon }: OpenPlane,
): Promise<FoundWatcher> {
  const object = await plane.read(key);
  if (object === undefined) throw await notFound(plane, key);
  const spec = object.spec as unknown as WatcherSpec;
  const tools =
    spec.type === "custom"
      ? (await plane.list({ kind: "Tool", namespace: key.namespace })).items
      : [];
  const objects = tools.map(({ kind, metadata, spec: own }) => ({
    ...{ kind, name: metadata.name, namespace: metadata.namespace, spec: own },
  }));
  const state = object.status.watch as FoundWatcher["state"];
  const tree = daemon && (await daemon.explainTrigger(key).catch(withoutMachine));
  return {
    ...{ key, spec },
    options: optionsOf(spec, objects as unknown as readonly ManifestObject[], key),
    ...(state !== undefined && { state }),
    ...(tree !== undefined && tree.length > 0 && { tree }),
  };
}

/** A watcher that its daemon does not run, or not yet, has no values. */
function withoutMachine(error: unknown): undefined {
  if (!(error instanceof LegionError) || error.code !== "LEG6030") throw error;
}

function optionsOf(
  { type, timezone, recovery, tool }: WatcherSpec,
  objects: readonly ManifestObject[],
  { namespace }: ResourceKey,
): TriggerOptions {
  const schema =
    tool === undefined
      ? undefined
      : schemaOfFunction(objects, tool, namespace ?? DEFAULT_NAMESPACE);
  return {
    ...{ source: type, zone: timezone },
    ...(recovery !== undefined && { recovery }),
    ...(schema !== undefined && { schema }),
  };
}
