import { parentPort } from "node:worker_threads";
import { messageOf } from "../lib/errors.ts";
import { bootScript } from "./boot.ts";
import { type Channel, processChannel, threadChannel } from "./channel.ts";
import type { Snapshot } from "./contract.ts";
import { compileEngine, type Engine, loadEngine } from "./engine.ts";
import { Evaluation } from "./evaluation.ts";
import { missingHint } from "./hints.ts";
import { createInstance, type Instance, type InstanceHooks } from "./instance.ts";
import { type InstanceOptions, sharedNow, type ToWorker } from "./protocol.ts";

/** The most time to make the variables of a snapshot again. */
const RESTORE_MS = 2000;

/** A sandbox in this worker. Messages for it wait while its instance is being made. */
interface Cell {
  readonly sandbox: number;
  readonly options: InstanceOptions;
  snapshot: Snapshot | undefined;
  instance: Instance | undefined;
  evaluation: { readonly id: number; readonly run: Evaluation } | undefined;
  readonly queue: ToWorker[];
}

const cells = new Map<number, Cell>();
/** Which cell an evaluation belongs to, from its first message to its end. */
const places = new Map<number, Cell>();
let engine: Promise<Engine> | undefined;
let boot: Promise<string> | undefined;
let heldMs = 0;
let restoreUntil = Number.POSITIVE_INFINITY;
const channel: Channel = parentPort === null ? processChannel() : threadChannel(parentPort);
silence(process.stdout);
silence(process.stderr);
// Type stripping counts as experimental.
process.removeAllListeners("warning");
channel.listen(receive);

/** What the engine prints when it gives up is for nobody: the pool reports the failure. */
function silence(stream: NodeJS.WriteStream): void {
  stream.write = () => true;
}

function receive(message: ToWorker): void {
  switch (message.type) {
    case "start": {
      const { wasm } = message;
      engine = wasm === undefined ? compileEngine().then(loadEngine) : loadEngine(wasm);
      boot = bootScript();
      return;
    }
    case "open":
      open(message);
      return;
    case "close":
      cells.delete(message.sandbox);
      return;
    case "evaluate": {
      const cell = cells.get(message.sandbox);
      if (cell === undefined) return;
      places.set(message.evaluation, cell);
      deliver(cell, message);
      return;
    }
    default: {
      const cell = places.get(message.evaluation);
      if (cell !== undefined) deliver(cell, message);
    }
  }
}

function deliver(cell: Cell, message: ToWorker): void {
  if (cell.instance === undefined) {
    cell.queue.push(message);
    return;
  }
  if (message.type === "evaluate") {
    evaluate(cell, cell.instance, message);
    return;
  }
  if (!("evaluation" in message) || cell.evaluation?.id !== message.evaluation) return;
  const { run } = cell.evaluation;
  if (message.type === "reply") run.reply(message.call, message.text);
  else if (message.type === "replayed") run.replayed();
  else if (message.type === "pause") run.pause(message.isPaused);
  else run.abort();
}

function open({ sandbox, options, snapshot }: Extract<ToWorker, { type: "open" }>): void {
  const cell: Cell = {
    sandbox,
    options,
    snapshot,
    instance: undefined,
    evaluation: undefined,
    queue: [],
  };
  cells.set(sandbox, cell);
  make(cell).then(
    () => channel.send({ type: "opened", sandbox }),
    (error: unknown) => channel.send({ type: "opened", sandbox, problem: messageOf(error) }),
  );
}

/** Makes a fresh instance with the variables of the snapshot, then hands out what waited for it. */
async function make(cell: Cell): Promise<void> {
  cell.instance = undefined;
  if (engine === undefined || boot === undefined) throw new Error("the worker was not started");
  const instance = await createInstance(await engine, await boot, cell.options, hooksOf(cell));
  const { snapshot } = cell;
  if (snapshot !== undefined && snapshot !== "{}") {
    restoreUntil = sharedNow() + RESTORE_MS;
    hold(0, restoreUntil, () => instance.ask("restoreBindings", snapshot));
    restoreUntil = Number.POSITIVE_INFINITY;
  }
  cell.instance = instance;
  for (let message = cell.queue.shift(); message !== undefined; message = cell.queue.shift()) {
    deliver(cell, message);
    // An evaluation that failed at once has left a new instance to wait for.
    if (cell.instance === undefined) return;
  }
}

function hooksOf(cell: Cell): InstanceHooks {
  return {
    call: (name, argument, readings) => cell.evaluation?.run.call(name, argument, readings) ?? 0,
    log: (line) => cell.evaluation?.run.log(line),
    missing: (path) => missingHint(path, cell.options.surface),
    shouldStop: () => cell.evaluation?.run.shouldStop() ?? sharedNow() > restoreUntil,
  };
}

function evaluate(
  cell: Cell,
  instance: Instance,
  { evaluation, code, timeoutMs, seed, readings, tail }: Extract<ToWorker, { type: "evaluate" }>,
): void {
  const run = new Evaluation(instance, cell.options.limits, timeoutMs, {
    now: sharedNow,
    heldMs: () => heldMs,
    hold: (untilMs, work) => hold(evaluation, untilMs, work),
    isAbortRequested: () => channel.isAbortRequested(evaluation),
    sendCall: (call, name, argument, read) =>
      channel.send({
        type: "call",
        evaluation,
        call,
        name,
        argument: withoutDangerousKeys(argument),
        readings: read,
      }),
    retire: () => channel.end(),
    done(outcome, isSpent) {
      cell.evaluation = undefined;
      places.delete(evaluation);
      if (outcome.ok) cell.snapshot = outcome.snapshot;
      channel.send({ type: "done", evaluation, outcome });
      if (isSpent && cells.get(cell.sandbox) === cell) make(cell).catch(() => channel.end());
    },
  });
  cell.evaluation = { id: evaluation, run };
  run.begin(code, { seed, readings, tail });
}

/** Says who has the engine, so that the pool can end this worker when it does not come back. */
function hold<Result>(evaluation: number, untilMs: number, work: () => Result): Result {
  const from = sharedNow();
  channel.holds(evaluation, untilMs);
  try {
    return work();
  } finally {
    channel.holds(0, 0);
    heldMs += sharedNow() - from;
  }
}

const DANGEROUS = /"(?:__proto__|constructor|prototype)"|\\u/;

/** JSON without the keys that reach a prototype when somebody merges the object into another. */
function withoutDangerousKeys(text: string): string {
  if (!DANGEROUS.test(text)) return text;
  return JSON.stringify(
    JSON.parse(text, (key, value: unknown) =>
      key === "__proto__" || key === "constructor" || key === "prototype" ? undefined : value,
    ),
  );
}
