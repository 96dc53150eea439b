import { dirname, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { formatDuration } from "../../lib/quantities.ts";
import { isBelow } from "../discover.ts";
import { createAlarm } from "./alarm.ts";
import { type Burst, createBurst } from "./burst.ts";
import type { RootState, WatchEvent, WatchOptions } from "./contract.ts";
import { type Folders, watchFolders } from "./folders.ts";
import { createGitGate, type GitGate, type GitPass } from "./git-gate.ts";
import * as limits from "./limits.ts";
import { outerFolders } from "./outer-folders.ts";
import { type Snapshot, scanHinted, scanRoots } from "./scan.ts";
import { createTeller, type Teller } from "./teller.ts";
import { systemTimers } from "./timers.ts";

interface Search {
  readonly found: Snapshot;
  /** Folders that were not watched before. */
  readonly newFolders: readonly string[];
}

/** Waits for hints and for the time to search, searches, and tells: one thing after the other. */
export class RootsLoop {
  readonly #options: WatchOptions;
  readonly #roots: readonly string[];
  readonly #onEvent: (event: WatchEvent) => void;
  readonly #alarm;
  readonly #gate: GitGate;
  readonly #pollMs: number;
  readonly teller: Teller;
  #burst: Burst;
  #folders: Folders | undefined;
  /** The search before. */
  #before: Snapshot | undefined;
  #followed: ReadonlySet<string> = new Set();
  /** Folders that are watched only because a root may come and go in them. */
  #outer: ReadonlySet<string> = new Set();
  #waiters: (() => void)[] = [];
  /** When to search although there were no hints. */
  #timerMs = 0;

  constructor(roots: readonly string[], options: WatchOptions) {
    this.#options = options;
    this.#roots = roots.map((root) => resolve(options.cwd, root));
    this.#onEvent = options.onEvent ?? (() => {});
    this.#alarm = createAlarm(options.timers ?? systemTimers);
    this.#gate = createGitGate(this.#roots, this.#onEvent);
    this.#pollMs = options.pollMs ?? limits.POLL_MS;
    this.teller = createTeller(this.#onEvent);
    this.#burst = this.#newBurst();
  }

  async run(): Promise<void> {
    const { signal, method } = this.#options;
    signal.addEventListener("abort", this.#alarm.wake);
    if (method !== "poll") this.#folders = this.#openFolders();
    while (!signal.aborted) {
      if (this.#dueMs() <= this.#now()) await this.#attempt(() => this.#round());
      if (!signal.aborted) await this.#alarm.wait(this.#dueMs() - this.#now());
    }
    signal.removeEventListener("abort", this.#alarm.wake);
    this.#folders?.close();
    for (const done of this.#waiters) done();
  }

  rescan(): Promise<void> {
    const { promise, resolve: done } = Promise.withResolvers<void>();
    if (this.#options.signal.aborted) done();
    else this.#waiters.push(done);
    this.#alarm.wake();
    return promise;
  }

  follow(files: readonly string[]): void {
    const paths = files.slice(0, limits.FOLLOWED_MAX);
    const followed = new Set(paths.map((file) => resolve(this.#options.cwd, file)));
    const isSame = followed.symmetricDifference(this.#followed).size === 0;
    if (isSame) return;
    this.#followed = followed;
    this.#noteAll(false);
    this.#alarm.wake();
  }

  async #round(): Promise<void> {
    const startMs = this.#now();
    const isTimed = this.#timerMs <= startMs;
    // Should it fail, everything is searched soon.
    const soonMs = startMs + this.#pollMs;
    const timerMs = this.#timerMs;
    this.#timerMs = isTimed ? soonMs : Math.min(timerMs, soonMs);
    const pass = await this.#gate.ask(startMs);
    if (pass === "shut") return;
    if (pass === "released") return this.#settleAnew();
    await hintsAreHeard();
    const [burst, waiters] = [this.#burst, this.#waiters];
    this.#burst = this.#newBurst();
    this.#waiters = [];
    try {
      const isFull = isTimed || pass !== "open" || waiters.length > 0;
      const hinted = isFull ? undefined : await this.#searchHinted(burst);
      const search = hinted ?? (await this.#search());
      await hintsAreHeard();
      if (this.#options.signal.aborted) return;
      // Git may have begun meanwhile; what was found is then neither before nor after.
      if (pass === "open" && (await this.#gate.ask(this.#now())) !== "open")
        return this.#settleAnew(waiters.splice(0));
      // A search of a few files is none of everything.
      const nextMs = hinted === undefined ? this.#nextSearchMs(startMs) : timerMs;
      await this.#tell(search, burst, startMs, pass, waiters.length > 0, nextMs);
    } finally {
      for (const done of waiters) done();
    }
  }

  async #tell(
    { found: searched, newFolders }: Search,
    burst: Burst,
    startMs: number,
    pass: GitPass,
    isForced: boolean,
    nextMs: number,
  ): Promise<void> {
    const found = pass === "busy" ? { ...searched, roots: asBusy(searched.roots) } : searched;
    const before = this.#before;
    const during = this.#burst;
    const round = { found, before, burst, during, startMs, newFolders, isForced };
    const { change, held } = this.teller.tell(round);
    this.#before = found;
    for (const path of held) this.#burst.note(path, startMs, burst.isHeard);
    this.#timerMs = nextMs;
    const { onChange } = this.#options;
    if (change !== undefined) await this.#attempt(() => onChange(change));
  }

  /** When to search everything again, after a search that began then. */
  #nextSearchMs(startMs: number): number {
    const { rescanMs = limits.RESCAN_MS } = this.#options;
    const intervalMs = this.#folders === undefined ? this.#pollMs : rescanMs;
    const tookMs = this.#now() - startMs;
    return this.#now() + Math.max(intervalMs, tookMs / limits.SCAN_SHARE_MAX);
  }

  /** Looks at what was heard of and nothing else, where that is enough. */
  async #searchHinted(burst: Burst): Promise<Search | undefined> {
    const heard = this.#folders === undefined ? undefined : burst.heard();
    if (heard === undefined) return undefined;
    const { cwd, clock } = this.#options;
    const before = this.#before;
    const options = { roots: this.#roots, cwd, followed: this.#followed, before, nowMs: clock.now };
    const found = await scanHinted(heard, options);
    return found && { found, newFolders: [] };
  }

  /** Searches until every folder that was found was being watched when it was searched. */
  async #search(): Promise<Search> {
    const { cwd, clock, signal } = this.#options;
    const newFolders: string[] = [];
    let found = this.#before;
    for (let searches = 1; ; searches += 1) {
      const followed = this.#followed;
      found = await scanRoots({
        roots: this.#roots,
        cwd,
        followed,
        before: found,
        nowMs: clock.now,
      });
      if (this.#folders === undefined) return { found, newFolders };
      const added = await this.#folders.sync(await this.#withOuter(found));
      newFolders.push(...added);
      if (added.length === 0 || signal.aborted) return { found, newFolders };
      if (searches < limits.SEARCHES_MAX) continue;
      // The last ones have not been searched since: another round does it.
      this.#noteAll(true);
      return { found, newFolders };
    }
  }

  async #withOuter({ folders }: Snapshot): Promise<ReadonlyMap<string, string>> {
    const above = await outerFolders(this.#roots);
    this.#outer = new Set([...above].flatMap(([real, path]) => (folders.has(real) ? [] : [path])));
    return new Map([...above, ...folders]);
  }

  #openFolders(): Folders {
    return watchFolders({
      onHint: (path) => this.#hint(path),
      open: this.#options.openFolder,
      onLost: (reason) => {
        this.#folders = undefined;
        this.#timerMs = 0;
        this.#alarm.wake();
        const message = `folders cannot be watched (${reason}); they are searched every ${formatDuration(this.#pollMs)}`;
        this.#onEvent({ type: "polling", code: "LEG1083", message });
      },
    });
  }

  #hint(path: string): void {
    // Beside a root, only what bears the name of one or leads to one matters.
    const isOutside = this.#outer.has(dirname(path));
    if (isOutside && !this.#roots.some((root) => isBelow(root, path))) return;
    this.#burst.note(path, this.#now(), true);
    this.#alarm.wake();
  }

  /** Everything may have changed: it is searched after quiet of its own. */
  #settleAnew(waiters: readonly (() => void)[] = []): void {
    this.#waiters = [...waiters, ...this.#waiters];
    this.#burst = this.#newBurst();
    this.#noteAll(true);
  }

  #noteAll(isHeard: boolean): void {
    for (const root of this.#roots) this.#burst.note(root, this.#now(), isHeard);
  }

  #dueMs(): number {
    const gatedMs = this.#gate.dueMs();
    if (gatedMs !== undefined) return gatedMs;
    if (this.#waiters.length > 0) return this.#now();
    const timerMs = this.#timerMs;
    return Math.min(timerMs, this.#burst.dueMs() ?? timerMs, this.teller.dueMs() ?? timerMs);
  }

  async #attempt(work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#onEvent({ type: "failed", error });
    }
  }

  #newBurst(): Burst {
    const { debounceMs = limits.DEBOUNCE_MS, debounceMaxMs = limits.DEBOUNCE_MAX_MS } =
      this.#options;
    return createBurst(debounceMs, debounceMaxMs);
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}

/** What the system has told by now has been heard then: what was read may have been written at the same moment. */
const hintsAreHeard = () => setImmediate();

function asBusy(roots: readonly RootState[]): readonly RootState[] {
  return roots.map(({ root }) => ({ root, status: "busy" }));
}
