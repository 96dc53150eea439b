import { LegionError, unknownName } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { Tick } from "../state/ticks.ts";
import type { CronGeneration, CronState, Crons } from "./contract.ts";
import { isOver } from "./decide.ts";
import { look, restUntil } from "./look.ts";
import {
  type CronContext,
  type CronLoop,
  cronDeleted,
  endOf,
  isoTime,
  noteLast,
  serially,
  stateOf,
  tell,
} from "./loop.ts";
import { planOf } from "./plan.ts";
import { begin, take } from "./runs.ts";

export type CronsOptions = Omit<CronContext, "closing" | "changed">;

/** The crons of one process over the ticks of a store. */
export function createCrons(options: CronsOptions): Crons {
  const loops = new Map<string, CronLoop>();
  const listeners = new Set<(key: ResourceKey) => void>();
  const context: CronContext = {
    ...options,
    closing: new AbortController(),
    changed: (key) => {
      for (const listener of listeners) listener(key);
    },
  };
  const loopOf = (key: ResourceKey) => {
    const loop = loops.get(keyText(key));
    if (loop === undefined) throw noCron(key, loops.values());
    return loop;
  };
  return {
    async ensure(cron) {
      const { name, namespace } = cron.object;
      const key = { kind: "Cron", namespace, name };
      const known = loops.get(keyText(key));
      if (known !== undefined && known.uid === cron.uid) return update(context, known, cron);
      if (known !== undefined) retire(known);
      return load(context, loops, key, cron);
    },
    async remove(key, uid) {
      const loop = loops.get(keyText(key));
      if (loop?.uid !== uid) return context.ticks.forget(uid);
      retire(loop);
      loops.delete(keyText(key));
      await serially(loop, () => context.ticks.forget(uid));
      context.changed(key);
    },
    state: (key) => {
      const loop = loops.get(keyText(key));
      return loop && stateOf(loop);
    },
    states: () => [...loops.values()].map((loop) => ({ key: loop.key, state: stateOf(loop) })),
    async trigger(key) {
      const loop = loopOf(key);
      return serially(loop, () => runNow(context, loop));
    },
    async resume(key) {
      const loop = loopOf(key);
      return serially(loop, () => resume(context, loop));
    },
    async ticks(key, limit) {
      return context.ticks.list(loopOf(key).uid, { limit });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      context.closing.abort();
      for (const { stopTimer } of loops.values()) stopTimer?.();
      await Promise.all([...loops.values()].map(({ working }) => working));
    },
  };
}

/** Begins a cron where the process before left it: what it had started goes on, and what waited waits. */
async function load(
  context: CronContext,
  loops: Map<string, CronLoop>,
  key: ResourceKey,
  cron: CronGeneration,
): Promise<CronState> {
  const { ticks } = context;
  const { uid, generation, createdAt } = cron;
  const plan = await planOf(cron.object);
  const before = await ticks.record(uid);
  const schedule = plan.identity;
  // A schedule that changed while no process ran begins now, like one that changes while one does.
  const fromMs = before === undefined ? Date.parse(createdAt) : context.clock.now();
  const known =
    before?.schedule === schedule
      ? before
      : await ticks.keep({ uid, decidedMs: fromMs, runs: before?.runs ?? 0, schedule });
  const isStale = known.paused !== undefined && known.paused.generation !== generation;
  const record = isStale ? await ticks.keep({ uid, paused: null }) : known;
  const open = (await ticks.list(uid, { states: ["started", "waiting"] })).toReversed();
  const [newest] = await ticks.list(uid, { limit: 1 });
  const loop: CronLoop = {
    ...{ key, uid, cron, plan, record, running: new Map(), working: Promise.resolve() },
    waiting: open.flatMap(({ atMs, by, state }) => (state === "waiting" ? [{ atMs, by }] : [])),
    ...{ isRemoved: false, failures: 0, hasToldClock: false, hasToldEnd: false },
  };
  // Somebody else may have loaded it meanwhile.
  const other = loops.get(keyText(key));
  if (other?.uid === uid) return update(context, other, cron);
  if (isOver(plan.moments, record.decidedMs)) loop.next = "over";
  // One that was known was told when it ended.
  loop.hasToldEnd = before !== undefined && endOf(loop) !== undefined;
  if (newest !== undefined) noteLast(loop, newest);
  loops.set(keyText(key), loop);
  return serially(loop, async () => {
    const begun = open.filter(({ state }) => state === "started");
    for (const { atMs, by } of begun)
      await begin(context, loop, { atMs, by }, "started").catch((error: unknown) =>
        context.onError(error, key),
      );
    await look(context, loop);
    context.changed(key);
    return stateOf(loop);
  });
}

/** Goes on with a cron under another generation. */
function update(context: CronContext, loop: CronLoop, cron: CronGeneration): Promise<CronState> {
  return serially(loop, async () => {
    if (cron.generation <= loop.cron.generation) return stateOf(loop);
    const plan = await planOf(cron.object);
    const { uid } = loop;
    const { ticks, clock } = context;
    // What was due under the schedule before is decided by that one.
    await look(context, loop);
    const isOther = plan.identity !== loop.plan.identity || endOf(loop) !== undefined;
    if (isOther)
      loop.record = await ticks.keep({ uid, decidedMs: clock.now(), schedule: plan.identity });
    if (loop.record.paused !== undefined) loop.record = await ticks.keep({ uid, paused: null });
    loop.cron = cron;
    loop.plan = plan;
    delete loop.next;
    await look(context, loop);
    context.changed(loop.key);
    return stateOf(loop);
  });
}

/** Ends what runs; nothing of it is kept any more. */
function retire(loop: CronLoop): void {
  loop.isRemoved = true;
  loop.stopTimer?.();
  for (const { cancelling } of loop.running.values()) cancelling.abort(cronDeleted(loop.key));
}

async function runNow(context: CronContext, loop: CronLoop): Promise<Tick> {
  const { clock, ticks, closing } = context;
  if (loop.isRemoved) throw noCron(loop.key, []);
  if (closing.signal.aborted) throw shuttingDown();
  const { uid, plan } = loop;
  const known = new Set((await ticks.list(uid)).map(({ atMs }) => atMs));
  let atMs = Math.floor(clock.now());
  // No moment of the schedule, which has a run of its own, and no other one that a person asked for.
  while (known.has(atMs) || plan.moments.schedule.next(atMs - 1) === atMs) atMs += 1;
  const tick = { atMs, by: "person" } as const;
  await take(context, loop, tick);
  context.changed(loop.key);
  const kept = (await ticks.list(uid)).find((each) => each.atMs === atMs);
  // The process came to its end meanwhile.
  if (kept === undefined) throw shuttingDown();
  return kept;
}

async function resume(context: CronContext, loop: CronLoop): Promise<boolean> {
  const { ticks, clock } = context;
  if (loop.record.paused === undefined) return false;
  await restUntil(context, loop, clock.now());
  loop.record = await ticks.keep({ uid: loop.uid, paused: null });
  const message = `It goes on since ${isoTime(clock.now())}.`;
  tell(context, loop, { severity: "normal", reason: "Resumed", message });
  await look(context, loop);
  context.changed(loop.key);
  return true;
}

function noCron({ namespace, name }: ResourceKey, loops: Iterable<CronLoop>): LegionError {
  const known = [...loops].filter(({ key }) => key.namespace === namespace);
  const names = known.map(({ key }) => key.name);
  return unknownName("LEG2780", "cron", name, names, suggest(name, names));
}

function shuttingDown(): LegionError {
  return new LegionError({
    code: "LEG2782",
    message: "the crons are shutting down",
    hint: "repeat the command when the daemon runs again",
  });
}
