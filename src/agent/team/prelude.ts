import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** In the order in which they depend on each other. */
const PARTS = ["combine", "guest"] as const;

let known: string | undefined;

/** The script that puts `agents` into a sandbox: the same files that programs import, as JavaScript. */
export function teamPrelude(): string {
  known ??= read();
  return known;
}

function read(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const parts = PARTS.map((name) => {
    const text = readFileSync(new URL(`./${name}.${extension}`, import.meta.url), "utf8");
    return extension === "ts" ? stripTypeScriptTypes(text) : text;
  });
  const joined = parts
    .map((text) => text.replace(/^import [^;]*;$/gm, "").replace(/^export /gm, ""))
    .join("\n");
  return `(() => {"use strict";\n${joined}\nglobalThis.agents = createAgents(globalThis.tools.agents);\n})()`;
}
