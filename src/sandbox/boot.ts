import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";

/** In the order in which they depend on each other. */
const PARTS = ["originals", "random", "encode", "builtins", "bindings", "bridge"] as const;

/** What the host calls in the guest. */
export const GUEST_EXPORTS = [
  "install",
  "seed",
  "rememberOriginals",
  "changedOriginal",
  "replacedGlobal",
  "bindingNames",
  "encodeBinding",
  "restoreBindings",
  "settle",
  "watch",
  "resultText",
  "describe",
] as const;

export type GuestExport = (typeof GUEST_EXPORTS)[number];

/**
 * The files of guest/ as one script whose value is an object of the GUEST_EXPORTS. A script and not modules: the model's
 * code could import a module that is loaded already, and with it what is not meant for it.
 */
export async function bootScript(): Promise<string> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const parts = await Promise.all(
    PARTS.map(async (name) => {
      const text = await readFile(new URL(`./guest/${name}.${extension}`, import.meta.url), "utf8");
      return extension === "ts" ? stripTypeScriptTypes(text) : text;
    }),
  );
  const joined = parts
    .map((text) => text.replace(/^import [^;]*;$/gm, "").replace(/^export /gm, ""))
    .join("\n");
  return `(() => {"use strict";\n${joined}\nreturn { ${GUEST_EXPORTS.join(", ")} };\n})()`;
}
