/** A thread that looks at code which may be TypeScript, or is large: what crashes the type stripper crashes nothing else. */
import { parentPort } from "node:worker_threads";
import type { CodeJob } from "./contract.ts";
import { codeFacts } from "./facts.ts";
import { stripTypes } from "./strip.ts";

parentPort?.on("message", (job: CodeJob) => parentPort?.postMessage(codeFacts(job, stripTypes)));
