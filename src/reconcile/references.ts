import { keyText, type ResourceKey } from "../state/resource.ts";
import { entry } from "./view-index.ts";

/** Stands for every name of a kind in a namespace. */
export const ANY_NAME = "*";

/** Who refers to whom, both ways. */
export interface ReferenceIndex {
  /** What an object refers to, in place of what it did before. */
  set(from: string, to: readonly ResourceKey[]): void;
  /** Those that refer to an object, or to any of its kind and namespace. */
  of(key: ResourceKey): Set<string>;
}

/** An index that is told what each object refers to and answers who refers to one; both cost what the object's own references cost. */
export function createReferenceIndex(): ReferenceIndex {
  const forward = new Map<string, readonly string[]>();
  const backward = new Map<string, Set<string>>();

  function forget(from: string): void {
    for (const to of forward.get(from) ?? []) {
      const referrers = backward.get(to);
      referrers?.delete(from);
      if (referrers?.size === 0) backward.delete(to);
    }
    forward.delete(from);
  }

  return {
    set(from, to) {
      const names = to.map(keyText);
      const known = forward.get(from) ?? [];
      if (known.length === names.length && known.every((name, index) => name === names[index]))
        return;
      forget(from);
      if (names.length > 0) forward.set(from, names);
      for (const name of names) entry(backward, name, () => new Set<string>()).add(from);
    },
    of(key) {
      const exact = backward.get(keyText(key)) ?? [];
      const any = backward.get(keyText({ ...key, name: ANY_NAME })) ?? [];
      return new Set([...exact, ...any]);
    },
  };
}

/** The key of its text; no part of a key holds a slash. */
export function keyFrom(text: string): ResourceKey {
  const [kind = "", namespace = "", name = ""] = text.split("/");
  return { kind, namespace, name };
}
