/** How a daemon does what its watchers are due: it wakes agents and calls tools, each delivery once. */
import type { Supervisor, Told } from "./agent/supervision.ts";
import { type ErrorData, errorData } from "./lib/errors.ts";
import { isObject, type JsonObject } from "./lib/json.ts";
import { isIdempotent } from "./manifest/function-schema.ts";
import type { View } from "./reconcile/view.ts";
import type { ResourceKey } from "./state/resource.ts";
import type { Watching } from "./state/watching.ts";
import type { Services } from "./turns/services.ts";
import type { Deliver, Delivered, Delivery } from "./watch/contract.ts";

export interface DeliveryOptions {
  readonly supervisor: Pick<Supervisor, "tell">;
  readonly services: Pick<Services, "callTool">;
  readonly view: Pick<View, "get" | "object" | "within">;
  readonly states: Pick<Watching, "read" | "write">;
}

type Ways = Readonly<
  Record<
    Delivery["action"]["kind"],
    (delivery: Delivery, options: DeliveryOptions) => Promise<Delivered>
  >
>;

const ways: Ways = {
  wake: tellAgent,
  message: tellAgent,
  tool: callTool,
  silent: async () => ({ type: "done" }),
  task: notYet,
  pipeline: notYet,
};

/** Makes deliveries; a second time with the same id has no second effect. It never rejects. */
export function createDeliver(options: DeliveryOptions): Deliver {
  return (delivery) =>
    ways[delivery.action.kind](delivery, options).catch((error) => failed(delivery, error));
}

/** Once the end of the process, a full inbox or an agent that is only coming, or coming again, is over, the same delivery can be made. */
const passing: ReadonlySet<string> = new Set(["LEG2030", "LEG2031", "LEG2032", "LEG2033"]);

function failed({ action }: Delivery, error: unknown): Delivered {
  const data = errorData(error);
  // A watcher rests with its own agent: what it has to tell waits with it.
  const isResting = action.kind === "wake" && data.code === "LEG2071";
  const isPassing = passing.has(data.code) || isResting || data.code.startsWith("LEG60");
  return { type: isPassing ? "retry" : "failed", error: data };
}

/** Puts a message into the inbox of an agent; the inbox knows it by the id of the delivery. */
async function tellAgent(
  delivery: Delivery,
  { view, supervisor }: DeliveryOptions,
): Promise<Delivered> {
  const { watcher, id, text: task } = delivery;
  const target = targetOf(delivery, view);
  // Its watcher is gone, and with it who is to be told.
  if (target === undefined) return { type: "done" };
  const { agent, conversation } = target;
  const { dropped } = await supervisor.tell(agent, {
    ...{ task, dedupeKey: id, trigger: "watcher", from: `watcher/${watcher.name}` },
    ...(conversation !== undefined && { conversation }),
  });
  return dropped === undefined
    ? { type: "done" }
    : { type: "failed", error: notTaken(agent, dropped) };
}

function targetOf(
  { watcher, action }: Delivery,
  view: DeliveryOptions["view"],
): { readonly agent: ResourceKey; readonly conversation?: string | undefined } | undefined {
  const { namespace } = watcher;
  const agent = (name: string): ResourceKey => ({ kind: "Agent", namespace, name });
  if (action.kind === "message") return { agent: agent(action.name ?? "") };
  const resource = view.get(watcher);
  const { spec } = (resource && view.object<"Watcher">(resource)) ?? {};
  return spec?.agent === undefined
    ? undefined
    : { agent: agent(spec.agent), conversation: spec.conversation };
}

/** Calls a function of a tool. Of one that is not idempotent it is on disk that it was begun, so that it is never called a second time. */
async function callTool(
  { watcher, action, id }: Delivery,
  { services, view, states }: DeliveryOptions,
): Promise<Delivered> {
  const { namespace, name } = watcher;
  const tool = action.name ?? "";
  const row = `call/${id.split("/")[1] ?? name}`;
  const isRepeatable = isIdempotent(view.within(namespace), tool);
  const known = isRepeatable ? undefined : await states.read(row);
  if (known?.id === id) {
    return known.ended === true ? { type: "done" } : { type: "failed", error: unknownCall(tool) };
  }
  if (!isRepeatable) await states.write([{ uid: row, state: { id } }]);
  const { argument } = action;
  const reply = await services.callTool({
    ...{ namespace, caller: `watcher/${name}`, tool, idempotencyKey: id },
    arguments: isObject(argument) ? (argument as JsonObject) : {},
    signal: new AbortController().signal,
  });
  if (!reply.ok) return { type: "failed", error: reply.error };
  if (!isRepeatable) await states.write([{ uid: row, state: { id, ended: true } }]);
  return { type: "done" };
}

async function notYet({ action: { kind } }: Delivery): Promise<Delivered> {
  const error: ErrorData = {
    code: "LEG1118",
    message: `this Legion has nothing that a watcher could give a ${kind} to`,
    hint: "use wake, message or tool",
  };
  return { type: "failed", error };
}

function notTaken({ name }: ResourceKey, dropped: NonNullable<Told["dropped"]>): ErrorData {
  const why = dropped === "overflow" ? "has as many sessions as it may have" : "was told nothing";
  return {
    code: "LEG2705",
    message: `the agent "${name}" ${why}`,
    hint: "raise spec.maxConcurrentSessions of the agent, or set spec.overflow to coalesce or queue(n)",
  };
}

function unknownCall(tool: string): ErrorData {
  return {
    code: "LEG2706",
    message: `the process ended while ${tool} was called, and nobody knows whether that was done`,
    hint: "look whether it was; a function that is idempotent is called again by itself",
  };
}
