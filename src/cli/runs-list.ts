import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import type { RunRecord, RunStatus } from "../state/journal.ts";
import { ageText, none } from "./columns.ts";
import { PlaneCommand } from "./plane-command.ts";
import { shortId } from "./short-id.ts";
import { type Cell, renderTable, type TableColumn } from "./table.ts";
import { wholeNumber } from "./whole-number.ts";

const statuses: readonly RunStatus[] = ["running", "ok", "cancel", "quarantined", "rolled-back"];
const LIMIT = 20;

export class RunsListCommand extends PlaneCommand {
  static override paths = [["runs", "list"]];
  static override usage = Command.Usage({
    description: "list what agents have done, newest first",
    details:
      "A run is one turn of an agent. The id may be shortened to the end that the table shows wherever a command takes one.",
    examples: [
      ["The newest runs", "$0 runs list"],
      ["Those of an agent that came to nothing", "$0 runs list --agent reviewer --status cancel"],
    ],
  });

  agent = Option.String("--agent", { description: "only those of this agent" });
  status = Option.String("--status", { description: `only ${statuses.join(", ")}` });
  parent = Option.String("--parent", { description: "only those that this run started" });
  limit = Option.String("--limit", { description: `the newest so many; default: ${LIMIT}` });

  async execute(): Promise<number> {
    this.checkOutput();
    const limit = wholeNumber("--limit", this.limit) ?? LIMIT;
    const status = checkedStatus(this.status);
    await using open = await this.openDaemon();
    const runs = await open.daemon.runs({
      limit,
      ...(this.agent !== undefined && { agent: this.agent.replace(/^agent\//, "") }),
      ...(status !== undefined && { status }),
      ...(this.parent !== undefined && { parent: this.parent }),
    });
    const { stdout, stderr } = this.context;
    await this.print(runs, () => runsTable(runs, stdout, systemClock.now()));
    if (runs.length === 0 && !this.quiet) stderr.write("no runs on record\n");
    return 0;
  }
}

/** Runs as a table; with the marks of those that others started. */
export function runsTable(
  runs: readonly RunRecord[],
  stream: NodeJS.WritableStream,
  now: number,
): string {
  const columns: readonly TableColumn[] = [
    { title: "run", isWhole: true },
    { title: "agent" },
    { title: "status" },
    { title: "steps", align: "right" },
    { title: "tokens", align: "right", isSpare: true },
    { title: "age", align: "right" },
    { title: "conversation", isSpare: true },
    { title: "reason", isFree: true },
  ];
  const rows = runs.map((run) => [
    shortId(run.run),
    run.agent,
    statusCell(run),
    `${run.steps}`,
    `${run.tokens}`,
    ageText(now - Date.parse(run.startedAt)),
    run.conversation,
    run.reason ?? (run.parent === undefined ? none : `started by ${shortId(run.parent)}`),
  ]);
  return runs.length === 0 ? "" : renderTable(columns, rows, { stream });
}

const styles = {
  running: "yellow",
  ok: "green",
  cancel: "red",
  quarantined: "red",
  "rolled-back": "dim",
} as const;

export function statusCell({ status }: Pick<RunRecord, "status">): Cell {
  return { text: status, style: styles[status] };
}

function checkedStatus(text: string | undefined): RunStatus | undefined {
  if (text === undefined) return undefined;
  const known = statuses.find((status) => status === text);
  if (known !== undefined) return known;
  const near = suggest(text, statuses);
  throw new LegionError({
    code: "LEG7001",
    message: `--status does not take "${text}"`,
    hint: near === undefined ? `use one of: ${statuses.join(", ")}` : `did you mean "${near}"?`,
    valid: statuses,
  });
}
