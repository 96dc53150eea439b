/** One turn with all that it needs: its tools, its record, its people; begun here, or gone on with. */
import type { Approve, TurnResult } from "../agent/contract.ts";
import { guestSurface } from "../agent/guest.ts";
import { sessionFrom } from "../agent/journal/session.ts";
import { runTurn } from "../agent/loop.ts";
import { startOf, stopOf } from "../agent/record.ts";
import type { Session } from "../agent/session.ts";
import type { OpenedTeam } from "../agent/team/contract.ts";
import { LegionError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import { durationMs } from "../lib/quantities.ts";
import { DEFAULT_NAMESPACE } from "../manifest/loaded.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { Router } from "../router/contract.ts";
import type { SandboxPool } from "../sandbox/contract.ts";
import { type Redactor, redactDeep, redactorWith } from "../security/redact.ts";
import { redactStream } from "../security/redact-stream.ts";
import type { Journal } from "../state/journal.ts";
import { createEmitter } from "../telemetry/emitter.ts";
import type { Emit } from "../telemetry/events.ts";
import { withinLimits } from "../telemetry/limits.ts";
import type { PeopleRequest, Toolbox } from "../tools/contract.ts";
import { createToolbox, type ToolDeps } from "../tools/registry.ts";
import { beginRun, endRun, goesOn, type KnownRun, toolsOf, withTools } from "./record.ts";
import { notBegun, type ServicesOptions, type TurnRequest } from "./services.ts";

/** What a turn is run with. */
export interface DurableParts {
  readonly options: ServicesOptions;
  readonly redactor: Redactor;
  readonly routerOf: (namespace: string) => Router;
  readonly pool: () => Promise<SandboxPool>;
  readonly toolDeps: () => Omit<ToolDeps, "objects">;
}

interface OnRecord {
  readonly journal: Journal | undefined;
  /** The run, where it was begun by an earlier process. */
  readonly known: KnownRun | undefined;
}

/** Runs a turn that has not ended, on record where there is a journal. */
export async function runOnRecord(
  { options, redactor: base, routerOf, pool, toolDeps }: DurableParts,
  asked: TurnRequest,
  { journal, known }: OnRecord,
): Promise<TurnResult> {
  const { clock, publish, objectsOf } = options;
  const request = known === undefined ? asked : asBegun(asked, known);
  const vault = await vaultOf(options, request, known !== undefined);
  const redactor = redactorWith(base, vault);
  const { redactKnown: redact } = redactor;
  const { agent, run, uid = "", signal } = request;
  const sink = redactStream(redactor, (event) => publish(withinLimits(event)));
  const title = titleIn(agent);
  const emit = createEmitter({ agent: title, run, clock, sink });
  const live = objectsOf(agent.namespace);
  const objects = known === undefined ? live : withTools(live, known.tools);
  let team: OpenedTeam | undefined;
  let toolbox: Toolbox;
  try {
    team = await options.openTeam?.({ ...request, ...(vault !== undefined && { vault }) });
    const people = askPeople(options, title, uid);
    const extra = team?.tools ?? [];
    toolbox = await createToolbox(agent, { ...toolDeps(), objects, redact, extra, ...people });
  } catch (error) {
    tellNotBegun(request, error, emit);
    await Promise.allSettled((team?.tools ?? []).map(({ tool }) => tool.close?.()));
    if (journal !== undefined && known !== undefined && error instanceof LegionError)
      await endRun(journal, request, undefined, notGoneOn(request, error, known));
    throw error;
  }
  let own: Session | undefined;
  try {
    const tools = known?.tools ?? toolsOf(agent, objects);
    if (journal !== undefined) {
      const task = redact(request.task);
      const surface = guestSurface(toolbox);
      await beginRun(journal, { ...request, task }, { agent, tools, surface, title });
    }
    if (request.session === undefined) own = await ownSession(journal, request);
    const session = request.session ?? own;
    const end = async (result: TurnResult) => {
      // The agents below end before the run does, and go on with it when it goes on.
      if (goesOn(request, result)) await team?.suspend?.();
      await toolbox.close();
      return journal === undefined
        ? "kept"
        : endRun(journal, request, session, redactDeep(result, redactor));
    };
    const result = await runTurn({
      ...{ ...request, task: redact(request.task) },
      ...{ router: routerOf(agent.namespace), toolbox, pool, clock, emit, redact, signal },
      ...(vault !== undefined && { vault }),
      ...(team !== undefined && { meter: team.meter }),
      ...(session !== undefined && { session }),
      ...(journal !== undefined && { journal: turnJournal(journal, run, known) }),
      ...approvals(options, title, uid, request),
      onEnd: end,
    });
    return redactDeep(result, redactor);
  } finally {
    await own?.close();
    await toolbox.close();
  }
}

/** The request as the run began: its own number, agent, generation and task. */
function asBegun(request: TurnRequest, { run, agent, steps }: KnownRun): TurnRequest {
  const task = String(steps[0]?.data.task ?? request.task);
  return { ...request, agent, run: run.run, generation: run.generation, task };
}

/** The vault outlives the process with its run. */
async function vaultOf(
  { vaults }: ServicesOptions,
  { vault, run }: TurnRequest,
  isKnown: boolean,
): Promise<JsonObject | undefined> {
  if (vaults === undefined) return vault;
  if (isKnown) return (await (await vaults()).read(run)) ?? vault;
  if (vault !== undefined) await (await vaults()).keep(run, vault);
  return vault;
}

function turnJournal(journal: Journal, run: string, known: KnownRun | undefined) {
  return {
    past: known?.steps ?? [],
    append: async (...step: [Parameters<Journal["append"]>[1], JsonObject]) =>
      void (await journal.append(run, ...step)),
  };
}

/** The conversation of a turn that brings none. */
async function ownSession(
  journal: Journal | undefined,
  { uid = "", conversation, agent }: TurnRequest,
): Promise<Session | undefined> {
  if (journal === undefined || conversation === undefined) return undefined;
  return sessionFrom(journal, uid, conversation, agent.spec.conversation.maxMessages);
}

function askPeople({ askPeople: ask }: ServicesOptions, agent: string, uid: string) {
  if (ask === undefined) return {};
  return { askPeople: (asked: PeopleRequest) => ask({ ...asked, agent, uid }) };
}

function approvals(
  { approve }: ServicesOptions,
  title: string,
  uid: string,
  { run, agent }: TurnRequest,
): { readonly approve?: Approve } {
  if (approve === undefined) return {};
  const timeoutMs = durationMs(agent.spec.approvalTimeout);
  return { approve: (asked) => approve({ ...asked, agent: title, uid, run, timeoutMs }) };
}

/** What events call an agent: its name, behind its namespace when that is not the default one. */
export function titleIn({ namespace, name }: ManifestObject<"Agent">): string {
  return namespace === DEFAULT_NAMESPACE ? name : `${namespace}/${name}`;
}

/** How a run ends that was begun and whose tools cannot be built now; what it did stays done. */
function notGoneOn(request: TurnRequest, error: unknown, { steps }: KnownRun): TurnResult {
  const calls = steps.filter(({ type, data }) => type === "call.started" && "name" in data);
  return { ...notBegun(request, error), toolCalls: calls.length };
}

/** A turn that could not begin is on record like others. */
function tellNotBegun(request: TurnRequest, error: unknown, emit: Emit): void {
  if (!(error instanceof LegionError)) return;
  const started = emit("legion.agent.started", startOf(request));
  emit("legion.agent.stopped", stopOf(notBegun(request, error), request.message), started);
}
