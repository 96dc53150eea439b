import type { JsonPath } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import type { ManifestObject } from "../objects.ts";
import { type CheckContext, type Finding, faultAt, listOf, nameHint } from "./context.ts";

/** The model of an agent is a Router, an alias of exactly one, or provider/model. */
export function checkModel(agent: ManifestObject<"Agent">, context: CheckContext): void {
  const { namespace, spec } = agent;
  const { model } = spec;
  const path = ["spec", "model"];
  if (model.includes("/")) checkTarget(agent, splitTarget(model), path, "LEG1052", context);
  if (model.includes("/") || context.find("Router", namespace, model) !== undefined) return;
  const routers = context.all("Router", namespace);
  const owners = routers.filter(({ object }) =>
    Object.hasOwn((object as ManifestObject<"Router"> | undefined)?.spec.aliases ?? {}, model),
  );
  // A Router that is not valid may have the alias.
  if (owners.length === 1 || routers.some(({ object }) => object === undefined)) return;
  const finding =
    owners.length > 1
      ? ambiguous(
          model,
          owners.flatMap(({ declares }) => declares?.name ?? []),
        )
      : unknownModel(agent, context);
  context.report(faultAt(agent, { code: "LEG1052", path, ...finding }));
}

function ambiguous(model: string, routers: readonly string[]): Pick<Finding, "summary" | "detail"> {
  const summary = `model "${model}" is an alias of more than one Router: ${routers.join(", ")}`;
  return {
    summary,
    detail: "name a Router or provider/model, or remove the alias from all but one",
  };
}

function unknownModel(
  { name, namespace, spec: { model } }: ManifestObject<"Agent">,
  context: CheckContext,
): Pick<Finding, "summary" | "detail"> {
  const routers = context.all("Router", namespace);
  const aliases = routers.flatMap(({ object }) =>
    Object.keys((object as ManifestObject<"Router"> | undefined)?.spec.aliases ?? {}),
  );
  const known = [...routers.flatMap(({ declares }) => declares?.name ?? []), ...aliases];
  const near = suggest(model, known);
  const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
  const list = listOf(
    known,
    "no Router is loaded: add one, load its folder too, or write provider/model",
  );
  if (model === "default") {
    return {
      summary: `Agent "${name}" uses the default model, but there is no Router named "default"`,
      detail: `add a Router named default, or set spec.model\n${list}`,
    };
  }
  return {
    summary: `Agent "${name}" asks for model "${model}", which is no Router and no alias of one`,
    detail: hint + list,
  };
}

/** The targets of a Router are models of Providers, its aliases tiers of its own or such models. */
export function checkRouter(router: ManifestObject<"Router">, context: CheckContext): void {
  const { tiers, aliases } = router.spec;
  const names = tiers.map(({ name }) => name);
  for (const [at, tier] of tiers.entries()) {
    if (names.indexOf(tier.name) !== at)
      context.report(faultAt(router, sameTier(tier.name, ["spec", "tiers", at, "name"])));
    for (const [index, target] of tier.targets.entries()) {
      const path = ["spec", "tiers", at, "targets", index];
      checkTarget(
        router,
        typeof target === "string" ? splitTarget(target) : target,
        path,
        "LEG1053",
        context,
      );
    }
  }
  for (const [alias, target] of Object.entries(aliases))
    checkAlias(router, alias, target, names, context);
  checkScripted(router, context);
}

/** Beside a real target a scripted one answers only where the Router allows it, or where an alias means nothing but scripted ones. */
function checkScripted(router: ManifestObject<"Router">, context: CheckContext): void {
  const { tiers, aliases, allowScripted } = router.spec;
  if (allowScripted) return;
  const targets = tiers.flatMap((tier, at) =>
    tier.targets.map((target, index) => {
      const { provider, model } = typeof target === "string" ? splitTarget(target) : target;
      const wire = context.object("Provider", router.namespace, provider)?.spec.wire;
      const path = ["spec", "tiers", at, "targets", index];
      return { tier: tier.name, provider, name: `${provider}/${model}`, wire, path };
    }),
  );
  const real = targets.filter(({ wire }) => wire !== undefined && wire !== "scripted");
  if (real.length === 0) return;
  const meant = new Set(Object.values(aliases));
  for (const { tier, provider, name, wire, path } of targets) {
    const isAlias =
      meant.has(name) || (meant.has(tier) && !real.some((target) => target.tier === tier));
    if (wire !== "scripted" || isAlias) continue;
    const summary = `Router "${router.name}" never asks the scripted target "${name}", because it has real targets too`;
    const detail = "set allowScripted: true in spec to let it stand in for them, or remove it";
    context.report(
      faultAt(router, {
        severity: "warning",
        code: "LEG1072",
        path: spotOf(router, path, "provider"),
        summary,
        detail,
        words: provider,
      }),
    );
  }
}

function sameTier(name: string, path: JsonPath): Finding {
  return {
    code: "LEG1053",
    path,
    summary: `two tiers are named "${name}"`,
    detail: "give one of them another name",
  };
}

function checkAlias(
  router: ManifestObject<"Router">,
  alias: string,
  target: string,
  tiers: readonly string[],
  context: CheckContext,
): void {
  const path = ["spec", "aliases", alias];
  if (target.includes("/")) checkTarget(router, splitTarget(target), path, "LEG1053", context);
  if (target.includes("/") || tiers.includes(target)) return;
  const near = suggest(target, tiers);
  const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
  const summary = `alias "${alias}" names "${target}", which is no tier of Router "${router.name}" and no provider/model`;
  context.report(
    faultAt(router, { code: "LEG1053", path, summary, detail: hint + listOf(tiers, "") }),
  );
}

interface Target {
  readonly provider: string;
  readonly model: string;
}

function splitTarget(text: string): Target {
  const slash = text.indexOf("/");
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) };
}

function checkTarget(
  object: ManifestObject,
  { provider, model }: Target,
  path: JsonPath,
  code: "LEG1052" | "LEG1053",
  context: CheckContext,
): void {
  const { kind, name, namespace } = object;
  if (context.find("Provider", namespace, provider) === undefined) {
    const summary = `${kind} "${name}" references Provider "${provider}", which does not exist`;
    const detail = nameHint("Provider", namespace, provider, context);
    context.report(
      faultAt(object, {
        code,
        path: spotOf(object, path, "provider"),
        summary,
        detail,
        words: provider,
      }),
    );
    return;
  }
  const models = context
    .object("Provider", namespace, provider)
    ?.spec.models?.map((entry) => entry.name);
  if (models === undefined || models.includes(model)) return;
  const near = suggest(model, models);
  const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
  const summary = `Provider "${provider}" lists no model "${model}"`;
  context.report(
    faultAt(object, {
      code,
      path: spotOf(object, path, "model"),
      summary,
      detail: hint + listOf(models, ""),
      words: model,
    }),
  );
}

/** Targets are text, or objects with fields of their own to point at. */
function spotOf({ kind, spec }: ManifestObject, path: JsonPath, field: string): JsonPath {
  if (kind !== "Router" || path[1] !== "tiers") return path;
  const target = (spec as ManifestObject<"Router">["spec"]).tiers[Number(path[2])]?.targets[
    Number(path[4])
  ];
  return typeof target === "object" ? [...path, field] : path;
}
