import { LegionError, unknownName } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import type { ToolSpec } from "../manifest/generated/tool.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { builtinFacts } from "./types/builtin.ts";
import { moduleTool } from "./types/module.ts";
import { readToolFile } from "./types/tool-file.ts";

type ToolObject = ManifestObject<"Tool">;
type Objects = Pick<ManifestSet, "get" | "all">;

/**
 * Throws a LegionError when no agent could use a Tool: its builtin does not exist, its module does not load or lacks a
 * function, its source cannot be read, a capability leads nowhere. No sandbox is opened and no config looked at.
 */
export async function checkTool(tool: ToolObject, objects: Objects): Promise<void> {
  await checks[tool.spec.type](tool, objects);
}

/** The tools that a tool calls, each once. */
export function toolsOf({ spec }: ToolObject): string[] {
  return [...new Set((spec.capabilities ?? []).map((capability) => partsOf(capability)[0]))];
}

const checks: Record<ToolSpec["type"], (tool: ToolObject, objects: Objects) => Promise<void>> = {
  async builtin({ spec }) {
    const name = spec.builtin ?? "";
    const known = Object.keys(builtinFacts);
    if (!known.includes(name))
      throw unknownName("LEG4001", "builtin", name, known, suggest(name, known));
  },
  async module(tool) {
    await moduleTool({ object: tool });
  },
  async js(tool, objects) {
    const file = tool.spec.sourceFrom?.file;
    if (file !== undefined) await readToolFile(tool, file);
    for (const capability of tool.spec.capabilities ?? [])
      checkCapability(tool, capability, objects);
  },
};

function checkCapability(tool: ToolObject, capability: string, objects: Objects): void {
  const [name, wanted] = partsOf(capability);
  const target = objects.get("Tool", name);
  if (target === undefined) {
    const known = objects.all("Tool").map((each) => each.name);
    throw unknownName("LEG4001", "Tool", name, known, suggest(name, known));
  }
  const functions = functionsOf(target);
  if (wanted === undefined || functions.includes(wanted)) return;
  throw new LegionError({
    code: "LEG4002",
    message: `the tool "${tool.name}" asks for ${capability}, and "${name}" has no function "${wanted}"`,
    hint: `use one of: ${functions.join(", ")}`,
    valid: functions,
  });
}

function functionsOf({ spec }: ToolObject): string[] {
  const builtin = spec.type === "builtin" ? builtinFacts[spec.builtin ?? ""] : undefined;
  return [...(builtin?.functions ?? Object.keys(spec.functions ?? {}))].sort();
}

/** `kv` is all of a tool, `kv.get` one function of it. */
function partsOf(capability: string): [string, string | undefined] {
  const [name = "", one] = capability.split(".");
  return [name, one];
}
