import type { Clock } from "../../lib/clock.ts";
import type { LegionError } from "../../lib/errors.ts";
import type { Timers } from "../../manifest/watch/timers.ts";
import type { Journal } from "../../state/journal.ts";
import type { TurnResult } from "../contract.ts";
import type { Session } from "../session.ts";
import { teamBinding } from "./binding.ts";
import type { ChildRequest, OpenTeam, RunChild, TeamAgent, TeamTurn } from "./contract.ts";
import { parentSuspended } from "./errors.ts";
import { countsAgent, createMeter, type TeamMeter } from "./meter.ts";
import { createLedgers, type Ledgers } from "./meter-ledger.ts";
import { readTeamPast, type TeamPast } from "./recover.ts";
import type { Seat } from "./seats.ts";
import { createTeam } from "./team.ts";

/** Runs of an agent that its budget begins with, the newest; the journal keeps no more. */
const LEDGER_RUNS_MAX = 10_000;

export interface TeamsOptions {
  /** An agent as it is now; undefined when there is none. */
  readonly agentOf: (namespace: string, name: string) => TeamAgent | undefined;
  readonly runChild: RunChild;
  /** A conversation that goes on from what is on record. */
  readonly sessionOf: (uid: string, conversation: string, maxMessages: number) => Promise<Session>;
  /** Without one nothing of a team outlives the process. */
  readonly journal?: () => Promise<Journal>;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** The budgets and teams of all turns of one process. */
export interface Teams extends OpenTeam {
  /** Ends the run of a sub-agent and those below it; its parent hears of a cancel. False when no such run runs here. */
  cancelRun(run: string, reason: LegionError): Promise<boolean>;
}

/** Teams over the services that run turns; the two need each other, so that turns come in as a function. */
export function createTeams(options: TeamsOptions): Teams {
  const { clock, journal } = options;
  const runsOf = async (uid: string) => (await journal?.())?.runs({ uid, limit: LEDGER_RUNS_MAX });
  const ledgers = createLedgers(clock, async (uid) => (await runsOf(uid)) ?? []);
  const seats = new Map<string, Seat>();
  const open: OpenTeam = async (turn) => {
    if (turn.parent !== undefined) {
      const { seat } = turn.parent;
      seats.set(turn.run, seat);
      void seat.left.then(() => seats.delete(turn.run));
    }
    const hasTeam = turn.agent.spec.agents.length > 0;
    const past = hasTeam && journal ? await readTeamPast(await journal(), turn.run) : undefined;
    const meter = await meterOf(turn, ledgers, clock, past);
    if (!hasTeam) return { meter, tools: [] };
    const team = openTeam(turn, meter, past, options);
    const suspend = () => team.close(parentSuspended(turn.agent.name, turn.run));
    return { meter, tools: [teamBinding(team)], suspend };
  };
  return Object.assign(open, {
    async cancelRun(run: string, reason: LegionError) {
      const seat = seats.get(run);
      await seat?.stop?.(reason);
      return seat !== undefined;
    },
  });
}

async function meterOf(
  { agent, uid = "", run, parent }: TeamTurn,
  ledgers: Ledgers,
  clock: Clock,
  past: TeamPast | undefined,
): Promise<TeamMeter> {
  const { name, namespace, spec } = agent;
  const key = uid === "" ? `${namespace}/${name}` : uid;
  const ledger = countsAgent(spec.budget, spec.rateLimit) ? await ledgers.of(key) : undefined;
  return createMeter({
    ...{ agent: name, run, spec, clock },
    ...(ledger && { ledger }),
    ...(parent && { above: parent.meter }),
    ...(past && { teamSpent: past.spent }),
  });
}

function openTeam(
  { agent, run, parent, vault, signal }: TeamTurn,
  meter: TeamMeter,
  past: TeamPast | undefined,
  options: TeamsOptions,
) {
  const { agentOf, runChild, sessionOf, journal, clock, timers } = options;
  return createTeam({
    ...{ agent, run, meter, signal, runChild, clock, timers },
    ...(parent && { seat: parent.seat }),
    ...(vault && { vault }),
    ...(past && { past }),
    agentOf: (name) => agentOf(agent.namespace, name),
    openSession: ({ uid, object }, conversation) =>
      sessionOf(uid, conversation, object.spec.conversation.maxMessages),
    ...(journal && {
      forget: async ({ uid }, conversation) =>
        (await journal()).forgetConversation(uid, conversation),
      abandon: async (key, result) => abandonRun(await journal(), key, result),
    }),
  });
}

/** Puts the end of a run on record that did not end when it was told to. */
async function abandonRun(
  journal: Pick<Journal, "runOfKey" | "end">,
  key: string,
  result: TurnResult,
): Promise<void> {
  const record = await journal.runOfKey(key);
  if (record?.status === "running") await endAsCancelled(journal, record.run, result);
}

/** Ends a run on record with a cancel. */
async function endAsCancelled(
  journal: Pick<Journal, "end">,
  run: string,
  result: TurnResult,
): Promise<void> {
  const reason = result.status === "cancel" ? result.reason : "interrupted";
  const data = { result: JSON.parse(JSON.stringify({ ...result, run })) };
  await journal.end(run, { data, status: "cancel", reason, tokens: 0 });
}

/** A sub-agent's turn as a request to the services. */
export function requestOf({ agent, ...request }: ChildRequest) {
  const { object, uid, generation } = agent;
  return { ...request, agent: object, uid, generation };
}
