import type {
  newVariant,
  QuickJSContext,
  QuickJSRuntime,
  QuickJSSyncVariant,
} from "quickjs-emscripten-core";

/** The types of Node do not name WebAssembly; this is what is used of it. */
interface WasmApi {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
}
const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: WasmApi };

type CustomVariant = Parameters<typeof newVariant>[1];

/** A compiled module; threads can share it. */
export type WasmModule = object;

/** WebAssembly counts memory in pages. */
const PAGE_BYTES = 65_536;
/** What the engine's file asks for as its least; pages that are not touched cost nothing. */
const INITIAL_PAGES = 256;
/** Deeper recursion is a clean error of the guest; a larger stack could overflow the worker's own. */
const STACK_BYTES = 64 * 1024;

/** One wasm instance with a context of its own: the trust boundary. It is thrown away whole, never cleaned. */
export interface Machine {
  readonly context: QuickJSContext;
  readonly runtime: QuickJSRuntime;
  /** Bytes that the instance has taken; it never gives any back. */
  memoryBytes(): number;
}

export interface Engine {
  create(memoryBytesMax: number): Promise<Machine>;
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
  return wasm.compile(new Uint8Array(await readFile(path)));
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
    async create(memoryBytesMax) {
      // The engine's own memoryLimit does not limit the total; a memory that cannot grow does.
      const wasmMemory = new wasm.Memory({
        initial: INITIAL_PAGES,
        maximum: Math.max(INITIAL_PAGES, Math.floor(memoryBytesMax / PAGE_BYTES)),
      });
      const { module } = await loadQuickJs(
        newVariant(base, { wasmMemory, wasmModule } as CustomVariant),
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
