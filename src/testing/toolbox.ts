import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import type { SandboxPool } from "../sandbox/contract.ts";
import { createSandboxPool } from "../sandbox/pool.ts";
import { openDatabase } from "../state/database.ts";
import { type KeyValue, openKeyValue } from "../state/key-value.ts";
import type { AskPeople, Toolbox, ToolCaller, ToolReply } from "../tools/contract.ts";
import { createToolbox, type ToolDeps } from "../tools/registry.ts";

/** What a test says of a toolbox; everything else is the default of the manifests. */
export interface ToolboxOptions {
  /** Specs of Tools by name. */
  readonly tools: Readonly<Record<string, object>>;
  /** spec.tools of the agent; default all of them. */
  readonly uses?: readonly (string | object)[];
  readonly agent?: string;
  readonly clock?: Clock;
  /** What the composition root knows of secrets. */
  readonly secrets?: Pick<ToolDeps, "deniedFiles" | "redact">;
  /** What answers the questions of the human tool. */
  readonly askPeople?: AskPeople;
  /** Takes the place of loading, for sets that the loader refuses. */
  readonly change?: (set: ManifestSet) => Pick<ManifestSet, "get" | "all">;
}

/** A toolbox over the real loader, sandbox and store. */
export interface TestToolbox {
  readonly toolbox: Toolbox;
  call(name: string, argument?: unknown, caller?: Partial<ToolCaller>): Promise<ToolReply>;
  /** The value of a call that must succeed. */
  value(name: string, argument?: unknown): Promise<Json | undefined>;
  /** The error of a call that must fail. */
  error(name: string, argument?: unknown): Promise<ErrorData>;
}

/** A temporary folder, and toolboxes that have it as working folder, manifest root and place of state. */
export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  create(options: ToolboxOptions): Promise<TestToolbox>;
  /** The services alone, for a toolbox that cannot be created. */
  readonly pool: () => Promise<SandboxPool>;
  readonly keyValue: () => Promise<KeyValue>;
  /** Which of the services were asked for. */
  readonly opened: ReadonlySet<"pool" | "keyValue">;
}

/** A fresh workplace; whoever makes it disposes of it. */
export async function workplace(): Promise<Workplace> {
  const resources = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), "legion-tools-"));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const stateFolder = path.join(folder, ".legion");
  const opened = new Set<"pool" | "keyValue">();
  const pool = once(async () => {
    opened.add("pool");
    const made = createSandboxPool();
    resources.defer(() => made.close());
    return made;
  });
  const keyValue = once(async () => {
    opened.add("keyValue");
    const database = await openDatabase(stateFolder);
    resources.defer(() => database.close());
    return openKeyValue(database);
  });
  return {
    folder,
    pool,
    keyValue,
    opened,
    async create(options) {
      const { clock = systemClock, askPeople, secrets } = options;
      const people = askPeople && { askPeople };
      const deps = { pool, keyValue, clock, cwd: folder, stateFolder, ...secrets, ...people };
      const made = await create(options, deps);
      resources.defer(() => made.toolbox.close());
      return made;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function create(
  options: ToolboxOptions,
  deps: Omit<ToolDeps, "objects">,
): Promise<TestToolbox> {
  const set = await load(options, deps.cwd);
  const agent = set.get("Agent", options.agent ?? "tested");
  if (agent === undefined) throw new Error("the agent under test did not load");
  const toolbox = await createToolbox(agent, { ...deps, objects: options.change?.(set) ?? set });
  const call: TestToolbox["call"] = (name, argument, caller = {}) =>
    toolbox.call(name, argument as Json | undefined, {
      agent: agent.name,
      run: "run",
      signal: new AbortController().signal,
      ...caller,
    });
  return {
    toolbox,
    call,
    async value(name, argument) {
      const reply = await call(name, argument);
      if (!reply.ok) throw new Error(`${name} failed: ${JSON.stringify(reply.error)}`);
      return reply.value;
    },
    async error(name, argument) {
      const reply = await call(name, argument);
      if (reply.ok) throw new Error(`${name} succeeded: ${JSON.stringify(reply.value)}`);
      return reply.error;
    },
  };
}

async function load({ tools, uses, agent = "tested" }: ToolboxOptions, cwd: string) {
  const apiVersion = "legion.dev/v1";
  const spec = { description: "An agent.", model: "script/it", tools: uses ?? Object.keys(tools) };
  const replies = [{ action: "done" }];
  const manifests = [
    { apiVersion, kind: "Agent", metadata: { name: agent }, spec },
    {
      apiVersion,
      kind: "Provider",
      metadata: { name: "script" },
      spec: { wire: "scripted", replies },
    },
    ...Object.entries(tools).map(([name, tool]) => ({
      apiVersion,
      kind: "Tool",
      metadata: { name },
      spec: tool,
    })),
  ];
  const text = manifests.map((manifest) => JSON.stringify(manifest)).join("\n---\n");
  const set = await loadManifests([{ text, filename: "tools.yaml" }], { cwd, env: {} });
  const errors = set.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ summary }) => summary).join("\n"));
  return set;
}

/** The set with fields of Tools changed after it was checked: for what the loader refuses, and what happens when a file changes later. */
export function withSpecs(
  set: ManifestSet,
  specs: Readonly<Record<string, object>>,
): Pick<ManifestSet, "get" | "all"> {
  const get: ManifestSet["get"] = (kind, name) => {
    const object = set.get(kind, name);
    const changed = kind === "Tool" ? specs[name] : undefined;
    return object && { ...object, spec: { ...object.spec, ...changed } };
  };
  return { all: set.all, get };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
