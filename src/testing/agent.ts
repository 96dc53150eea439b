import { EventEmitter, once } from "node:events";
import type { TurnOptions, TurnResult } from "../agent/contract.ts";
import { runTurn } from "../agent/loop.ts";
import { createSession, type Message, type Session } from "../agent/session.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import { createRouter } from "../router/router.ts";
import type { SandboxPool } from "../sandbox/contract.ts";
import { createSecrets } from "../security/secrets.ts";
import { createEmitter } from "../telemetry/emitter.ts";
import type { EventKind, LegionEvent } from "../telemetry/events.ts";
import type { Toolbox } from "../tools/contract.ts";
import { createToolbox } from "../tools/registry.ts";

/** What a test says of its agent; everything else is the default of the manifests. */
export interface AgentUnderTest {
  readonly spec?: Readonly<Record<string, unknown>>;
  /** What the model replies, as in a Provider manifest. */
  readonly replies?: readonly object[];
  /** More manifests. A Router named default among them takes the place of the scripted model. */
  readonly objects?: readonly object[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** An agent over the real loader, router, toolbox and sandbox, with a record of its events. */
export interface TestAgent {
  readonly spec: AgentSpec;
  readonly session: Session;
  readonly toolbox: Toolbox;
  readonly events: readonly LegionEvent[];
  /** Runs a turn in the agent's session. */
  run(options?: Partial<TurnOptions>): Promise<TurnResult>;
  /** Runs a turn without a session. */
  runAlone(): Promise<TurnResult>;
  /** Texts of the messages of a type, oldest first. */
  texts(type: Message["type"]): string[];
  /** Settles at the next event of that kind. */
  next(kind: EventKind): Promise<unknown>;
}

export interface TestAgents extends AsyncDisposable {
  create(options: AgentUnderTest): Promise<TestAgent>;
  readonly pool: () => Promise<SandboxPool>;
}

/** Agents that share one sandbox pool, which is opened when one first needs it. */
export function testAgents(): TestAgents {
  const resources = new AsyncDisposableStack();
  let opened: Promise<SandboxPool> | undefined;
  const open = async () => {
    const { createSandboxPool } = await import("../sandbox/pool.ts");
    const made = await createSandboxPool();
    resources.defer(() => made.close());
    return made;
  };
  const pool = () => {
    opened ??= open();
    return opened;
  };
  return {
    pool,
    async create(options) {
      const made = await createAgent(options, pool);
      resources.defer(async () => {
        await made.session.close();
        await made.toolbox.close();
      });
      return made;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function createAgent(
  options: AgentUnderTest,
  pool: () => Promise<SandboxPool>,
): Promise<TestAgent> {
  const { cwd = process.cwd(), env = {} } = options;
  const objects = await load(options, cwd, env);
  const agent = objects.get("Agent", "tested");
  if (agent === undefined) throw new Error("the agent under test did not load");
  const clock = systemClock;
  const keyValue = () => Promise.reject(new Error("agents under test have no key-value store"));
  const toolbox = await createToolbox(agent, { objects, pool, keyValue, clock, cwd });
  const router = createRouter({ objects, secrets: createSecrets({ env, clock }), clock });
  const session = createSession();
  const events: LegionEvent[] = [];
  const heard = new EventEmitter();
  const sink = (event: LegionEvent) => {
    events.push(event);
    heard.emit(event.kind, event);
  };
  const turnOptions = (): TurnOptions => {
    const run = newId();
    const emit = createEmitter({ agent: agent.name, run, clock, sink });
    const { signal } = new AbortController();
    return { agent, task: "Do it.", run, router, toolbox, pool, clock, emit, signal };
  };
  return {
    spec: agent.spec,
    session,
    toolbox,
    events,
    run: (more = {}) => runTurn({ ...turnOptions(), session, ...more }),
    runAlone: () => runTurn(turnOptions()),
    texts: (type) =>
      session.messages.filter((message) => message.type === type).map(({ text }) => text),
    next: (kind) => once(heard, kind),
  };
}

const apiVersion = "legion.dev/v1";

async function load(
  { spec = {}, replies = [{ action: "done" }], objects = [] }: AgentUnderTest,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<ManifestSet> {
  const defaults = { description: "An agent under test.", model: "script/it", timeout: "20s" };
  const manifests = [
    { apiVersion, kind: "Agent", metadata: { name: "tested" }, spec: { ...defaults, ...spec } },
    {
      apiVersion,
      kind: "Provider",
      metadata: { name: "script" },
      spec: { wire: "scripted", replies },
    },
    ...objects,
  ];
  const text = manifests.map((manifest) => JSON.stringify(manifest)).join("\n---\n");
  const set = await loadManifests([{ text, filename: "test.yaml" }], { cwd, env });
  const errors = set.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ summary }) => summary).join("\n"));
  return set;
}

/** A Tool of type js with these functions, each of which takes anything. */
export function jsTool(name: string, source: string, functions: readonly string[]): object {
  const declared = functions.map((each) => [
    each,
    { description: `The function ${each}.`, parameters: { type: "object" } },
  ]);
  return {
    apiVersion,
    kind: "Tool",
    metadata: { name },
    spec: {
      type: "js",
      description: `The tool ${name}.`,
      source,
      functions: Object.fromEntries(declared),
    },
  };
}

/** A builtin Tool under its own name. */
export function builtinTool(builtin: "files" | "now"): object {
  return {
    apiVersion,
    kind: "Tool",
    metadata: { name: builtin },
    spec: { type: "builtin", builtin },
  };
}
