import type { WasmModule } from "./engine.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** A worker seen from the pool: a thread or a process, which carries instances. */
export interface Carrier {
  post(message: ToWorker): void;
  /** Which evaluation has the engine, and until when it may; evaluation -1 is the restoring of variables. */
  held(): { readonly evaluation: number; readonly untilMs: number } | undefined;
  /** Stops an evaluation that has the engine, when the engine looks. */
  requestAbort(evaluation: number): void;
  /** Ends it at once; `onEnd` follows. */
  kill(): Promise<void>;
  /** Whether it keeps the program running. */
  keepAlive(isNeeded: boolean): void;
}

export interface CarrierEvents {
  onMessage(message: FromWorker): void;
  /** Once, after the last message. `problem` is for the log and for a worker that never started. */
  onEnd(problem: string | undefined): void;
}

export type StartCarrier = (wasm: WasmModule, events: CarrierEvents) => Carrier;

/** The file of the worker: `.js` when Legion has been compiled. */
export const workerUrl = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js",
  import.meta.url,
);
