import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Meter, TurnResult } from "../agent/contract.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { type Database, openDatabase } from "../state/database.ts";
import type { Journal } from "../state/journal.ts";
import { openSqliteJournal } from "../state/journal-sqlite.ts";
import type { Vaults } from "../state/vaults.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import type { FunctionSpec, ToolBinding, ToolContext } from "../tools/contract.ts";
import {
  type AgentApproval,
  createServices,
  type Services,
  type TurnRequest,
} from "../turns/services.ts";

/** A function of the tool `box`: what is special about it, and what it does. */
export type BoxFunction = Partial<FunctionSpec> & {
  readonly run: (args: JsonObject, context: ToolContext) => Promise<Json | undefined> | Json;
};

export interface DurableOptions {
  readonly spec?: object;
  readonly replies: readonly object[];
  readonly functions?: Readonly<Record<string, BoxFunction>>;
  /** More manifests. */
  readonly objects?: readonly object[];
}

/** At which write of its record a process dies, and whether that one still reached the disk. */
export interface Cut {
  readonly at: number;
  readonly isWritten: boolean;
}

/** One process over the state that all share. */
export interface DurableProcess {
  readonly events: readonly LegionEvent[];
  readonly approvals: readonly AgentApproval[];
  /** How often it wrote to the record of a run. */
  readonly writes: number;
  /** Runs the turn that is known by a key; `k` unless told. */
  run(request?: Partial<TurnRequest>): Promise<TurnResult>;
}

export interface ProcessOptions {
  readonly cut?: Cut;
  /** What people say; without it there is nobody. */
  readonly approve?: (request: AgentApproval) => boolean | Promise<boolean>;
  readonly vaults?: Vaults;
  readonly meter?: Meter;
}

/** A state folder, and processes that run an agent over it one after the other. */
export interface DurableRig extends AsyncDisposable {
  readonly agent: ManifestObject<"Agent">;
  readonly database: Database;
  readonly journal: Journal;
  readonly services: Services;
  /** The tool `box`, as the process that lives has it. */
  box(): readonly ToolBinding[];
  /** A new process. Sandboxes stay open from one to the next, as opening them takes time. */
  process(options?: ProcessOptions): DurableProcess;
}

/** An agent whose runs are on record; whoever makes it disposes of it. */
export async function durableRig(options: DurableOptions): Promise<DurableRig> {
  const resources = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), "legion-durable-"));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const database = await openDatabase(folder);
  resources.defer(() => database.close());
  const journal = openSqliteJournal(database, { clock: systemClock });
  const set = await load(options);
  const loaded = set.get("Agent", "tested");
  if (loaded === undefined) throw new Error("the agent under test did not load");
  const { approvals = [] }: Partial<AgentSpec> = options.spec ?? {};
  const agent = { ...loaded, spec: { ...loaded.spec, approvals } };
  let living: Living | undefined;
  const services = servicesOf(set, folder, options.functions, () => {
    if (living === undefined) throw new Error("no process lives");
    return living;
  });
  resources.defer(() => services[Symbol.asyncDispose]());
  return {
    agent,
    database,
    journal,
    services,
    box: () => boxOf(options.functions, living?.life ?? { isDead: false }),
    process(about = {}) {
      const life: Life = { writes: 0, isDead: false };
      const mine: Living = {
        ...{ about, life, events: [], approvals: [] },
        journal: mortalJournal(journal, life, about.cut),
      };
      return {
        events: mine.events,
        approvals: mine.approvals,
        get writes() {
          return life.writes;
        },
        run(request = {}) {
          living = mine;
          const { signal } = new AbortController();
          const defaults = { agent, uid: "uid", generation: 1, task: "Do it.", key: "k", signal };
          return services.runTurn({ ...defaults, run: newId(), ...request });
        },
      };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface Life {
  writes: number;
  isDead: boolean;
}

/** What the services of all processes ask the one that lives. */
interface Living {
  readonly journal: Journal;
  readonly life: Life;
  readonly about: ProcessOptions;
  readonly events: LegionEvent[];
  readonly approvals: AgentApproval[];
}

const denied = { code: "LEG2062", message: "a person said no", hint: "go another way" } as const;

function servicesOf(
  set: ManifestSet,
  folder: string,
  functions: DurableOptions["functions"],
  living: () => Living,
): Services {
  return createServices({
    ...{ env: {}, cwd: folder, stateFolder: folder, clock: systemClock },
    keyValue: () => Promise.reject(new Error("nothing is kept here")),
    objectsOf: () => set,
    secretFiles: () => [],
    publish: (event) => living().events.push(event),
    journal: async () => living().journal,
    vaults: async () => living().about.vaults ?? noVaults,
    openTeam: async () => {
      const { about, life } = living();
      return { meter: about.meter ?? boundless, tools: boxOf(functions, life) };
    },
    async approve(request) {
      const { about, approvals } = living();
      approvals.push(request);
      return (await about.approve?.(request))
        ? { approved: true }
        : { approved: false, error: denied };
    },
  });
}

const noVaults: Vaults = {
  keep: async () => {},
  read: async () => undefined,
  forget: async () => {},
};

const boundless: Meter = { refuse: () => undefined, spend: () => {} };

/** A journal whose process dies at a write: from then on nothing is written, and nobody hears of what was. */
function mortalJournal(journal: Journal, life: Life, cut: Cut | undefined): Journal {
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (life.isDead) throw new Error("the process is dead");
    life.writes += 1;
    if (life.writes !== cut?.at) return work();
    life.isDead = true;
    if (cut.isWritten) await work();
    throw new Error("the process is dead");
  };
  return {
    ...journal,
    begin: (run, started) => write(() => journal.begin(run, started)),
    append: (run, type, data) => write(() => journal.append(run, type, data)),
    end: (run, end) => write(() => journal.end(run, end)),
  };
}

/** The tool `box`. What a dead process has called does nothing. */
function boxOf(
  functions: DurableOptions["functions"] = {},
  life: { readonly isDead: boolean },
): readonly ToolBinding[] {
  const specs = Object.entries(functions).map(([name, { run: _, ...spec }]) => [
    name,
    { description: `The function ${name}.`, parameters: { type: "object" }, ...spec },
  ]);
  const tool: ToolBinding["tool"] = {
    name: "box",
    description: "A box.",
    functions: Object.fromEntries(specs) as Record<string, FunctionSpec>,
    limits: { timeoutMs: 10_000, maxArgumentBytes: 100_000, maxResultBytes: 1_000_000 },
    async call(name, args, context) {
      await Promise.resolve();
      if (life.isDead) return new Promise<never>(() => {});
      return functions[name]?.run(args, context);
    },
  };
  return [{ as: "box", tool, functions: Object.keys(functions).toSorted(), config: {} }];
}

/** Approvals are put in afterwards: the tool `box` is in no manifest, and may not be named there. */
async function load({
  spec = {},
  replies,
  objects: more = [],
}: DurableOptions): Promise<ManifestSet> {
  const apiVersion = "legion.dev/v1";
  const defaults = { description: "An agent under test.", model: "script/it", timeout: "20s" };
  const object = (kind: string, name: string, about: object) => ({
    ...{ apiVersion, kind, metadata: { name } },
    spec: about,
  });
  const objects = [
    object("Agent", "tested", { ...defaults, ...spec, approvals: [] }),
    object("Provider", "script", { wire: "scripted", replies }),
    ...more,
  ];
  const text = objects.map((each) => JSON.stringify(each)).join("\n---\n");
  const place = { cwd: process.cwd(), env: {} };
  const set = await loadManifests([{ text, filename: "durable.yaml" }], place);
  const errors = set.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ summary }) => summary).join("\n"));
  return set;
}
