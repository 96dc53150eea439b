import { join } from "node:path";
import { isObject, type JsonObject } from "../lib/json.ts";
import { openDatabase } from "../state/database.ts";
import type { Effect } from "./durable-shop.ts";

/** A run as a daemon that is dead left it, with its steps. */
export interface DiskRun {
  readonly run: string;
  readonly agent: string;
  readonly status: string;
  readonly steps: readonly { readonly type: string; readonly data: JsonObject }[];
}

const BELOW = `WITH RECURSIVE below (run) AS (
  SELECT run FROM runs WHERE conversation = ?
  UNION SELECT runs.run FROM runs JOIN below ON runs.parent = below.run
)`;

export interface Disk {
  readonly runs: readonly DiskRun[];
  /** The types of all their records, in the order in which they were written. */
  readonly records: readonly string[];
  /** How many messages wait for any agent. */
  readonly queued: number;
}

/** The runs of one conversation and those below it, read with no daemon */
export async function readDisk(folder: string, conversation: string): Promise<Disk> {
  const database = await openDatabase(join(folder, ".legion"));
  try {
    const of = (sql: string) => database.query(`${BELOW} ${sql}`, conversation);
    const rows = of("SELECT run, agent, status FROM runs WHERE run IN below ORDER BY position");
    const records = of("SELECT type FROM steps WHERE run IN below ORDER BY rowid");
    const runs = rows.map(({ run, agent, status }) => ({
      ...{ run: String(run), agent: String(agent), status: String(status) },
      steps: database
        .query("SELECT type, body FROM steps WHERE run = ? ORDER BY seq", String(run))
        .map(({ type, body }) => ({ type: String(type), data: textOf(body) })),
    }));
    const [queued] = database.query("SELECT COUNT(*) AS count FROM messages");
    return {
      runs,
      records: records.map(({ type }) => String(type)),
      queued: Number(queued?.count),
    };
  } finally {
    database.close();
  }
}

function textOf(body: unknown): JsonObject {
  return JSON.parse(Buffer.from(body as Uint8Array).toString("utf8"));
}

/** Functions that are made again without a question. */
const idempotent: ReadonlySet<unknown> = new Set(["shop.reserve", "agents.call", "human.ask"]);

/**
 * How many records the next process writes until the run has ended, of which the whole has so many: those that are
 * missing, a beginning for each run that goes on, and one for each call that people let be begun again, which they do
 * when its effect is not there.
 */
export function recordsLeft(
  { runs, records }: Disk,
  whole: number,
  effects: readonly Effect[],
): number {
  const open = runs.filter(({ status }) => status === "running");
  const again = open.flatMap(({ steps }) =>
    callsWithoutResult(steps).filter(
      ({ name, key }) => !idempotent.has(name) && !effects.some((each) => each.key === key),
    ),
  );
  return whole - records.length + open.length + again.length;
}

/** The calls that were begun and have no result. */
export function callsWithoutResult(steps: DiskRun["steps"]): readonly JsonObject[] {
  const results = new Set(
    steps.filter(({ type }) => type === "call.result").map(({ data }) => data.key),
  );
  return steps
    .filter(({ type, data }) => type === "call.started" && isObject(data) && !results.has(data.key))
    .map(({ data }) => data);
}
