import { isBelow } from "../discover.ts";
import type { FileChange, RootState } from "./contract.ts";
import type { Snapshot } from "./scan.ts";

/** What was told last: files with their digests, and the state of the roots. */
export interface Told {
  readonly files: ReadonlyMap<string, string>;
  readonly roots: readonly RootState[];
}

export interface SettleOptions {
  readonly told: Told;
  readonly found: Snapshot;
  /** Whether a file that differs is told now; one that is not stays as it was told. */
  readonly admits: (file: string, digest: string | undefined) => boolean;
  /** Whether changed states of roots are told now. */
  readonly admitsRoots: boolean;
  /** What Legion wrote itself: content by file, undefined for a removal. */
  readonly own: ReadonlyMap<string, string | undefined>;
}

export interface Settled extends Told {
  readonly changes: readonly FileChange[];
  readonly unsettled: readonly string[];
  /** Files with an own write that is done with: seen, or overtaken by another. */
  readonly ownDone: readonly string[];
  /** Whether a root has another state than was told. */
  readonly rootsMoved: boolean;
  /** The roots, when one has another state that is not told yet. */
  readonly heldRoots: readonly string[];
}

/** What is to be told of what a search found. It only decides; nothing is changed. */
export function settle({ told, found, admits, admitsRoots, own }: SettleOptions): Settled {
  const files = new Map(told.files);
  const changes: FileChange[] = [];
  const unsettled: string[] = [];
  const ownDone: string[] = [];
  const moved = rootsDiffer(told.roots, found.roots);
  const missing = found.roots.filter(({ status }) => status === "missing");
  for (const file of differing(told, found)) {
    const digest = found.files.get(file)?.digest;
    if (own.has(file)) ownDone.push(file);
    const isOwn = own.has(file) && own.get(file) === digest;
    // A root that is missing is not an empty one: what it held stays told.
    if (digest === undefined && missing.some(({ root }) => isBelow(file, root))) continue;
    if (!isOwn && !admits(file, digest)) {
      unsettled.push(file);
      continue;
    }
    if (!isOwn) changes.push({ file, change: changeOf(told.files.get(file), digest) });
    if (digest === undefined) files.delete(file);
    else files.set(file, digest);
  }
  const rootsMoved = moved && admitsRoots;
  return {
    files,
    roots: rootsMoved ? found.roots : told.roots,
    changes,
    unsettled,
    ownDone,
    rootsMoved,
    heldRoots: moved && !admitsRoots ? found.roots.map(({ root }) => root) : [],
  };
}

function differing(told: Told, found: Snapshot): readonly string[] {
  const files: string[] = [];
  for (const [file, { digest }] of found.files)
    if (told.files.get(file) !== digest) files.push(file);
  for (const file of told.files.keys()) if (!found.files.has(file)) files.push(file);
  return files.toSorted();
}

function rootsDiffer(before: readonly RootState[], after: readonly RootState[]): boolean {
  return after.some(({ status }, index) => before[index]?.status !== status);
}

function changeOf(before: string | undefined, after: string | undefined): FileChange["change"] {
  return before === undefined ? "added" : after === undefined ? "removed" : "modified";
}
