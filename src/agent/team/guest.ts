/** The global `agents` of an agent's code. This file runs inside the sandbox, after combine.ts in the same script. */
import { asText, type Cancelled, runParallel, runPipeline, taskAfter } from "./combine.ts";

type HostFunction = (argument: object) => Promise<unknown>;

/** `tools.agents`. */
export type TeamHost = Readonly<Record<"call" | "start" | "tell" | "cast", HostFunction>> &
  Readonly<Record<"messages" | "parallel" | "stop" | "group" | "wait", HostFunction>>;

/** A started agent: its id, or what `start` gave. */
type StartedId = string | { readonly id: string };

interface TaskItem {
  readonly agent: string;
  readonly task: unknown;
}

/** A task as data, or code that is given an `agents` whose calls end with the others. */
type ParallelItem = TaskItem | ((agents: GuestAgents) => unknown);
type PipelineStep = TaskItem | ((previous: unknown, agents: GuestAgents) => unknown);

interface ParallelLimits {
  readonly concurrency?: number;
  /** `30s`, or milliseconds. */
  readonly timeout?: string | number;
}

/** What the model's code sees. */
export interface GuestAgents {
  call(agent: string, task: unknown): Promise<unknown>;
  start(agent: string, task?: unknown): Promise<unknown>;
  tell(id: StartedId, task: unknown): Promise<unknown>;
  cast(id: StartedId, task: unknown): Promise<unknown>;
  messages(id: StartedId): Promise<unknown>;
  stop(id: StartedId): Promise<unknown>;
  parallel(tasks: readonly ParallelItem[], limits?: ParallelLimits): Promise<unknown>;
  pipeline(steps: readonly PipelineStep[]): Promise<unknown>;
  /** Hands an answer on; without a task the answer itself is the task. */
  then(previous: unknown, agent: string, task?: unknown): Promise<unknown>;
}

/** Written apart from its object, so that it is plain that no promise was meant. */
const THEN = "then";

/** How many at once where the code does not say: the limits of the team hold beyond it. */
const CONCURRENCY_MAX = 256;

/** What the functions of one `agents` share. */
interface Scope {
  readonly host: TeamHost;
  /** The group that all calls are in. */
  readonly group: string | undefined;
  /** Of one sandbox: the group whose functions are being begun. Calls that they make before they first wait are in it too. */
  readonly begun: { group?: string | undefined };
}

/** `agents` over the calls of the host. */
export function createAgents(host: TeamHost): GuestAgents {
  return agentsIn({ host, group: undefined, begun: {} });
}

function agentsIn(scope: Scope): GuestAgents {
  const { host } = scope;
  const agents = {
    call: async (agent: string, task: unknown) => {
      // Before anything is waited for: afterwards nobody knows whose function it was.
      const within = groupIn(scope);
      return host.call({ agent, task: await textOf(task), ...within });
    },
    start: async (agent: string, task?: unknown) =>
      host.start(task === undefined ? { agent } : { agent, task: await textOf(task) }),
    tell: async (id: StartedId, task: unknown) =>
      host.tell({ id: idOf(id), task: await textOf(task) }),
    cast: async (id: StartedId, task: unknown) =>
      host.cast({ id: idOf(id), task: await textOf(task) }),
    messages: async (id: StartedId) => host.messages({ id: idOf(id) }),
    stop: async (id: StartedId) => host.stop({ id: idOf(id) }),
    parallel: (tasks: readonly ParallelItem[], limits?: ParallelLimits) =>
      parallel(scope, tasks, limits),
    pipeline: (steps: readonly PipelineStep[]) =>
      runPipeline(
        undefined,
        listed(steps, "pipeline").map((step) => (previous) => {
          if (typeof step === "function") return step(previous, all);
          return after(all, step.agent, step.task, previous);
        }),
      ),
  };
  const all: GuestAgents = Object.freeze(Object.assign(agents, thenOf(agents)));
  return all;
}

/** Under the name `then` whoever awaits `agents` itself calls it too; that resolves to nothing at once. */
function thenOf(agents: Pick<GuestAgents, "call">): Pick<GuestAgents, "then"> {
  const handOn = async (previous: unknown, agent: unknown, task?: unknown) => {
    if (typeof previous === "function" && typeof agent !== "string") return previous();
    return runPipeline(previous, [
      (value) =>
        task === undefined
          ? agents.call(agent as string, value)
          : after(agents, agent as string, task, value),
    ]);
  };
  return { [THEN]: handOn };
}

function groupIn({ group, begun }: Scope): { readonly group?: string } {
  const id = group ?? begun.group;
  return id === undefined ? {} : { group: id };
}

async function parallel(
  scope: Scope,
  items: readonly ParallelItem[],
  { concurrency, timeout }: ParallelLimits = {},
): Promise<unknown> {
  const within = groupIn(scope);
  const time = timeout === undefined ? {} : { timeout: durationOf(timeout) };
  const isData = listed(items, "parallel").every((item) => typeof item !== "function");
  if (within.group !== undefined || !isData)
    return inGroup(scope, items, concurrency, { ...time, ...within });
  const tasks: object[] = [];
  for (const { agent, task } of items as readonly TaskItem[])
    tasks.push({ agent, task: await textOf(task) });
  return scope.host.parallel({ tasks, ...(concurrency !== undefined && { concurrency }), ...time });
}

/** Runs functions and tasks whose calls end together. */
async function inGroup(
  { host, begun }: Scope,
  items: readonly ParallelItem[],
  concurrency: number | undefined,
  options: { readonly timeout?: string; readonly group?: string },
): Promise<unknown> {
  const id = (await host.group(options)) as string;
  const agents = agentsIn({ host, group: id, begun });
  const thunks = items.map((item) => () => {
    if (typeof item !== "function") return agents.call(item.agent, item.task);
    begun.group = id;
    try {
      return item(agents);
    } finally {
      begun.group = undefined;
    }
  });
  let stopped: Promise<unknown> | undefined;
  const stop = () => {
    stopped ??= host.stop({ id });
    return stopped;
  };
  const over =
    options.timeout === undefined ? undefined : (host.wait({ id }) as Promise<Cancelled>);
  const limits = { concurrency: concurrency ?? CONCURRENCY_MAX, stop };
  try {
    return await runParallel(thunks, { ...limits, ...(over && { over }) });
  } finally {
    // These are calls too, and end before the code does.
    if (over !== undefined) await Promise.all([stop(), over]);
    await stopped;
  }
}

/** The task for an agent, made from what came before it. */
async function after(
  agents: Pick<GuestAgents, "call">,
  agent: string,
  task: unknown,
  previous: unknown,
): Promise<unknown> {
  const made =
    typeof task === "function" ? await task(previous) : taskAfter(asText(task), previous);
  return agents.call(agent, made);
}

/** A task as text; code is asked for it. */
async function textOf(task: unknown): Promise<string> {
  return asText(typeof task === "function" ? await task() : await task);
}

function idOf(started: StartedId): string {
  return typeof started === "string" ? started : started?.id;
}

function durationOf(timeout: string | number): string {
  return typeof timeout === "number" ? `${timeout}ms` : timeout;
}

function listed<T>(items: readonly T[], name: string): readonly T[] {
  if (Array.isArray(items)) return items;
  throw new TypeError(`agents.${name} takes a list: agents.${name}([...])`);
}
