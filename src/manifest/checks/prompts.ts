import type { ManifestObject } from "../objects.ts";
import { type CheckContext, faultAt } from "./context.ts";

/** systemPrompt replaces more than most people mean to. */
export function checkSystemPrompt(agent: ManifestObject<"Agent">, { report }: CheckContext): void {
  if (agent.spec.systemPrompt === undefined) return;
  const summary =
    "systemPrompt replaces the whole system prompt, the action protocol and the tools included";
  const detail =
    "use instructions to add to the prompt; keep systemPrompt only if it describes the protocol itself";
  report(
    faultAt(agent, {
      severity: "warning",
      code: "LEG1071",
      path: ["spec", "systemPrompt"],
      part: "key",
      summary,
      detail,
    }),
  );
}
