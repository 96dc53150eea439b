import type { Clock } from "../lib/clock.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import { keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Fence, Store } from "../state/store.ts";
import { FencedError } from "../state/store-errors.ts";
import type { EmitObject } from "../telemetry/events.ts";
import { createBell } from "./bell.ts";
import { createFlapGuard, type FlapGuard } from "./flapping.ts";
import { createOrphanCollector, type OrphanCollector } from "./orphans.ts";
import { createQueue, type WorkQueue } from "./queue.ts";
import type { ReconcileContext, Reconciler } from "./reconciler.ts";
import { createReferenceIndex, keyFrom } from "./references.ts";
import { createStatusWriter, type StatusWriter } from "./status-writer.ts";
import { transitions } from "./transitions.ts";
import { standingOf } from "./verdict.ts";
import type { View, ViewEvent } from "./view.ts";
import { type WorkDeps, work } from "./work.ts";

export interface ControllerOptions {
  readonly store: Store;
  readonly view: View;
  /** In the order in which objects are looked at first. */
  readonly reconcilers: readonly Reconciler[];
  readonly clock: Clock;
  readonly random?: () => number;
  readonly timers?: Timers;
  readonly fence?: Fence;
  readonly emit: EmitObject;
  /** Objects of one kind at once, where its reconciler does not say. */
  readonly concurrency?: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told what went wrong with an object; it is in the status too, and tried again. */
  readonly onError: (error: unknown, subject: string) => void;
  /** The store is another process's by now: everything has to end. */
  readonly onFatal: (error: FencedError) => void;
}

export interface Controller {
  /** Resolves when nothing is left to do now; what waits for a moment or for something else is left. */
  idle(): Promise<void>;
  /** Resolves when nothing is left to do now for these objects, and their statuses are in the store and in the view. */
  settled(keys: readonly ResourceKey[]): Promise<void>;
  /** Looks at an object again, at once. */
  requeue(key: ResourceKey): void;
  requeueAll(): void;
  /** Begins nothing any more; resolves when what was begun has ended and is written. */
  close(): Promise<void>;
}

/** What the parts of one controller share. */
interface Parts extends WorkDeps {
  readonly options: ControllerOptions;
  readonly queues: ReadonlyMap<string, WorkQueue>;
  readonly writer: StatusWriter;
  readonly orphans: OrphanCollector;
  readonly flaps: FlapGuard;
}

/** Keeps all objects as they are to be: one queue a kind, each object by itself, statuses written together. */
export function createController(options: ControllerOptions): Controller {
  const { view, signal } = options;
  const quiet = createBell();
  const stop = new AbortController();
  const parts: Parts = createParts(options, quiet.ring, (error) => {
    void close();
    options.onFatal(error);
  });
  const { queues, writer, orphans } = parts;
  const ends = [
    view.subscribe((event) => react(event, parts)),
    ...options.reconcilers.flatMap((reconciler) => reconciler.watch?.(parts.context) ?? []),
  ];
  const requeue = (key: ResourceKey) => lookAnew(key, queues);
  signal.addEventListener("abort", () => void close(), { once: true, signal: stop.signal });
  requeueAll();

  function requeueAll(): void {
    for (const kind of queues.keys()) for (const key of view.ofKind(kind)) requeue(key);
  }

  const isIdle = () =>
    writer.isIdle && orphans.isIdle && [...queues.values()].every((queue) => queue.isIdle);
  const isSettled = (key: string) =>
    !writer.isPending(key) && queues.get(keyFrom(key).kind)?.isBusy(key) !== true;

  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    closing ??= (async () => {
      stop.abort();
      for (const end of ends) end();
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      await orphans.close();
      await writer.flush();
      quiet.ring();
    })();
    return closing;
  }

  return {
    requeue,
    requeueAll,
    close,
    idle: () => quiet.until(isIdle),
    async settled(keys) {
      const left = keys.map(keyText);
      await quiet.until(() => {
        while (left.length > 0 && isSettled(left.at(-1) ?? "")) left.pop();
        return left.length === 0;
      });
    },
  };
}

function createParts(
  options: ControllerOptions,
  onQuiet: () => void,
  onFenced: (error: FencedError) => void,
): Parts {
  const { view, reconcilers, emit, signal } = options;
  let isLost = false;
  const fail: Parts["fail"] = (error, subject) => {
    if (!(error instanceof FencedError)) options.onError(error, subject);
    else if (!isLost) {
      isLost = true;
      onFenced(error);
    }
  };
  const context: ReconcileContext = {
    view,
    signal,
    requeue: (key) => queues.get(key.kind)?.add(keyText(key)),
    emit: (key, data) => void emit(keyText(key), data),
  };
  const writer = createStatusWriter({
    ...options,
    onStatus: (object, before, after) => {
      const { uid } = object;
      for (const data of transitions(before, after)) emit(keyText(object), { ...data, uid });
    },
    onFailure: (error, keys) => {
      fail(error, "status");
      for (const key of keys) queues.get(key.kind)?.retry(keyText(key));
    },
    onProgress: onQuiet,
  });
  const orphans = createOrphanCollector({
    ...options,
    onFailure: (error) => fail(error, "orphans"),
    onProgress: onQuiet,
  });
  const queues = new Map(
    reconcilers.map((reconciler): [string, WorkQueue] => [
      reconciler.kind,
      createQueue({
        ...options,
        ...(reconciler.concurrency !== undefined && { concurrency: reconciler.concurrency }),
        work: (key) => work(reconciler, keyFrom(key), parts),
        onError: fail,
        onEnd: onQuiet,
      }),
    ]),
  );
  const parts: Parts = {
    options,
    references: createReferenceIndex(),
    flaps: createFlapGuard(options.clock),
    queues,
    writer,
    orphans,
    context,
    now: () => options.clock.now(),
    fail,
  };
  return parts;
}

/** Has an object looked at as if nothing had gone wrong with it before. */
function lookAnew(key: ResourceKey, queues: Parts["queues"]): void {
  const queue = queues.get(key.kind);
  queue?.forget(keyText(key));
  queue?.add(keyText(key));
}

/** Has looked at again what changed, and what refers to it when it became something else for others. */
function react(
  { type, resource, before }: ViewEvent,
  { queues, references, flaps, options }: Parts,
): void {
  const after = type === "deleted" ? undefined : resource;
  const standings = [before, after].map((each) => each && standingOf(each));
  if (standings[0] !== standings[1]) {
    for (const referrer of references.of(resource)) {
      const queue = queues.get(keyFrom(referrer).kind);
      // What waits for each other in a circle is looked at ever more seldom.
      if (flaps.isFlapping(referrer)) queue?.retry(referrer);
      else queue?.add(referrer);
    }
  }
  if (queues.has(resource.kind) && (type !== "modified" || isChanged(resource, before)))
    lookAnew(resource, queues);
  if (type === "deleted") flaps.forget(keyText(resource));
  if (type === "deleted" && queues.has(resource.kind)) {
    const { kind, name, generation, uid } = resource;
    const message = `${kind} "${name}" is deleted.`;
    const event = { severity: "normal", reason: "Deleted", message, generation, uid } as const;
    options.emit(keyText(resource), event);
  }
}

/** A new status is no reason to look at an object again: most often the reconciler wrote it. */
function isChanged(after: Resource, before: Resource | undefined): boolean {
  return (
    after.generation !== before?.generation || after.deletionTimestamp !== before.deletionTimestamp
  );
}
