import { createHash } from "node:crypto";
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from "quickjs-emscripten-core";
import { GUEST_EXPORTS, type GuestExport } from "./boot.ts";
import type { Readings } from "./contract.ts";
import type { Engine, Machine } from "./engine.ts";
import { GuestClock } from "./guest-clock.ts";
import { type InstanceOptions, sharedNow } from "./protocol.ts";

/** The model's code has this name in stacks. */
export const CODE_FILE = "code.js";
const BOOT_FILE = "legion.js";
/** Top-level await, and the value of the last expression in an object. */
const ASYNC_SCRIPT = 1 << 7;
/** Jobs between two looks at the deadline. */
const JOBS_AT_ONCE = 500;

/** Something thrown in the guest, as texts. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly hint: string;
  readonly code: string;
}

/** `broken`: the engine itself failed, the instance is of no use any more. */
export type Failed =
  | { readonly type: "thrown"; readonly thrown: Thrown }
  | { readonly type: "broken"; readonly cause: unknown };

/** What came of running something in the guest. */
export type Ran = { readonly type: "text"; readonly text: string | undefined } | Failed;

/** What makes two evaluations of the same code the same, besides the answers that it gets. */
export interface Conditions {
  readonly seed: string;
  /** Of the calls that are recorded, in their order. */
  readonly readings: readonly Readings[];
  /** Since the last of them; live when there is none. */
  readonly tail: Readings | undefined;
}

export interface InstanceHooks {
  /** Takes a call of the guest and answers its number. */
  call(name: string, argument: string, readings: Readings): number;
  log(line: string): void;
  missing(path: string): string;
  /** Asked often while code runs: true stops it, and no code can catch that. */
  shouldStop(): boolean;
}

/** A step of the boot that answers a list of names; it has to succeed. */
function listOf(ran: Ran): string[] {
  if (ran.type === "text") return JSON.parse(ran.text ?? "[]") as string[];
  const reason = ran.type === "thrown" ? `: ${ran.thrown.name}: ${ran.thrown.message}` : "";
  throw new Error(`the guest did not boot${reason}`, { cause: ran });
}

function seedWords(seed: string): number[] {
  const hash = createHash("sha256").update(seed).digest();
  return [0, 4, 8, 12].map((at) => hash.readInt32LE(at));
}

const UNREADABLE: Thrown = { name: "", message: "", stack: "", hint: "", code: "" };

/** Makes an instance and boots it. It rejects when there is not enough memory for that. */
export async function createInstance(
  engine: Engine,
  boot: string,
  options: InstanceOptions,
  hooks: InstanceHooks,
): Promise<Instance> {
  const clock = new GuestClock({ wallMs: Date.now, steadyMs: sharedNow });
  const machine = await engine.create(options.limits.memoryBytes, clock);
  return new Instance(machine, clock, boot, options, hooks);
}

/** One wasm instance with Legion's part of the guest in it. No method throws because of the guest. */
export class Instance {
  /** Names that Legion put there; the model cannot declare them. */
  readonly surfaceNames: ReadonlySet<string>;
  /** All names that an instance has from the start. */
  readonly ownNames: ReadonlySet<string>;
  readonly #context: QuickJSContext;
  readonly #runtime: QuickJSRuntime;
  readonly #machine: Machine;
  readonly #clock: GuestClock;
  readonly #hooks: InstanceHooks;
  readonly #guest: Readonly<Record<GuestExport, QuickJSHandle>>;
  readonly #open = new Set<number>();
  /** A promise of the guest that settles when the code that was begun has its value. */
  #watched: QuickJSHandle | undefined;
  #hasEnded = false;

  constructor(
    machine: Machine,
    clock: GuestClock,
    boot: string,
    options: InstanceOptions,
    hooks: InstanceHooks,
  ) {
    this.#machine = machine;
    this.#clock = clock;
    this.#context = machine.context;
    this.#runtime = machine.runtime;
    this.#hooks = hooks;
    this.#runtime.setInterruptHandler(() => hooks.shouldStop());
    this.#guest = this.#boot(boot);
    const adopted = this.#install(JSON.stringify(options.surface));
    this.surfaceNames = new Set(["tools", "console", ...options.surface.functions, ...adopted]);
    this.ownNames = new Set(listOf(this.ask("rememberOriginals")));
  }

  /** Begins the code; undefined when it has been parsed and runs, or waits. */
  begin(code: string, { seed, readings, tail }: Conditions): Failed | undefined {
    this.#clock.begin(tail === undefined ? readings : [...readings, tail]);
    const seeded = this.ask("seed", ...seedWords(seed));
    if (seeded.type !== "text") return seeded;
    return this.#guarded(() => {
      const context = this.#context;
      this.#watched?.dispose();
      this.#watched = undefined;
      this.#hasEnded = false;
      const result = context.evalCode(code, CODE_FILE, ASYNC_SCRIPT);
      if (result.error) return this.#thrown(result.error);
      const watch = result.value.consume((box) =>
        context.callFunction(this.#guest.watch, context.undefined, box),
      );
      if (watch.error) return this.#thrown(watch.error);
      this.#watched = watch.value;
      return undefined;
    });
  }

  /** The evaluation is over; what it has read of the clock since its last call. */
  end(): Readings {
    const readings = this.#clock.cut();
    this.#clock.rest();
    return readings;
  }

  /** Runs what can run. */
  pump(): Failed | undefined {
    return this.#guarded(() => {
      while (this.#runtime.hasPendingJob()) {
        const result = this.#runtime.executePendingJobs(JOBS_AT_ONCE);
        if (result.error) return this.#thrown(result.error);
        if (this.#hooks.shouldStop()) return undefined;
      }
      return undefined;
    });
  }

  /** Where the code is that was begun. */
  progress(): "waits" | "completed" | Failed {
    return this.#guarded(() => {
      if (this.#watched === undefined) return "waits";
      // Code that waits for calls says itself when it has ended: to ask its promise is a way into the engine at every step.
      if (!this.#hasEnded && this.#open.size > 0) return "waits";
      const state = this.#context.getPromiseState(this.#watched);
      if (state.type === "pending") return "waits";
      if (state.type === "rejected") return this.#thrown(state.error);
      state.value.dispose();
      return "completed";
    });
  }

  /** Hands the answer of a call to the guest; undefined when there is no such call. */
  settle(call: number, text: string): Ran | undefined {
    return this.#open.delete(call) ? this.ask("settle", call, text) : undefined;
  }

  openCalls(): number {
    return this.#open.size;
  }

  /** Calls a function of Legion's part of the guest. */
  ask(name: GuestExport, ...given: readonly (string | number)[]): Ran {
    return this.#guarded(() => {
      const context = this.#context;
      const handles = given.map((value) =>
        typeof value === "string" ? context.newString(value) : context.newNumber(value),
      );
      const ran = this.#call(name, handles);
      for (const handle of handles) handle.dispose();
      return ran;
    });
  }

  /** The model's variables and all other globals. */
  knownNames(): string[] {
    const listed = this.ask("bindingNames");
    const own = listed.type === "text" ? (JSON.parse(listed.text ?? "[]") as string[]) : [];
    return [...own, ...this.ownNames];
  }

  memoryBytes(): number {
    return this.#machine.memoryBytes();
  }

  /** Every way into the engine goes through here: an abort of wasm or an overflow of the worker's stack ends as a value. */
  #guarded<Result>(work: () => Result): Result | Failed {
    try {
      return work();
    } catch (cause) {
      return { type: "broken", cause };
    }
  }

  #boot(script: string): Record<GuestExport, QuickJSHandle> {
    const context = this.#context;
    const exports = context.unwrapResult(context.evalCode(script, BOOT_FILE));
    const handles = {} as Record<GuestExport, QuickJSHandle>;
    for (const name of GUEST_EXPORTS) handles[name] = context.getProp(exports, name);
    exports.dispose();
    return handles;
  }

  /** Puts the surface in place; answers the names that its prelude has made. */
  #install(surface: string): string[] {
    const handle = this.#context.newString(surface);
    const installed = this.#hostFunctions().consume((functions) =>
      this.#call("install", [functions, handle]),
    );
    handle.dispose();
    return listOf(installed);
  }

  #hostFunctions(): QuickJSHandle {
    const context = this.#context;
    const text = (handle: QuickJSHandle = context.undefined) => context.getString(handle);
    const functions: Record<string, (...given: QuickJSHandle[]) => QuickJSHandle> = {
      call: (name, argument) => {
        const call = this.#hooks.call(text(name), text(argument), this.#clock.cut());
        this.#open.add(call);
        return context.newNumber(call);
      },
      log: (line) => {
        this.#hooks.log(text(line));
        return context.undefined;
      },
      missing: (path) => context.newString(this.#hooks.missing(text(path))),
      ended: () => {
        this.#hasEnded = true;
        return context.undefined;
      },
    };
    const holder = context.newObject();
    for (const [name, run] of Object.entries(functions)) {
      context.newFunction(name, run).consume((handle) => context.setProp(holder, name, handle));
    }
    return holder;
  }

  #call(name: GuestExport, given: readonly QuickJSHandle[]): Ran {
    const context = this.#context;
    const result = context.callFunction(this.#guest[name], context.undefined, ...given);
    if (result.error) return this.#thrown(result.error);
    // Asked of every answer to a call, and it has none: what a value is costs a way into the engine.
    const text = result.value.consume((value) =>
      name !== "settle" && context.typeof(value) === "string"
        ? context.getString(value)
        : undefined,
    );
    return { type: "text", text };
  }

  #thrown(error: QuickJSHandle): Failed {
    return this.#guarded((): Failed => {
      const context = this.#context;
      const result = context.callFunction(this.#guest.describe, context.undefined, error);
      error.dispose();
      if (result.error) {
        result.error.dispose();
        return { type: "thrown", thrown: UNREADABLE };
      }
      return {
        type: "thrown",
        thrown: JSON.parse(result.value.consume((value) => context.getString(value))) as Thrown,
      };
    });
  }
}
