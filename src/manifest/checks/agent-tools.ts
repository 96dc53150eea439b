import type { JsonPath } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import type { ToolUse } from "../generated/agent.ts";
import type { ManifestObject } from "../objects.ts";
import { nameInCode } from "../tool-use.ts";
import { type CheckContext, faultAt, listOf, nameHint } from "./context.ts";
import { checkFunction, functionsOf } from "./functions.ts";

/** The tools of an agent exist, have the functions that are asked for, and have different names in its code. */
export function checkAgentTools(agent: ManifestObject<"Agent">, context: CheckContext): void {
  const names = new Map<string, number>();
  for (const [index, use] of agent.spec.tools.entries()) {
    checkUse(agent, use, index, context);
    const as = nameInCode(use);
    const first = names.get(as);
    if (first !== undefined)
      context.report(faultAt(agent, sameName(as, first, pathOfName(use, index))));
    else names.set(as, index);
    if (as in Object.prototype)
      context.report(faultAt(agent, unusableName(as, pathOfName(use, index))));
  }
  checkNamed(agent, context);
}

function checkUse(
  agent: ManifestObject<"Agent">,
  use: ToolUse,
  index: number,
  context: CheckContext,
): void {
  const name = typeof use === "string" ? use : use.name;
  const path: JsonPath =
    typeof use === "string" ? ["spec", "tools", index] : ["spec", "tools", index, "name"];
  if (context.find("Tool", agent.namespace, name) === undefined) {
    const summary = `Agent "${agent.name}" references Tool "${name}", which does not exist`;
    context.report(
      faultAt(agent, {
        code: "LEG1050",
        path,
        summary,
        detail: nameHint("Tool", agent.namespace, name, context),
      }),
    );
    return;
  }
  const wanted = typeof use === "string" ? [] : (use.functions ?? []);
  for (const [at, name_] of wanted.entries()) {
    checkFunction(
      agent,
      { tool: name, name: name_, path: ["spec", "tools", index, "functions", at] },
      context,
    );
  }
}

/** Functions that a field of an agent names as its code does: `tool.function`. */
function checkNamed(agent: ManifestObject<"Agent">, context: CheckContext): void {
  const { answerCheck, approvals } = agent.spec;
  if (answerCheck !== undefined)
    checkInCode(
      agent,
      { field: "answerCheck", path: ["spec", "answerCheck"], text: answerCheck },
      context,
    );
  for (const [index, text] of approvals.entries()) {
    checkInCode(agent, { field: "approvals", path: ["spec", "approvals", index], text }, context);
  }
}

interface InCode {
  readonly field: "answerCheck" | "approvals";
  readonly path: JsonPath;
  /** `tool.function`, or `tool.*` for all of a tool. */
  readonly text: string;
}

function checkInCode(
  agent: ManifestObject<"Agent">,
  { field, path, text }: InCode,
  context: CheckContext,
): void {
  const { tools, agents } = agent.spec;
  const [as = "", name = ""] = text.split(".");
  // Legion's own tool of an agent with a team.
  if (as === "agents" && agents.length > 0) return;
  const use = tools.find((candidate) => nameInCode(candidate) === as);
  if (use === undefined) {
    const names = tools.map(nameInCode);
    const near = suggest(as, names);
    const detail =
      near === undefined
        ? listOf(names, "the agent has no tools: add one to spec.tools")
        : `did you mean "${near}.${name}"?`;
    const summary = `${field} names tool "${as}", which Agent "${agent.name}" does not have`;
    context.report(faultAt(agent, { code: "LEG1055", path, summary, detail, words: as }));
    return;
  }
  if (name === "*") return;
  const tool = typeof use === "string" ? use : use.name;
  const allowed = typeof use === "string" ? undefined : use.functions;
  if (
    allowed !== undefined &&
    !allowed.includes(name) &&
    functionsOf(tool, agent.namespace, context)?.includes(name)
  ) {
    const summary = `${field} names function "${name}" of "${as}", which is not among the functions that Agent "${agent.name}" may call`;
    context.report(
      faultAt(agent, {
        code: "LEG1055",
        path,
        summary,
        detail: `add "${name}" to the functions of "${as}" in spec.tools`,
        words: name,
      }),
    );
    return;
  }
  checkFunction(agent, { tool, name, path, words: name }, context);
}

function pathOfName(use: ToolUse, index: number): JsonPath {
  if (typeof use === "string") return ["spec", "tools", index];
  return ["spec", "tools", index, use.as === undefined ? "name" : "as"];
}

function sameName(as: string, first: number, path: JsonPath) {
  const summary = `the tools at spec.tools[${first}] and spec.tools[${path[2]}] have the same name in code, "${as}"`;
  return {
    code: "LEG1056",
    path,
    summary,
    detail: `remove one, or name it otherwise: {name: ..., as: ${as}2}`,
  } as const;
}

function unusableName(as: string, path: JsonPath) {
  const summary = `"${as}" cannot be the name of a tool in code`;
  return {
    code: "LEG1057",
    path,
    summary,
    detail: "every JavaScript object has it already: choose another with as",
  } as const;
}
