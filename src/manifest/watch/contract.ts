import type { Clock } from "../../lib/clock.ts";
import type { ErrorCode } from "../../lib/codes.ts";
import type { Fault } from "../fault.ts";
import type { OpenFolder } from "./folders.ts";
import type { Timers } from "./timers.ts";

/** A file of a root as it was when it was last told. */
export interface WatchedFile {
  readonly file: string;
  /** SHA-256 of its bytes; for one that cannot be read, why (`unreadable:EACCES`). */
  readonly digest: string;
}

/**
 * missing: the root is not there, which is not the same as empty. incomplete: a part of it could not be searched. busy: git
 * is changing the work tree. Nothing may be pruned unless all roots are ok.
 */
export type RootStatus = "ok" | "missing" | "incomplete" | "busy";

export interface RootState {
  readonly root: string;
  readonly status: RootStatus;
}

export interface FileChange {
  readonly file: string;
  readonly change: "added" | "modified" | "removed";
}

/** What the roots hold, and how that differs from what was told before. */
export interface RootsChange {
  /** start: the first one. change: something differs. forced: `rescan` was called, and perhaps nothing differs. */
  readonly reason: "start" | "change" | "forced";
  /** Sorted by path. */
  readonly files: readonly WatchedFile[];
  readonly roots: readonly RootState[];
  readonly changes: readonly FileChange[];
  /** Files that are still being written, or change too often: they are listed as they were told before, and what they declare is to stay as it is (`unreadFiles` of planChanges). */
  readonly unsettled: readonly string[];
  /** What could not be searched; for the loader, with the files. */
  readonly faults?: readonly Fault[];
  /** Of all files and their digests. */
  readonly digest: string;
}

/** Something that happened to the watching itself. */
export type WatchEvent =
  | { readonly type: "polling"; readonly code: ErrorCode; readonly message: string }
  | { readonly type: "git-busy"; readonly code: ErrorCode; readonly message: string }
  | {
      readonly type: "suspended";
      readonly code: ErrorCode;
      readonly file: string;
      readonly message: string;
    }
  | { readonly type: "resumed"; readonly file: string }
  | { readonly type: "failed"; readonly error: unknown };

export interface WatchOptions {
  /** Told the roots' content when it has settled, at first at once. Not called again before its promise settles; a rejection becomes a `failed` event. */
  readonly onChange: (change: RootsChange) => void | Promise<void>;
  readonly onEvent?: (event: WatchEvent) => void;
  /** The folder that roots are relative to. */
  readonly cwd: string;
  readonly clock: Clock;
  /** Ends everything. */
  readonly signal: AbortSignal;
  readonly method?: "events" | "poll";
  readonly debounceMs?: number;
  readonly debounceMaxMs?: number;
  readonly rescanMs?: number;
  readonly pollMs?: number;
  readonly timers?: Timers;
  /** What watches a folder; fs.watch unless told otherwise. */
  readonly openFolder?: OpenFolder;
}

export interface RootWatcher {
  /** Searches everything now and tells it, changed or not; resolves when that was told, or when watching ends. */
  rescan(): Promise<void>;
  /** Hashes these files besides: those that manifests name. In place of the ones before. */
  follow(files: readonly string[]): void;
  /** Says that Legion itself writes this content (undefined: removes the file), so that it is not told as a change. */
  wrote(file: string, digest: string | undefined): void;
  /** Resolves when watching has ended and nothing of it is left. */
  readonly done: Promise<void>;
}
