import { suggest } from "../lib/suggest.ts";
import type { RouterSpec } from "../manifest/generated/router.ts";
import { splitTarget } from "../router/resolve.ts";
import { type Reconciler, ready, stalled } from "./reconciler.ts";

/** Routers are read anew at each request; what can be wrong with one is that it names providers that do not exist. */
export function routerReconciler(): Reconciler {
  return {
    kind: "Router",
    references: (resource, view) =>
      providersOf(view.object<"Router">(resource).spec).map((name) => ({
        kind: "Provider",
        namespace: resource.namespace,
        name,
      })),
    async reconcile(resource, { view }) {
      const objects = view.within(resource.namespace);
      const names = providersOf(view.object<"Router">(resource).spec);
      const missing = names.filter((name) => objects.get("Provider", name) === undefined);
      const [first] = missing;
      if (first === undefined) return ready("Available", "It is read anew at each request.");
      const near = suggest(
        first,
        objects.all("Provider").map(({ name }) => name),
      );
      const list = missing.map((name) => `"${name}"`).join(", ");
      const what = missing.length === 1 ? "A Provider is" : "Providers are";
      const next = near === undefined ? "" : ` Did you mean "${near}"?`;
      return stalled(
        "TargetMissing",
        `${what} missing: ${list}. Apply what is missing, or take its targets out of the Router.${next}`,
      );
    },
  };
}

/** The providers of all targets, those that only aliases name included. */
function providersOf({ tiers, aliases }: RouterSpec): string[] {
  const names = [
    ...tiers.flatMap(({ targets }) => targets),
    ...Object.values(aliases).filter((meant) => meant.includes("/")),
  ].flatMap((target) =>
    typeof target === "string" ? (splitTarget(target)?.provider ?? []) : target.provider,
  );
  return [...new Set(names)];
}
