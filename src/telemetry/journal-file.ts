import { closeSync, fstatSync, openSync, type Stats, statSync, writeSync } from "node:fs";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isObject } from "../lib/json.ts";
import type { DaemonEvent } from "./events.ts";

/** Events on disk, one line of JSON each, newest last: what is there for a person, and fills the ring at the next start. */
export interface EventFile {
  /** Takes an event; it is on its way to the disk in the next tick. It never throws. */
  publish(event: DaemonEvent): void;
  /** The newest so many that are kept, oldest first; lines that are damaged are left out. */
  recent(limit: number): Promise<readonly DaemonEvent[]>;
  /** Resolves when all that was published is written, or could not be. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface EventFileOptions {
  /** When the file has so many bytes, a new one is begun. */
  readonly maxBytes?: number;
  /** How many files are kept, the present one included. */
  readonly keep?: number;
  /** Told once when writing begins to fail, and again only after it has worked meanwhile. */
  readonly onError: (error: unknown) => void;
}

const BYTES_MAX = 10 * 2 ** 20;
const FILES_KEPT = 3;
/** What waits for a disk that is slow; more is left out, because the run matters more than its record. */
const PENDING_CHARS_MAX = 16 * 2 ** 20;
const FILE_NAME = "events.jsonl";

/** Opens the file of events in a folder; a last line that was cut off by a crash stays apart from what follows. */
export async function openEventFile(folder: string, options: EventFileOptions): Promise<EventFile> {
  const { maxBytes = BYTES_MAX, keep = FILES_KEPT } = options;
  const path = join(folder, FILE_NAME);
  let cut = await endsInside(path);
  const held = holdFile(path);
  let isClosed = false;
  let pending: string[] = [];
  let pendingChars = 0;
  let writing: Promise<void> | undefined;
  let failing = false;

  function fail(error: unknown): void {
    if (!failing) options.onError(error);
    failing = true;
  }

  async function writeAll(): Promise<void> {
    // What comes in the same tick goes into the same write.
    await new Promise(setImmediate);
    while (pending.length > 0) {
      const text = `${cut ? "\n" : ""}${pending.join("")}`;
      pending = [];
      pendingChars = 0;
      try {
        await write(Buffer.from(text));
        failing = false;
      } catch (error) {
        held.close();
        // How much of it was written is not known: the next line begins on a line of its own.
        cut = true;
        fail(error);
      }
    }
    writing = undefined;
    if (isClosed) held.close();
  }

  async function write(bytes: Buffer): Promise<void> {
    // These go to the memory of the system and take microseconds; a way through the thread pool costs many times that.
    let there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && there.size > 0 && there.size + bytes.length > maxBytes) {
      held.close();
      await rotate(path, keep);
      there = undefined;
    }
    const file = held.get(there);
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    cut = false;
  }

  const flush = async () => await writing;
  return {
    publish(event) {
      if (event.kind === "legion.llm.delta") return;
      if (pendingChars > PENDING_CHARS_MAX)
        return fail(Error("events come faster than they can be written; some are left out"));
      const line = `${JSON.stringify(event)}\n`;
      pending.push(line);
      pendingChars += line.length;
      writing ??= writeAll();
    },
    recent: (limit) => recentEvents(path, keep, limit),
    flush,
    async close() {
      isClosed = true;
      await flush();
      held.close();
    },
  };
}

/**
 * The file open for writing, as long as it is the one at its path: who moves or removes it gets a new one there. That one does
 * not close well says nothing of what was written to it.
 */
function holdFile(path: string) {
  let held: { readonly file: number; readonly dev: number; readonly ino: number } | undefined;

  function close(): void {
    const { file } = held ?? {};
    held = undefined;
    if (file === undefined) return;
    try {
      closeSync(file);
    } catch {}
  }

  return {
    close,
    /** `there` is what is at the path now. */
    get(there: Stats | undefined): number {
      const isSame = held !== undefined && there?.ino === held.ino && there.dev === held.dev;
      if (held !== undefined && isSame) return held.file;
      close();
      const file = openSync(path, "a", 0o600);
      const { dev, ino } = fstatSync(file);
      held = { file, dev, ino };
      return file;
    },
  };
}

/** Whether the last line was cut off. */
async function endsInside(path: string): Promise<boolean> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size === 0) return false;
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer.toString() !== "\n";
  } finally {
    await file.close();
  }
}

/** `events.jsonl`, then `events.jsonl.1`, which is older. */
function fileOf(path: string, age: number): string {
  return age === 0 ? path : `${path}.${age}`;
}

async function rotate(path: string, keep: number): Promise<void> {
  await rm(fileOf(path, keep - 1), { force: true });
  for (let age = keep - 2; age >= 0; age--)
    await rename(fileOf(path, age), fileOf(path, age + 1)).catch(unlessMissing);
}

async function recentEvents(
  path: string,
  keep: number,
  limit: number,
): Promise<readonly DaemonEvent[]> {
  let events: DaemonEvent[] = [];
  for (let age = 0; age < keep && events.length < limit; age++) {
    const text = await readFile(fileOf(path, age), "utf8").catch(unlessMissing);
    const older = (text ?? "").split("\n").flatMap(eventOf);
    events = [...older.slice(-(limit - events.length)), ...events];
  }
  return events;
}

function unlessMissing(error: unknown): undefined {
  if (!isObject(error) || error.code !== "ENOENT") throw error;
}

/** The event of a line; none for one that is cut off or is something else. */
function eventOf(line: string): DaemonEvent[] {
  try {
    const value: unknown = JSON.parse(line);
    const whole =
      isObject(value) &&
      typeof value.id === "string" &&
      typeof value.kind === "string" &&
      isObject(value.data);
    return whole ? [value as unknown as DaemonEvent] : [];
  } catch {
    return [];
  }
}
