import type {
  newVariant,
  QuickJSContext,
  QuickJSRuntime,
  QuickJSSyncVariant,
} from "quickjs-emscripten-core";
import { withInitialPages } from "./engine-file.ts";

/** The types of Node do not name WebAssembly; this is what is used of it. */
interface WasmApi {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(module: WasmModule, imports: Imports): Promise<object>;
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
}
const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: WasmApi };

/** What the wasm module asks for, by module and name. */
type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type CustomVariant = Parameters<typeof newVariant>[1];

/** A compiled module; threads can share it. */
export type WasmModule = object;

/** WebAssembly counts memory in pages. */
const PAGE_BYTES = 65_536;
/** What an instance begins with: enough for the engine and its boot. */
const INITIAL_PAGES = 96;
/** No limit is lower. */
const LIMIT_PAGES_MIN = 256;
/** Deeper recursion is a clean error of the guest; a larger stack could overflow the worker's own. */
const STACK_BYTES = 64 * 1024;

/** One wasm instance with a context of its own: the trust boundary. It is thrown away whole, never cleaned. */
export interface Machine {
  readonly context: QuickJSContext;
  readonly runtime: QuickJSRuntime;
  /** Bytes that the instance has taken; it never gives any back. */
  memoryBytes(): number;
}

/** What the guest reads the time from: microseconds since 1970. `grainUs` is the smallest difference that the reader can see. */
export interface EngineClock {
  read(grainUs: number): number;
}

export interface Engine {
  create(memoryBytesMax: number, clock: EngineClock): Promise<Machine>;
}

/** Compiles the engine; about 15 ms. Threads share the result. */
export async function compileEngine(): Promise<WasmModule> {
  const [{ readFile }, { createRequire }] = await Promise.all([
    import("node:fs/promises"),
    import("node:module"),
  ]);
  const path = createRequire(import.meta.url).resolve(
    "@jitl/quickjs-ng-wasmfile-release-sync/wasm",
  );
  return wasm.compile(withInitialPages(await readFile(path), INITIAL_PAGES));
}

/** Loads the engine's code. Only a worker does this: it takes some 80 ms. */
export async function loadEngine(wasmModule: WasmModule): Promise<Engine> {
  const [{ loadQuickJs }, { newVariant }, { default: variant }] = await Promise.all([
    import("@sebastianwessel/quickjs"),
    import("quickjs-emscripten-core"),
    import("@jitl/quickjs-ng-wasmfile-release-sync"),
  ]);
  // Its types are those of its CommonJS form, where the variant is one level deeper.
  const base = variant as unknown as QuickJSSyncVariant;
  return {
    async create(memoryBytesMax, clock) {
      // The engine's own memoryLimit does not limit the total; a memory that cannot grow does.
      const wasmMemory = new wasm.Memory({
        initial: INITIAL_PAGES,
        maximum: Math.max(LIMIT_PAGES_MIN, Math.floor(memoryBytesMax / PAGE_BYTES)),
      });
      const { module } = await loadQuickJs(
        newVariant(base, {
          wasmMemory,
          emscriptenModule: {
            instantiateWasm: async (imports: Imports, onSuccess: (instance: object) => void) =>
              onSuccess(await wasm.instantiate(wasmModule, withClock(imports, wasmMemory, clock))),
          },
        } as unknown as CustomVariant),
      );
      const runtime = module.newRuntime({ maxStackSizeBytes: STACK_BYTES });
      return {
        context: runtime.newContext(),
        runtime,
        memoryBytes: () => wasmMemory.buffer.byteLength,
      };
    },
  };
}

const US_PER_MS = 1000;
/** What `clock_time_get` calls the calendar; the others count from some moment. */
const CALENDAR = 0;

/**
 * The imports with the guest's clock in the place of the machine's. All that the engine knows of time comes through two of them:
 * `emscripten_date_now()` and `clock_time_get(clock, precision, address)`. Their names are shortened, so they are known by what
 * they do.
 */
function withClock(
  imports: Imports,
  memory: { readonly buffer: ArrayBuffer },
  clock: EngineClock,
): Imports {
  const byLength: Readonly<Record<number, unknown>> = {
    0: () => Math.floor(clock.read(US_PER_MS) / US_PER_MS),
    3: (id: number, _precision: bigint, address: number) => {
      // A view is not kept: a memory that has grown has a new buffer, and the old one would stay for longer.
      const us = clock.read(id === CALENDAR ? US_PER_MS : 1);
      new DataView(memory.buffer).setBigInt64(address, BigInt(us) * 1000n, true);
      return 0;
    },
  };
  let replaced = 0;
  const own = Object.entries(imports).map(([module, names]) => {
    const entries = Object.entries(names).map(([name, given]) => {
      if (typeof given !== "function" || !String(given).includes("Date.now()"))
        return [name, given];
      replaced += 1;
      return [name, byLength[given.length]];
    });
    return [module, Object.fromEntries(entries)];
  });
  if (replaced !== Object.keys(byLength).length)
    throw new Error("the engine reads the time in a way that is not known");
  return Object.fromEntries(own);
}
