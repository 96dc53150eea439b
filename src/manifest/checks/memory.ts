import { type Declared, keyOf, type LoadedDocument } from "../loaded.ts";

/** What a set has at one place now; the place stays the same from load to load. */
export interface Cell<T> {
  readonly value: T | undefined;
}

/** What a check was told when it asked. */
export interface Answer {
  readonly cell: Cell<unknown>;
  readonly answer: unknown;
}

/** The documents of one load, by what they declare. */
export interface DocumentIndex {
  /** The first document that declares it. */
  document(declares: Declared): Cell<LoadedDocument>;
  /** All that a namespace declares of a kind, the first of each name; the same list while it holds the same. */
  group(members: Omit<Declared, "name">): Cell<readonly LoadedDocument[]>;
  namespaces(): ReadonlySet<string>;
}

/** What the checks remember from one load to the next. */
export interface CheckMemory {
  /** What was asked of the set when nothing was found wrong with a document: while the answers are the same, nothing is. */
  answers(): WeakMap<LoadedDocument, readonly Answer[]>;
  /** Makes these the documents of the set. */
  enter(documents: readonly LoadedDocument[]): DocumentIndex;
}

interface DocumentCell {
  value: LoadedDocument | undefined;
  readonly group: GroupCell;
}

interface GroupCell {
  readonly namespace: string;
  value: readonly LoadedDocument[] | undefined;
  /** What has been found of it in the present load. */
  members: LoadedDocument[];
}

/** How many places of objects that are gone are kept, besides as many as there are objects. */
const SPARE_CELLS_MAX = 1_000;

/** A memory of no checks. */
export function checkMemory(): CheckMemory {
  let answers = new WeakMap<LoadedDocument, readonly Answer[]>();
  let places = new WeakMap<LoadedDocument, DocumentCell>();
  const cells = new Map<string, DocumentCell>();
  const groups = new Map<string, GroupCell>();

  function forget(): void {
    cells.clear();
    groups.clear();
    // What was asked of places that are forgotten can hold no more.
    answers = new WeakMap();
    places = new WeakMap();
  }

  function group({ kind, namespace }: Omit<Declared, "name">): GroupCell {
    const name = `${kind}/${namespace}`;
    const known = groups.get(name);
    if (known !== undefined) return known;
    const fresh = { namespace, value: undefined, members: [] };
    groups.set(name, fresh);
    return fresh;
  }

  function cell(declares: Declared): DocumentCell {
    const key = keyOf(declares);
    const known = cells.get(key);
    if (known !== undefined) return known;
    const fresh = { value: undefined, group: group(declares) };
    cells.set(key, fresh);
    return fresh;
  }

  function placeOf(document: LoadedDocument, declares: Declared): DocumentCell {
    const known = places.get(document);
    if (known !== undefined) return known;
    const fresh = cell(declares);
    places.set(document, fresh);
    return fresh;
  }

  return {
    answers: () => answers,
    enter(documents) {
      if (cells.size > 2 * documents.length + SPARE_CELLS_MAX) forget();
      for (const place of cells.values()) place.value = undefined;
      for (const document of documents) {
        if (document.declares === undefined) continue;
        const place = placeOf(document, document.declares);
        if (place.value !== undefined) continue;
        place.value = document;
        place.group.members.push(document);
      }
      for (const each of groups.values()) settle(each);
      const namespaces = () =>
        new Set(
          [...groups.values()].flatMap((each) => (each.value === undefined ? [] : each.namespace)),
        );
      return { document: cell, group, namespaces };
    },
  };
}

/** A group keeps its list when it holds the same as before. */
function settle(group: GroupCell): void {
  const { value: before, members } = group;
  const isSame =
    before?.length === members.length && members.every((member, index) => member === before[index]);
  if (!isSame) group.value = members.length === 0 ? undefined : members;
  group.members = [];
}
