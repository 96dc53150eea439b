// Goal: the engine's file asks for as little memory as it is told to, is the same in all else, and one that is not known is refused.
// Method: the real file and small ones made by hand, compiled and given memories that fit or not.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { withInitialPages } from "./engine-file.ts";

/** The types of Node do not name WebAssembly. */
interface WasmApi {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<object>;
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => object;
}
const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: WasmApi };

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const text = (value: string) => [value.length, ...Buffer.from(value)];
const section = (id: number, ...body: number[]) => [id, body.length, ...body];
/** A type of functions, which nothing here uses but the import of one. */
const types = section(1, 1, 0x60, 0, 0);
const aFunction = [...text("env"), ...text("f"), 0, 0];
/** From 256 pages on, at most 512. */
const aMemory = [...text("env"), ...text("memory"), 2, 1, 0x80, 2, 0x80, 4];
const file = (...sections: readonly (readonly number[])[]) =>
  Uint8Array.from([...HEADER, ...sections.flat()]);
const known = file(types, section(2, 2, ...aFunction, ...aMemory));

async function startsWith(bytes: Uint8Array, initial: number): Promise<boolean> {
  const memory = new wasm.Memory({ initial, maximum: 512 });
  const imports = { env: { f: () => {}, memory } };
  return wasm.instantiate(await wasm.compile(bytes), imports).then(
    () => true,
    () => false,
  );
}

for (const pages of [1, 96, 127, 128, 255, 256]) {
  test(`a file that asks for ${pages} pages takes a memory of so many, and none of fewer`, async () => {
    const patched = withInitialPages(known, pages);
    assert.equal(patched.length, known.length);
    assert.equal(await startsWith(patched, pages), true);
    assert.equal(await startsWith(patched, pages - 1), false);
  });
}

test("the file of the engine is changed in that number and nowhere else", async () => {
  const path = createRequire(import.meta.url).resolve(
    "@jitl/quickjs-ng-wasmfile-release-sync/wasm",
  );
  const before = await readFile(path);
  const patched = withInitialPages(before, 96);
  const changed = [...patched.keys()].filter((at) => patched[at] !== before[at]);
  assert.equal(changed.length, 2);
  assert.deepEqual(withInitialPages(before, 256), Uint8Array.from(before));
  await wasm.compile(patched);
});

const unknown: readonly { name: string; bytes: Uint8Array; says: RegExp }[] = [
  { name: "nothing", bytes: Uint8Array.from([]), says: /not known/ },
  { name: "no imports", bytes: file(types), says: /not known/ },
  { name: "no memory", bytes: file(types, section(2, 1, ...aFunction)), says: /not known/ },
  {
    name: "another import before it",
    bytes: file(section(2, 2, ...text("env"), ...text("g"), 3, 0x7f, 0, ...aMemory)),
    says: /not known/,
  },
  { name: "its end cut off", bytes: known.slice(0, -4), says: /not known/ },
  {
    name: "a memory that is small already",
    bytes: file(section(2, 1, ...text("env"), ...text("memory"), 2, 1, 2, 4)),
    says: /begins with 2 pages/,
  },
];

for (const { name, bytes, says } of unknown) {
  test(`a file with ${name} is refused`, () => {
    assert.throws(() => withInitialPages(bytes, 96), says);
  });
}
