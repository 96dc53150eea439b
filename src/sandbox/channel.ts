import type { MessagePort } from "node:worker_threads";
import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { type Control, readControl } from "./control.ts";
import { denyNetwork } from "./network.ts";
import { packCall, unpackReply } from "./packed.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** How a worker talks to the pool, whether it is a thread or a process. */
export interface Channel {
  listen(receive: (message: ToWorker) => void): void;
  send(message: FromWorker): void;
  /** Publishes which evaluation has the engine, and until when it may; 0 is none. */
  holds(evaluation: number, untilMs: number): void;
  isAbortRequested(evaluation: number): boolean;
  /** Ends the worker after what was sent has gone out. */
  end(): void;
}

/** To be woken takes a thread some 30 us, so after it asked the host something it looks for the answer itself, for so long. */
const LOOK_MS = 0.1;
/** At most so long without a turn of the event loop. */
const LOOK_TOTAL_MS = 5;

/** A reply is packed. */
type Packed = ToWorker | string;

function unpacked(message: Packed): ToWorker {
  return typeof message === "string" ? unpackReply(message) : message;
}

/** The channel of a thread: its port, and the numbers that it shares with the pool. */
export function threadChannel(port: MessagePort): Channel {
  const control: Control = readControl(workerData);
  let hasAsked = false;
  const now = () => performance.now();

  /** The next message, when the worker waits for an answer and it comes at once. */
  function nextAnswer(): ToWorker | undefined {
    const until = now() + LOOK_MS;
    while (hasAsked && now() < until) {
      const received = receiveMessageOnPort(port) as { readonly message: Packed } | undefined;
      if (received !== undefined) return unpacked(received.message);
    }
    return undefined;
  }

  return {
    listen(receive) {
      port.on("message", (first: Packed) => {
        const until = now() + LOOK_TOTAL_MS;
        let message: ToWorker | undefined = unpacked(first);
        while (message !== undefined) {
          hasAsked = false;
          receive(message);
          message = now() < until ? nextAnswer() : undefined;
        }
      });
    },
    send(message) {
      if (message.type === "call") hasAsked = true;
      port.postMessage(message.type === "call" ? packCall(message) : message);
    },
    holds: (evaluation, untilMs) => control.hold(evaluation, untilMs),
    isAbortRequested: (evaluation) => control.abortRequested() === evaluation,
    end: () => setImmediate(() => process.exit(1)),
  };
}

/** The channel of a process, which shares no memory. */
export function processChannel(): Channel {
  const send = (message: FromWorker) => process.send?.(message);
  return {
    listen(receive) {
      denyNetwork();
      process.on("message", receive);
      // Without the pool there is nobody to work for.
      process.on("disconnect", () => process.exit(0));
    },
    send,
    holds: (evaluation, untilMs) => send({ type: "holds", evaluation, untilMs }),
    isAbortRequested: () => false,
    end: () => process.disconnect?.(),
  };
}
