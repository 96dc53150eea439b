import { isBelow } from "../manifest/discover.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { RootsChange } from "../manifest/watch/contract.ts";
import type { SourceStatus } from "./contract.ts";
import { objectsOf, rootProblems, straysOf } from "./source-roots.ts";
import type { SourceRunner } from "./source-runner.ts";
import type { SourceSetApplier } from "./source-set.ts";
import type { View } from "./view.ts";

/** Several objects come together more often than one. */
const GATHER_MS = 200;

/** What of a source is not as it declares it now, and stays as it is: below roots that are away, and in files that are still being written. */
export type HeldParts = Partial<Pick<RootsChange, "roots" | "unsettled">>;

/** The objects that references of a source may name besides those that it declares: all that came from elsewhere, and what is held. */
export function objectsOfOthers(
  view: View,
  source: string,
  { roots = [], unsettled = [] }: HeldParts = {},
): readonly ManifestObject[] {
  const away = roots.filter(({ status }) => status !== "ok").map(({ root }) => root);
  const isHeld = (file: string) =>
    unsettled.includes(file) || away.some((root) => isBelow(file, root));
  const strays = new Set(straysOf(view, source, roots));
  return [...view.all()]
    .filter((resource) => {
      const { origin, deletionTimestamp } = resource;
      const isOther = origin === undefined || origin.source !== source || isHeld(origin.file);
      return (isOther || strays.has(resource)) && deletionTimestamp === undefined;
    })
    .map((resource) => view.object(resource));
}

/**
 * Reads a source again when something happened that it waits for: something new came from elsewhere, which may be what a
 * reference of it names, or an object that it declares anew is gone at last.
 */
export function withOthers(
  runner: SourceRunner,
  source: string,
  { view, cwd }: { readonly view: View; readonly cwd: string },
  { isDeferred }: Pick<SourceSetApplier, "isDeferred">,
): SourceRunner {
  let timer: NodeJS.Timeout | undefined;
  const isWrong = () => {
    const { diagnostics, error } = runner.status();
    return diagnostics.length > 0 || error !== undefined;
  };
  const unsubscribe = view.subscribe(({ type, resource }) => {
    const isNew = type === "added" && resource.origin?.source !== source && isWrong();
    const isFree = type === "deleted" && isDeferred(resource);
    if (timer !== undefined || !(isNew || isFree)) return;
    timer = setTimeout(() => {
      timer = undefined;
      void runner.reload();
    }, GATHER_MS);
  });
  const close = async () => {
    unsubscribe();
    clearTimeout(timer);
    await runner.close();
  };
  const status = () => withStanding(runner.status(), view, cwd);
  return { ...runner, status, close, [Symbol.asyncDispose]: close };
}

/** A status with what changes although nothing is read: what of the source is there, kept objects included, and whether its roots are. */
function withStanding(status: SourceStatus, view: View, cwd: string): SourceStatus {
  const { name, roots } = status;
  const problems = roots === undefined ? [] : rootProblems(view, name, roots, cwd);
  const objects = objectsOf(view, name).length;
  return { ...status, objects, ...(problems.length > 0 && { problems }) };
}
