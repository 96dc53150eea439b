import type { Clock } from "../lib/clock.ts";
import { errorData } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import type { EmitObject } from "../telemetry/events.ts";
import type { ApplyReport, SourceStatus } from "./contract.ts";

type Identity = Pick<SourceStatus, "name" | "type" | "location">;

/** What is known of a source, for its status; and its events. */
export interface SourceRecord {
  status(): SourceStatus;
  /** It is being read; `revision` is what is tried. */
  begun(revision?: string): void;
  /** It was read: what was wrong with it, and whether anything was applied. */
  applied(set: ManifestSet, report: ApplyReport, more?: Partial<SourceStatus>): void;
  /** Nothing of it was applied. The same failure is told once. */
  failed(error: unknown, more?: Partial<SourceStatus>): void;
}

/** A record of one source; `object` names it in events. */
export function createSourceRecord(
  identity: Identity,
  {
    clock,
    emit,
    object,
  }: { readonly clock: Clock; readonly emit: EmitObject; readonly object: string },
): SourceRecord {
  let status: SourceStatus = { ...identity, objects: 0, reloads: 0, failures: 0, diagnostics: [] };
  const at = () => new Date(clock.now()).toISOString();
  const change = (part: Partial<SourceStatus>) => {
    status = { ...status, ...part };
  };
  return {
    status: () => status,
    begun(revision) {
      change({
        reloads: status.reloads + 1,
        lastAttemptAt: at(),
        ...(revision !== undefined && { attempted: revision }),
      });
    },
    applied(set, report, more = {}) {
      const { error: _, ...rest } = status;
      status = rest;
      const { diagnostics, digest } = set;
      const isWrong = diagnostics.some(({ severity }) => severity === "error");
      const failures = status.failures + Number(isWrong);
      const objects = set.objects.length;
      change({ digest, objects, diagnostics, failures, lastAppliedAt: at(), ...more });
      const message = outcomeText(report);
      if (message !== "") emit(object, { severity: "normal", reason: "Applied", message });
    },
    failed(error, more = {}) {
      const data = errorData(error);
      const isNews = status.error?.message !== data.message;
      change({ error: data, failures: status.failures + 1, ...more });
      const message = `${data.code}: ${data.message}`;
      if (isNews) emit(object, { severity: "warning", reason: "Failed", message });
    },
  };
}

/** `2 created, 1 configured`; empty when nothing changed. */
function outcomeText({ objects }: ApplyReport): string {
  const outcomes = ["created", "configured", "pruned"] as const;
  const told = outcomes.flatMap((outcome) => {
    const some = objects.filter((object) => object.outcome === outcome).length;
    return some === 0 ? [] : [`${count(some, "object")} ${outcome}`];
  });
  return told.join(", ");
}
