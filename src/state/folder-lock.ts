import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { livenessOf, ownIdentity, type ProcessIdentity } from "./process-identity.ts";
import type { Fence, Lease, Store } from "./store.ts";

/** The ownership of a state folder by this process. */
export interface FolderLock extends AsyncDisposable {
  /** To be sent with each write: it fails (LEG6022) when another process took the folder meanwhile. */
  readonly fence: Fence;
  /** Aborted when the folder was lost, with the error as its reason. */
  readonly lost: AbortSignal;
  /** Gives the folder back; the next one has it at once. */
  release(): Promise<void>;
}

export interface FolderLockOptions {
  /** The store that lives in the folder. */
  readonly store: Store;
  readonly clock: Clock;
  /** What this process was started as; the error of a second one shows it, so it holds no secret. */
  readonly command: string;
  /** How long an owner may be silent before others take the folder, when nothing better tells that it is dead. */
  readonly ttlMs?: number;
  /** Ends the waiting for a silent owner. */
  readonly signal?: AbortSignal;
}

const LEASE = "state-folder";
const TTL_MS = 10_000;
/** Renewals, and looks at a silent owner, in one ttl. */
const BEATS = 4;

/**
 * Makes this process the one owner of a state folder. An owner that is dead (killed, or its pid belongs to another
 * process by now) is replaced at once. One that lives is named in the error LEG6024. One that stands still, or runs
 * where it cannot be seen from here, has a ttl to show itself, and is replaced after it; its later writes are fenced.
 */
export async function lockFolder(folder: string, options: FolderLockOptions): Promise<FolderLock> {
  const { store, clock, command, ttlMs = TTL_MS, signal } = options;
  const identity = await ownIdentity(command, clock.now());
  const holder = JSON.stringify({ id: newId(clock.now()), ...identity });
  let takeover: { readonly epoch: number } | undefined;
  let first: Lease | undefined;
  for (;;) {
    const outcome = await store.leases.acquire(LEASE, holder, ttlMs, takeover);
    if (outcome.acquired) return hold(folder, store, outcome.lease, ttlMs);
    const { lease } = outcome;
    first ??= lease;
    const owner = ownerOf(lease);
    const liveness = owner === undefined ? "unknown" : await livenessOf(owner);
    const shown = first.epoch !== lease.epoch || first.renewals !== lease.renewals;
    if (liveness !== "dead" && (liveness === "alive" || shown)) throw inUse(folder, owner);
    takeover = liveness === "dead" ? { epoch: lease.epoch } : undefined;
    if (takeover === undefined) await sleep(lease.ttlMs / BEATS, undefined, { signal });
  }
}

async function hold(
  folder: string,
  store: Store,
  lease: Lease,
  ttlMs: number,
): Promise<FolderLock> {
  const losing = new AbortController();
  const place = await placeOf(folder);
  const renew = async () => {
    await store.leases.renew(lease);
    if ((await placeOf(folder)) !== place) throw removed(folder);
  };
  const timer = setInterval(() => {
    renew().catch((error: unknown) => {
      // A locked or full database is not the loss of the folder: the next beat tries again, and the fence guards the writes.
      if (error instanceof LegionError && losses.has(error.code)) lose(error);
    });
  }, ttlMs / BEATS);
  // Holding a folder is no reason for a process to go on.
  timer.unref();
  const lose = (reason: LegionError) => {
    clearInterval(timer);
    losing.abort(reason);
  };
  const release = async () => {
    clearInterval(timer);
    await store.leases.release(lease);
  };
  return {
    fence: { lease: lease.name, epoch: lease.epoch },
    lost: losing.signal,
    release,
    // A full disk refuses even this. The work is done all the same, and whoever comes next sees that this process is dead.
    [Symbol.asyncDispose]: () => release().catch(() => {}),
  };
}

/** Fenced, or left with a file that nobody else finds. */
const losses: ReadonlySet<string> = new Set(["LEG6022", "LEG6001"]);

/** What tells a folder from another one that takes its name. */
async function placeOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(folder);
    return `${dev}:${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** An open database outlives its folder: another process would make a new one there, and be the second owner. */
function removed(folder: string): LegionError {
  return new LegionError({
    code: "LEG6001",
    message: `the state folder ${folder} was removed or replaced while it was in use`,
    hint: "start again: it begins with an empty state folder, or with the one that is there now",
  });
}

function ownerOf({ holder }: Lease): ProcessIdentity | undefined {
  try {
    return JSON.parse(holder) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function inUse(folder: string, owner: ProcessIdentity | undefined): LegionError {
  const who =
    owner === undefined
      ? "another process"
      : `process ${owner.pid} on ${owner.host}, started ${owner.startedAt}: ${owner.command}`;
  return new LegionError({
    code: "LEG6024",
    message: `the state folder ${folder} is in use by ${who}`,
    hint: "use that process, stop it, or name another state folder",
  });
}
