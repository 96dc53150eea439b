import { dirname } from "node:path";
import { textHash } from "../../lib/hash.ts";
import { compareText } from "../place.ts";
import type { Burst } from "./burst.ts";
import type { RootsChange, WatchEvent } from "./contract.ts";
import { OWN_WRITES_MAX, UNSETTLED_MAX_MS } from "./limits.ts";
import { digestOf, type Snapshot } from "./scan.ts";
import { type Settled, settle, type Told } from "./settle.ts";
import { createSuspension } from "./suspension.ts";

/** The digest of a file without content. */
const EMPTY = textHash("");

/** One search and what led to it. */
export interface Round {
  readonly found: Snapshot;
  /** What the search before found. */
  readonly before: Snapshot | undefined;
  readonly burst: Burst;
  /** Hints that came while it was searched: what they are about may have been read half written. */
  readonly during: Burst;
  readonly startMs: number;
  /** Folders that are watched only now: nothing is known yet about how quiet they are. */
  readonly newFolders: readonly string[];
  readonly isForced: boolean;
}

export interface Telling {
  /** What to tell, if anything. */
  readonly change?: RootsChange;
  /** Paths that wait for another search. */
  readonly held: readonly string[];
}

/** Knows what was told, and decides what to tell of a search. */
export interface Teller {
  tell(round: Round): Telling;
  wrote(file: string, digest: string | undefined): void;
  /** When something may have to be told although nothing changes. */
  dueMs(): number | undefined;
}

/** A teller that has told nothing yet. */
export function createTeller(onEvent: (event: WatchEvent) => void): Teller {
  const suspension = createSuspension(onEvent);
  const own = new Map<string, string | undefined>();
  let told: Told | undefined;
  /** Since when files that differ have not been told. */
  let heldSinceMs: ReadonlyMap<string, number> = new Map();

  return {
    tell(round) {
      const { found, startMs } = round;
      const digest = (file: string) => found.files.get(file)?.digest;
      const reason = told === undefined ? "start" : round.isForced ? "forced" : "change";
      const waiting = new Map<string, number>();
      const sinceMsOf = (file: string) => heldSinceMs.get(file) ?? startMs;
      const isLate = (file: string) => startMs - sinceMsOf(file) >= UNSETTLED_MAX_MS;
      const isComing = (file: string) =>
        told?.files.has(file) === false && !isLate(file) && !hasSettled(file, round);
      const coming = [...found.files.keys().filter(isComing)];
      // A folder that has just appeared is a part of something larger, a checkout or a move, whose parts are told together.
      const isTreeNew = coming.some((file) => round.newFolders.includes(dirname(file)));
      const isPart = (file: string) =>
        // What is gone here may be what comes there: a file that is being moved is not one that is removed.
        isTreeNew || (coming.length > 0 && digest(file) === undefined);
      // The shell empties a file before the program that is to write it has even begun.
      const isEmptied = (file: string) => digest(file) === EMPTY && told?.files.has(file) === true;
      const admits = (file: string) => {
        if (reason === "start" || (reason === "forced" && !round.during.isAbout(file))) return true;
        if (isLate(file) || (hasSettled(file, round) && !isPart(file) && !isEmptied(file)))
          return suspension.admits(file, digest(file), startMs);
        waiting.set(file, sinceMsOf(file));
        return false;
      };
      suspension.observe(digest, startMs);
      const settled = settle({
        told: told ?? { files: new Map(), roots: [] },
        found,
        admits,
        admitsRoots: reason !== "change" || rootsHaveSettled(round),
        own,
      });
      told = { files: settled.files, roots: settled.roots };
      heldSinceMs = waiting;
      for (const file of settled.ownDone) own.delete(file);
      const held = [...waiting.keys(), ...settled.heldRoots];
      const isNews = settled.changes.length > 0 || settled.rootsMoved;
      return reason === "change" && !isNews
        ? { held }
        : { held, change: changeOf(reason, settled, found.faults) };
    },
    wrote(file, digest) {
      own.delete(file);
      own.set(file, digest);
      const [oldest] = own.size > OWN_WRITES_MAX ? own.keys() : [];
      if (oldest !== undefined) own.delete(oldest);
    },
    dueMs: suspension.dueMs,
  };
}

function changeOf(
  reason: RootsChange["reason"],
  { files: told, roots, changes, unsettled }: Settled,
  faults: RootsChange["faults"] & object,
): RootsChange {
  const files = [...told]
    .map(([file, digest]) => ({ file, digest }))
    .toSorted((a, b) => compareText(a.file, b.file));
  return { reason, files, roots, changes, unsettled, faults, digest: digestOf(files) };
}

/** Whether a file that differs is as it will stay: the folders have been quiet, or two searches found the same. */
function hasSettled(
  file: string,
  { found, before, burst, during, startMs, newFolders }: Round,
): boolean {
  if (newFolders.includes(dirname(file)) || during.isAbout(file)) return false;
  if (burst.isHeard) return burst.isQuiet(startMs) || !burst.isHot(file, startMs);
  return before !== undefined && before.files.get(file)?.digest === found.files.get(file)?.digest;
}

function rootsHaveSettled({ found, before, burst, startMs }: Round): boolean {
  if (burst.isHeard && burst.isQuiet(startMs)) return true;
  return found.roots.every(({ status }, index) => before?.roots[index]?.status === status);
}
