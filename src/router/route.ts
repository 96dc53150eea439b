import { textHash } from "../lib/hash.ts";
import type { ProviderModel } from "../manifest/generated/provider.ts";
import type { ModelRequest, WireError } from "./contract.ts";
import type { Plan, Target } from "./resolve.ts";
import type { ProviderObject } from "./wires/wire.ts";

export type Capability = NonNullable<ProviderModel["capabilities"]>[number];

/** Why a candidate is where it is; exactly one for each. */
export type Reason =
  | "chosen"
  /** A candidate before it in the same tier is asked first. */
  | "standby"
  | "tier_not_reached"
  | "missing_capability"
  | "no_key"
  | "model_missing"
  /** Scripted targets that may not stand in, and targets that refused the key before. */
  | "excluded";

/** A target, judged. */
export interface Candidate extends Target {
  readonly reason: Reason;
  /** It answers from the manifest because nothing real does. */
  readonly standIn: boolean;
  /** Why it cannot be asked; absent for those that can. */
  readonly error?: WireError;
}

/** What is known before anything is asked. */
export interface Facts {
  provider(name: string): ProviderObject | undefined;
  /** The error of a provider whose key is not set. */
  keyMissing(provider: ProviderObject): WireError | undefined;
  /** The error that put a target out, while it is out. */
  out(target: Target): WireError | undefined;
}

/** All candidates in the order in which they are asked, each with the reason why it is asked or not. */
export function candidates(plan: Plan, request: ModelRequest, facts: Facts): readonly Candidate[] {
  const isScripted = ({ provider }: Target) => facts.provider(provider)?.spec.wire === "scripted";
  const real = plan.targets.filter((target) => !isScripted(target));
  const scripted = plan.targets.filter(isScripted);
  // Where nothing real is meant, scripted targets are not stand-ins: somebody wants exactly them.
  const first = real.length > 0 ? real : scripted;
  const standIns =
    real.length > 0
      ? [...scripted, ...(plan.allowScripted ? plan.others.filter(isScripted) : [])]
      : [];
  const judged = [
    ...ranked(first, request).map((target) => ({
      ...target,
      standIn: false,
      ...judge(target, request, facts),
    })),
    ...ranked(standIns, request).map((target) => ({
      ...target,
      standIn: true,
      ...(plan.allowScripted ? judge(target, request, facts) : notAllowed(target, plan)),
    })),
  ];
  return withPlaces(judged);
}

interface Verdict {
  readonly reason?: Reason;
  readonly error?: WireError;
}

function judge(target: Target, request: ModelRequest, facts: Facts): Verdict {
  const provider = facts.provider(target.provider);
  if (provider === undefined) return unknownProvider(target);
  const listed = provider.spec.models?.find(({ name }) => name === target.model);
  if (provider.spec.models !== undefined && listed === undefined) return unlisted(target, provider);
  const missing = needs(request, provider).filter(
    (need) => listed?.capabilities !== undefined && !listed.capabilities.includes(need),
  );
  if (missing.length > 0) return incapable(target, missing);
  const keyMissing = facts.keyMissing(provider);
  if (keyMissing !== undefined) return { reason: "no_key", error: keyMissing };
  const out = facts.out(target);
  return out === undefined ? {} : { reason: "excluded", error: out };
}

/** What the request asks of a model. */
function needs(request: ModelRequest, { spec }: ProviderObject): Capability[] {
  if (spec.wire === "scripted") return [];
  return [
    ...(request.tools !== undefined && request.tools.length > 0 ? (["tools"] as const) : []),
    ...(request.responseSchema !== undefined && spec.structuredOutput === "json_schema"
      ? (["json_schema"] as const)
      : []),
  ];
}

/** Tiers in their order; within a tier the heavier first, then by a hash that is stable for a conversation, so that its cached prefix is found again. */
function ranked(targets: readonly Target[], { messages }: ModelRequest): readonly Target[] {
  if (targets.length < 2) return targets;
  const seed = messages.find(({ role }) => role === "user")?.content ?? "";
  const tiers = [...new Set(targets.map(({ tier }) => tier))];
  return targets
    .map((target) => ({
      target,
      tier: tiers.indexOf(target.tier),
      hash: textHash(`${target.provider}/${target.model}\n${seed}`),
    }))
    .toSorted(
      (a, b) => a.tier - b.tier || b.target.weight - a.target.weight || (a.hash < b.hash ? -1 : 1),
    )
    .map(({ target }) => target);
}

/** Gives those that can be asked their place: the first is chosen, the others wait. */
function withPlaces(judged: readonly (Omit<Candidate, "reason"> & Verdict)[]): Candidate[] {
  const chosen = judged.find(({ error }) => error === undefined);
  return judged.map((candidate) => {
    if (candidate.reason !== undefined) return { ...candidate, reason: candidate.reason };
    if (candidate === chosen) return { ...candidate, reason: "chosen" };
    return {
      ...candidate,
      reason: candidate.tier === chosen?.tier ? "standby" : "tier_not_reached",
    };
  });
}

function unknownProvider({ provider }: Target): Verdict {
  return {
    reason: "model_missing",
    error: {
      outcome: "model_missing",
      code: "LEG5001",
      message: `no Provider is named "${provider}"`,
      hint: "add it to the manifests, or correct the target",
    },
  };
}

function unlisted({ model }: Target, { name, spec }: ProviderObject): Verdict {
  const listed = (spec.models ?? []).map((entry) => entry.name).join(", ");
  return {
    reason: "model_missing",
    error: {
      outcome: "model_missing",
      code: "LEG5004",
      message: `provider/${name} does not list the model "${model}"`,
      hint: `use one of: ${listed}, or add it to spec.models`,
    },
  };
}

function incapable({ provider, model }: Target, missing: readonly Capability[]): Verdict {
  const hint = missing.includes("json_schema")
    ? "add it to the model's capabilities, or set structuredOutput: prompt"
    : "add it to the model's capabilities, or choose another model";
  return {
    reason: "missing_capability",
    error: {
      outcome: "invalid_request",
      code: "LEG5005",
      message: `${provider}/${model} lacks ${missing.join(" and ")}`,
      hint,
    },
  };
}

function notAllowed({ provider }: Target, { router }: Plan): Verdict {
  return {
    reason: "excluded",
    error: {
      outcome: "invalid_request",
      code: "LEG5006",
      message: `provider/${provider} is scripted and may not stand in for a model`,
      hint: `set allowScripted: true in router/${router ?? ""} to let it`,
    },
  };
}
