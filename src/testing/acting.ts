import { manifestOf, type Place, shopFiles } from "../acceptance/durable-shop.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Tick } from "../state/ticks.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import type { Files, TestDaemon } from "./daemon.ts";
import type { Endpoint } from "./endpoint.ts";
import type { RecordedRequest } from "./model-server.ts";

/** The roots of a repository in which watchers and crons stand beside agents. */
export const actingRoots = ["agents.d", "watchers.d"];

/** The tool `shop`, and the agent `ops` that may use it, with a model at that address. */
export function opsFiles(model: { readonly url: string }, { effectFile }: Place): Files {
  return {
    ...shopFiles(effectFile),
    "agents.d/model.yaml": manifestOf("Provider", "local", {
      ...{ wire: "openai-chat", baseUrl: model.url },
    }),
    "agents.d/ops.yaml": agentFile("ops"),
  };
}

export function agentFile(name: string, spec: object = {}): string {
  return manifestOf("Agent", name, {
    ...{ description: "Keeps the shop open.", model: "local/it", tools: ["shop"] },
    ...{ outputSchema: {}, restart: { delay: "10ms" }, ...spec },
  });
}

export function cronKey(name: string): ResourceKey {
  return { kind: "Cron", namespace: "default", name };
}

export function watcherKey(name: string): ResourceKey {
  return { kind: "Watcher", namespace: "default", name };
}

export function cronFile(name: string, spec: object): string {
  return manifestOf("Cron", name, spec);
}

/** A schedule with hourly moments of which none is within minutes of now, so that only what a test asks for happens. */
export function hourlyElsewhere(): string {
  return `${(new Date().getUTCMinutes() + 30) % 60} * * * *`;
}

/** A watcher that asks an endpoint often. */
export function pollFile(name: string, { url }: Endpoint, spec: object): string {
  return manifestOf("Watcher", name, {
    ...{ type: "httpPoll", url, allowPrivate: ["127.0.0.1"], interval: "100ms", agent: "ops" },
    ...spec,
  });
}

/** What the model reads last. */
export function lastOf({ body }: RecordedRequest): string {
  return (body.messages as readonly { readonly content: string }[]).at(-1)?.content ?? "";
}

/** The newest task of a conversation that the expression finds, its first group, and how many steps were made for it. */
export function taskOf({ body }: RecordedRequest, expression: RegExp) {
  const messages = body.messages as readonly { readonly role: string; readonly content: string }[];
  const at = messages.findLastIndex(
    ({ role, content }) => role === "user" && expression.test(content),
  );
  const [, task = ""] = expression.exec(messages[at]?.content ?? "") ?? [];
  return { task, step: messages.slice(at).filter(({ role }) => role === "assistant").length };
}

/** Whether an event of an object has that reason. */
export function isOf(key: ResourceKey, ...reasons: readonly string[]) {
  const object = `${key.kind}/${key.namespace}/${key.name}`;
  return (event: DaemonEvent) =>
    event.kind === "legion.object" &&
    event.object === object &&
    reasons.includes(event.data.reason);
}

export const isTurnEnd = (event: DaemonEvent) => event.kind === "legion.agent.stopped";

/** The same for what happens from now on: a daemon remembers events of those before it. */
export function fromNow(test: (event: DaemonEvent) => boolean) {
  const now = new Date().toISOString();
  return (event: DaemonEvent) => event.at >= now && test(event);
}

/** True from that many events on for which the test holds. */
export function nth(count: number, test: (event: DaemonEvent) => boolean) {
  let seen = 0;
  return (event: DaemonEvent) => test(event) && ++seen >= count;
}

/** What agents were told in this process, oldest first. */
export async function told(daemon: TestDaemon, agent = "ops"): Promise<readonly string[]> {
  const events = await daemon.events();
  return events.flatMap((event) =>
    event.kind === "legion.agent.started" && event.agent === agent ? [event.data.task] : [],
  );
}

/** How a watcher stands, as its object shows it. */
export function watchOf(object: ApiObject | undefined) {
  return (object?.status.watch ?? {}) as {
    readonly state?: string;
    readonly polls?: number;
    readonly fires?: number;
    readonly pending?: number;
    readonly suppressed?: Readonly<Record<string, number>>;
  };
}

/** How a cron stands, as its object shows it. */
export function cronOf(object: ApiObject | undefined) {
  return (object?.status.cron ?? {}) as {
    readonly state?: string;
    readonly reason?: string;
    readonly runs?: number;
    readonly running?: number;
    readonly queued?: number;
    readonly last?: { readonly state: string };
  };
}

/** The ticks of a cron, oldest first. */
export async function ticksOf(daemon: TestDaemon, key: ResourceKey): Promise<readonly Tick[]> {
  return (await daemon.plane.cronTicks(key, 500)).toReversed();
}

/** Ends the schedule of a cron by its manifest, and resolves when nothing of it runs any more. */
export async function rest(daemon: TestDaemon, name: string, spec: object): Promise<void> {
  const key = cronKey(name);
  await daemon.replace(`agents.d/${name}.yaml`, cronFile(name, { ...spec, suspend: true }));
  await daemon.until(key, (object) => {
    const { state, running } = cronOf(object);
    return state === "suspended" && running === 0;
  });
}

const pressModule = `import { appendFileSync, readFileSync } from "node:fs";
const read = (file) => {
  try { return readFileSync(file, "utf8").split("\\n").slice(0, -1).map((line) => JSON.parse(line)); }
  catch (error) { if (error.code === "ENOENT") return []; throw error; }
};
async function work(name, args, { config, run, idempotencyKey: key }, isOnce) {
  const add = (done) => appendFileSync(config.file, JSON.stringify({ run, key, name: done, args }) + "\\n");
  const isKnown = read(config.file).some((line) => line.key === key && line.name === name);
  add("attempt");
  if (!isOnce || !isKnown) add(name);
  const answer = await fetch(config.url);
  if (answer.status !== 200) throw new Error("the press answers " + answer.status);
  return "done";
}
export const stamp = (args, context) => work("stamp", args, context, true);
export const punch = (args, context) => work("punch", args, context, false);
`;

/**
 * The tool `press`: its functions act, write down that they were called, and then ask an endpoint, so that a test can hold a
 * call whose effect is done. `stamp` knows idempotency keys, `punch` does not.
 */
export function pressFiles({ url }: Endpoint, { effectFile }: Place): Files {
  const described = { description: "Does it.", parameters: { type: "object" } };
  const spec = {
    ...{ type: "module", description: "A press.", module: "code/press.js" },
    config: { file: effectFile, url },
    functions: { stamp: { ...described, idempotent: true }, punch: described },
  };
  return {
    "agents.d/code/press.js": pressModule,
    "agents.d/press.yaml": manifestOf("Tool", "press", spec),
  };
}
