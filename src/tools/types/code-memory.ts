/** Content of files that was accepted, by place and digest, up to a number of bytes; what was not asked for the longest goes first. */
export interface CodeMemory<T extends { readonly content: string }> {
  keep(place: string, digest: string, file: T): void;
  find(place: string, digest: string): T | undefined;
}

/** A memory that holds nothing yet. */
export function createCodeMemory<T extends { readonly content: string }>(
  bytesMax: number,
): CodeMemory<T> {
  const files = new Map<string, T>();
  let bytes = 0;
  const keyOf = (place: string, digest: string) => `${digest} ${place}`;

  function forget(key: string): void {
    bytes -= files.get(key)?.content.length ?? 0;
    files.delete(key);
  }

  function put(key: string, file: T): void {
    forget(key);
    files.set(key, file);
    bytes += file.content.length;
  }

  return {
    keep(place, digest, file) {
      put(keyOf(place, digest), file);
      for (const oldest of files.keys()) {
        if (bytes <= bytesMax) return;
        forget(oldest);
      }
    },
    find(place, digest) {
      const key = keyOf(place, digest);
      const file = files.get(key);
      if (file !== undefined) put(key, file);
      return file;
    },
  };
}
