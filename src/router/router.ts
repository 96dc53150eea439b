import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { Secrets } from "../security/secrets.ts";
import type { CompleteOptions, Completion, ModelRequest, Router, WireError } from "./contract.ts";
import { failover } from "./failover.ts";
import { failureOf } from "./failures.ts";
import { keyMissing } from "./key-missing.ts";
import { createOutList, type OutList } from "./out-list.ts";
import { defaultRetryLimits, type RetryLimits } from "./outcomes.ts";
import { type Objects, type Plan, resolveModel, type Target } from "./resolve.ts";
import { candidates, type Facts } from "./route.ts";
import { wires } from "./wires/table.ts";
import type { ProviderObject, Send, WireDeps } from "./wires/wire.ts";

export interface RouterDeps {
  /** Read at each decision, so a reload counts from the next request on. */
  readonly objects: Objects;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** From 0 up to 1, for the jitter of pauses. */
  readonly random?: () => number;
  /** Pauses between tries; rejects when the signal is aborted. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The replies of a scripted provider with repliesFrom. */
  readonly readReplies?: WireDeps["readReplies"];
  readonly limits?: Partial<RetryLimits>;
}

type Ready = Required<Omit<RouterDeps, "limits">> & {
  readonly limits: RetryLimits;
  readonly outs: OutList;
};

/** The router over the providers and routers of a manifest set. */
export function createRouter(deps: RouterDeps): Router {
  const limits = { ...defaultRetryLimits, ...deps.limits };
  const ready: Ready = {
    random: Math.random,
    sleep: (ms, signal) => wait(ms, undefined, { signal }),
    readReplies,
    ...deps,
    limits,
    outs: createOutList({ clock: deps.clock, secrets: deps.secrets, outMs: limits.outMs }),
  };
  return { complete: (request, options) => complete(request, options, ready) };
}

/** The reader of manifests is loaded when a file of replies is first needed. */
const readReplies: WireDeps["readReplies"] = async (provider) => {
  const { loadReplies } = await import("../manifest/replies.ts");
  return loadReplies(provider);
};

async function complete(
  request: ModelRequest,
  options: CompleteOptions,
  ready: Ready,
): Promise<Completion> {
  const { model, signal } = options;
  const plan = planned(model, ready.objects);
  if ("outcome" in plan) return { ok: false, error: plan, attempts: [] };
  const providers = providersOf(plan, ready.objects);
  const judged = candidates(plan, request, await gather(plan, providers, ready, signal));
  const wireDeps: WireDeps = { ...ready, now: () => ready.clock.now() };
  const open = (target: Target, opening: AbortSignal): Promise<Send> => {
    const provider = known(providers, target);
    return wires[provider.spec.wire](provider, target.model, wireDeps, opening);
  };
  const exclude = (target: Target, error: WireError) =>
    ready.outs.add(target, known(providers, target), error, signal);
  return failover(judged, request, options, {
    ...ready,
    open,
    exclude,
    redact: ready.secrets.redactor.redact,
  });
}

function planned(model: string, objects: Objects): Plan | WireError {
  try {
    return resolveModel(model, objects);
  } catch (error) {
    if (error instanceof LegionError) return failureOf(error, "invalid_request");
    throw error;
  }
}

/** The providers of this request, as they are now: a reload in its middle does not change them. */
function providersOf(
  { targets, others }: Plan,
  objects: Objects,
): ReadonlyMap<string, ProviderObject> {
  const names = new Set([...targets, ...others].map(({ provider }) => provider));
  return new Map(
    [...names].flatMap((name) => {
      const provider = objects.get("Provider", name);
      return provider === undefined ? [] : [[name, provider] as const];
    }),
  );
}

function known(
  providers: ReadonlyMap<string, ProviderObject>,
  { provider }: Target,
): ProviderObject {
  const object = providers.get(provider);
  if (object === undefined) throw new Error(`candidate of unknown provider ${provider}`);
  return object;
}

/** Everything that the choice depends on. */
async function gather(
  { targets }: Plan,
  providers: ReadonlyMap<string, ProviderObject>,
  { secrets, outs }: Ready,
  signal: AbortSignal,
): Promise<Facts> {
  const out = new Map<Target, WireError>();
  for (const target of targets) {
    const provider = providers.get(target.provider);
    const error = provider && (await outs.find(target, provider, signal));
    if (error !== undefined) out.set(target, error);
  }
  return {
    provider: (name) => providers.get(name),
    keyMissing: (provider) => keyMissing(provider, secrets),
    out: (target) => out.get(target),
  };
}
