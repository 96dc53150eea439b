import type { JsonObject } from "../../lib/json.ts";
import type { ToolSpec } from "../../manifest/generated/tool.ts";
import type { FunctionSpec } from "../contract.ts";

const noParameters = { type: "object", properties: {}, additionalProperties: false };

/** The functions that a manifest declares for a tool of type module or js. */
export function declaredFunctions(spec: ToolSpec): Record<string, FunctionSpec> {
  const functions = Object.entries(spec.functions ?? {}).map(
    ([name, declared]): [string, FunctionSpec] => {
      const { description, parameters, returns, example, revert } = declared;
      return [
        name,
        {
          description,
          parameters: parameters ?? noParameters,
          ...(returns !== undefined && { returns }),
          ...(example !== undefined && { example: example as JsonObject }),
          ...(declared.idempotent && { idempotent: true }),
          ...(revert !== undefined && { revert }),
          ...(declared.approval && { approval: true }),
        },
      ];
    },
  );
  return Object.fromEntries(functions);
}
