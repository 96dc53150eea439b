import { count } from "../lib/text.ts";
import { DEFAULT_NAMESPACE } from "./loaded.ts";
import type { FieldChange, ObjectKey, Plan, PlanAction, PlannedChange } from "./plan-contract.ts";
import { type ReloadClass, reloadClasses } from "./reload-class.ts";
import { maskSecrets } from "./secret-shapes.ts";

/** The width that a plan is written for. */
const COLUMNS = 80;
/** How many objects and how many fields of each are shown; the rest is counted. */
const SHOWN_CHANGES_MAX = 500;
const SHOWN_FIELDS_MAX = 20;
/** How much of two long values is shown before the place where they differ. */
const CONTEXT_CHARS = 8;

const signs: Readonly<Record<PlanAction, string>> = {
  create: "+",
  update: "~",
  delete: "-",
  keep: " ",
};

/** A plan for people: what changes, field by field, then one line that counts. What is kept shows only when there is a note on it. */
export function planText(plan: Plan): string {
  const told = plan.changes.filter(({ action, notes }) => action !== "keep" || notes !== undefined);
  const shown = told.slice(0, SHOWN_CHANGES_MAX).flatMap(changeLines);
  const rest = told.length - SHOWN_CHANGES_MAX;
  const lines = [...shown, ...(rest > 0 ? [`  and ${count(rest, "more", "more")}`] : [])];
  const body = lines.length === 0 ? "" : `${lines.join("\n")}\n\n`;
  const isEmpty = plan.changes.every(({ action }) => action === "keep");
  return `${body}${isEmpty ? "no changes" : planSummary(plan)}\n`;
}

/** `1 to create, 2 to update (1 restart), 0 to delete`. */
export function planSummary({ changes }: Plan): string {
  const amount = (action: PlanAction) =>
    changes.filter((change) => change.action === action).length;
  const classes = reloadClasses
    .toReversed()
    .flatMap((name: ReloadClass) => {
      const some = changes.filter((change) => change.class === name).length;
      return some === 0 ? [] : [`${some} ${name}`];
    })
    .join(", ");
  const updates = `${amount("update")} to update${classes === "" ? "" : ` (${classes})`}`;
  return `${amount("create")} to create, ${updates}, ${amount("delete")} to delete`;
}

/** An object as people write it: `agent/greeter`, with its namespace when that is not the default one. */
export function titleOf({ kind, namespace, name }: ObjectKey): string {
  const title = `${kind.toLowerCase()}/${name}`;
  return namespace === DEFAULT_NAMESPACE ? title : `${title} (namespace ${namespace})`;
}

function changeLines(change: PlannedChange): readonly string[] {
  const fields = change.fields ?? [];
  const hidden = fields.length - SHOWN_FIELDS_MAX;
  const kept = change.action === "keep" ? "  kept" : "";
  const reload = change.class === undefined ? "" : `  ${change.class}`;
  return [
    `${signs[change.action]} ${titleOf(change)}${reload}${kept}`,
    ...fields.slice(0, SHOWN_FIELDS_MAX).flatMap(fieldLines),
    ...(hidden > 0 ? [`    and ${count(hidden, "more field")}`] : []),
    ...(change.notes ?? []).flatMap((note) => wrapped(maskSecrets(note), "    # ")),
  ];
}

function fieldLines({ pointer, before, after }: FieldChange): readonly string[] {
  const sign = before === undefined ? "+" : after === undefined ? "-" : "~";
  const head = `    ${sign} ${pointer}:`;
  const [old, fresh] = [before, after].map((value) => (value === undefined ? "" : shown(value)));
  const both = [old, fresh].filter((text) => text !== "").join(" -> ");
  if (head.length + 1 + both.length <= COLUMNS) return [`${head} ${both}`];
  const [from, to] = excerpts(old ?? "", fresh ?? "");
  return [head, ...(from ? [`      - ${from}`] : []), ...(to ? [`      + ${to}`] : [])];
}

function shown(value: unknown): string {
  return maskSecrets(JSON.stringify(value));
}

/** Two long values, cut so that the place where they begin to differ is seen. */
function excerpts(before: string, after: string): readonly [string, string] {
  const room = COLUMNS - "      - ".length;
  let same = 0;
  while (same < before.length && before[same] === after[same]) same += 1;
  const longest = Math.max(before.length, after.length);
  const start = longest <= room || before === "" ? 0 : Math.max(0, same - CONTEXT_CHARS);
  return [excerpt(before, start, room), excerpt(after, start, room)];
}

function excerpt(text: string, start: number, room: number): string {
  const head = start === 0 ? "" : "...";
  const rest = text.slice(start);
  const whole = `${head}${rest}`;
  return whole.length <= room ? whole : `${whole.slice(0, room - 3)}...`.toWellFormed();
}

/** Words in lines of the plan's width, each behind the same margin. */
function wrapped(text: string, margin: string): readonly string[] {
  const lines: string[] = [];
  let line = margin;
  for (const word of text.split(" ")) {
    if (line !== margin && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = margin;
    }
    line += line === margin ? word : ` ${word}`;
  }
  return [...lines, line];
}
