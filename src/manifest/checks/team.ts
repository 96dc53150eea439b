import type { ManifestObject } from "../objects.ts";
import { nameInCode } from "../tool-use.ts";
import { type CheckContext, faultAt, nameHint } from "./context.ts";

/** The name in code of what spec.agents gives. */
const TEAM_NAME = "agents";

/** The agents that an agent may give work to exist, and no tool takes their name. Agents may name each other, and themselves: spec.team bounds how deep that goes. */
export function checkTeam(agent: ManifestObject<"Agent">, context: CheckContext): void {
  const { name, namespace, spec } = agent;
  for (const [index, other] of spec.agents.entries()) {
    if (context.find("Agent", namespace, other) !== undefined) continue;
    context.report(
      faultAt(agent, {
        code: "LEG1059",
        path: ["spec", "agents", index],
        summary: `Agent "${name}" may give work to Agent "${other}", which does not exist`,
        detail: nameHint("Agent", namespace, other, context, name),
      }),
    );
  }
  if (spec.agents.length === 0) return;
  for (const [index, use] of spec.tools.entries()) {
    if (nameInCode(use) !== TEAM_NAME) continue;
    const part = typeof use === "string" ? [] : [use.as === undefined ? "name" : "as"];
    context.report(
      faultAt(agent, {
        code: "LEG1056",
        path: ["spec", "tools", index, ...part],
        summary: `the tool at spec.tools[${index}] has the name in code of spec.agents, "${TEAM_NAME}"`,
        detail: "name it otherwise with as, or take spec.agents out",
      }),
    );
  }
}
