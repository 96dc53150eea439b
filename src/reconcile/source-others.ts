import type { ManifestObject } from "../manifest/objects.ts";
import type { SourceRunner } from "./source-runner.ts";
import type { View } from "./view.ts";

/** Several objects come together more often than one. */
const GATHER_MS = 200;

/** The objects that references of a source may name besides its own: all that came from elsewhere and stay. */
export function objectsOfOthers(view: View, source: string): readonly ManifestObject[] {
  return [...view.all()]
    .filter((resource) => resource.origin?.source !== source && !resource.deletionTimestamp)
    .map((resource) => view.object(resource));
}

/** Reads a source with faults again when something new came from elsewhere: it may be what a reference names. */
export function withOthers(runner: SourceRunner, source: string, view: View): SourceRunner {
  let timer: NodeJS.Timeout | undefined;
  const unsubscribe = view.subscribe(({ type, resource }) => {
    if (type !== "added" || resource.origin?.source === source || timer !== undefined) return;
    const { diagnostics, error } = runner.status();
    if (diagnostics.length === 0 && error === undefined) return;
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
  return { ...runner, close, [Symbol.asyncDispose]: close };
}
