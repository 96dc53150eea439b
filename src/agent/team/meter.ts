import type { Clock } from "../../lib/clock.ts";
import { durationMs } from "../../lib/quantities.ts";
import type { AgentSpec } from "../../manifest/generated/agent.ts";
import type { Meter, Refusal } from "../contract.ts";
import type { AgentLedger } from "./meter-ledger.ts";
import {
  addSpent,
  type Level,
  levelsOf,
  nothingSpent,
  rateLimited,
  refusalOf,
  type Spent,
} from "./meter-limits.ts";

/** A meter that counts for those below it too: what they spend is spent here at once. */
export interface TeamMeter extends Meter {
  /** Why the turns of this team may spend no more; undefined when they may. */
  refuseTeam(what: "request" | "call"): Refusal | undefined;
  /** Takes what a turn below has spent. */
  spendTeam(spent: Partial<Spent>): void;
}

export interface MeterOptions {
  readonly agent: string;
  readonly run: string;
  readonly spec: Pick<AgentSpec, "budget" | "rateLimit">;
  readonly clock: Pick<Clock, "now">;
  /** What the agent has spent in all its turns; needed for budget.agent and rateLimit. */
  readonly ledger?: AgentLedger;
  /** The meter of the turn that started this one. */
  readonly above?: TeamMeter;
  /** What agents below it had spent before the process died. */
  readonly teamSpent?: Partial<Spent>;
}

/**
 * What one turn may spend: of its own, with all agents below it, of its agent in a time, and of every team that it is in.
 * The first limit that is reached refuses; a limit of an agent above names that agent.
 */
export function createMeter(options: MeterOptions): TeamMeter {
  const { agent, run, spec, clock, ledger, above } = options;
  const { budget, rateLimit } = spec;
  let own = nothingSpent;
  let team = nothingSpent;
  let isAdmitted = false;

  function refuseTurn(): Refusal | undefined {
    if (isAdmitted || ledger === undefined) return undefined;
    const refusal = ledger.hasBegun(run) ? undefined : refusedTurn(options, ledger);
    if (refusal !== undefined) return refusal;
    isAdmitted = true;
    ledger.begin(run);
    return undefined;
  }

  function refuseTeam(what: "request" | "call"): Refusal | undefined {
    const scope = { field: "spec.budget.team", agent, in: "with the agents below it" };
    return refusalOf(levelsOf(what, scope, budget.team, team)) ?? above?.refuseTeam(what);
  }

  function spendTeam(spent: Partial<Spent>): void {
    team = addSpent(team, spent);
    above?.spendTeam(spent);
  }

  // Those above did not count what is below a run without an end.
  if (options.teamSpent !== undefined) spendTeam(options.teamSpent);
  return {
    refuse(what) {
      const scope = { field: "spec.budget.run", agent, in: "in one turn" };
      const levels = [
        ...levelsOf(what, scope, budget.run, own),
        ...agentTokens(options, ledger, clock.now()),
      ];
      // A turn that is not let in has spent nothing; its rate is told before its budget.
      return refuseTurn() ?? refusalOf(levels) ?? refuseTeam(what);
    },
    refuseTeam,
    spend(spent) {
      own = addSpent(own, spent);
      if (countsAgent(budget, rateLimit)) ledger?.spendUpTo(run, own.tokens);
      spendTeam(spent);
    },
    spendTeam,
  };
}

/** Whether limits over all turns of the agent are set, so that a ledger of them is needed. */
export function countsAgent(
  { agent }: AgentSpec["budget"],
  rateLimit: AgentSpec["rateLimit"],
): boolean {
  return agent.tokens !== undefined || agent.turns !== undefined || rateLimit !== undefined;
}

function refusedTurn({ agent, spec, clock }: MeterOptions, ledger: AgentLedger) {
  const nowMs = clock.now();
  const { rateLimit, budget } = spec;
  if (rateLimit !== undefined) {
    const perMs = durationMs(rateLimit.per);
    const sinceMs = nowMs - perMs;
    const oldestMs = ledger.oldestTurn(sinceMs) ?? nowMs;
    if (ledger.turns(sinceMs) >= rateLimit.turns)
      return rateLimited(agent, rateLimit.turns, perMs, oldestMs - sinceMs);
  }
  const { turns, per } = budget.agent;
  if (turns === undefined) return undefined;
  const spent = ledger.turns(nowMs - durationMs(per));
  const of = `turns within ${per}`;
  return refusalOf([{ field: "spec.budget.agent.turns", agent, limit: turns, spent, of }]);
}

function agentTokens(
  { agent, spec }: MeterOptions,
  ledger: AgentLedger | undefined,
  nowMs: number,
): readonly Level[] {
  const { tokens: limit, per } = spec.budget.agent;
  if (limit === undefined || ledger === undefined) return [];
  const spent = ledger.tokens(nowMs - durationMs(per));
  const of = `tokens within ${per}, in all its turns`;
  return [{ field: "spec.budget.agent.tokens", agent, limit, spent, of }];
}
