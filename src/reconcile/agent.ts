import type { LoopState, Supervisor } from "../agent/supervision.ts";
import { LegionError } from "../lib/errors.ts";
import { parseDuration } from "../lib/quantities.ts";
import { suggest } from "../lib/suggest.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { keyMissing } from "../router/key-missing.ts";
import { type Objects, type Plan, resolveModel, splitTarget } from "../router/resolve.ts";
import { candidates } from "../router/route.ts";
import type { Secrets } from "../security/secrets.ts";
import type { LifecycleState } from "../state/lifecycles.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import { type AgentEndingsDeps, createAgentEndings, draining, halted } from "./agent-ending.ts";
import { createDrains } from "./drains.ts";
import { type Reconciler, ready, stalled, type Verdict, waiting } from "./reconciler.ts";
import { ANY_NAME } from "./references.ts";
import { blockedBy, toolKeys } from "./tool.ts";
import { sentenceOf } from "./verdict.ts";
import type { View } from "./view.ts";

/** Holds an agent until its loop has ended. */
export const DRAIN_FINALIZER = "legion.dev/drain";
/** How long a turn of a deleted agent may go on where its manifest does not say. */
const GRACE_MS = 30_000;

export interface AgentDeps {
  readonly secrets: Pick<Secrets, "missing">;
  readonly supervisor: Pick<Supervisor, "ensure" | "state" | "drain" | "onChange">;
  readonly lifecycles: AgentEndingsDeps["lifecycles"];
  readonly endLeft?: AgentEndingsDeps["endLeft"];
}

/** Keeps one loop per agent, which begins its turns with the newest generation whose tools and model are there. */
export function agentReconciler(deps: AgentDeps): Reconciler {
  const { supervisor, secrets, lifecycles, endLeft } = deps;
  const drains = createDrains(supervisor);
  /** Agents that wait for the end of a turn; all others need no look when a turn begins or ends. */
  const pinned = new Set<string>();
  /** In which state each agent was when it was looked at. */
  const lookedAt = new Map<string, LifecycleState>();
  const endings = createAgentEndings({
    ...{ supervisor, lifecycles, drains },
    ...(endLeft !== undefined && { endLeft }),
    forget(key) {
      pinned.delete(keyText(key));
      lookedAt.delete(keyText(key));
    },
  });
  return {
    kind: "Agent",
    finalizer: DRAIN_FINALIZER,
    watch: ({ requeue }) =>
      supervisor.onChange((key) => {
        const loop = supervisor.state(key);
        const text = keyText(key);
        const isMoved = loop !== undefined && lookedAt.get(text) !== loop.lifecycle.state;
        if (pinned.has(text) || loop === undefined || (lookedAt.has(text) && isMoved)) requeue(key);
      }),
    references: (resource, view) => [
      ...toolKeys(resource.namespace, toolNames(view.object<"Agent">(resource).spec)),
      ...modelReferences(resource, view),
    ],
    async reconcile(resource, context) {
      const { uid, generation, namespace } = resource;
      pinned.delete(keyText(resource));
      const loop = supervisor.state(resource);
      // A loop that is ending, or one of an earlier agent of this name, has to be gone first.
      if (loop !== undefined && (loop.uid !== uid || loop.phase === "draining")) {
        drains.begin(keyOf(resource), loop, GRACE_MS, context);
        return draining(loop);
      }
      const object = context.view.object<"Agent">(resource);
      const blocked =
        missingTool(object, context.view) ??
        blockedBy(resource, toolNames(object.spec), context.view) ??
        missingModel(object.spec.model, context.view.within(namespace), secrets);
      if (blocked !== undefined) return withOlder(blocked, loop, generation);
      const createdAt = resource.creationTimestamp;
      const { turn, lifecycle } = supervisor.ensure({ uid, generation, object, createdAt });
      lookedAt.set(keyText(resource), lifecycle.state);
      if (lifecycle.state !== "running") return halted(resource, lifecycle, lifecycles);
      if (turn !== undefined && turn.generation !== generation) {
        pinned.add(keyText(resource));
        return turnInFlight(generation, turn.generation);
      }
      return ready("Running", "Its loop takes messages.");
    },
    async finalize(resource, context) {
      const { terminationGracePeriod } = context.view.object<"Agent">(resource).spec;
      // Whatever a spec says, an agent can be deleted.
      const graceMs = parseDuration(terminationGracePeriod ?? "") ?? GRACE_MS;
      return endings.finalize(resource, graceMs, context);
    },
    async removed(key, context) {
      return endings.removed(key, GRACE_MS, context);
    },
  };
}

function turnInFlight(next: number, running: number): Verdict {
  const message = `Generation ${next} begins with the next turn; a turn of generation ${running} still runs.`;
  return waiting("TurnInFlight", message, { keepReady: true });
}

/** What is wrong with a generation does not end the one before it. */
function withOlder(verdict: Verdict, loop: LoopState | undefined, generation: number): Verdict {
  if (loop === undefined || loop.generation === generation) return verdict;
  const message = `${verdict.message} Until then generation ${loop.generation} goes on running.`;
  return { ...verdict, message };
}

function toolNames({ tools }: AgentSpec): string[] {
  return [...new Set(tools.map((use) => (typeof use === "string" ? use : use.name)))];
}

/** A model that is no provider/model depends on all Routers, since any of them can have it as an alias. */
function modelReferences(resource: Resource, view: View): ResourceKey[] {
  const { namespace } = resource;
  const { model } = view.object<"Agent">(resource).spec;
  const provider = (name: string): ResourceKey => ({ kind: "Provider", namespace, name });
  const direct = splitTarget(model);
  if (direct !== undefined) return [provider(direct.provider)];
  const any: ResourceKey = { kind: "Router", namespace, name: ANY_NAME };
  try {
    const { targets, others } = resolveModel(model, view.within(namespace));
    const names = [...targets, ...others].map((each) => each.provider);
    return [any, ...[...new Set(names)].map(provider)];
  } catch {
    return [any];
  }
}

function missingTool(agent: ManifestObject<"Agent">, view: View): Verdict | undefined {
  const objects = view.within(agent.namespace);
  const missing = toolNames(agent.spec).find((name) => objects.get("Tool", name) === undefined);
  if (missing === undefined) return undefined;
  const near = suggest(
    missing,
    objects.all("Tool").map(({ name }) => name),
  );
  const next = near === undefined ? "" : ` Did you mean "${near}"?`;
  const message = `The tool "${missing}" does not exist: apply a Tool of that name, or take it out of spec.tools.${next}`;
  return stalled("ToolMissing", message);
}

/** A model can be used while one of its targets can be asked; the others are made up for. */
function missingModel(
  model: string,
  objects: Objects,
  secrets: AgentDeps["secrets"],
): Verdict | undefined {
  try {
    const plan = resolveModel(model, objects);
    if (plan.targets.some(({ provider }) => objects.get("Provider", provider) !== undefined))
      return unusable(plan, objects, secrets);
    const message = `No Provider of the model "${model}" exists: apply one, or set spec.model to another.`;
    return stalled("ModelMissing", message);
  } catch (error) {
    if (!(error instanceof LegionError)) throw error;
    return stalled("ModelMissing", sentenceOf(error));
  }
}

/** The router's own judgement: undefined when there is a target that a request would be sent to. */
function unusable(
  plan: Plan,
  objects: Objects,
  secrets: AgentDeps["secrets"],
): Verdict | undefined {
  const judged = candidates(
    plan,
    { messages: [] },
    {
      provider: (name) => objects.get("Provider", name),
      keyMissing: (provider) => keyMissing(provider, secrets),
      // What a server answered before is no fault of the manifests.
      out: () => undefined,
    },
  );
  if (judged.some(({ error }) => error === undefined)) return undefined;
  const [first] = judged.flatMap(({ error }) => error ?? []);
  return first && stalled("NoUsableModel", sentenceOf(first));
}
