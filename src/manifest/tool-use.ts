import type { ToolUse } from "./generated/agent.ts";

/** The name of a tool in the agent's code: what `as` says, or the Tool's name in camelCase. */
export function nameInCode(use: ToolUse): string {
  if (typeof use !== "string" && use.as !== undefined) return use.as;
  return (typeof use === "string" ? use : use.name).replace(/-+([a-z0-9])/g, (_, letter: string) =>
    letter.toUpperCase(),
  );
}
