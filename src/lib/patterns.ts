import { createRequire } from "node:module";

/** A regular expression whose time grows with the text and with nothing else. */
export interface LinearPattern {
  test(text: string): boolean;
}

type Engine = Pick<typeof import("re2js"), "RE2JS">;
let engine: Engine["RE2JS"] | undefined;

/**
 * Compiles the regular expression of a JSON Schema with RE2: it is matched against what models write, and a native one can
 * take for ever. Loads the engine on first use. Throws an Error for a pattern that is wrong or that RE2 does not have
 * (look-ahead, look-behind, back references).
 */
export function linearPattern(source: string): LinearPattern {
  engine ??= (createRequire(import.meta.url)("re2js") as Engine).RE2JS;
  const pattern = engine.compile(engine.translateRegExp(source));
  return { test: (text) => pattern.test(text) };
}
