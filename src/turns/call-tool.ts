/** Calls of tools for those who are no agents: watchers and crons. */

import { type ErrorData, LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { JsonObject } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { nameInCode } from "../manifest/tool-use.ts";
import { toolsOf } from "../tools/check-tool.ts";
import { needsPerson, type Toolbox, type ToolReply } from "../tools/contract.ts";
import { createToolbox, type ToolDeps } from "../tools/registry.ts";

/** Who calls what. */
export interface ToolCall {
  readonly namespace: string;
  /** `watcher/disk`: what it keeps in a kv tool without a namespace is its own. */
  readonly caller: string;
  /** A function of a Tool object, as manifests write it: `pager.page`. */
  readonly tool: string;
  readonly arguments: JsonObject;
  /** The same for every attempt of one call; made up where it is left out. */
  readonly idempotencyKey?: string;
  readonly signal: AbortSignal;
}

export interface ToolCaller extends AsyncDisposable {
  /** Calls a function; a tool that cannot be built is an error of the reply. It rejects only for a bug. */
  call(call: ToolCall): Promise<ToolReply>;
}

/** Toolboxes that are kept between calls: a sandbox costs more to open than to keep. */
const KEPT_MAX = 32;

interface Kept {
  /** The Tools that it was made of: others need another. */
  readonly madeOf: readonly ManifestObject<"Tool">[];
  /** Files that were closed to it. */
  readonly denied: string;
  readonly toolbox: Promise<Toolbox>;
  calls: number;
  isDropped: boolean;
}

/** A caller whose toolboxes are closed with it. */
export function createToolCaller(depsOf: (namespace: string) => ToolDeps): ToolCaller {
  /** The one that was used last comes last. */
  const kept = new Map<string, Kept>();

  function drop(key: string, each: Kept): void {
    kept.delete(key);
    each.isDropped = true;
    closeUnused(each);
  }

  function closeUnused({ isDropped, calls, toolbox }: Kept): void {
    if (isDropped && calls === 0) void toolbox.then((built) => built.close()).catch(() => {});
  }

  function toolboxOf({ namespace, caller, tool }: ToolCall): Kept {
    const [name = ""] = tool.split(".");
    const key = JSON.stringify([namespace, caller, name]);
    const deps = depsOf(namespace);
    const madeOf = toolsBehind(name, deps.objects);
    // A file that a manifest reads a secret from since then is closed to the next call.
    const denied = JSON.stringify(deps.deniedFiles ?? []);
    const known = kept.get(key);
    if (known?.denied === denied && isSame(known.madeOf, madeOf)) {
      kept.delete(key);
      kept.set(key, known);
      return known;
    }
    if (known !== undefined) drop(key, known);
    const user = { name: caller, namespace, spec: { tools: [name] } };
    const toolbox = createToolbox(user, deps);
    const made: Kept = { madeOf, denied, toolbox, calls: 0, isDropped: false };
    kept.set(key, made);
    made.toolbox.catch(() => {
      if (kept.get(key) === made) kept.delete(key);
    });
    for (const [oldest, each] of kept)
      if (kept.size > KEPT_MAX && each !== made) drop(oldest, each);
    return made;
  }

  return {
    async call(call) {
      const used = toolboxOf(call);
      used.calls += 1;
      try {
        const toolbox = await used.toolbox;
        const [name = "", fn = ""] = call.tool.split(".");
        const { caller, signal, idempotencyKey } = call;
        const bound = toolbox.tools.find((each) => each.tool.name === name);
        // Only agents ask people: the call of anybody else would be made without them.
        if (needsPerson(bound?.tool.functions[fn])) return { ok: false, error: personNeeded(call) };
        return await toolbox.call(`${nameInCode(name)}.${fn}`, call.arguments, {
          ...{ agent: caller, run: newId(Date.now()), signal },
          ...(idempotencyKey !== undefined && { idempotencyKey }),
        });
      } catch (error) {
        if (!(error instanceof LegionError)) throw error;
        return { ok: false, error: error.toJSON() };
      } finally {
        used.calls -= 1;
        closeUnused(used);
      }
    },
    async [Symbol.asyncDispose]() {
      const all = [...kept.values()];
      kept.clear();
      await Promise.allSettled(all.map(async ({ toolbox }) => (await toolbox).close()));
    },
  };
}

/** A tool and all that its code may call, in the order in which they are found. */
function toolsBehind(
  name: string,
  objects: ToolDeps["objects"],
): readonly ManifestObject<"Tool">[] {
  const found = new Map<string, ManifestObject<"Tool">>();
  const visit = (next: string): void => {
    const object = objects.get("Tool", next);
    if (object === undefined || found.has(next)) return;
    found.set(next, object);
    for (const inner of toolsOf(object)) visit(inner);
  };
  visit(name);
  return [...found.values()];
}

function personNeeded({ tool, caller }: ToolCall): ErrorData {
  return {
    code: "LEG4027",
    message: `${tool} needs a person, and nobody is asked for ${caller}`,
    hint: "have an agent told instead, which calls it with the leave of a person",
  };
}

function isSame(one: readonly object[], other: readonly object[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}
