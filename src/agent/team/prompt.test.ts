// Goal: the prompt says which agents there are and how to give them work, once, and nothing of it where there are none.
// Method: the section from facts, and whole prompts with the tool of a team among others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { teamAgents, testTeam } from "../../testing/team.ts";
import { systemPrompt } from "../prompt.ts";
import { teamBinding } from "./binding.ts";
import { agentsSection } from "./prompt.ts";

const agents = { agents: ["writer", "critic"] };
const agentOf = await teamAgents({
  lead: { ...agents, team: { maxRuns: 7, concurrency: 2 } },
  native: { ...agents, mode: "tools" },
  alone: {},
  writer: { description: "Writes drafts.\nOf any kind." },
  critic: {},
});

function promptOf(name: string): string {
  const { spec } = agentOf(name).object;
  const tools = spec.agents.length === 0 ? [] : [teamBinding(testTeam(agentOf, name).team)];
  return systemPrompt({ spec, toolbox: { tools } });
}

test("in code: each agent with the first line of what it is, the verbs, and the limits", () => {
  const prompt = promptOf("lead");
  const [, section = ""] = prompt.split("# Other agents\n\n");
  assert.match(section, /- writer: Writes drafts\.\n- critic: It is critic\./);
  for (const verb of ["call", "parallel", "pipeline", "then", "start", "tell", "cast"])
    assert.ok(section.includes(`agents.${verb}(`), verb);
  assert.match(section, /At most 7 of their runs in this task, 2 at once\./);
  assert.ok(!prompt.includes("tools.agents"), "the section of tools does not tell it again");
});

test("in mode tools: the functions are declared, the section says what they are for", () => {
  const prompt = promptOf("native");
  assert.match(prompt, /# Other agents\n\n[^#]*call gives one task and returns the answer/);
  assert.ok(!prompt.includes("agents.pipeline"));
});

test("an agent without others reads nothing of them", () => {
  assert.ok(!promptOf("alone").includes("Other agents"));
  const { spec } = agentOf("alone").object;
  assert.equal(agentsSection(spec, []), "");
});

test("an agent that is gone is listed by its name", () => {
  const { spec } = agentOf("lead").object;
  assert.match(agentsSection(spec, []), /- writer\n- critic\n/);
});

test("mode tools has what data can say: no groups, and no prelude", () => {
  const native = teamBinding(testTeam(agentOf, "native").team);
  assert.deepEqual(native.functions, [
    "call",
    "cast",
    "messages",
    "parallel",
    "start",
    "stop",
    "tell",
  ]);
  assert.equal(native.prelude, undefined);
});
