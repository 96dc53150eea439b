import type { JsonObject } from "../lib/json.ts";
import type { ResourceKey } from "./resource.ts";

/** What holds back the fires of one watcher for a while. Moments are ISO 8601, UTC. */
export interface Silence {
  /** ULID. */
  readonly id: string;
  readonly watcher: ResourceKey;
  readonly until: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

/** What watchers know across restarts. Failures are LegionErrors with LEG60xx. */
export interface Watching {
  /** The state of one watcher. */
  read(uid: string): Promise<JsonObject | undefined>;
  /** All in one transaction. */
  write(rows: readonly { readonly uid: string; readonly state: JsonObject }[]): Promise<void>;
  /** With `call/<uid>`, what is known of the call of a tool. */
  forget(uid: string): Promise<void>;
  /** Those whose time is not over, oldest first. */
  silences(): Promise<readonly Silence[]>;
  /** Takes the place of one of the same watcher. */
  silence(silence: Silence): Promise<void>;
  /** Whether there was one. */
  unsilence(id: string): Promise<boolean>;
}
