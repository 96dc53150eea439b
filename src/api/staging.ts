import { randomUUID } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";

/** The lists of one part. */
export type Parts = Readonly<Record<string, readonly unknown[]>>;

interface Upload {
  readonly type: "apply" | "plan";
  readonly frame: object;
  readonly lists: Record<string, unknown[]>;
  bytes: number;
  /** Monotonic, of the last part. */
  touchedMs: number;
}

export interface StagingLimits {
  readonly uploadsMax: number;
  /** Of all uploads together. */
  readonly bytesMax: number;
  /** Since the last part. */
  readonly ageMaxMs: number;
}

/** 10,000 manifests of the size that people write take about 50 MiB. */
export const STAGING_LIMITS: StagingLimits = {
  uploadsMax: 8,
  bytesMax: 128 * 2 ** 20,
  ageMaxMs: 5 * 60_000,
};

/** Sets that come in parts, until they are whole; in memory only, because a client that is cut off begins again. */
export interface Staging {
  /** Returns the id of the upload, which nobody can guess. */
  begin(type: Upload["type"], frame: object, bytes: number): string;
  add(type: Upload["type"], id: string, parts: Parts, bytes: number): void;
  /** What was uploaded, which is then forgotten. */
  take(type: Upload["type"], id: string): Pick<Upload, "frame" | "lists">;
  discard(id: string): void;
  /** Forgets uploads that nobody goes on with. */
  sweep(): void;
}

/** LEG8005 when too much is uploaded at the same time, LEG8015 for an upload that is not there. */
export function createStaging(clock: Clock, limits: StagingLimits = STAGING_LIMITS): Staging {
  const uploads = new Map<string, Upload>();
  const now = () => clock.monotonic();

  function found(type: Upload["type"], id: string): Upload {
    sweep();
    const upload = uploads.get(id);
    if (upload?.type === type) return upload;
    throw new LegionError({
      code: "LEG8015",
      message: `no upload of this type has the id "${id}"`,
      hint: "begin the upload again",
    });
  }

  function makeRoom(bytes: number): void {
    const kept = uploads.values().reduce((sum, upload) => sum + upload.bytes, 0);
    if (kept + bytes > limits.bytesMax)
      throw busy(`uploads take ${kept + bytes} bytes, more than ${limits.bytesMax}`);
  }

  function sweep(): void {
    for (const [id, { touchedMs }] of uploads)
      if (now() - touchedMs > limits.ageMaxMs) uploads.delete(id);
  }

  return {
    begin(type, frame, bytes) {
      sweep();
      if (uploads.size >= limits.uploadsMax)
        throw busy(`${count(uploads.size, "upload")} are not committed yet`);
      makeRoom(bytes);
      const id = randomUUID();
      uploads.set(id, { type, frame, lists: {}, bytes, touchedMs: now() });
      return id;
    },
    add(type, id, parts, bytes) {
      const upload = found(type, id);
      makeRoom(bytes);
      for (const [list, items] of Object.entries(parts)) {
        upload.lists[list] ??= [];
        for (const item of items) upload.lists[list].push(item);
      }
      upload.bytes += bytes;
      upload.touchedMs = now();
    },
    take(type, id) {
      const upload = found(type, id);
      uploads.delete(id);
      return upload;
    },
    discard: (id) => void uploads.delete(id),
    sweep,
  };
}

function busy(message: string): LegionError {
  return new LegionError({ code: "LEG8005", message, hint: "try again in a moment" });
}
