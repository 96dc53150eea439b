/** A turn and its record: begun or taken up again, ended in one transaction. */
import type { TurnResult } from "../agent/contract.ts";
import type { Session } from "../agent/session.ts";
import { staysOpen } from "../agent/supervisor/delivery.ts";
import { LegionError } from "../lib/errors.ts";
import { canonicalHash } from "../lib/hash.ts";
import type { JsonObject } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { GuestSurface } from "../sandbox/contract.ts";
import type { Journal, JournalStep, RunRecord } from "../state/journal.ts";
import type { Objects, TurnRequest } from "./services.ts";

/** A run as a turn finds it: new, begun by an earlier process, or ended. */
export interface KnownRun {
  readonly run: RunRecord;
  readonly steps: readonly JournalStep[];
  readonly agent: ManifestObject<"Agent">;
  /** The tools as they were when it began. */
  readonly tools: readonly ManifestObject<"Tool">[];
  readonly surface: GuestSurface;
}

/** What a run began with, kept once for all runs that began with the same. */
interface RunBlob {
  readonly agent: ManifestObject<"Agent">;
  readonly tools: readonly ManifestObject<"Tool">[];
  /** What the code of the run could call. */
  readonly surface: GuestSurface;
}

/** The run of that key when there is one. Throws LEG6062 when its record is damaged: nothing goes on with it. */
export async function knownRun(
  journal: Journal,
  key: string | undefined,
): Promise<KnownRun | undefined> {
  const run = key === undefined ? undefined : await journal.runOfKey(key);
  return run === undefined ? undefined : readRun(journal, run);
}

/** A run with its steps and what it began with. LEG2106 when that is gone. */
export async function readRun(journal: Journal, run: RunRecord): Promise<KnownRun> {
  const steps = await journal.steps(run.run);
  const hash = steps[0]?.data.agent;
  const blob = typeof hash === "string" ? await journal.blob(hash) : undefined;
  if (blob === undefined) throw manifestGone(run.run);
  return { run, steps, ...(blob as unknown as RunBlob) };
}

function manifestGone(run: string): LegionError {
  return new LegionError({
    code: "LEG2106",
    message: `the journal does not hold the manifest that run ${run} began with`,
    hint: "look at `legion runs show`: it lists the calls that were made; then send the task again",
  });
}

/** How a run that has ended came out. */
export function recordedResult({ steps }: Pick<KnownRun, "steps">): TurnResult | undefined {
  const finished = steps.findLast(({ type }) => type === "turn.finished");
  return finished?.data.result as unknown as TurnResult | undefined;
}

/** Keeps a run with its first step; of one that is known only that it is tried once more. */
export async function beginRun(
  journal: Journal,
  request: TurnRequest,
  { title, ...parts }: RunBlob & { readonly title: string },
): Promise<RunRecord> {
  const { run, uid = "", generation = 0, key, message, parent, task, attempt = 1 } = request;
  const conversation = request.conversation ?? "";
  const blob = JSON.parse(JSON.stringify(parts)) as JsonObject;
  const started = { task, agent: canonicalHash(blob), conversation, attempt };
  // Both in one transaction; the blob first, since a run without it could never go on.
  const [, record] = await Promise.all([
    journal.keepBlob(blob),
    journal.begin(
      {
        ...{ run, uid, agent: title, generation, conversation },
        ...(message !== undefined && { message }),
        ...(parent !== undefined && { parent: parent.run }),
        ...(key !== undefined && { key }),
      },
      started,
    ),
  ]);
  return record;
}

/** The Tool objects that an agent needs, with those that its js tools need. */
export function toolsOf(
  agent: ManifestObject<"Agent">,
  objects: Objects,
): ManifestObject<"Tool">[] {
  const found = new Map<string, ManifestObject<"Tool">>();
  const names = agent.spec.tools.map((use) => (typeof use === "string" ? use : use.name));
  for (const name of names) {
    const tool = found.has(name) ? undefined : objects.get("Tool", name);
    if (tool === undefined) continue;
    found.set(name, tool);
    names.push(...(tool.spec.capabilities ?? []).map((each) => each.split(".")[0] ?? each));
  }
  return [...found.values()];
}

/** The objects of a namespace, with the tools of a run in place of those of now. */
export function withTools(objects: Objects, tools: readonly ManifestObject<"Tool">[]): Objects {
  const get = (kind: string, name: string) =>
    kind === "Tool" ? tools.find((tool) => tool.name === name) : objects.get(kind as "Agent", name);
  const all = (kind: string) => (kind === "Tool" ? tools : objects.all(kind as "Agent"));
  return { get, all } as unknown as Objects;
}

/** Whether the process ends in the middle of the turn: then the run has no end, and the next process goes on with it. */
export function isCutShort(result: TurnResult): boolean {
  return result.status === "cancel" && result.error.code === "LEG2033";
}

/** Whether the run gets no end, since the next delivery of its message goes on with it. */
export function goesOn({ message, answers }: TurnRequest, result: TurnResult): boolean {
  const isAnswer = message === undefined || (answers?.(result) ?? true);
  return !isAnswer && staysOpen(result);
}

/** Keeps the end of a run with its conversation and the answer of its message. One that the next delivery goes on with gets none. */
export async function endRun(
  journal: Journal,
  request: TurnRequest,
  session: Session | undefined,
  result: TurnResult,
): Promise<"kept" | "forgotten"> {
  if (isCutShort(result)) return "forgotten";
  const { message, uid = "", conversation, generation = 0, answers } = request;
  const isAnswer = message === undefined || (answers?.(result) ?? true);
  if (goesOn(request, result)) return "forgotten";
  const { usage, run } = result;
  const keepsConversation = isAnswer && conversation !== undefined && session !== undefined;
  await journal.end(run, {
    data: { result: result as unknown as JsonObject },
    status: result.status,
    ...(result.status === "cancel" && { reason: result.reason }),
    tokens: usage.inputTokens + usage.outputTokens,
    ...(keepsConversation && {
      conversation: commitOf(request.agent, uid, conversation, session),
    }),
    ...(isAnswer && message !== undefined && { answer: { message, generation, result } }),
  });
  return isAnswer ? "kept" : "forgotten";
}

function commitOf(
  { spec }: ManifestObject<"Agent">,
  uid: string,
  name: string,
  { added, snapshot }: Session,
) {
  // Variables of a smaller scope end with the turn.
  const lasts = spec.bindingScope === "conversation" && snapshot !== undefined;
  return {
    ...{ uid, name, maxMessages: spec.conversation.maxMessages },
    messages: added as unknown as readonly JsonObject[],
    ...(lasts && { snapshot }),
  };
}
