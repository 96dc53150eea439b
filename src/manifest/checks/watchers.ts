import { suggest } from "../../lib/suggest.ts";
import { triggerLanguage } from "../../trigger/language.ts";
import type { TriggerReference } from "../../trigger/references.ts";
import type { LoadedDocument } from "../loaded.ts";
import type { ManifestObject } from "../objects.ts";
import { checkArguments, checkMap, checkNamedFunction, type KnownFunction } from "./calls.ts";
import { type CheckContext, type Finding, faultAt, nameHint } from "./context.ts";
import { findingInText, reportProblem } from "./text-place.ts";

type Watcher = ManifestObject<"Watcher">;

/** What is looked at together: a watcher and the document that declares it. */
interface Watched {
  readonly watcher: Watcher;
  readonly document: LoadedDocument;
  readonly context: CheckContext;
}

/** The trigger and the recovery of a watcher are right, and what they name is there. */
export async function checkWatcher(
  watcher: Watcher,
  context: CheckContext,
  document: LoadedDocument,
): Promise<void> {
  const { type, trigger, recovery, timezone, agent } = watcher.spec;
  const watched = { watcher, document, context };
  const { checkTrigger, isZone } = await triggerLanguage.get();
  const hasZone = isZone(timezone);
  if (!hasZone) context.report(faultAt(watcher, unknownZone("Watcher", timezone)));
  checkAgent(watcher, agent, { path: ["spec", "agent"] }, context);
  const source = await checkCustom(watched);
  const { errors, recoveryErrors, references } = checkTrigger(trigger, {
    source: type,
    // One that is unknown is told once, where it stands.
    zone: hasZone ? timezone : "UTC",
    ...(source.returns !== undefined && { schema: source.returns }),
    ...(recovery !== undefined && { recovery }),
  });
  // Without what the function returns no name of its result is known.
  const isOpen = type === "custom" && !source.isKnown;
  const untyped = type === "custom" && source.returns === undefined;
  for (const [field, problems] of [
    ["trigger", errors],
    ["recovery", recoveryErrors],
  ] as const)
    for (const problem of problems) {
      const isOfTypes = /^E[24]/.test(problem.code);
      if (isOpen && isOfTypes) continue;
      const more =
        untyped && problem.code === "E401"
          ? `no schema of what ${watcher.spec.tool} returns is known: its whole result is value`
          : "";
      reportProblem({ document, path: ["spec", field] }, problem, context, more);
    }
  checkReferences(references, watched);
}

/** A zone that does not exist, with one that was perhaps meant. */
export function unknownZone(kind: string, zone: string): Finding {
  const near = suggest(zone, Intl.supportedValuesOf("timeZone"));
  return {
    code: "LEG1121",
    path: ["spec", "timezone"],
    summary: `${kind} spec.timezone "${zone}" is no time zone`,
    detail: `${near === undefined ? "" : `did you mean "${near}"?\n`}write a name such as Europe/Oslo, or UTC`,
  };
}

/** The agent that an object names is there. */
export function checkAgent(
  { kind, name, namespace, source }: ManifestObject<"Watcher"> | ManifestObject<"Cron">,
  agent: string | undefined,
  spot: Pick<Finding, "path" | "inside">,
  context: CheckContext,
): void {
  if (agent === undefined || context.find("Agent", namespace, agent) !== undefined) return;
  const summary = `${kind} "${name}" references Agent "${agent}", which does not exist`;
  const detail = nameHint("Agent", namespace, agent, context);
  context.report(faultAt({ source }, { code: "LEG1059", summary, detail, ...spot }));
}

/** The function of a custom watcher is there and takes its arguments. */
async function checkCustom({ watcher, document, context }: Watched): Promise<KnownFunction> {
  const { type, tool, arguments: given } = watcher.spec;
  if (type !== "custom" || tool === undefined) return { isKnown: false };
  const at = { start: 0, end: tool.length };
  const call = { object: watcher, document, path: ["spec", "tool"], at, name: tool };
  const known = checkNamedFunction(call, context);
  await checkArguments(call, given as Parameters<typeof checkArguments>[1], known, context);
  return known;
}

function checkReferences(references: readonly TriggerReference[], watched: Watched): void {
  let hasWoken = false;
  for (const reference of references) {
    if (reference.kind === "wake") {
      // One agent is missing, however many actions wake it.
      if (watched.watcher.spec.agent === undefined && !hasWoken) reportWake(reference, watched);
      hasWoken = true;
    } else checkReference(reference, watched);
  }
}

function reportAt(
  { start, end, in: field }: TriggerReference,
  { watcher, document, context }: Watched,
  finding: Omit<Finding, "path" | "inside">,
): void {
  const place = findingInText(document, ["spec", field], { start, end }, finding);
  context.report(faultAt(watcher, place));
}

function reportWake(reference: TriggerReference, watched: Watched): void {
  const { spec, name } = watched.watcher;
  const isImplied = !/^wake/.test((spec[reference.in] ?? "").slice(reference.start, reference.end));
  const why = isImplied ? "a trigger without then wakes an agent" : "wake tells an agent";
  reportAt(reference, watched, {
    code: "LEG1116",
    summary: `${why}, and Watcher "${name}" names none`,
    detail:
      "add spec.agent, or write another action: then silent, then message:AGENT or then tool:TOOL.FUNCTION",
  });
}

function checkReference(reference: TriggerReference, watched: Watched): void {
  const { watcher, document, context } = watched;
  const { kind, name = "", start, end, in: field } = reference;
  switch (kind) {
    case "message": {
      const { inside, path } = findingInText(document, ["spec", field], { start, end }, unplaced);
      checkAgent(watcher, name, { path, ...(inside && { inside }) }, context);
      return;
    }
    case "tool": {
      const call = { object: watcher, document, path: ["spec", field], at: { start, end }, name };
      const known = checkNamedFunction(call, context);
      checkMap(call, reference, known, context);
      return;
    }
    case "task":
    case "pipeline":
      // The span is that of the name; the whole word is what is refused.
      reportAt({ ...reference, start: start - kind.length - 1 }, watched, {
        code: "LEG1118",
        summary: `${kind}:${name} cannot be done: ${lacking[kind]} are not part of this Legion yet`,
        detail: "write wake, message:AGENT or tool:TOOL.FUNCTION",
      });
      return;
    case "watcher":
      checkOther(reference, name, watched);
      return;
    default:
      return;
  }
}

const unplaced = { code: "LEG1059", summary: "", detail: "" } as const;
const lacking = { task: "task boards", pipeline: "pipelines" } as const;

/** `unless firing(NAME)` names another watcher. */
function checkOther(reference: TriggerReference, name: string, watched: Watched): void {
  const { watcher, context } = watched;
  if (name === watcher.name) {
    const summary = `Watcher "${name}" would wait for itself: unless firing names another watcher`;
    const detail = "to fire once until it recovers needs no clause; for a pause write cooldown 10m";
    reportAt(reference, watched, { code: "LEG1117", summary, detail });
  } else if (context.find("Watcher", watcher.namespace, name) === undefined) {
    const summary = `Watcher "${watcher.name}" references Watcher "${name}", which does not exist`;
    const detail = nameHint("Watcher", watcher.namespace, name, context, watcher.name);
    reportAt(reference, watched, { code: "LEG1117", summary, detail });
  }
}
