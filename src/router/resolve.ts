import { LegionError, unknownName } from "../lib/errors.ts";
import { durationMs } from "../lib/quantities.ts";
import { suggest } from "../lib/suggest.ts";
import type { RouterSpec, RouterTarget, RouterTier } from "../manifest/generated/router.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";

/** One model of one provider, as a tier lists it. */
export interface Target {
  readonly tier: string;
  readonly provider: string;
  readonly model: string;
  readonly weight: number;
  readonly timeoutMs?: number;
}

/** What a model reference stands for. */
export interface Plan {
  /** The Router behind it; undefined for a plain provider/model. */
  readonly router?: string;
  /** In the order of the tiers. */
  readonly targets: readonly Target[];
  /** Further targets of the Router, from which the scripted ones may stand in. */
  readonly others: readonly Target[];
  readonly allowScripted: boolean;
}

/** The tier of a target that stands in no Router. */
export const DIRECT_TIER = "direct";

export type Objects = Pick<ManifestSet, "get" | "all">;

/** What Agent.spec.model means: a Router's name, an alias of any Router, or provider/model. Throws LEG5001 or LEG5002. */
export function resolveModel(model: string, objects: Objects): Plan {
  const direct = splitTarget(model);
  if (direct !== undefined) return directPlan(model, direct, objects);
  const router = objects.get("Router", model);
  if (router !== undefined)
    return { ...common(router), targets: tierTargets(router.spec.tiers), others: [] };
  const owners = objects.all("Router").filter(({ spec }) => Object.hasOwn(spec.aliases, model));
  const [owner, ...others] = owners;
  if (owner === undefined) throw unknownModel(model, objects);
  if (others.length > 0) throw ambiguous(model, owners);
  return aliasPlan(model, owner);
}

/** Provider and model of `provider/model`; a model's name may hold slashes of its own. */
export function splitTarget(
  text: string,
): { readonly provider: string; readonly model: string } | undefined {
  const slash = text.indexOf("/");
  return slash < 1 || slash === text.length - 1
    ? undefined
    : { provider: text.slice(0, slash), model: text.slice(slash + 1) };
}

function directPlan(
  text: string,
  { provider, model }: { provider: string; model: string },
  objects: Objects,
): Plan {
  if (objects.get("Provider", provider) === undefined) {
    const known = objects.all("Provider").map(({ name }) => name);
    const error = unknownName("LEG5001", "Provider", provider, known, suggest(provider, known));
    throw new LegionError({
      ...error.toJSON(),
      message: `the model "${text}" cannot be used: ${error.message}`,
    });
  }
  return {
    targets: [{ tier: DIRECT_TIER, provider, model, weight: 1 }],
    others: [],
    allowScripted: false,
  };
}

/** An alias stands for one tier or one target, and for nothing else of its Router but the scripted stand-ins. */
function aliasPlan(alias: string, router: ManifestObject<"Router">): Plan {
  const meant = router.spec.aliases[alias] ?? "";
  const all = tierTargets(router.spec.tiers);
  const split = splitTarget(meant);
  const targets =
    split === undefined ? all.filter(({ tier }) => tier === meant) : [targetIn(all, split)];
  if (targets.length === 0) {
    const tiers = router.spec.tiers.map(({ name }) => name);
    throw new LegionError({
      code: "LEG5001",
      message: `the alias "${alias}" of router/${router.name} stands for "${meant}", which is neither a tier of it nor provider/model`,
      hint: `use one of its tiers: ${tiers.join(", ")}`,
      valid: tiers,
    });
  }
  return { ...common(router), targets, others: all.filter((target) => !targets.includes(target)) };
}

/** The target as a tier lists it, with that tier's timeout, or by itself. */
function targetIn(
  all: readonly Target[],
  { provider, model }: { provider: string; model: string },
): Target {
  return (
    all.find((target) => target.provider === provider && target.model === model) ?? {
      tier: DIRECT_TIER,
      provider,
      model,
      weight: 1,
    }
  );
}

function common(router: ManifestObject<"Router">): { router: string; allowScripted: boolean } {
  const { allowScripted }: RouterSpec = router.spec;
  return { router: router.name, allowScripted };
}

function tierTargets(tiers: readonly RouterTier[]): Target[] {
  return tiers.flatMap(({ name, targets, timeout }) =>
    targets.map((target) => ({
      tier: name,
      ...targetOf(target),
      ...(timeout !== undefined && { timeoutMs: durationMs(timeout) }),
    })),
  );
}

function targetOf(target: RouterTarget): Pick<Target, "provider" | "model" | "weight"> {
  if (typeof target !== "string") return target;
  const { provider, model } = splitTarget(target) ?? { provider: target, model: "" };
  return { provider, model, weight: 1 };
}

function unknownModel(model: string, objects: Objects): LegionError {
  const routers = objects
    .all("Router")
    .flatMap(({ name, spec }) => [name, ...Object.keys(spec.aliases)]);
  const providers = objects.all("Provider").map(({ name }) => `${name}/...`);
  const error = unknownName(
    "LEG5001",
    "Router or alias",
    model,
    [...new Set(routers), ...providers],
    suggest(model, routers),
  );
  return new LegionError({
    ...error.toJSON(),
    message: `the model "${model}" is neither a Router nor an alias, and not written provider/model`,
  });
}

function ambiguous(alias: string, owners: readonly ManifestObject<"Router">[]): LegionError {
  const names = owners.map(({ name }) => name);
  return new LegionError({
    code: "LEG5002",
    message: `the alias "${alias}" is defined by several routers: ${names.join(", ")}`,
    hint: "write the Router's name or provider/model instead, or rename all of them but one",
    valid: names,
  });
}
