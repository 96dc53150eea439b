// Goal: whatever is killed whenever, the store holds one of the sets that were written, whole; what stays in all sets keeps its identity; and the last set is reached (R34, R45, R49).
// Method: real daemons over roots that change all the time; a seed decides the sets, the signals and the moments; after each end the store is read with no daemon.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../lib/clock.ts";
import { openDatabase } from "../state/database.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import { agentKey, startTestDaemon } from "../testing/daemon.ts";
import { startDaemonProcess } from "../testing/daemon-process.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const SEEDS = [1, 2];
const ROUNDS = 10;
const AGENTS = 30;
/** From before a daemon has the folder to after it has applied what there is. */
const LIFE_MAX_MS = 2_500;
/** In every set, and never changed. */
const STEADY = "steady";

const signals = ["SIGKILL", "SIGKILL", "SIGTERM"] as const;

/** Numbers from 0 to 1 that a seed decides. */
function randomOf(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** The agents of a set; each description names the set, so that a mixture shows. */
function setOf(name: string, random: () => number): ReadonlyMap<string, string> {
  const agents = new Map([[STEADY, "Is always there."]]);
  for (let index = 0; index < AGENTS; index += 1)
    if (random() < 0.6) agents.set(`agent-${index}`, name);
  return agents;
}

/** One file, so that a set is written at once. */
function write(folder: string, agents: ReadonlyMap<string, string>): void {
  const texts = [...agents].map(([name, description]) => agentManifest(name, { description }));
  writeFileSync(join(folder, "agents.d", "all.yaml"), [providerManifest(), ...texts].join(""));
}

async function look(folder: string) {
  const database = await openDatabase(join(folder, ".legion"));
  try {
    const all = await openSqliteStore(database, { clock: systemClock }).list({ kind: "Agent" });
    const staying = all.filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
    const leaving = all.filter(({ deletionTimestamp }) => deletionTimestamp !== undefined);
    return {
      agents: new Map(staying.map(({ name, spec }) => [name, spec.description])),
      leaving: new Set(leaving.map(({ name }) => name)),
      steady: staying.find(({ name }) => name === STEADY),
    };
  } finally {
    database.close();
  }
}

async function storm(seed: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "legion-storm-"));
  using cleanup = new DisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const random = randomOf(seed);
  mkdirSync(join(folder, "agents.d"));
  const sets: ReadonlyMap<string, string>[] = [];
  const change = () => {
    const set = setOf(`Set ${sets.length} of seed ${seed}.`, random);
    sets.push(set);
    write(folder, set);
  };
  let uid: string | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    change();
    await using daemon = startDaemonProcess(folder, ["--grace", "1s"]);
    await wait(random() * LIFE_MAX_MS);
    change();
    await wait(random() * LIFE_MAX_MS);
    daemon.kill(signals[Math.floor(random() * signals.length)] ?? "SIGKILL");
    await daemon.ended;
    const { agents, leaving, steady } = await look(folder);
    // What a set declares again while its last one is still leaving is made when that has gone; between the two it is not there.
    const isWhole = sets.some((set, index) => {
      const isDue = (name: string) =>
        agents.has(name) || !(leaving.has(name) || wasDropped(name, sets.slice(0, index)));
      return isSame(new Map([...set].filter(([name]) => isDue(name))), agents);
    });
    assert.ok(isWhole || agents.size === 0, `a mixture: ${JSON.stringify([...agents])}`);
    uid ??= steady?.uid;
    assert.deepEqual([steady?.uid, steady?.generation ?? 1], [uid, 1]);
  }
  await using last = await startTestDaemon({ folder });
  await last.plane.reconcile({ wait: true });
  const ready = await last.untilReady(agentKey(STEADY));
  // On a slow machine it may be that none lived long enough to apply anything.
  assert.equal(ready.metadata.uid, uid ?? ready.metadata.uid);
  assert.equal((await last.plane.status()).health, "ok");
  last.kill("SIGTERM");
  assert.equal(await last.exit, 0, last.stderr());
  assert.ok(isSame((await look(folder)).agents, sets.at(-1) ?? new Map()));
}

/** Whether a set declared it and a later one did not. */
function wasDropped(name: string, sets: readonly ReadonlyMap<string, string>[]): boolean {
  const first = sets.findIndex((set) => set.has(name));
  return first !== -1 && sets.slice(first).some((set) => !set.has(name));
}

function isSame(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

test("R49: daemons that are killed and ended at any moment while sets change", async () => {
  await Promise.all(SEEDS.map(storm));
});
