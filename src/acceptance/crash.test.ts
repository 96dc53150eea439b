// Goal: kill -9 of the daemon at any write of an apply leaves all of the old set or all of the new one, and the next start converges (R34, R49).
// Method: real daemons; LEGION_FAILPOINT kills them before and after each write that a new set causes, for sets of three seeds that come by the roots, by legion apply and by git; the store is read with no daemon, then one starts again.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "../lib/clock.ts";
import { holds } from "../reconcile/conditions.ts";
import type { ApiObject, DaemonPlane } from "../reconcile/contract.ts";
import { openDatabase } from "../state/database.ts";
import { keyText, type Resource } from "../state/resource.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { Inventory } from "../state/store.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { createRepository, type TestRepository } from "../testing/git-repository.ts";
import { providerManifest } from "../testing/manifests.ts";
import { type DeclaredSet, type SetPair, setsOf } from "./crash-sets.ts";

const SEEDS = [1, 2, 3];
const LANES = 2;
/** More than any way has: the search for the last one ends. */
const PLACES_MAX = 40;
const PATIENCE_MS = 30_000;
const END_MS = 5_000;

let base = "";
before(async () => {
  base = await mkdtemp(join(tmpdir(), "legion-crash-"));
});
after(() => rm(base, { recursive: true, force: true, maxRetries: 3 }));

/** How a set comes to the daemon. */
interface Way {
  /** Files that the roots hold all the time. */
  readonly rooted: Readonly<Record<string, string>>;
  /** The inventory that lists the set. */
  readonly isInventory: (inventory: Inventory) => boolean;
  /** Brings the set; resolves or rejects when there is nothing more to bring. */
  bring(set: DeclaredSet, folder: string, daemon: DaemonPlane | undefined): Promise<unknown>;
  /** Whether the set comes without being brought again to a daemon that starts anew. */
  readonly isKept: boolean;
}

const roots: Way = {
  rooted: {},
  isInventory: ({ source }) => source === "roots",
  bring: async ({ files }, folder) => writeAll(join(folder, "agents.d"), files),
  isKept: true,
};

const command: Way = {
  rooted: { "models.yaml": providerManifest() },
  isInventory: ({ source }) => source.startsWith("apply:"),
  async bring({ files: { "models.yaml": _, ...files } }, folder) {
    writeAll(join(folder, "desired"), files);
    return apply(folder);
  },
  isKept: false,
};

/** Commits are there before; bringing one moves the branch and has the daemon look. */
function gitWay({ url, git }: TestRepository, commits: ReadonlyMap<DeclaredSet, string>): Way {
  return {
    rooted: { "models.yaml": providerManifest(), "source.yaml": sourceManifest(url) },
    isInventory: ({ source }) => source === "source/team",
    async bring(set, _folder, daemon) {
      await git("push", "--quiet", "--force", "origin", `${commits.get(set)}:refs/heads/main`);
      return daemon?.reconcile({});
    },
    isKept: true,
  };
}

function sourceManifest(url: string): string {
  const spec = { type: "git", url, interval: "1h", prune: true };
  const metadata = { name: "team" };
  return JSON.stringify({ apiVersion: "legion.dev/v1", kind: "Source", metadata, spec });
}

/** All in one go, so that no search of the folder comes in between. */
function writeAll(folder: string, files: DeclaredSet["files"]): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (text === undefined) rmSync(join(folder, name), { force: true });
    else writeFileSync(join(folder, name), text);
  }
}

function apply(folder: string) {
  return runOnStreams(["apply", "-f", "desired", "--prune", "-o", "json"], { cwd: folder });
}

/** What a daemon left behind, without what differs from run to run. */
interface Left {
  readonly objects: Readonly<Record<string, unknown>>;
  readonly draining: readonly string[];
  readonly inventory: Inventory | undefined;
}

async function look(folder: string, { isInventory }: Way): Promise<Left> {
  const database = await openDatabase(join(folder, ".legion"));
  try {
    const store = openSqliteStore(database, { clock: systemClock });
    const all = await store.list();
    const going = all.filter(({ deletionTimestamp }) => deletionTimestamp !== undefined);
    const objects = all
      .filter((each) => !going.includes(each))
      .map(({ labels, annotations, spec, generation, managers, origin, finalizers, ...key }) => [
        keyText(key),
        { labels, annotations, spec, generation, managers, origin, finalizers },
      ]);
    return {
      objects: Object.fromEntries(objects),
      draining: going.map(keyText),
      inventory: (await store.inventories()).find(isInventory),
    };
  } finally {
    database.close();
  }
}

/** Resolves once exactly the agents of the set are there and every object is Ready. */
async function converged(plane: DaemonPlane, set: DeclaredSet): Promise<void> {
  const ended = new AbortController();
  const patience = setTimeout(PATIENCE_MS, undefined, ended);
  patience.then(
    () => ended.abort(),
    () => {},
  );
  try {
    const { items, version } = await plane.list({});
    const present = new Map(items.map((object) => [object.metadata.uid, object]));
    if (isConverged(present, set)) return;
    for await (const { type, object } of plane.watch(version, {}, ended.signal)) {
      if (type === "deleted") present.delete(object.metadata.uid);
      else present.set(object.metadata.uid, object);
      if (isConverged(present, set)) return;
    }
    const left = [...present.values()].filter((object) => !isReady(object));
    assert.fail(
      `it did not converge: ${JSON.stringify(left.map(({ metadata }) => metadata.name))}`,
    );
  } finally {
    ended.abort();
  }
}

function isConverged(present: ReadonlyMap<string, ApiObject>, { agents }: DeclaredSet): boolean {
  const objects = [...present.values()];
  const found = objects.filter(({ kind }) => kind === "Agent");
  return (
    found.length === agents.size &&
    found.every(({ metadata: { name }, spec }) => agents.get(name) === spec.description) &&
    objects.every(isReady)
  );
}

function isReady({ metadata: { generation, deletionTimestamp }, status }: ApiObject): boolean {
  const resource = { generation, status } as unknown as Resource;
  return deletionTimestamp === undefined && holds(resource, "Ready");
}

/** One folder that is put back to set A as often as needed. It keeps its path, which objects remember. */
interface Bed {
  readonly folder: string;
  readonly template: string;
  readonly way: Way;
  readonly sets: SetPair;
  readonly left: { readonly a: Left; readonly b: Left };
}

const start = (folder: string, env: Readonly<Record<string, string>> = {}) =>
  startTestDaemon({ folder, env });

async function prepare(folder: string, way: Way, sets: SetPair): Promise<Bed> {
  const template = `${folder}.template`;
  writeAll(join(folder, "agents.d"), way.rooted);
  await run(folder, async ({ plane }) => {
    await way.bring(sets.a, folder, plane);
    await converged(plane, sets.a);
  });
  await cp(folder, template, { recursive: true, verbatimSymlinks: true });
  const a = await look(folder, way);
  await run(folder, async ({ plane }) => {
    await way.bring(sets.b, folder, plane);
    await converged(plane, sets.b);
  });
  const b = await look(folder, way);
  assert.deepEqual([a.draining, b.draining], [[], []]);
  assert.notDeepEqual(a.inventory, b.inventory);
  return { folder, template, way, sets, left: { a, b } };
}

/** A daemon that ends in an orderly way. */
async function run(folder: string, work: (daemon: TestDaemon) => Promise<void>): Promise<void> {
  await using daemon = await start(folder);
  await work(daemon);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exit, 0, daemon.stderr());
}

async function putBack({ folder, template, way, sets }: Bed): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await cp(template, folder, { recursive: true, verbatimSymlinks: true });
  if (way.isKept) await way.bring(sets.a, folder, undefined);
}

/** Brings set B to a daemon with a failpoint. Whether the failpoint was reached. */
async function isKilled({ folder, way, sets }: Bed, failpoint: string): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const daemon = await start(folder, { LEGION_FAILPOINT: failpoint }).catch((error: Error) => {
    assert.match(error.message, /ended without/);
  });
  // What is written at the start is written as well.
  if (daemon === undefined) {
    if (way.isKept) await way.bring(sets.b, folder, undefined);
    return true;
  }
  stack.use(daemon);
  const whole = (async () => {
    await way.bring(sets.b, folder, daemon.plane);
    await converged(daemon.plane, sets.b);
    await daemon.plane.reconcile({ wait: true });
    return false;
  })();
  const killed = daemon.exit.then(() => true);
  // Whoever loses the daemon fails, and it is the daemon's end that counts.
  const lost = whole.catch((error: unknown) => withinSeconds(killed, error));
  return await Promise.race([killed, lost]);
}

/** The end, which must be near: it is what the error comes from. */
async function withinSeconds<T>(end: Promise<T>, error: unknown): Promise<T> {
  const late = new AbortController();
  try {
    return await Promise.race([
      end,
      setTimeout(END_MS, undefined, late).then(() => Promise.reject(error)),
    ]);
  } finally {
    late.abort();
  }
}

/** Kills at one place, looks, starts again and looks again. Whether there was such a place. */
async function check(bed: Bed, failpoint: string): Promise<boolean> {
  const { folder, way, sets, left } = bed;
  await putBack(bed);
  if (!(await isKilled(bed, failpoint))) return false;
  const found = await look(folder, way);
  const isNew = found.objects[`Agent/default/new-0`] !== undefined;
  const { draining: _, ...expected } = isNew ? left.b : left.a;
  const { draining, ...rest } = found;
  assert.deepEqual(rest, expected, failpoint);
  const gone = Object.keys(left.a.objects).filter((key) => left.b.objects[key] === undefined);
  assert.deepEqual(
    draining.filter((key) => !isNew || !gone.includes(key)),
    [],
    failpoint,
  );
  await using daemon = await start(folder);
  const { plane } = daemon;
  if (!way.isKept) {
    await converged(plane, isNew ? sets.b : sets.a);
    assert.equal((await apply(folder)).exitCode, 0);
  }
  await converged(plane, sets.b);
  await plane.reconcile({ wait: true });
  const { version } = await plane.list({});
  if (way.isKept) await plane.reconcile({ wait: true });
  else assert.equal(JSON.parse((await apply(folder)).stdout).rowsWritten, 0);
  assert.equal((await plane.list({})).version, version, "the same again writes nothing");
  return true;
}

/** Kills at every place there is, before and after each write; how many that were. */
async function checkAll(bed: Bed): Promise<number> {
  for (let place = 0; place < PLACES_MAX; place += 1) {
    const moment = place % 2 === 0 ? "before" : "after";
    const write = 1 + Math.floor(place / 2);
    if (!(await check(bed, `store-write-${moment}:${write}`))) return place;
  }
  throw new Error(`there are more than ${PLACES_MAX} places`);
}

async function inLanes(work: (seed: number) => Promise<void>): Promise<void> {
  const queue = SEEDS.values();
  const lane = async () => {
    for (const seed of queue) await work(seed);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

test("R49: killed at any write while a set comes by the roots", async (context) => {
  await inLanes(async (seed) => {
    const bed = await prepare(join(base, `roots-${seed}`), roots, setsOf(seed));
    const places = await checkAll(bed);
    // Before and after the apply itself, and of what it makes others write.
    assert.ok(places >= 4 && places % 2 === 0, `${places} places`);
    context.diagnostic(`seed ${seed}: killed at ${places} places`);
  });
});

test("R49: killed at any write while a set comes by legion apply", async (context) => {
  await inLanes(async (seed) => {
    const bed = await prepare(join(base, `command-${seed}`), command, setsOf(seed));
    const places = await checkAll(bed);
    context.diagnostic(`seed ${seed}: killed at ${places} places`);
  });
});

test("R49: killed at any write while a set comes by a commit", async (context) => {
  await inLanes(async (seed) => {
    const sets = setsOf(seed);
    const origin = join(base, `git-${seed}.origin`);
    await mkdir(origin);
    const repository = await createRepository(origin);
    const commits = new Map<DeclaredSet, string>();
    for (const set of [sets.a, sets.b]) {
      const { "models.yaml": _, ...files } = set.files;
      commits.set(set, await repository.commit(files));
    }
    const bed = await prepare(join(base, `git-${seed}`), gitWay(repository, commits), sets);
    const places = await checkAll(bed);
    context.diagnostic(`seed ${seed}: killed at ${places} places`);
  });
});
