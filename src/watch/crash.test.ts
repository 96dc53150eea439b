// Goal: wherever the process is killed, each fire and each end of firing has exactly one effect, in order (R01, R45).
// Method: this file, started as a child, watches over a real SQLite file and kills itself with SIGKILL before or after a write or a delivery; the parent starts it again and counts effects by the ids of the deliveries.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Clock } from "../lib/clock.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import { openDatabase } from "../state/database.ts";
import type { Watching } from "../state/watching.ts";
import { openSqliteWatching } from "../state/watching-sqlite.ts";
import { watcherKey, watcherObject } from "../testing/watchers.ts";
import { createWatchers } from "./watchers.ts";

/** What the world says at each look, whichever process looks: one look may be lost with a process, a phase may not. */
const WORLD = "uuudddduuuuudddduuu";
/** Time passes so much faster than it does. */
const SPEED = 16;
/** Children at once. */
const LANES = 2;

const places = ["write-before", "write-after", "deliver-before", "deliver-after"] as const;
type Place = (typeof places)[number];
/** How often a place is passed before the process dies there; the grouped ones write more. */
const passed: Readonly<Record<Place, readonly number[]>> = {
  "write-before": [1, 2, 3, 4, 6, 8],
  "write-after": [1, 2, 3, 4, 6, 8],
  "deliver-before": [1, 2, 4],
  "deliver-after": [1, 2, 4],
};

const self = fileURLToPath(import.meta.url);
const [, , childFolder, childWait, childPoint] = process.argv;

const fastClock: Clock = {
  now: () => Date.UTC(2026, 0, 1) + (Date.now() - Date.UTC(2026, 0, 1)) * SPEED,
  monotonic: () => performance.now() * SPEED,
};
const fastTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms / SPEED);
    return () => clearTimeout(timer);
  },
};

/** Watches until the world has ended and all is told; the effects are lines of a file. */
async function child(folder: string, groupWait: string, point: string): Promise<void> {
  const counts = new Map<string, number>();
  const reach = (place: Place) => {
    counts.set(place, (counts.get(place) ?? 0) + 1);
    if (`${place}:${counts.get(place)}` === point) process.kill(process.pid, "SIGKILL");
  };
  const database = await openDatabase(folder);
  const states = openSqliteWatching(database, { clock: fastClock });
  const deadly: Watching = {
    ...states,
    async write(rows) {
      reach("write-before");
      await states.write(rows);
      reach("write-after");
    },
  };
  const world = path.join(folder, "world");
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const watchers = createWatchers({
    ...{ clock: fastClock, timers: fastTimers, states: deadly },
    createSource: async () => ({
      async poll() {
        const look = statSync(world).size;
        appendFileSync(world, ".");
        return { ok: true, status: WORLD[look] === "d" ? 500 : 200 };
      },
    }),
    schemaOf: () => ({ type: "object", properties: { status: { type: "number" } } }),
    async deliver({ id, fires, text }) {
      reach("deliver-before");
      appendFileSync(path.join(folder, "effects"), `${JSON.stringify({ id, fires, text })}\n`);
      reach("deliver-after");
      return { type: "done" };
    },
    agentState: () => "running",
    emit: () => "",
    onError: (error) => {
      throw error;
    },
  });
  const isOver = () =>
    readFileSync(world).length >= WORLD.length && watchers.state(watcherKey("w"))?.pending === 0;
  const object = watcherObject("w", {
    ...{ trigger: "when status >= 500", recovery: 'wake "again"' },
    ...{ interval: "200ms", groupWait },
  });
  await watchers.ensure({ uid: "u", generation: 1, object });
  const look = setInterval(() => isOver() && end(), 5);
  await over;
  clearInterval(look);
  await watchers.close();
  database.close();
}

if (childFolder !== undefined) await child(childFolder, childWait ?? "0s", childPoint ?? "");
else crashTests();

function crashTests(): void {
  let root = "";
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "legion-watch-crash-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function run(folder: string, groupWait: string, point: string): Promise<string | number> {
    const child = spawn(process.execPath, [self, folder, groupWait, point], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const [code, signal] = await once(child, "close");
    return signal ?? code;
  }

  async function scenario(groupWait: string, point: string): Promise<boolean> {
    const folder = await mkdtemp(path.join(root, "case-"));
    await writeFile(path.join(folder, "world"), "");
    const first = await run(folder, groupWait, point);
    const isKilled = first === "SIGKILL";
    if (isKilled) assert.equal(await run(folder, groupWait, "none"), 0);
    else assert.equal(first, 0, "a point that is never reached");
    const lines = (await readFile(path.join(folder, "effects"), "utf8")).trim().split("\n");
    const effects = new Map<string, string>();
    for (const line of lines) {
      const { id } = JSON.parse(line);
      assert.equal(effects.get(id) ?? line, line, `${point}: one id says two things`);
      effects.set(id, line);
    }
    const told = [...effects.values()].map((line) =>
      JSON.parse(line).fires.length > 0 ? "down" : "up",
    );
    assert.deepEqual(told, ["down", "up", "down", "up"], `${point}, groupWait ${groupWait}`);
    assert.deepEqual(
      [...effects.keys()],
      [1, 2, 3, 4].map((n) => `watcher/u/${n}`),
    );
    assert.ok(lines.length <= effects.size + 1, "at most the one in flight comes again");
    return isKilled;
  }

  for (const groupWait of ["0s", "300ms"]) {
    test(`one effect of each fire, killed at any write or delivery, groupWait ${groupWait}`, async () => {
      const points = places.flatMap((place) => passed[place].map((number) => `${place}:${number}`));
      let killed = 0;
      const lane = async (): Promise<void> => {
        for (let point = points.shift(); point !== undefined; point = points.shift())
          if (await scenario(groupWait, point)) killed += 1;
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      assert.ok(killed >= 14, `${killed} kills`);
    });
  }
}
