import { count, forTerminal } from "../lib/text.ts";
import { WIDTH } from "../manifest/frame.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import { lookErrorHint } from "./columns-watching.ts";
import { style } from "./error-text.ts";
import { table } from "./help.ts";
import type { OutputStream } from "./terminal-width.ts";
import { brokenTrigger } from "./trigger-text.ts";
import { treeText } from "./trigger-tree.ts";
import type { FoundWatcher } from "./trigger-watcher.ts";

/** What is told of a watcher's trigger. */
export interface Explanation {
  readonly watcher: string;
  readonly source: string;
  readonly interval: string;
  readonly trigger: string;
  /** What stands behind the condition, clause by clause. */
  readonly clauses: readonly string[];
  readonly recovery?: string;
  readonly tree: readonly ExplainedLine[];
  readonly state?: NonNullable<FoundWatcher["state"]>;
}

const MARGIN = "  ";

/** The tree of a trigger, its clauses and how its watcher stands; fits the terminal, or 80 columns. */
export function explanationText(explanation: Explanation, stream: OutputStream): string {
  const { watcher, source, interval, clauses, recovery, tree, state } = explanation;
  const stands = state === undefined ? "" : `: ${state.state} since ${state.since}`;
  const after = recovery === undefined ? [] : [`recovery: ${recovery}`];
  const lines = [...clauses, ...after].flatMap((clause) => indented(clause));
  return [
    `${style("bold", watcher, stream)}, ${source} every ${interval}${stands}`,
    "",
    treeText(tree, stream).trimEnd(),
    ...(lines.length === 0 ? [] : ["", "Clauses:", ...lines]),
    ...(state === undefined ? [] : ["", "State:", ...stateLines(state)]),
  ].join("\n");
}

function indented(clause: string): readonly string[] {
  return brokenTrigger(clause, WIDTH - MARGIN.length).map((line) => `${MARGIN}${line}`);
}

function stateLines(state: NonNullable<Explanation["state"]>): readonly string[] {
  const { polls, fires, suppressed, errors, skipped, pending } = state;
  const held = Object.entries(suppressed ?? {}).map(([gate, times]) => `${times} by ${gate}`);
  const facts: readonly (readonly [name: string, text: string | undefined])[] = [
    [
      "polls",
      `${polls}${state.lastPollAt === undefined ? "" : `, the last at ${state.lastPollAt}`}`,
    ],
    [
      "fires",
      `${fires}${state.lastFireAt === undefined ? "" : `, the last at ${state.lastFireAt}`}`,
    ],
    ["held back", held.length === 0 ? undefined : held.join(", ")],
    ["errors", errors > 0 ? count(errors, "poll") : undefined],
    ["error", state.error && `${state.error.code}: ${state.error.message}`],
    ["next", state.error && lookErrorHint(state.error)],
    ["skipped", skipped > 0 ? count(skipped, "poll") : undefined],
    ["pending", pending > 0 ? count(pending, "delivery", "deliveries") : undefined],
    ["silenced", state.silencedUntil && `until ${state.silencedUntil}`],
  ];
  return table(
    facts.flatMap(([name, text]) =>
      text === undefined || text === "" ? [] : [[name, forTerminal(text)]],
    ),
  );
}
