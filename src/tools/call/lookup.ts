import { LegionError } from "../../lib/errors.ts";
import { suggest } from "../../lib/suggest.ts";
import type { FunctionSpec, ToolBinding } from "../contract.ts";
import { exampleCall } from "../example.ts";

/** What is looked at of a name; guests may call anything, and errors repeat it. */
const NAME_LENGTH_MAX = 200;

/** What a call names. */
export interface Target {
  readonly tool: string;
  readonly function: string;
}

/** A function of a binding that the caller may call. */
export interface Found {
  readonly binding: ToolBinding;
  readonly function: string;
  readonly spec: FunctionSpec;
  /** `files.read`: how errors call it. */
  readonly shown: string;
}

/** `files.read` or `tools.files.read` in its two parts. */
export function targetOf(name: string): Target {
  const plain = name.slice(0, NAME_LENGTH_MAX).replace(/^tools\./, "");
  const dot = plain.indexOf(".");
  return dot === -1
    ? { tool: plain, function: "" }
    : { tool: plain.slice(0, dot), function: plain.slice(dot + 1) };
}

/** The function that a call names; throws LEG4001 or LEG4002. */
export function findFunction(bindings: readonly ToolBinding[], target: Target): Found {
  const binding = bindings.find(({ as }) => as === target.tool);
  if (binding === undefined) throw noTool(bindings, target);
  const spec = binding.functions.includes(target.function)
    ? binding.tool.functions[target.function]
    : undefined;
  if (spec === undefined) throw noFunction(binding, target);
  return { binding, function: target.function, spec, shown: `${binding.as}.${target.function}` };
}

/** The error for a tool that the bindings do not have, with the nearest name. */
export function noTool(bindings: readonly ToolBinding[], target: Target): LegionError {
  const valid = bindings.map(({ as }) => as);
  const meant = meantBy(bindings, target);
  const list =
    valid.length > 0
      ? `use one of: ${valid.join(", ")}`
      : "this agent has no tools: list some in spec.tools of its manifest";
  return new LegionError({
    code: "LEG4001",
    message: `no tool is named "${target.tool}"`,
    hint: meant?.hint ?? list,
    valid,
    ...(meant !== undefined && { example: exampleCall(meant.binding, meant.name) }),
  });
}

/** What a call of an unknown tool was probably to be: a tool of nearly that name, or one of a function without its tool. */
function meantBy(bindings: readonly ToolBinding[], target: Target) {
  const near = suggest(
    target.tool,
    bindings.map(({ as }) => as),
  );
  const binding = bindings.find(({ as }) => as === near);
  if (binding !== undefined) {
    const name = binding.functions.find((one) => one === target.function) ?? binding.functions[0];
    return name === undefined ? undefined : { binding, name, hint: `did you mean "${near}"?` };
  }
  const owner = bindings.find(({ functions }) => functions.includes(target.tool));
  if (owner === undefined) return undefined;
  const hint = `"${target.tool}" is a function of the tool "${owner.as}": call tools.${owner.as}.${target.tool}({...})`;
  return { binding: owner, name: target.tool, hint };
}

/** The error for a function that the binding does not have or grant, with the nearest name. */
export function noFunction(binding: ToolBinding, target: Target): LegionError {
  const valid = binding.functions;
  const near = suggest(target.function, valid);
  const message = functionFault(binding, target.function);
  const hint = near !== undefined ? `did you mean "${near}"?` : `use one of: ${valid.join(", ")}`;
  const name = near ?? valid[0];
  return new LegionError({
    code: "LEG4002",
    message,
    hint,
    valid,
    ...(name !== undefined && { example: exampleCall(binding, name) }),
  });
}

function functionFault({ as, tool }: ToolBinding, name: string): string {
  if (name === "") return `"${as}" is a tool, not a function`;
  if (Object.hasOwn(tool.functions, name))
    return `this agent may not call "${name}" of the tool "${as}"`;
  return `the tool "${as}" has no function "${name}"`;
}
