import { createRequire } from "node:module";
import type * as Yaml from "yaml";

let loaded: typeof Yaml | undefined;

/**
 * The yaml package, loaded when something is to be parsed: its many files take as long as the start of the program, and
 * what the cache knows is not parsed again. The places of faults are asked for in the midst of synchronous work, so it
 * cannot be an `import()`.
 */
export function yaml(): typeof Yaml {
  loaded ??= createRequire(import.meta.url)("yaml") as typeof Yaml;
  return loaded;
}
