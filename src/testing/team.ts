import type { CancelReason, TurnResult } from "../agent/contract.ts";
import { createSession } from "../agent/session.ts";
import type { ChildRequest, TeamAgent } from "../agent/team/contract.ts";
import { createMeter, type TeamMeter } from "../agent/team/meter.ts";
import { createTeam, type Team, type TeamCall, type TeamOptions } from "../agent/team/team.ts";
import { type Verb, verbs } from "../agent/team/verbs.ts";
import { type ErrorData, LegionError } from "../lib/errors.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { noUsage } from "../router/contract.ts";
import { type ManualTime, manualTime } from "./manual-timers.ts";

/** What the manifests of a team under test say beyond its agents' names. */
export type TeamSpecs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The Agent objects of these specs; each of them has the agents that its spec lists. */
export async function teamAgents(specs: TeamSpecs): Promise<(name: string) => TeamAgent> {
  const apiVersion = "legion.dev/v1";
  const manifests = [
    {
      ...{ apiVersion, kind: "Provider", metadata: { name: "script" } },
      spec: { wire: "scripted", replies: [{ action: "done" }] },
    },
    ...Object.entries(specs).map(([name, spec]) => ({
      ...{ apiVersion, kind: "Agent", metadata: { name } },
      spec: { description: `It is ${name}.`, model: "script/it", ...spec },
    })),
  ];
  const text = manifests.map((manifest) => JSON.stringify(manifest)).join("\n---\n");
  const set = await loadManifests([{ text, filename: "team.yaml" }], { cwd: "/", env: {} });
  return (name) => {
    const object = set.get("Agent", name);
    if (object === undefined) throw new Error(JSON.stringify(set.diagnostics));
    return { uid: `uid-${name}`, generation: 1, object };
  };
}

/** A turn of a sub-agent that the test ends. */
export interface HeldChild {
  readonly request: ChildRequest;
  readonly name: string;
  /** Set when it was told to end. */
  reason?: unknown;
  answer(value: string): void;
  cancel(reason: CancelReason, error?: ErrorData): void;
  /** Whether it ends when it is told to. */
  isObedient: boolean;
}

export interface TestTeam {
  readonly team: Team;
  readonly time: ManualTime;
  readonly meter: TeamMeter;
  /** Turns of sub-agents that were begun, oldest first. */
  readonly children: readonly HeldChild[];
  /** Names of agents in the order in which they were told to end. */
  readonly stops: readonly string[];
  /** Ends the turn itself, as its caller does. */
  readonly turn: AbortController;
  do(verb: Verb, args: object, call?: Partial<TeamCall>): Promise<unknown>;
  /** The team of a sub-agent's turn. */
  below(child: HeldChild): Team;
}

/** A team over turns that the test ends itself, in time that stands still. */
export function testTeam(
  agentOf: (name: string) => TeamAgent,
  root: string,
  more: Partial<TeamOptions> = {},
): TestTeam {
  const time = manualTime();
  const children: HeldChild[] = [];
  const stops: string[] = [];
  const turn = new AbortController();
  const { object: agent } = agentOf(root);
  const { clock, timers } = time;
  const meter = createMeter({ agent: root, run: "root", spec: agent.spec, clock });
  const shared = {
    ...{ agentOf, clock, timers },
    runChild: (request: ChildRequest) => held(request, children, stops),
    openSession: async () => createSession(),
    ...more,
  };
  const team = createTeam({ ...shared, agent, run: "root", meter, signal: turn.signal });
  let calls = 0;
  return {
    ...{ team, time, meter, children, stops, turn },
    do(verb, args, call = {}) {
      calls += 1;
      const key = `root/1.${calls}`;
      const act = verbs[verb] as (t: Team, a: object, c: TeamCall) => Promise<unknown>;
      return act(team, args, { key, signal: new AbortController().signal, ...call });
    },
    below({ request }) {
      const { object } = request.agent;
      const { seat, meter: above } = request.parent;
      const own = createMeter({
        agent: object.name,
        run: request.run,
        spec: object.spec,
        clock,
        above,
      });
      const { run, signal } = request;
      return createTeam({ ...shared, agent: object, run, meter: own, seat, signal });
    },
  };
}

function held(request: ChildRequest, children: HeldChild[], stops: string[]): Promise<TurnResult> {
  const ended = Promise.withResolvers<TurnResult>();
  const { object } = request.agent;
  const figures = figuresOf(object, request.run);
  const child: HeldChild = {
    request,
    name: object.name,
    isObedient: true,
    answer: (value) => ended.resolve({ status: "ok", value, ...figures }),
    cancel: (reason, error = { code: "LEG2023", message: "ended", hint: "none" }) =>
      ended.resolve({ status: "cancel", reason, error, ...figures }),
  };
  children.push(child);
  request.signal.addEventListener("abort", () => {
    const reason: unknown = request.signal.reason;
    child.reason = reason;
    stops.push(object.name);
    const isTimeout = reason instanceof DOMException;
    const error = reason instanceof LegionError ? reason.toJSON() : undefined;
    if (child.isObedient) child.cancel(isTimeout ? "timeout" : "interrupted", error);
  });
  return ended.promise;
}

function figuresOf({ name, spec }: ManifestObject<"Agent">, run: string) {
  const figures = { iterations: 1, evaluations: 0, retries: 0, toolCalls: 0, durationMs: 1 };
  return { agent: name, run, model: spec.model, usage: noUsage, ...figures };
}
