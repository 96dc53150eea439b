import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { LegionError } from "../lib/errors.ts";
import type {
  EvaluateOptions,
  Evaluation,
  EvaluationError,
  GuestSurface,
  Sandbox,
  SandboxLimits,
  SandboxPool,
  Snapshot,
} from "./contract.ts";
import { compileEngine } from "./engine.ts";
import { failures } from "./failure.ts";
import { Flight } from "./flight.ts";
import { type FromWorker, sharedNow } from "./protocol.ts";
import { type Box, type Slot, Slots } from "./slots.ts";

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

/**
 * Runs sandboxes on worker threads, or on a thread or process of their own. A sandbox has its instance on one worker; a new
 * evaluation goes to another one, by way of the snapshot, when that one is busy. When a worker is killed, the evaluation that had
 * the engine fails; those that waited begin again elsewhere and get the answers that they had before, so no call is made twice;
 * idle sandboxes get a new instance when they are used next. Nothing is started before the first sandbox is opened.
 */
export function createSandboxPool(options: SandboxPoolOptions = {}): SandboxPool {
  return new WorkerPool(options);
}

class WorkerPool implements SandboxPool {
  readonly #workers: number;
  readonly #hardGraceMs: number;
  readonly #boxes = new Set<Box>();
  #starting: Promise<Slots> | undefined;
  #slots: Slots | undefined;
  #watch: NodeJS.Timeout | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor({ workers, hardGraceMs }: SandboxPoolOptions) {
    this.#workers = workers ?? Math.max(WORKERS_MIN, availableParallelism());
    this.#hardGraceMs = hardGraceMs ?? HARD_GRACE_MS;
  }

  async open(limits: SandboxLimits, surface: GuestSurface): Promise<Sandbox> {
    this.#starting ??= this.#start();
    const slots = await this.#starting;
    if (this.#isClosed) throw notStarted("the pool is closed");
    const { promise: opened, resolve } = Promise.withResolvers<string | undefined>();
    const box: Box = {
      id: this.#nextId(),
      options: { limits, surface },
      snapshot: undefined,
      slot: undefined,
      flight: undefined,
      tail: Promise.resolve(),
      isClosed: false,
      onOpened: resolve,
    };
    this.#boxes.add(box);
    const slot = slots.placeNew(box);
    slots.seat(box, slot);
    slot.carrier.keepAlive(true);
    const problem = await opened;
    box.onOpened = undefined;
    this.#rest(slot);
    if (problem === undefined) return this.#sandboxOf(box, slots);
    this.#boxes.delete(box);
    throw notStarted(problem);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    for (const { flight } of this.#boxes) flight?.fail(failures.aborted());
    const slots = await this.#starting;
    await Promise.all([...(slots?.all ?? [])].map(({ carrier }) => carrier.kill()));
  }

  async #start(): Promise<Slots> {
    const wasm = await compileEngine();
    this.#slots = new Slots(this.#workers + 1, wasm, (slot) => ({
      onMessage: (message) => this.#onMessage(slot(), message),
      onEnd: (problem) => this.#onEnd(slot(), problem),
    }));
    return this.#slots;
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #sandboxOf(box: Box, slots: Slots): Sandbox {
    /** One after the other. */
    const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
      const turn = box.tail.then(work);
      box.tail = turn;
      return turn;
    };
    return {
      evaluate: (code, options) => inTurn(() => this.#evaluate(slots, box, code, options)),
      restore: (snapshot) => inTurn(async () => restore(slots, box, snapshot)),
      close: () => this.#closeBox(slots, box),
    };
  }

  async #closeBox(slots: Slots, box: Box): Promise<void> {
    box.isClosed = true;
    this.#boxes.delete(box);
    if (box.flight) this.#abort(slots, box, box.flight);
    await box.tail;
    const { slot } = box;
    slots.unseat(box);
    if (slot?.isDedicated) await slot.carrier.kill();
  }

  async #evaluate(
    slots: Slots,
    box: Box,
    code: string,
    { host, signal, timeoutMs, seed, past }: EvaluateOptions,
  ): Promise<Evaluation> {
    const flight = new Flight(this.#nextId(), {
      code,
      timeoutMs: timeoutMs ?? box.options.limits.timeoutMs,
      host,
      seed: seed ?? randomUUID(),
      past,
    });
    if (this.#isClosed || box.isClosed || signal?.aborted) {
      flight.fail(failures.aborted());
      return flight.ended;
    }
    box.flight = flight;
    this.#launch(slots, box, flight);
    const onAbort = () => this.#abort(slots, box, flight);
    signal?.addEventListener("abort", onAbort, { once: true });
    const evaluation = await flight.ended;
    signal?.removeEventListener("abort", onAbort);
    this.#land(slots, box, flight);
    return evaluation;
  }

  #launch(slots: Slots, box: Box, flight: Flight): void {
    try {
      const slot = slots.place(box);
      slots.seat(box, slot);
      slot.flights.set(flight.id, box);
      slot.carrier.keepAlive(true);
      const isLaunched = flight.launch(box.id, (message) => slot.carrier.post(message));
      if (!isLaunched) flight.fail(failures.lost());
      this.#watch ??= setInterval(() => this.#killOverdue(slots), WATCH_MS);
      this.#keepSpare(slots);
    } catch {
      // The machine gives no more threads or processes.
      flight.fail(failures.lost());
    }
  }

  #land(slots: Slots, box: Box, flight: Flight): void {
    box.flight = undefined;
    for (const slot of slots.all) if (slot.flights.delete(flight.id)) this.#rest(slot);
    if ([...slots.all].some(({ flights }) => flights.size > 0)) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  /** A worker with nothing to do does not keep the program running. */
  #rest(slot: Slot): void {
    const isOpening = [...slot.boxes].some(({ onOpened }) => onOpened !== undefined);
    if (slot.flights.size === 0 && !isOpening) slot.carrier.keepAlive(false);
  }

  #keepSpare(slots: Slots): void {
    if (this.#isClosed) return;
    slots.keepSpare(
      [...this.#boxes].filter(({ options }) => options.limits.isolation === "shared").length,
    );
  }

  #killOverdue(slots: Slots): void {
    const now = sharedNow();
    for (const slot of slots.all) {
      const held = slot.carrier.held();
      if (held !== undefined && now > held.untilMs + this.#hardGraceMs)
        this.#kill(slots, slot, held.evaluation, failures.killed());
    }
  }

  /** Ends a worker because of one evaluation, which fails; `#onEnd` sees to the others. */
  #kill(slots: Slots, slot: Slot, evaluation: number, error: EvaluationError): void {
    slot.flights.get(evaluation)?.flight?.fail(error);
    slot.flights.delete(evaluation);
    slots.all.delete(slot);
    void slot.carrier.kill();
    this.#keepSpare(slots);
  }

  /** Code that waits ends at once; code that runs is asked to stop, then killed. */
  #abort(slots: Slots, box: Box, flight: Flight): void {
    const { slot } = box;
    if (flight.isOver || slot === undefined) return;
    slot.carrier.requestAbort(flight.id);
    slot.carrier.post({ type: "abort", evaluation: flight.id });
    setTimeout(() => {
      if (flight.isOver || box.slot !== slot) return;
      const isHolder = slot.carrier.held()?.evaluation === flight.id;
      if (isHolder || slot.isDedicated) this.#kill(slots, slot, flight.id, failures.aborted());
      else {
        // Another sandbox has the worker, so the message has not been read.
        slots.unseat(box);
        flight.fail(failures.aborted());
      }
    }, ABORT_GRACE_MS);
  }

  #onMessage(slot: Slot, message: FromWorker): void {
    if (message.type === "opened") onOpened(slot, message.sandbox, message.problem);
    if (message.type === "opened" || message.type === "holds") return;
    const box = slot.flights.get(message.evaluation);
    const flight = box?.flight;
    if (box === undefined || flight?.id !== message.evaluation) return;
    if (message.type === "done") {
      if (message.outcome.ok) box.snapshot = message.outcome.snapshot;
      flight.finish(message.outcome);
      return;
    }
    const { call, name, argument, readings } = message;
    const diverged = flight.onCall(call, name, argument, readings);
    if (diverged !== undefined) this.#abandon(slot, box, flight, diverged);
  }

  /** Ends an evaluation whose code may run on: what it does to its variables counts no more. */
  #abandon(slot: Slot, box: Box, flight: Flight, error: EvaluationError): void {
    if (this.#slots !== undefined) restore(this.#slots, box, box.snapshot);
    slot.carrier.requestAbort(flight.id);
    slot.carrier.post({ type: "abort", evaluation: flight.id });
    flight.fail(error);
  }

  #onEnd(slot: Slot, problem: string | undefined): void {
    const slots = this.#slots;
    if (slots === undefined) return;
    const holder = slot.carrier.held()?.evaluation;
    slots.all.delete(slot);
    for (const box of slot.boxes) {
      box.slot = undefined;
      box.onOpened?.(problem ?? "the worker ended");
    }
    for (const [evaluation, box] of slot.flights) {
      const { flight } = box;
      if (flight === undefined || flight.isOver) continue;
      if (this.#isClosed) flight.fail(failures.aborted());
      else if (holder === evaluation) flight.fail(failures.broken());
      else this.#launch(slots, box, flight);
    }
  }
}

function restore(slots: Slots, box: Box, snapshot: Snapshot | undefined): void {
  box.snapshot = snapshot;
  const { slot } = box;
  slots.unseat(box);
  if (slot !== undefined && slots.all.has(slot)) slots.seat(box, slot);
}

function onOpened(slot: Slot, sandbox: number, problem: string | undefined): void {
  const box = [...slot.boxes].find(({ id }) => id === sandbox);
  box?.onOpened?.(problem);
  // The variables themselves, or the machine, leave no room for an instance.
  if (problem !== undefined) box?.flight?.fail(failures.lost());
}

function notStarted(problem: string): LegionError {
  return new LegionError({
    code: "LEG3012",
    message: `the sandbox did not start: ${problem}`,
    hint: "try again; when it happens again, check the machine's memory and its limit of processes",
  });
}
