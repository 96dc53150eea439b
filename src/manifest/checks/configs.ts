import { isObject, type JsonPath } from "../../lib/json.ts";
import { compileSchema } from "../../lib/schema.ts";
import type { SchemaIssue } from "../../lib/schema-issues.ts";
import type { ManifestObject } from "../objects.ts";
import { placeOf } from "../validate.ts";
import { type CheckContext, faultAt } from "./context.ts";

/** The config of a builtin is what the builtin knows. */
export async function checkConfig(
  tool: ManifestObject<"Tool">,
  context: CheckContext,
): Promise<void> {
  const { config } = tool.spec;
  if (config === undefined) return;
  for (const issue of await issuesOfConfig(tool, config, context))
    reportConfig(tool, ["spec", "config"], issue, context);
}

/** An agent's config, laid over the Tool's own, is too. */
export async function checkToolConfigs(
  agent: ManifestObject<"Agent">,
  context: CheckContext,
): Promise<void> {
  for (const [index, use] of agent.spec.tools.entries()) {
    if (typeof use === "string" || use.config === undefined) continue;
    const { name, config } = use;
    const tool = context.object("Tool", agent.namespace, name);
    if (tool === undefined) continue;
    const merged = { ...tool.spec.config, ...config };
    for (const issue of await issuesOfConfig(tool, merged, context)) {
      // What is wrong in the Tool's own part is told there.
      if (!Object.hasOwn(config, String(issue.path[0] ?? ""))) continue;
      reportConfig(agent, ["spec", "tools", index, "config"], issue, context);
    }
  }
}

async function issuesOfConfig(
  { spec }: ManifestObject<"Tool">,
  config: object,
  { options }: CheckContext,
): Promise<readonly SchemaIssue[]> {
  const builtin = spec.type === "builtin" ? options.builtins?.[spec.builtin ?? ""] : undefined;
  if (builtin === undefined || !isObject(config)) return [];
  return (await compileSchema(builtin.config, { isOwn: true }))(config);
}

function reportConfig(
  object: ManifestObject,
  path: JsonPath,
  issue: SchemaIssue,
  { report }: CheckContext,
): void {
  const isUnknown = issue.kind === "unknown";
  const place = placeOf(object.kind, isUnknown ? path : [...path, ...issue.path]);
  const summary = isUnknown ? `${issue.message} in ${place}` : `${place} ${issue.message}`;
  report(
    faultAt(object, {
      code: "LEG1058",
      path: [...path, ...issue.path],
      part: isUnknown ? "key" : "value",
      summary,
      detail: issue.hint,
    }),
  );
}
