import { count, forTerminal } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { AppliedObject, ApplyOutcome, ApplyReport } from "../reconcile/contract.ts";
import { style } from "./error-text.ts";
import { wrap } from "./help.ts";

const WIDTH = 80;
/** Longer titles push what stands behind them to the right. */
const TITLE_WIDTH_MAX = 48;

const outcomes: Readonly<Record<ApplyOutcome, Parameters<typeof style>[0]>> = {
  created: "green",
  configured: "yellow",
  unchanged: "dim",
  pruned: "red",
  kept: "yellow",
  deferred: "yellow",
};

/** A line for each object, `agent/reviewer  configured`, and below it why, where a note says so; in 80 columns. */
export function applyLines(
  objects: readonly AppliedObject[],
  stream: NodeJS.WritableStream,
): string {
  const width = Math.min(
    TITLE_WIDTH_MAX,
    objects.reduce((widest, object) => Math.max(widest, titleOf(object).length), 0),
  );
  return objects
    .flatMap(({ notes = [], ...object }) => {
      const { outcome } = object;
      const head = titleOf(object).padEnd(width);
      const why = notes.map(forTerminal).join("; ");
      const short = why === "" ? "" : ` (${why})`;
      const line = `${head}  ${style(outcomes[outcome], outcome, stream)}`;
      if (head.length + 2 + outcome.length + short.length <= WIDTH) return [`${line}${short}\n`];
      return [`${line}\n`, ...wrap(why, WIDTH - 6).map((text) => `    # ${text}\n`)];
    })
    .join("");
}

/** `2 created, 1 configured, 27 unchanged; nothing was written (dry run)`. */
export function applySummary(
  { objects, dryRun }: Pick<ApplyReport, "objects" | "dryRun">,
  invalid = 0,
): string {
  const names = Object.keys(outcomes) as ApplyOutcome[];
  const parts = names.flatMap((name) => {
    const amount = objects.filter(({ outcome }) => outcome === name).length;
    return amount === 0 ? [] : [`${amount} ${name}`];
  });
  if (invalid > 0) parts.push(`${count(invalid, "object")} not valid and left as before`);
  const told = parts.length === 0 ? "nothing to apply" : parts.join(", ");
  return dryRun ? `${told} (dry run: nothing was written)` : told;
}

/** `agent/reviewer` a line, for `-o name`. */
export function applyNames(objects: readonly AppliedObject[]): string {
  return objects.map(({ kind, name }) => `${kind.toLowerCase()}/${name}\n`).join("");
}

/** What programs get of an apply. Its plan is left out, and not even computed: that is for `legion plan`. */
export function applyData(
  report: Pick<ApplyReport, "objects" | "dryRun"> & Partial<ApplyReport>,
  diagnostics: readonly unknown[],
): object {
  const { source, objects, dryRun, rowsWritten = 0, version } = report;
  return { source, dryRun, rowsWritten, version, objects, diagnostics };
}
