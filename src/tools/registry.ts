import type { Clock } from "../lib/clock.ts";
import { LegionError, unknownName } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import { durationMs, sizeBytes } from "../lib/quantities.ts";
import { suggest } from "../lib/suggest.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { ToolSpec } from "../manifest/generated/tool.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { nameInCode } from "../manifest/tool-use.ts";
import type { SandboxPool } from "../sandbox/contract.ts";
import type { KeyValue } from "../state/key-value.ts";
import { noFunction } from "./call/lookup.ts";
import type { Redact } from "./call/redact.ts";
import { callTool } from "./call.ts";
import type { AskPeople, Tool, ToolBinding, Toolbox } from "./contract.ts";
import { builtinTool } from "./types/builtin.ts";
import { jsTool } from "./types/js.ts";
import { moduleTool } from "./types/module.ts";

/** The services that tools are built from; the heavy ones come when a tool first needs them. */
export interface ToolDeps {
  readonly objects: Pick<ManifestSet, "get" | "all">;
  readonly pool: () => Promise<SandboxPool>;
  readonly keyValue: () => Promise<KeyValue>;
  readonly clock: Clock;
  /** Absolute path of the working folder: what relative paths of the files tool start from. */
  readonly cwd: string;
  /** Absolute path of the state folder, closed to tools; `.legion` is closed wherever it is. */
  readonly stateFolder?: string;
  /** Absolute paths of files that hold secrets of the manifests, closed to the files tool. */
  readonly deniedFiles?: readonly string[];
  /** Asks people; the human tool needs it. */
  readonly askPeople?: AskPeople;
  /** Tools that no manifest declares: they come to those of the agent. */
  readonly extra?: readonly ToolBinding[];
  /** Takes secrets out of every text of values and errors on their way to the agent's code, and to js tools. */
  readonly redact?: Redact;
}

/** Who has the tools: an agent, or something that calls them by itself. */
export type ToolUser = Pick<ManifestObject<"Agent">, "name" | "namespace"> & {
  readonly spec: Pick<AgentSpec, "tools">;
};

/** What a tool is built from. */
export interface ToolParts {
  readonly object: ManifestObject<"Tool">;
  readonly agent: ToolUser;
  /** Config of the Tool with the agent's own laid over it; frozen. */
  readonly config: JsonObject;
  readonly limits: Tool["limits"];
  readonly deps: ToolDeps;
  /** Builds a tool for the tool that is being built, one level down. */
  readonly inner: (use: ToolUse) => Promise<ToolBinding>;
}

/** What a type brings to a Tool; name and limits come from the manifest, and a description there goes before its own. */
export type ToolBody = Pick<Tool, "functions" | "call" | "close"> & {
  readonly description?: string;
};

/** Every type of tool: adding one is a file and a line. */
const types = {
  builtin: builtinTool,
  module: moduleTool,
  js: jsTool,
} satisfies Record<ToolSpec["type"], (parts: ToolParts) => Promise<ToolBody>>;

type ToolUse = Exclude<AgentSpec["tools"][number], string>;

/** Levels of js tools that call js tools. */
const DEPTH_MAX = 5;

/**
 * The tools of one agent, ready to be called. Throws a LegionError when one cannot be built: an unknown tool or function,
 * a wrong config, a module without the functions that its manifest lists.
 */
export async function createToolbox(agent: ToolUser, deps: ToolDeps): Promise<Toolbox> {
  const uses = agent.spec.tools.map(toolUse);
  const { extra = [] } = deps;
  const taken = new Set(extra.map(({ as }) => as));
  for (const use of uses) {
    const as = nameInCode(use);
    if (taken.has(as)) throw nameTaken(as);
    taken.add(as);
  }
  const results = await Promise.allSettled(uses.map((use) => bind(use, agent, deps, [])));
  const bindings = results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await closeAll(bindings);
    throw failed.reason;
  }
  const tools = [...bindings, ...extra].toSorted((a, b) => (a.as < b.as ? -1 : 1));
  return {
    tools,
    call: (name, argument, caller) => callTool(tools, name, argument, caller, deps.redact),
    close: () => closeAll(tools),
  };
}

function toolUse(use: AgentSpec["tools"][number]): ToolUse {
  return typeof use === "string" ? { name: use } : use;
}

async function bind(
  use: ToolUse,
  agent: ToolUser,
  deps: ToolDeps,
  callers: readonly string[],
): Promise<ToolBinding> {
  const object = deps.objects.get("Tool", use.name);
  if (object === undefined) throw unknownTool(use.name, deps);
  const chain = [...callers, use.name];
  if (callers.includes(use.name) || chain.length > DEPTH_MAX) throw tooDeep(chain);
  const config = frozen(structuredClone({ ...object.spec.config, ...use.config })) as JsonObject;
  const limits = {
    timeoutMs: durationMs(object.spec.timeout),
    maxArgumentBytes: sizeBytes(object.spec.maxArgumentBytes),
    maxResultBytes: sizeBytes(object.spec.maxResultBytes),
  };
  const inner = (innerUse: ToolUse) => bind(innerUse, agent, deps, chain);
  const body = await types[object.spec.type]({ object, agent, config, limits, deps, inner });
  const description = object.spec.description ?? body.description ?? "";
  const tool: Tool = { ...body, name: object.name, description, limits };
  return granted(
    { as: nameInCode(use), tool, functions: Object.keys(body.functions).toSorted(), config },
    use.functions,
  );
}

function granted(binding: ToolBinding, functions: readonly string[] | undefined): ToolBinding {
  if (functions === undefined) return binding;
  const unknown = functions.find((name) => !binding.functions.includes(name));
  if (unknown !== undefined) throw noFunction(binding, { tool: binding.as, function: unknown });
  return { ...binding, functions: functions.toSorted() };
}

function unknownTool(name: string, deps: ToolDeps): LegionError {
  const known = deps.objects.all("Tool").map((object) => object.name);
  return unknownName("LEG4001", "Tool", name, known, suggest(name, known));
}

function tooDeep(chain: readonly string[]): LegionError {
  const message = `tools call each other in a circle, or more than ${DEPTH_MAX} levels deep: ${chain.join(" -> ")}`;
  return new LegionError({
    code: "LEG4017",
    message,
    hint: "take one of them out of spec.capabilities of the one before it",
  });
}

function nameTaken(as: string): LegionError {
  return new LegionError({
    code: "LEG4013",
    message: `two tools are named "${as}" in the agent's code`,
    hint: "give one of them another name with `as`",
  });
}

async function closeAll(bindings: readonly ToolBinding[]): Promise<void> {
  await Promise.allSettled(bindings.map(({ tool }) => tool.close?.()));
}

/** The value itself, made constant: all calls of a tool share its config. */
function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const inside of Object.values(value)) frozen(inside);
  return Object.isFrozen(value) ? value : Object.freeze(value);
}
