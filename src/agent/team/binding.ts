import type { Json, JsonObject } from "../../lib/json.ts";
import type { ToolBinding, ToolContext } from "../../tools/contract.ts";
import { codeOnly, teamFunctions } from "./functions.ts";
import { teamPrelude } from "./prelude.ts";
import { agentsSection, TEAM_TOOL } from "./prompt.ts";
import type { Team, TeamCall } from "./team.ts";
import { type Verb, verbs } from "./verbs.ts";

/** Agents take the time that they take: the deadline of the turn and spec.budget bound it. */
const limits = {
  timeoutMs: Number.MAX_SAFE_INTEGER,
  maxArgumentBytes: 4 * 1024 * 1024,
  maxResultBytes: 16 * 1024 * 1024,
};

/** The tool `agents` of one turn. Code also has the functions that take functions (guest.ts); native calls have what data can say. */
export function teamBinding(team: Team): ToolBinding {
  const { agent, agentOf } = team.options;
  const { agents, mode } = agent.spec;
  const known = agents.flatMap((name) => agentOf(name)?.object ?? []);
  const facts = known.map(({ name, spec }) => ({ name, description: spec.description }));
  const functions = teamFunctions(agents);
  const isCode = mode === "code";
  const names = Object.keys(functions) as Verb[];
  return {
    as: TEAM_TOOL,
    tool: {
      name: TEAM_TOOL,
      // Section "Other agents" of the prompt.
      description: agentsSection(agent.spec, facts),
      functions,
      limits,
      call: (name, args, context) => callVerb(team, name as Verb, args, context),
      close: () => team.close(),
    },
    functions: names.filter((name) => isCode || !codeOnly.includes(name)).toSorted(),
    config: {},
    ...(isCode && { prelude: teamPrelude() }),
  };
}

async function callVerb(
  team: Team,
  name: Verb,
  args: JsonObject,
  { idempotencyKey: key, signal, vault }: ToolContext,
): Promise<Json> {
  // The argument meets the schema of the function.
  const verb = verbs[name] as (team: Team, args: JsonObject, call: TeamCall) => Promise<unknown>;
  return (await verb(team, args, { key, signal, vault })) as Json;
}
