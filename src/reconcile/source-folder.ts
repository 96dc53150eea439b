import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import type { RootsChange, WatchEvent } from "../manifest/watch/contract.ts";
import { watchRoots } from "../manifest/watch/watch-roots.ts";
import type { EmitObject } from "../telemetry/events.ts";
import type { SourceStatus } from "./contract.ts";
import { createRetry } from "./retry.ts";
import { createSourceRecord } from "./source-record.ts";
import { straysOf } from "./source-roots.ts";
import type { SourceRunner } from "./source-runner.ts";
import type { SourceSetApplier } from "./source-set.ts";
import type { View } from "./view.ts";

export interface FolderSourceOptions {
  readonly identity: Pick<SourceStatus, "name" | "type" | "location">;
  /** What events call it: `Source//roots`. */
  readonly object: string;
  readonly roots: readonly string[];
  readonly cwd: string;
  readonly prune: boolean;
  /** Apply nothing while a manifest is not valid. */
  readonly strict?: boolean;
  readonly watchMethod?: "events" | "poll";
  /** Loads what a search of the roots has found. */
  readonly load: (change: RootsChange) => Promise<ManifestSet>;
  readonly applier: SourceSetApplier;
  readonly view: Pick<View, "all">;
  readonly clock: Clock;
  readonly emit: EmitObject;
  /** Called when the status has changed. */
  readonly onChange?: () => void;
  /** Told what is wrong with the manifests, whenever that has changed. */
  readonly onDiagnostics?: (diagnostics: readonly Diagnostic[]) => void;
}

/**
 * Follows folders: whatever they hold when they have settled is applied. A file that is not valid takes nothing else with
 * it, and a folder that is away, half searched or in the hands of git loses nothing.
 */
export function startFolderSource(options: FolderSourceOptions): SourceRunner {
  const { identity, object, roots, cwd, prune, load, applier, clock, emit, view } = options;
  const ended = new AbortController();
  const record = createSourceRecord(identity, { clock, emit, object });
  const first = Promise.withResolvers<void>();
  const retry = createRetry(() => void watcher.rescan());

  async function onChange(change: RootsChange): Promise<void> {
    record.begun();
    try {
      const set = applier.withKept(await load(change));
      watcher.follow(set.followed);
      tell(set.diagnostics);
      if (options.strict === true) refuseInvalid(set);
      const away = change.roots.filter(({ status }) => status !== "ok").map(({ root }) => root);
      const strays = straysOf(view, identity.name, change.roots);
      const held = [...away, ...strays.flatMap(({ origin }) => origin?.file ?? [])];
      const isForced = change.reason !== "change";
      const found = { set, unsettled: change.unsettled, held, isForced };
      const report = await applier.apply(found, prune);
      record.applied(set, report, { roots: change.roots });
      // What is being deleted can be made again only when that has ended.
      if (report.objects.some(({ outcome }) => outcome === "deferred")) retry.later();
      else retry.forget();
    } catch (error) {
      record.failed(error, { roots: change.roots });
      retry.later();
    } finally {
      first.resolve();
      options.onChange?.();
    }
  }

  let told = "[]";
  function tell(diagnostics: readonly Diagnostic[]): void {
    const text = JSON.stringify(diagnostics);
    if (text !== told) options.onDiagnostics?.(diagnostics);
    told = text;
  }

  function onEvent(event: WatchEvent): void {
    const message = "message" in event ? event.message : textOf(event);
    const severity = event.type === "resumed" ? "normal" : "warning";
    emit(object, { severity, reason: reasons[event.type], message });
  }

  const watcher = watchRoots(roots, {
    onChange,
    onEvent,
    cwd,
    clock,
    signal: ended.signal,
    ...(options.watchMethod !== undefined && { method: options.watchMethod }),
  });
  const close = async () => {
    retry.close();
    ended.abort();
    first.resolve();
    await watcher.done;
  };
  return {
    reload: () => watcher.rescan(),
    status: record.status,
    first: first.promise,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** In strict mode a set is whole or not at all. */
function refuseInvalid({ diagnostics }: ManifestSet): void {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  if (errors === 0) return;
  throw new LegionError({
    code: "LEG6055",
    message: `the roots have ${count(errors, "error")}, so nothing of them is applied`,
    hint: "correct what legion validate says, or start without --strict",
  });
}

const reasons: Readonly<Record<WatchEvent["type"], string>> = {
  polling: "Polling",
  "git-busy": "GitBusy",
  suspended: "Suspended",
  resumed: "Resumed",
  failed: "WatchFailed",
};

function textOf(event: Extract<WatchEvent, { type: "resumed" | "failed" }>): string {
  if (event.type === "resumed") return `${event.file} has been quiet and is read again`;
  return event.error instanceof Error ? event.error.message : String(event.error);
}
