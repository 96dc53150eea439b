import { createManifestLoader, type LoadOptions } from "./loader.ts";
import type { BytesInput, ManifestInput, TextInput } from "./loader-files.ts";
import type { ManifestSet } from "./objects.ts";

export type { BytesInput, LoadOptions, ManifestInput, TextInput };

/** Loads manifests once, as a loader does that has loaded nothing yet. */
export function loadManifests(
  inputs: readonly ManifestInput[],
  options: LoadOptions,
): Promise<ManifestSet> {
  return createManifestLoader().load(inputs, options);
}
