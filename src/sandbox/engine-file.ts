/** What a file of WebAssembly begins with: the magic word and the version. */
const HEADER_BYTES = 8;
const IMPORT_SECTION = 2;
const FUNCTION = 0;
const MEMORY = 2;
/** A number is written seven bits a byte; the highest bit says that more follow. */
const MORE = 0x80;
const BITS = 7;

/**
 * The file with a smaller least size of the memory that it imports. V8 counts all of a memory from the start, used or not,
 * and collects garbage after so many bytes: with 16 MiB an instance it does little else. An instance grows to what it needs.
 * Throws when the file is not as it is known, or asks for less already.
 */
export function withInitialPages(file: Uint8Array, pages: number): Uint8Array {
  const patched = Uint8Array.from(file);
  const at = leastPagesAt(patched);
  const { value, next } = numberAt(patched, at);
  if (value < pages) throw new Error(`the engine's memory begins with ${value} pages already`);
  // The number takes as many bytes as before, so that nothing behind it moves.
  for (let index = at, rest = pages; index < next; index += 1, rest >>>= BITS)
    patched[index] = (rest & (MORE - 1)) | (index < next - 1 ? MORE : 0);
  return patched;
}

/** Where the least size of the imported memory is written. */
function leastPagesAt(file: Uint8Array): number {
  for (let at = HEADER_BYTES; at < file.length; ) {
    const { value: size, next: body } = numberAt(file, at + 1);
    if (file[at] === IMPORT_SECTION) return leastPagesIn(file, body);
    at = body + size;
  }
  throw unknown();
}

function leastPagesIn(file: Uint8Array, section: number): number {
  let { value: left, next: at } = numberAt(file, section);
  for (; left > 0; left -= 1) {
    // The module and the name of the import, then what it is.
    const kindAt = afterText(file, afterText(file, at));
    const kind = file[kindAt];
    // Flags come before the numbers.
    if (kind === MEMORY) return kindAt + 2;
    if (kind !== FUNCTION) break;
    at = numberAt(file, kindAt + 1).next;
  }
  throw unknown();
}

function afterText(file: Uint8Array, at: number): number {
  const { value, next } = numberAt(file, at);
  return next + value;
}

function numberAt(file: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let index = at, shift = 0; ; index += 1, shift += BITS) {
    const byte = file[index];
    if (byte === undefined) throw unknown();
    value += (byte & (MORE - 1)) * 2 ** shift;
    if (byte < MORE) return { value, next: index + 1 };
  }
}

function unknown(): Error {
  return new Error("the engine's file imports its memory in a way that is not known");
}
