import { Worker } from "node:worker_threads";
import { type StartCarrier, workerUrl } from "./carrier.ts";
import { newControl } from "./control.ts";
import { packReply, unpackCall } from "./packed.ts";
import type { FromWorker } from "./protocol.ts";

/** The engine's recursion needs room below its own limit; the heap only holds texts on their way. */
const RESOURCE_LIMITS = {
  stackSizeMb: 16,
  maxOldGenerationSizeMb: 256,
  maxYoungGenerationSizeMb: 16,
};

/** A worker thread. It sees no environment. */
export const startThread: StartCarrier = (wasm, { onMessage, onEnd }) => {
  const control = newControl();
  let problem: string | undefined;
  const worker = new Worker(workerUrl, {
    workerData: control.buffer,
    resourceLimits: RESOURCE_LIMITS,
    env: {},
    argv: [],
    execArgv: [],
  });
  worker.on("message", (message: FromWorker | string) =>
    onMessage(typeof message === "string" ? unpackCall(message) : message),
  );
  worker.on("error", (error) => {
    problem = error.message;
  });
  worker.on("exit", () => onEnd(problem));
  worker.postMessage({ type: "start", wasm });
  worker.unref();
  return {
    post: (message) => worker.postMessage(message.type === "reply" ? packReply(message) : message),
    held: () => control.held(),
    requestAbort: (evaluation) => control.requestAbort(evaluation),
    async kill() {
      await worker.terminate();
    },
    keepAlive: (isNeeded) => (isNeeded ? worker.ref() : worker.unref()),
  };
};
