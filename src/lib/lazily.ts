/** A value that is made when it is first asked for, and made again after a failure. */
export function lazily<T>(make: () => Promise<T>): {
  get(): Promise<T>;
  existing(): Promise<T | undefined>;
} {
  let made: Promise<T> | undefined;
  return {
    get() {
      made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
    existing: async () => made?.catch(() => undefined),
  };
}
