import { sessionFrom } from "../agent/journal/session.ts";
import { createTeams, requestOf, type Teams } from "../agent/team/teams.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { loadManifests } from "../manifest/load.ts";
import { systemTimers } from "../manifest/watch/timers.ts";
import { openDatabase } from "../state/database.ts";
import { journalFailpoint } from "../state/failpoints.ts";
import type { Journal } from "../state/journal.ts";
import { openSqliteJournal } from "../state/journal-sqlite.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import { createServices, type Services, type TurnRequest } from "../turns/services.ts";

/** An agent of a test: what its spec says beyond the defaults, and what its model replies. */
export interface ScriptedAgent {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly replies: readonly object[];
}

export interface TeamServices extends AsyncDisposable {
  readonly services: Services;
  readonly teams: Teams;
  readonly journal: Journal;
  readonly events: readonly LegionEvent[];
  /** Runs a turn of an agent; the same key goes on with the same run. */
  run(agent: string, more?: Partial<TurnRequest>): ReturnType<Services["runTurn"]>;
}

/** Real services with teams over a journal in a folder, and agents whose models are scripts. */
export async function teamServices(
  folder: string,
  agents: Readonly<Record<string, ScriptedAgent>>,
  env: NodeJS.ProcessEnv = {},
): Promise<TeamServices> {
  await using stack = new AsyncDisposableStack();
  const clock = systemClock;
  const database = stack.adopt(await openDatabase(folder), (opened) => opened.close());
  const failpoint = journalFailpoint(env);
  const journal = openSqliteJournal(database, { clock, ...(failpoint && { failpoint }) });
  const set = await loadManifests([{ text: manifestsOf(agents), filename: "team.yaml" }], {
    ...{ cwd: folder, env: {} },
  });
  const agentOf = (_: string, name: string) => {
    const object = set.get("Agent", name);
    return object && { uid: `uid-${name}`, generation: 1, object };
  };
  const events: LegionEvent[] = [];
  const teams = createTeams({
    ...{ agentOf, clock, timers: systemTimers },
    journal: async () => journal,
    runChild: (request) => services.runTurn(requestOf(request)),
    sessionOf: (...conversation) => sessionFrom(journal, ...conversation),
  });
  const services: Services = stack.use(
    createServices({
      ...{ env: {}, cwd: folder, stateFolder: folder, clock },
      keyValue: () => Promise.reject(new Error("nothing is kept here")),
      objectsOf: () => set,
      secretFiles: () => [],
      publish: (event) => events.push(event),
      journal: async () => journal,
      openTeam: teams,
    }),
  );
  const resources = stack.move();
  return {
    ...{ services, teams, journal, events },
    run(name, more = {}) {
      const found = agentOf("default", name);
      if (found === undefined) throw new Error(JSON.stringify(set.diagnostics));
      const { signal } = new AbortController();
      const { object: agent, uid, generation } = found;
      const base = { agent, uid, generation, task: "Do it.", run: newId(), signal };
      return services.runTurn({ ...base, ...more });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function manifestsOf(agents: Readonly<Record<string, ScriptedAgent>>): string {
  const apiVersion = "legion.dev/v1";
  const objects = Object.entries(agents).flatMap(([name, { spec, replies }]) => [
    {
      ...{ apiVersion, kind: "Provider", metadata: { name: `script-${name}` } },
      spec: { wire: "scripted", replies },
    },
    {
      ...{ apiVersion, kind: "Agent", metadata: { name } },
      spec: {
        ...{ description: `It is ${name}.`, model: `script-${name}/it`, outputSchema: {} },
        ...spec,
      },
    },
  ]);
  return objects.map((object) => JSON.stringify(object)).join("\n---\n");
}
