import type { Carrier, CarrierEvents } from "./carrier.ts";
import type { Snapshot } from "./contract.ts";
import type { WasmModule } from "./engine.ts";
import type { Flight } from "./flight.ts";
import { startProcess } from "./process.ts";
import type { InstanceOptions } from "./protocol.ts";
import { startThread } from "./thread.ts";

/** A worker, with the evaluations that it runs and the sandboxes that have their instance there. */
export interface Slot {
  readonly carrier: Carrier;
  readonly flights: Map<number, Box>;
  readonly boxes: Set<Box>;
  /** Only for one sandbox. */
  readonly isDedicated: boolean;
}

/** A sandbox as the pool keeps it: all that cannot be made again is here, and not in a worker. */
export interface Box {
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

/** The workers of a pool, and which of them a sandbox goes to. */
export class Slots {
  readonly all = new Set<Slot>();
  readonly #sharedMax: number;
  readonly #wasm: WasmModule;
  readonly #eventsOf: (slot: () => Slot) => CarrierEvents;

  constructor(sharedMax: number, wasm: WasmModule, eventsOf: (slot: () => Slot) => CarrierEvents) {
    this.#sharedMax = sharedMax;
    this.#wasm = wasm;
    this.#eventsOf = eventsOf;
  }

  /** Where a new sandbox goes: they are spread over the workers, and one worker is left to spare. */
  placeNew(box: Box): Slot {
    if (box.options.limits.isolation !== "shared") return this.#startDedicated(box);
    const shared = this.#shared();
    const least = leastBy(shared, ({ boxes }) => boxes.size);
    const isEnough = shared.length >= Math.max(1, this.#sharedMax - 1);
    return least !== undefined && (least.boxes.size === 0 || isEnough)
      ? least
      : this.#startShared();
  }

  /** Where an evaluation goes: to a worker with nothing else to do if there is one, its own before others. */
  place(box: Box): Slot {
    const current = box.slot;
    if (box.options.limits.isolation !== "shared") return current ?? this.#startDedicated(box);
    if (current?.flights.size === 0) return current;
    const shared = this.#shared();
    const idle = shared.filter(({ flights }) => flights.size === 0);
    if (idle.length > 0) return leastBy(idle, ({ boxes }) => boxes.size) ?? this.#startShared();
    if (shared.length < this.#sharedMax) return this.#startShared();
    const unheld = shared.filter(({ carrier }) => carrier.held() === undefined);
    if (current !== undefined && (unheld.length === 0 || unheld.includes(current))) return current;
    return (
      leastBy(unheld, ({ flights }) => flights.size) ??
      leastBy(shared, ({ flights }) => flights.size) ??
      this.#startShared()
    );
  }

  /** Has a worker ready for the next evaluation while all others are at work. */
  keepSpare(boxes: number): void {
    const shared = this.#shared();
    if (shared.length >= Math.min(this.#sharedMax, boxes)) return;
    if (shared.every(({ flights }) => flights.size > 0)) this.#startShared();
  }

  /** Gives the box its instance on the slot, when it is not there. */
  seat(box: Box, slot: Slot): void {
    if (box.slot === slot) return;
    this.unseat(box);
    box.slot = slot;
    slot.boxes.add(box);
    const { id: sandbox, options, snapshot } = box;
    slot.carrier.post({
      type: "open",
      sandbox,
      options,
      ...(snapshot !== undefined && { snapshot }),
    });
  }

  unseat(box: Box): void {
    box.slot?.boxes.delete(box);
    box.slot?.carrier.post({ type: "close", sandbox: box.id });
    box.slot = undefined;
  }

  #shared(): Slot[] {
    return [...this.all].filter(({ isDedicated }) => !isDedicated);
  }

  #startShared(): Slot {
    return this.#start(startThread, false);
  }

  #startDedicated({ options }: Box): Slot {
    return this.#start(options.limits.isolation === "process" ? startProcess : startThread, true);
  }

  #start(startCarrier: typeof startThread, isDedicated: boolean): Slot {
    const events = this.#eventsOf(() => slot);
    const carrier = startCarrier(this.#wasm, events);
    const slot: Slot = { carrier, flights: new Map(), boxes: new Set(), isDedicated };
    this.all.add(slot);
    return slot;
  }
}

function leastBy<Item>(items: readonly Item[], measure: (item: Item) => number): Item | undefined {
  let least: Item | undefined;
  for (const item of items) if (least === undefined || measure(item) < measure(least)) least = item;
  return least;
}
