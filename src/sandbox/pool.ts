import { availableParallelism } from "node:os";
import { LegionError } from "../lib/errors.ts";
import type { Carrier, StartCarrier } from "./carrier.ts";
import type {
  EvaluateOptions,
  Evaluation,
  EvaluationError,
  Sandbox,
  SandboxPool,
  Snapshot,
} from "./contract.ts";
import { compileEngine, type WasmModule } from "./engine.ts";
import { failures } from "./failure.ts";
import { type Flight, newFlight } from "./flight.ts";
import { startProcess } from "./process.ts";
import { type FromWorker, type InstanceOptions, sharedNow } from "./protocol.ts";
import { startThread } from "./thread.ts";

export interface SandboxPoolOptions {
  /** Threads for shared sandboxes, besides one to spare. */
  readonly workers?: number;
  /** How long after its deadline code that does not stop is killed. */
  readonly hardGraceMs?: number;
}

const WORKERS_MIN = 2;
const HARD_GRACE_MS = 1000;
/** An aborted evaluation that has the engine has so long to stop by itself. */
const ABORT_GRACE_MS = 100;
const WATCH_MS = 25;

/** A worker with the evaluations that it runs and the sandboxes that have their instance there. */
interface Slot {
  carrier: Carrier;
  readonly flights: Map<number, Box>;
  readonly boxes: Set<Box>;
  /** Only for one sandbox. */
  readonly isDedicated: boolean;
}

/** A sandbox as the pool keeps it; all that cannot be made again is here and not in a worker. */
interface Box {
  readonly id: number;
  readonly options: InstanceOptions;
  snapshot: Snapshot | undefined;
  slot: Slot | undefined;
  flight: Flight | undefined;
  /** The end of the evaluation before. */
  tail: Promise<unknown>;
  isClosed: boolean;
  onOpened: ((problem: string | undefined) => void) | undefined;
}

/**
 * Runs sandboxes on worker threads, or on a thread or process of their own. A sandbox has its instance on one worker; a new
 * evaluation goes to another one, by way of the snapshot, when that one is busy. When a worker is killed, the evaluation that had
 * the engine fails; those that waited are begun again elsewhere and get the answers that they had before, so no call is made
 * twice; idle sandboxes get a new instance when they are used next.
 */
export function createSandboxPool(options: SandboxPoolOptions = {}): SandboxPool {
  const slotsMax = (options.workers ?? Math.max(WORKERS_MIN, availableParallelism())) + 1;
  const hardGraceMs = options.hardGraceMs ?? HARD_GRACE_MS;
  const shared: Slot[] = [];
  const slots = new Set<Slot>();
  const boxes = new Set<Box>();
  let compiling: Promise<WasmModule> | undefined;
  let wasm: WasmModule | undefined;
  let watch: NodeJS.Timeout | undefined;
  let lastId = 0;
  let isClosed = false;

  function startSlot(start: StartCarrier, isDedicated: boolean): Slot {
    if (wasm === undefined) throw new Error("the pool was used before it was loaded");
    const slot: Partial<Slot> & Omit<Slot, "carrier"> = {
      flights: new Map(),
      boxes: new Set(),
      isDedicated,
    };
    slot.carrier = start(wasm, {
      onMessage: (message) => onMessage(slot as Slot, message),
      onEnd: (problem) => onEnd(slot as Slot, problem),
    });
    slots.add(slot as Slot);
    if (!isDedicated) shared.push(slot as Slot);
    return slot as Slot;
  }

  function onMessage(slot: Slot, message: FromWorker): void {
    if (message.type === "opened") {
      const box = [...slot.boxes].find(({ id }) => id === message.sandbox);
      box?.onOpened?.(message.problem);
      // The variables themselves, or the machine, leave no room for an instance.
      if (message.problem !== undefined) box?.flight?.fail(failures.lost());
      return;
    }
    if (message.type === "holds") return;
    const box = slot.flights.get(message.evaluation);
    const flight = box?.flight;
    if (box === undefined || flight === undefined) return;
    if (message.type === "done") {
      if (message.outcome.ok) box.snapshot = message.outcome.snapshot;
      flight.finish(message.outcome);
      return;
    }
    if (flight.onCall(message.call, message.name, message.argument)) return;
    flight.fail(failures.lost());
  }

  /** Where a new evaluation of the box goes. */
  function place(box: Box): Slot {
    const current = box.slot;
    if (box.options.limits.isolation !== "shared") {
      return (
        current ??
        startSlot(box.options.limits.isolation === "process" ? startProcess : startThread, true)
      );
    }
    if (current !== undefined && current.flights.size === 0) return current;
    const free = shared
      .filter((slot) => slot.flights.size === 0)
      .toSorted((a, b) => a.boxes.size - b.boxes.size)[0];
    if (free !== undefined) return free;
    if (shared.length < slotsMax) return startSlot(startThread, false);
    const unheld = shared
      .filter((slot) => slot.carrier.held() === undefined)
      .toSorted((a, b) => a.flights.size - b.flights.size);
    if (current !== undefined && (unheld.includes(current) || unheld.length === 0)) return current;
    return unheld[0] ?? shared[0] ?? startSlot(startThread, false);
  }

  /** Gives the box its instance on the slot, when it is not there. */
  function seat(box: Box, slot: Slot): void {
    if (box.slot === slot) return;
    unseat(box);
    box.slot = slot;
    slot.boxes.add(box);
    const { snapshot } = box;
    slot.carrier.post({
      type: "open",
      sandbox: box.id,
      options: box.options,
      ...(snapshot !== undefined && { snapshot }),
    });
  }

  function unseat(box: Box): void {
    box.slot?.boxes.delete(box);
    box.slot?.carrier.post({ type: "close", sandbox: box.id });
    box.slot = undefined;
  }

  function launch(box: Box, flight: Flight): void {
    const slot = place(box);
    seat(box, slot);
    slot.flights.set(flight.id, box);
    slot.carrier.keepAlive(true);
    const isLaunched = flight.launch(box.id, (message) => box.slot?.carrier.post(message));
    if (!isLaunched) flight.fail(failures.lost());
    watch ??= setInterval(killOverdue, WATCH_MS);
    keepSpare();
  }

  /** Has a worker ready for the next evaluation while others are at work. */
  function keepSpare(): void {
    const isShared = [...boxes].filter(
      ({ options }) => options.limits.isolation === "shared",
    ).length;
    if (isClosed || shared.length >= Math.min(slotsMax, isShared)) return;
    if (shared.every((slot) => slot.flights.size > 0)) startSlot(startThread, false);
  }

  function land(box: Box, flight: Flight): void {
    box.flight = undefined;
    for (const slot of slots) {
      if (slot.flights.delete(flight.id) && slot.flights.size === 0) slot.carrier.keepAlive(false);
    }
    if ([...slots].some((slot) => slot.flights.size > 0)) return;
    clearInterval(watch);
    watch = undefined;
  }

  function killOverdue(): void {
    const now = sharedNow();
    for (const slot of slots) {
      const held = slot.carrier.held();
      if (held !== undefined && now > held.untilMs + hardGraceMs)
        kill(slot, held.evaluation, failures.killed());
    }
  }

  /** Ends a worker because of one evaluation, which fails; `onEnd` sees to the others. */
  function kill(slot: Slot, evaluation: number, error: EvaluationError): void {
    slot.flights.get(evaluation)?.flight?.fail(error);
    slot.flights.delete(evaluation);
    slots.delete(slot);
    removeFrom(shared, slot);
    void slot.carrier.kill();
    keepSpare();
  }

  function onEnd(slot: Slot, problem: string | undefined): void {
    const held = slot.carrier.held();
    slots.delete(slot);
    removeFrom(shared, slot);
    for (const box of slot.boxes) {
      box.slot = undefined;
      box.onOpened?.(problem ?? "the worker ended");
    }
    for (const [evaluation, box] of slot.flights) {
      const { flight } = box;
      if (flight === undefined || flight.isOver()) continue;
      if (isClosed) flight.fail(failures.aborted());
      else if (held?.evaluation === evaluation) flight.fail(failures.broken());
      else launch(box, flight);
    }
  }

  async function run(
    box: Box,
    code: string,
    { host, signal, timeoutMs }: EvaluateOptions,
  ): Promise<Evaluation> {
    lastId += 1;
    const flight = newFlight(
      lastId,
      code,
      timeoutMs ?? box.options.limits.timeoutMs,
      { host },
      () => performance.now(),
    );
    if (isClosed || box.isClosed || signal?.aborted) flight.fail(failures.aborted());
    else {
      box.flight = flight;
      launch(box, flight);
    }
    const onAbort = () => abort(box, flight);
    signal?.addEventListener("abort", onAbort, { once: true });
    const evaluation = await flight.ended;
    signal?.removeEventListener("abort", onAbort);
    land(box, flight);
    return evaluation;
  }

  /** Code that waits is ended at once; code that runs is asked to stop, then killed. */
  function abort(box: Box, flight: Flight): void {
    const { slot } = box;
    if (flight.isOver() || slot === undefined) return;
    slot.carrier.requestAbort(flight.id);
    slot.carrier.post({ type: "abort", evaluation: flight.id });
    setTimeout(() => {
      if (flight.isOver() || box.slot !== slot) return;
      if (slot.carrier.held()?.evaluation === flight.id || slot.isDedicated)
        kill(slot, flight.id, failures.aborted());
      else {
        unseat(box);
        flight.fail(failures.aborted());
      }
    }, ABORT_GRACE_MS);
  }

  function sandboxOf(box: Box): Sandbox {
    /** One after the other. */
    const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
      const turn = box.tail.then(work);
      box.tail = turn;
      return turn;
    };
    return {
      evaluate: (code, evaluateOptions) => inTurn(() => run(box, code, evaluateOptions)),
      restore: (snapshot) =>
        inTurn(async () => {
          box.snapshot = snapshot;
          const { slot } = box;
          unseat(box);
          if (slot !== undefined && slots.has(slot)) seat(box, slot);
        }),
      async close() {
        box.isClosed = true;
        boxes.delete(box);
        if (box.flight) abort(box, box.flight);
        await box.tail;
        const { slot } = box;
        unseat(box);
        if (slot?.isDedicated) await slot.carrier.kill();
      },
    };
  }

  return {
    async open(limits, surface) {
      if (isClosed) throw notStarted("the pool is closed");
      compiling ??= compileEngine();
      wasm = await compiling;
      lastId += 1;
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const box: Box = {
        id: lastId,
        options: { limits, surface },
        snapshot: undefined,
        slot: undefined,
        flight: undefined,
        tail: Promise.resolve(),
        isClosed: false,
        onOpened: resolve,
      };
      boxes.add(box);
      const slot = placeNew(box);
      slot.carrier.keepAlive(true);
      seat(box, slot);
      const problem = await promise;
      box.onOpened = undefined;
      if (slot.flights.size === 0) slot.carrier.keepAlive(false);
      if (problem === undefined) return sandboxOf(box);
      boxes.delete(box);
      throw notStarted(problem);
    },
    async close() {
      isClosed = true;
      clearInterval(watch);
      for (const box of boxes) box.flight?.fail(failures.aborted());
      await Promise.all([...slots].map((slot) => slot.carrier.kill()));
    },
  };

  /** New sandboxes are spread over the workers; a worker is started when all have some. */
  function placeNew(box: Box): Slot {
    if (box.options.limits.isolation !== "shared") return place(box);
    const least = shared.toSorted((a, b) => a.boxes.size - b.boxes.size)[0];
    if (least !== undefined && (least.boxes.size === 0 || shared.length >= slotsMax - 1))
      return least;
    return startSlot(startThread, false);
  }
}

function notStarted(problem: string): LegionError {
  return new LegionError({
    code: "LEG3012",
    message: `the sandbox did not start: ${problem}`,
    hint: "try again; when it happens again, check the machine's memory and the limit of processes",
  });
}

function removeFrom<Item>(list: Item[], item: Item): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
