import { keyOf, type LoadedDocument } from "../loaded.ts";
import type { ManifestObject } from "../objects.ts";
import { type CheckContext, faultAt, nameHint } from "./context.ts";
import { checkFunction } from "./functions.ts";

/** The tools that JavaScript may call exist, with their functions. */
export function checkCapabilities(tool: ManifestObject<"Tool">, context: CheckContext): void {
  for (const [index, capability] of (tool.spec.capabilities ?? []).entries()) {
    const path = ["spec", "capabilities", index];
    const [name = "", wanted] = capability.split(".");
    if (context.find("Tool", tool.namespace, name) === undefined) {
      const summary = `Tool "${tool.name}" references Tool "${name}", which does not exist`;
      const detail = nameHint("Tool", tool.namespace, name, context, tool.name);
      context.report(faultAt(tool, { code: "LEG1050", path, summary, detail, words: name }));
    } else if (wanted !== undefined) {
      checkFunction(tool, { tool: name, name: wanted, path, words: wanted }, context);
    }
  }
}

/** One step of the search: a tool and how many of its capabilities were followed. */
interface Step {
  readonly tool: ManifestObject<"Tool">;
  next: number;
}

/** Tools that grant each other in a circle. The search keeps its own stack: a chain may be thousands long. */
export function checkCycles(documents: readonly LoadedDocument[], context: CheckContext): void {
  const done = new Set<string>();
  for (const { object } of documents) {
    if (object?.kind !== "Tool") continue;
    const tool = object as ManifestObject<"Tool">;
    if ((tool.spec.capabilities ?? []).length > 0) search(tool, done, context);
  }
}

function search(start: ManifestObject<"Tool">, done: Set<string>, context: CheckContext): void {
  const stack: Step[] = [];
  const open = new Map<string, number>();
  const enter = (tool: ManifestObject<"Tool">) => {
    open.set(keyOf(tool), stack.length);
    stack.push({ tool, next: 0 });
  };
  if (!done.has(keyOf(start))) enter(start);
  for (let step = stack.at(-1); step !== undefined; step = stack.at(-1)) {
    const { tool } = step;
    const index = step.next++;
    const capability = tool.spec.capabilities?.[index];
    if (capability === undefined) {
      done.add(keyOf(tool));
      open.delete(keyOf(tool));
      stack.pop();
      continue;
    }
    const target = context.object("Tool", tool.namespace, capability.split(".")[0] ?? "");
    if (target === undefined || done.has(keyOf(target))) continue;
    const from = open.get(keyOf(target));
    if (from === undefined) enter(target);
    else reportCycle(stack.slice(from), target.name, context);
  }
}

/** Reports a circle where the last of its tools that is checked closes it; others exist already, and have no place to point at. */
function reportCycle(
  steps: readonly Step[],
  last: string,
  { report, isChecked }: CheckContext,
): void {
  const step = steps.findLast(({ tool }) => isChecked(tool));
  if (step === undefined) return;
  const names = [...steps.map(({ tool }) => tool.name), last];
  report(
    faultAt(step.tool, {
      code: "LEG1054",
      path: ["spec", "capabilities", step.next - 1],
      summary: `the tools grant each other in a circle: ${shorten(names).join(" -> ")}`,
      detail: "remove one of these capabilities",
    }),
  );
}

/** How many names of a circle a message tells. */
const TOLD_MAX = 12;

function shorten(path: readonly string[]): readonly string[] {
  return path.length <= TOLD_MAX
    ? path
    : [
        ...path.slice(0, TOLD_MAX / 2),
        `(${path.length - TOLD_MAX} more)`,
        ...path.slice(-TOLD_MAX / 2),
      ];
}
