import { count } from "../lib/text.ts";
import type { SourceSpec } from "../manifest/generated/source.ts";
import type { Resource } from "../state/resource.ts";
import type { SourceStatus } from "./contract.ts";
import { PRUNE_FINALIZER } from "./deletions.ts";
import { type Reconciler, ready, stalled, type Verdict, waiting } from "./reconciler.ts";
import { sourceName } from "./source-name.ts";
import type { SourceRunner } from "./source-runner.ts";
import type { Sources, SourcesDeps } from "./sources.ts";

/** Follows Source objects; how each stands is what its runner says. */
export function sourceReconciler({
  sources,
  plane,
  store,
  clock,
  fence,
}: Pick<SourcesDeps, "plane" | "store" | "clock" | "fence"> & {
  readonly sources: Sources;
}): Reconciler {
  return {
    kind: "Source",
    finalizer: PRUNE_FINALIZER,
    async reconcile(resource, context) {
      if (specOf(resource).suspend) {
        await sources.stop(resource.uid);
        return waiting("Suspended", "spec.suspend is true: what was applied stays as it is");
      }
      const runner = await sources.ensure(resource, () => context.requeue(resource));
      return runner === undefined ? ending : verdictOf(runner);
    },
    async finalize(resource) {
      await sources.stop(resource.uid);
      const source = sourceName(resource);
      if (specOf(resource).prune) {
        const nothing = { objects: [], source, manager: source, digest: "" };
        await plane.apply({ ...nothing, prune: true, allowEmpty: true, force: true });
      }
      await store.write([{ type: "inventory", source }], { at: clock.now(), fence });
      // What is kept may still name files of the checkout.
      if (specOf(resource).prune) await sources.forget(resource.uid);
      return "done";
    },
  };
}

const ending = waiting("Ending", "the daemon ends; it is read at the next start", {
  keepReady: true,
});

function specOf({ spec }: Resource): SourceSpec {
  return spec as unknown as SourceSpec;
}

function verdictOf(runner: SourceRunner): Verdict {
  const status = runner.status();
  const { error, lastAttemptAt, applied, diagnostics } = status;
  if (error !== undefined) {
    const kept = applied === undefined ? "" : `; revision ${short(applied)} stays applied`;
    return stalled("ApplyFailed", `${error.code}: ${error.message}${kept}. Next: ${error.hint}`);
  }
  if (lastAttemptAt === undefined) return waiting("Reading", "it is read for the first time");
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  if (errors > 0) {
    return stalled(
      "Invalid",
      `${count(errors, "error")} in its manifests; the valid objects are applied. Next: legion status`,
    );
  }
  return ready("Applied", appliedText(status));
}

function appliedText({ applied, objects }: Pick<SourceStatus, "applied" | "objects">): string {
  const revision = applied === undefined ? "" : ` of revision ${short(applied)}`;
  return `${count(objects, "object")}${revision} applied`;
}

function short(revision: string): string {
  return revision.slice(0, 12);
}
