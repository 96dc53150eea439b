import { isObject, type Json, type JsonPath } from "../../lib/json.ts";
import type { ManifestObject } from "../objects.ts";
import { schemaFaults } from "../schema-faults.ts";
import { type CheckContext, faultAt } from "./context.ts";

/** The JSON Schemas in a manifest are valid ones. */
export function checkOutputSchema(agent: ManifestObject<"Agent">, context: CheckContext): void {
  checkSchema(agent, agent.spec.outputSchema as Json, ["spec", "outputSchema"], context);
}

/** The same of a Tool's functions, whose parameters are those of one object. */
export function checkFunctionSchemas(tool: ManifestObject<"Tool">, context: CheckContext): void {
  for (const [name, { parameters, returns }] of Object.entries(tool.spec.functions ?? {})) {
    const path = ["spec", "functions", name];
    if (returns !== undefined) checkSchema(tool, returns as Json, [...path, "returns"], context);
    if (parameters === undefined) continue;
    checkSchema(tool, parameters as Json, [...path, "parameters"], context);
    if (isObject(parameters) && parameters.type !== undefined && parameters.type !== "object") {
      const summary = `the parameters of "${name}" must be those of an object`;
      const detail =
        "a function takes one object: write type: object, and its fields under properties";
      context.report(
        faultAt(tool, { code: "LEG1090", path: [...path, "parameters", "type"], summary, detail }),
      );
    }
  }
}

function checkSchema(
  object: ManifestObject,
  schema: Json,
  path: JsonPath,
  { report }: CheckContext,
): void {
  for (const { path: inner, code = "LEG1090", summary, detail, part } of schemaFaults(schema)) {
    report(
      faultAt(object, {
        severity: code === "LEG1073" ? "warning" : "error",
        code,
        path: [...path, ...inner],
        part,
        summary: code === "LEG1090" ? `not a valid JSON Schema: ${summary}` : summary,
        detail,
      }),
    );
  }
}
