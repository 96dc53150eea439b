import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { lazily } from "../lib/lazily.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { Silence, Watching } from "../state/watching.ts";

/** The silences of one process: on disk, and at hand for every fire. */
export class Silences {
  private readonly states: Watching;
  private readonly clock: Clock;
  private readonly byWatcher = new Map<string, Silence>();
  private readonly loaded = lazily(async () => {
    for (const silence of await this.states.silences())
      this.byWatcher.set(keyText(silence.watcher), silence);
  });

  constructor(states: Watching, clock: Clock) {
    this.states = states;
    this.clock = clock;
  }

  load(): Promise<void> {
    return this.loaded.get();
  }

  /** The one that holds now. */
  of(watcher: ResourceKey): Silence | undefined {
    const silence = this.byWatcher.get(keyText(watcher));
    return silence !== undefined && this.isOn(silence) ? silence : undefined;
  }

  /** Those that hold, oldest first. */
  list(): readonly Silence[] {
    const holding = [...this.byWatcher.values()].filter((silence) => this.isOn(silence));
    return holding.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Takes the place of one that there is. LEG2703 for one that ends before it begins. */
  async begin(wanted: Omit<Silence, "id" | "at">): Promise<Silence> {
    await this.load();
    const nowMs = this.clock.now();
    if (!(Date.parse(wanted.until) > nowMs))
      throw new LegionError({
        code: "LEG2703",
        message: `the silence is to end at ${wanted.until}, which is not ahead`,
        hint: "give a moment that is to come, or a length such as 2h",
      });
    const silence: Silence = { ...wanted, id: newId(nowMs), at: new Date(nowMs).toISOString() };
    await this.states.silence(silence);
    this.byWatcher.set(keyText(silence.watcher), silence);
    return silence;
  }

  /** The silence that was ended; none when there was none. */
  async end(idOrKey: string | ResourceKey): Promise<Silence | undefined> {
    await this.load();
    const found =
      typeof idOrKey === "string"
        ? [...this.byWatcher.values()].find(({ id }) => id === idOrKey)
        : this.byWatcher.get(keyText(idOrKey));
    if (found === undefined) return undefined;
    await this.states.unsilence(found.id);
    this.byWatcher.delete(keyText(found.watcher));
    return this.isOn(found) ? found : undefined;
  }

  private isOn({ until }: Silence): boolean {
    return Date.parse(until) > this.clock.now();
  }
}
