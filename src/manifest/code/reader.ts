import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CodeFacts, CodeJob } from "./contract.ts";

/** Looks at code. What it needs is loaded and started when there is code to look at. */
export interface CodeReader extends AsyncDisposable {
  /** Undefined when nothing can be told of the code. One at a time. */
  read(job: CodeJob): Promise<CodeFacts | undefined>;
}

/** Longer code is parsed in a thread, so that it does not hold the event loop. */
const INLINE_CHARS_MAX = 64 * 1024;
/** How long the thread may take for one text. */
const READ_MS_MAX = 10_000;
/** How many threads may be lost to texts that crash them; after that, what needs one is not looked at. */
const THREADS_MAX = 4;

const workerUrl = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js",
  import.meta.url,
);

/** A reader of code; its thread ends with it. */
export function codeReader(): CodeReader {
  let worker: Worker | undefined;
  let started = 0;
  const readInThread = async (job: CodeJob): Promise<CodeFacts | undefined> => {
    if (worker === undefined && started >= THREADS_MAX) return undefined;
    if (worker === undefined) {
      worker = new Worker(workerUrl, { env: {}, argv: [], execArgv: ["--no-warnings"] });
      started += 1;
    }
    try {
      worker.postMessage(job);
      const signal = AbortSignal.timeout(READ_MS_MAX);
      const [facts] = (await once(worker, "message", { signal })) as [CodeFacts | undefined];
      return facts;
    } catch {
      await worker.terminate();
      worker = undefined;
      return undefined;
    }
  };
  return {
    async read(job) {
      if (job.text.length > INLINE_CHARS_MAX) return readInThread(job);
      const { codeFacts } = await import("./facts.ts");
      return codeFacts(job) ?? readInThread(job);
    },
    async [Symbol.asyncDispose]() {
      await worker?.terminate();
    },
  };
}
