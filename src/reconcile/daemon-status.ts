import type { Supervisor } from "../agent/supervision.ts";
import { count } from "../lib/text.ts";
import { DEFAULT_NAMESPACE } from "../manifest/loaded.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { Resource, ResourceKey } from "../state/resource.ts";
import type { Watchers } from "../watch/contract.ts";
import { conditionOf, isReady, statusOf } from "./conditions.ts";
import type { DaemonStatus, Problem, SourceStatus } from "./contract.ts";
import { SECRET_MISSING } from "./provider.ts";

const notesOnly: ReadonlySet<string> = new Set([
  SECRET_MISSING,
  "Stopped",
  "AgentStopped",
  "Suspended",
  "Paused",
]);
/** Problems that a status lists; the rest is counted in a last one. */
const PROBLEMS_MAX = 100;
/** Watchers that see nothing that a status lists; the rest is counted. */
const BLIND_MAX = 20;

/** How many objects there are of each kind, how many of them are Ready, and what is wrong with the others. */
export function objectsStatus(
  resources: Iterable<Resource>,
): Pick<DaemonStatus, "objects" | "problems"> {
  const objects: Record<string, { total: number; ready: number }> = {};
  const problems: Problem[] = [];
  for (const resource of resources) {
    objects[resource.kind] ??= { total: 0, ready: 0 };
    const counts = objects[resource.kind];
    if (counts === undefined) continue;
    counts.total += 1;
    counts.ready += Number(isReady(resource));
    problems.push(...problemsOf(resource));
  }
  const notesLast = problems.toSorted((a, b) => Number(a.isNote ?? 0) - Number(b.isNote ?? 0));
  return { objects, problems: limited(notesLast) };
}

/** Why an object does not run, or runs an older generation than its manifest asks for. */
function problemsOf(resource: Resource): readonly Problem[] {
  const subject = titleOf(resource);
  const status = statusOf(resource);
  const accepted = conditionOf(status, "Accepted");
  const stalled = conditionOf(status, "Stalled");
  const ready = conditionOf(status, "Ready");
  const found: Problem[] = [];
  if (accepted?.status === "False") {
    const { message } = accepted;
    const goesOn = isReady(resource) ? `; generation ${resource.generation} goes on` : "";
    found.push({ subject, reason: "Rejected", message: `${message}${goesOn}` });
  }
  if (isReady(resource)) return found;
  if (resource.deletionTimestamp !== undefined) {
    return [{ subject, reason: "Terminating", message: "it is being deleted and drains" }];
  }
  const told = stalled?.status === "True" ? stalled : ready;
  found.push({
    subject,
    reason: told?.reason ?? "Pending",
    message: told?.message ?? "it was not looked at yet",
    // An agent that cannot do without the provider is a problem of its own; and what a person has stopped is as it is to be.
    ...(notesOnly.has(told?.reason ?? "") && { isNote: true as const }),
  });
  return found;
}

/** What waits for a person. */
export interface Waiting {
  readonly loops: ReturnType<Supervisor["states"]>;
  readonly watchers: ReturnType<Watchers["states"]>;
  readonly questions: number;
  readonly deadLetters: number;
  readonly quarantined: number;
}

/** What a person may want to look at, although nothing is wrong with the daemon. */
export function waitingNotes(waiting: Waiting): readonly Problem[] {
  const { loops, watchers, questions, deadLetters, quarantined } = waiting;
  const paused = loops.filter(({ state }) => state.lifecycle.state === "paused");
  const notes = paused.map(({ key, state: { lifecycle, queued } }) => {
    const { actor, reason } = lifecycle;
    const why = reason === "" ? `by ${actor}` : `by ${actor}: ${reason}`;
    const message = `it answers no messages (${why}), ${count(queued, "message")} waiting; next: ${resumeCommand(key)}`;
    return { subject: titleOf(key), reason: "Paused", message };
  });
  const counted = [
    {
      ...{ amount: questions, subject: "people", reason: "Asked" },
      message: `${count(questions, "question")} of agents without an answer: legion get questions`,
    },
    {
      ...{ amount: deadLetters, subject: "inbox", reason: "DeadLetters" },
      message: `${count(deadLetters, "dead letter")}, given up after all deliveries: legion inbox dead`,
    },
    {
      ...{ amount: quarantined, subject: "runs", reason: "Quarantined" },
      message: `${count(quarantined, "run")} with a damaged record: legion runs list --status quarantined`,
    },
  ].filter(({ amount }) => amount > 0);
  return [...notes, ...blindNotes(watchers), ...counted].map(({ subject, reason, message }) => ({
    ...{ subject, reason, message },
    isNote: true as const,
  }));
}

/** Watchers whose conditions have no value see nothing, so that nobody would hear of anything. */
function blindNotes(watchers: Waiting["watchers"]): readonly Omit<Problem, "isNote">[] {
  const blind = watchers.filter(({ state: { state } }) => state === "error" || state === "no_data");
  const rest = blind.length - BLIND_MAX;
  const message = "list them with legion get watchers -A";
  return [
    ...blind.slice(0, BLIND_MAX).map(blindNote),
    ...(rest > 0 ? [{ subject: count(rest, "more watcher"), reason: "NoData", message }] : []),
  ];
}

function blindNote({ key, state }: Waiting["watchers"][number]): Omit<Problem, "isNote"> {
  const { state: stands, error } = state;
  const why = error === undefined ? "what its condition names was not there" : error.message;
  const message = `its condition has no value (${why}), so it cannot fire; next: legion explain trigger ${key.name}${inNamespace(key)}`;
  return { subject: titleOf(key), reason: stands === "error" ? "Error" : "NoData", message };
}

function inNamespace({ namespace }: ResourceKey): string {
  return namespace === DEFAULT_NAMESPACE ? "" : ` -n ${namespace}`;
}

function resumeCommand(key: ResourceKey): string {
  return `legion resume agent/${key.name}${inNamespace(key)}`;
}

/** What is wrong with sources. */
export function sourceProblems(sources: readonly SourceStatus[]): readonly Problem[] {
  return sources.flatMap(
    ({ name: subject, error, diagnostics, roots = [], problems = [] }): Problem[] => {
      const errors = diagnostics.filter(({ severity }) => severity === "error");
      const away = roots.filter(({ status }) => status === "incomplete" || status === "busy");
      return [
        ...(error === undefined
          ? []
          : [{ subject, reason: error.code, message: `${error.message}; next: ${error.hint}` }]),
        ...(errors.length === 0 || error !== undefined ? [] : [{ subject, ...invalid(errors) }]),
        ...away.map(({ root, status }) => ({
          subject,
          reason: status === "busy" ? "GitBusy" : "Incomplete",
          message: `${root} cannot be read whole now; what it declared stays`,
        })),
        ...problems,
      ];
    },
  );
}

function invalid(errors: SourceStatus["diagnostics"]): Omit<Problem, "subject"> {
  const [first] = errors;
  const place =
    first?.range === undefined
      ? (first?.filename ?? "")
      : `${first.range.filename}:${first.range.start.line}:${first.range.start.column}`;
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : "";
  return { reason: "Invalid", message: `${place}: ${first?.code}: ${first?.summary}${more}` };
}

function limited(problems: readonly Problem[]): readonly Problem[] {
  const rest = problems.length - PROBLEMS_MAX;
  if (rest <= 0) return problems;
  const message = "list them with legion get all -A";
  return [
    ...problems.slice(0, PROBLEMS_MAX),
    {
      ...{ subject: `${rest} more objects`, reason: "NotReady", message },
      ...(problems[PROBLEMS_MAX]?.isNote === true && { isNote: true as const }),
    },
  ];
}
