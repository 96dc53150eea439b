import { pathOf } from "../lib/json.ts";
import { isKind } from "./kinds.ts";
import type { Kind } from "./objects.ts";
import { cronFields, secretFields, watcherFields } from "./reload-fields.ts";

/**
 * When a changed field takes effect. live: at once, it is read whenever it is needed. next-turn: turns that run keep the
 * generation they began with, the next one has the new; session, inbox and variables stay. restart: the running part is
 * stopped and started again.
 */
export type ReloadClass = "live" | "next-turn" | "restart";

/** From the weakest to the strongest. */
export const reloadClasses: readonly ReloadClass[] = ["live", "next-turn", "restart"];

/** Patterns of field paths. `*` stands for one name or index, `**` at the end for everything below. */
type Rows = Readonly<Partial<Record<ReloadClass, readonly string[]>>>;

/** Labels, annotations and where an object comes from are read when somebody asks; who it is cannot change without its being another object. */
const everyKind: Rows = {
  live: ["metadata/labels/*", "metadata/annotations/*", "origin/source"],
  restart: ["apiVersion", "kind", "metadata/name", "metadata/namespace"],
};

/**
 * Every field of every kind; one without a row restarts. Today none needs to: a turn reads the whole spec of its agent and
 * builds the tools when it begins, and a sandbox whose limits changed is opened anew with the variables of the old one.
 */
export const reloadRows: Readonly<Record<Kind, Rows>> = {
  Source: {
    ...everyKind,
    live: [
      ...(everyKind.live ?? []),
      "spec/type",
      "spec/path",
      "spec/url",
      "spec/ref/branch",
      "spec/ref/tag",
      "spec/ref/commit",
      "spec/subfolder",
      "spec/subfolder/*",
      "spec/interval",
      "spec/prune",
      "spec/verify/mode",
      "spec/verify/allowedSigners",
      "spec/timeout",
      "spec/suspend",
    ],
  },
  Agent: {
    ...everyKind,
    live: [
      ...(everyKind.live ?? []),
      "spec/terminationGracePeriod",
      "spec/inbox/redeliveryDelay",
      "spec/inbox/maxDeliveries",
      "spec/maxConcurrentSessions",
      "spec/overflow",
      "spec/heartbeat/every",
      "spec/heartbeat/jitter",
      "spec/heartbeat/task",
      "spec/heartbeat/when",
      "spec/replicas",
      "spec/routing",
      "spec/restart/policy",
      "spec/restart/maxRestarts",
      "spec/restart/within",
      "spec/restart/delay",
      "spec/restart/maxDelay",
      "spec/restart/healthyAfter",
      "spec/ttl",
      "spec/terminateOn/*",
    ],
    "next-turn": [
      "spec/description",
      "spec/instructions",
      "spec/instructionsFrom/file",
      "spec/systemPrompt",
      "spec/expandPrompts",
      "spec/model",
      "spec/mode",
      "spec/agents/*",
      "spec/team/maxDepth",
      "spec/team/maxRuns",
      "spec/team/concurrency",
      "spec/approvals/*",
      "spec/approvalTimeout",
      "spec/conversation/maxMessages",
      "spec/budget/run/tokens",
      "spec/budget/run/toolCalls",
      "spec/budget/run/requests",
      "spec/budget/team/tokens",
      "spec/budget/team/toolCalls",
      "spec/budget/team/requests",
      "spec/budget/agent/tokens",
      "spec/budget/agent/turns",
      "spec/budget/agent/per",
      "spec/rateLimit/turns",
      "spec/rateLimit/per",
      "spec/modelOptions/temperature",
      "spec/modelOptions/maxOutputTokens",
      "spec/modelOptions/reasoningEffort",
      "spec/tools/*",
      "spec/tools/*/name",
      "spec/tools/*/as",
      "spec/tools/*/functions/*",
      "spec/tools/*/config/**",
      "spec/toolDocs",
      "spec/actionTypes/*",
      "spec/outputSchema/**",
      "spec/answerCheck",
      "spec/maxIterations",
      "spec/maxRetries",
      "spec/maxMessageLength",
      "spec/bindingScope",
      "spec/maxBindingsBytes",
      "spec/timeout",
      "spec/sandbox/timeout",
      "spec/sandbox/memory",
      "spec/sandbox/maxToolCalls",
      "spec/sandbox/maxResultBytes",
      "spec/sandbox/maxLogBytes",
      "spec/sandbox/isolation",
    ],
  },
  Tool: {
    ...everyKind,
    "next-turn": [
      "spec/type",
      "spec/description",
      "spec/builtin",
      "spec/module",
      "spec/source",
      "spec/sourceFrom/file",
      "spec/contentDigest",
      "spec/capabilities/*",
      "spec/functions/*/description",
      "spec/functions/*/parameters/**",
      "spec/functions/*/returns/**",
      "spec/functions/*/example/**",
      "spec/functions/*/idempotent",
      "spec/functions/*/revert",
      "spec/functions/*/approval",
      "spec/config/**",
      "spec/timeout",
      "spec/maxArgumentBytes",
      "spec/maxResultBytes",
    ],
  },
  Provider: {
    ...everyKind,
    live: [
      ...(everyKind.live ?? []),
      "spec/wire",
      "spec/baseUrl",
      "spec/chatPath",
      ...secretFields("spec/apiKey"),
      "spec/headers/*",
      ...secretFields("spec/headers/*"),
      "spec/stream",
      "spec/structuredOutput",
      "spec/models/*/name",
      "spec/models/*/capabilities/*",
      "spec/timeouts/firstByte",
      "spec/timeouts/idle",
      "spec/timeouts/total",
      "spec/maxResponseBytes",
      "spec/replies/*/when/contains",
      "spec/replies/*/when/lastContains",
      "spec/replies/*/when/step",
      "spec/replies/*/action",
      "spec/replies/*/thought",
      "spec/replies/*/code",
      "spec/replies/*/result",
      "spec/replies/*/text",
      "spec/replies/*/reasoning",
      "spec/replies/*/toolCalls/*/name",
      "spec/replies/*/toolCalls/*/arguments/**",
      "spec/replies/*/error/status",
      "spec/replies/*/error/message",
      "spec/replies/*/delay",
      "spec/repliesFrom/file",
      "spec/contentDigest",
    ],
  },
  Router: {
    ...everyKind,
    live: [
      ...(everyKind.live ?? []),
      "spec/tiers/*/name",
      "spec/tiers/*/targets/*",
      "spec/tiers/*/targets/*/provider",
      "spec/tiers/*/targets/*/model",
      "spec/tiers/*/targets/*/weight",
      "spec/tiers/*/timeout",
      "spec/aliases/*",
      "spec/allowScripted",
    ],
  },
  Watcher: {
    ...everyKind,
    live: [...(everyKind.live ?? []), ...watcherFields],
  },
  Cron: {
    ...everyKind,
    live: [...(everyKind.live ?? []), ...cronFields],
  },
};

/** The class of a change at a JSON pointer. A whole map or list has the strongest class of the fields in it; what no row knows restarts. */
export function reloadClassOf(kind: string, pointer: string): ReloadClass {
  if (!isKind(kind)) return "restart";
  const path = pathOf(pointer);
  const own = patternsOf(kind).filter(({ parts }) => covers(parts, path));
  const found = own.length > 0 ? own : patternsOf(kind).filter(({ parts }) => isAbove(path, parts));
  return found.length > 0 ? strongestOf(found.map((pattern) => pattern.class)) : "restart";
}

/** The class of several changes together; live when there are none. */
export function strongestOf(classes: Iterable<ReloadClass>): ReloadClass {
  let strongest = 0;
  for (const name of classes) strongest = Math.max(strongest, reloadClasses.indexOf(name));
  return reloadClasses[strongest] ?? "restart";
}

interface Pattern {
  readonly parts: readonly string[];
  readonly class: ReloadClass;
}

const patterns = new Map<Kind, readonly Pattern[]>();

function patternsOf(kind: Kind): readonly Pattern[] {
  const known = patterns.get(kind);
  if (known !== undefined) return known;
  const fresh = reloadClasses.flatMap((name) =>
    (reloadRows[kind][name] ?? []).map((row) => ({ parts: row.split("/"), class: name })),
  );
  patterns.set(kind, fresh);
  return fresh;
}

/** Whether a path is what a pattern names, or below its `**`. */
function covers(parts: readonly string[], path: readonly string[]): boolean {
  const isOpen = parts.at(-1) === "**";
  const named = isOpen ? parts.slice(0, -1) : parts;
  return (isOpen ? path.length >= named.length : path.length === named.length) && fits(named, path);
}

/** Whether a path leads to fields that a pattern names. */
function isAbove(path: readonly string[], parts: readonly string[]): boolean {
  return path.length < parts.length && fits(parts.slice(0, path.length), path);
}

function fits(parts: readonly string[], path: readonly string[]): boolean {
  return parts.every((part, index) => part === "*" || part === path[index]);
}
