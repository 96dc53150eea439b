import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { ApiObject, ObjectEvent } from "../reconcile/contract.ts";
import type { ColumnContext } from "./columns.ts";
import { renderError } from "./error-text.ts";
import { printTables, rowWriter } from "./get-tables.ts";
import { checkFormat, type OutputFormat, objectsText } from "./output.ts";
import type { OpenPlane } from "./plane.ts";
import { SelectingCommand } from "./plane-command.ts";
import { watchTargets } from "./plane-watch.ts";
import { plural, type Selection, selectObjects, type Targets, targetsOf } from "./references.ts";
import { sortedBy } from "./sort.ts";
import { unobserved } from "./unobserved.ts";

const SIGINT_EXIT = 130;

export class GetCommand extends SelectingCommand {
  static override paths = [["get"]];
  static override usage = Command.Usage({
    description: "list objects, or show single ones",
    details:
      "KIND is agents, tools, providers, routers, watchers, crons, sources or all; singular and short names do as well. STATUS is the reason of what holds now; Rejected says that the newest manifest is not valid, and READY then tells of the older generation that still runs. Without a daemon READY is Unknown and STATUS NoDaemon; -o json and yaml have the status as the last daemon left it. The roots of a daemon (agents.d and so on) are no objects: legion status shows them.",
    examples: [
      ["All agents of the default namespace", "$0 get agents"],
      ["Every object, with labels, origin and reason", "$0 get all -A -o wide"],
      ["One object as YAML", "$0 get agent/reviewer -o yaml"],
      ["The names of those that a team owns", "$0 get agents -l team=docs -o name"],
      [
        "Fields of your choice",
        "$0 get agents -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'",
      ],
      ["What changes from now on", "$0 get agents --watch"],
      ["What waits for people", "$0 get questions"],
    ],
  });

  override output = Option.String("-o,--output", "text", {
    description: "text, wide, name, json, yaml, jsonpath=TEMPLATE or custom-columns=TITLE:PATH",
  });
  words = Option.Rest({ name: "object" });
  watch = Option.Boolean("-w,--watch", false, {
    description: "then print every change as a row, until interrupted",
  });
  watchOnly = Option.Boolean("--watch-only", false, {
    description: "print changes only, not what is there now",
  });
  sortBy = Option.String("--sort-by", {
    description: "a field: name, age, or a path such as .metadata.creationTimestamp",
  });
  showLabels = Option.Boolean("--show-labels", false, { description: "a column with the labels" });
  noHeaders = Option.Boolean("--no-headers", false, { description: "no line of titles" });

  protected override formats(): readonly string[] {
    return ["text", "wide", "name", "json", "yaml", "jsonpath", "custom-columns"];
  }

  async execute(): Promise<number> {
    const format = this.checkOutput();
    await checkFormat(format);
    if (/^questions?(\/|$)/.test(this.words[0] ?? "")) return this.questions();
    const targets = targetsOf(this.words, this.scope());
    await using opened = await this.openPlane("read");
    if (this.isGrowing() && opened.daemon === undefined) throw nothingToWatch();
    const selection = await selectObjects(opened.plane, targets, this.scope());
    const items = await sortedBy(selection.items, this.sortBy);
    const context = await this.columnContext(opened, targets);
    const hasDaemon = opened.daemon !== undefined;
    if (!this.watchOnly)
      await this.printItems({ ...selection, items, hasDaemon }, targets, format, context);
    for (const error of selection.missing) {
      this.context.stderr.write(renderError(error, this.context.stderr));
    }
    if (this.watch || this.watchOnly) {
      return this.follow(opened, { targets, selection, format, context });
    }
    return selection.missing.length === 0 ? 0 : 1;
  }

  /** What waits for people. They are no objects, but this is where people look for them. */
  private async questions(): Promise<number> {
    const { stdout, stderr } = this.context;
    const [, which] = this.words.flatMap((word) => word.split("/"));
    await using open = await this.openDaemon();
    const state = which === undefined ? {} : { state: "all" as const };
    const found = await open.daemon.questions(state);
    const { questionDetail, questionNamed, questionsTable } = await import("./questions-text.ts");
    const now = systemClock.now();
    if (which !== undefined && which !== "all") {
      const question = questionNamed(found, which);
      await this.print(question, () => questionDetail(question, now));
      return 0;
    }
    await this.print(found, () => questionsTable(found, stdout, now));
    if (this.quiet) return 0;
    if (found.length === 0) stderr.write("no questions wait for an answer\n");
    else if (which === undefined && this.output === "text")
      stderr.write("decide with legion respond ID ANSWER, legion approve ID or legion deny ID\n");
    return 0;
  }

  private async printItems(
    { items, missing, hasDaemon }: Selection & { readonly hasDaemon: boolean },
    targets: Targets,
    format: OutputFormat,
    context: ColumnContext,
  ): Promise<void> {
    const { stdout, stderr } = this.context;
    const isSingle = targets.type === "keys" && targets.keys.length === 1;
    const isWatch = this.watch && format.name === "json";
    if (isWatch) {
      for (const item of items) stdout.write(`${JSON.stringify(item)}\n`);
      return;
    }
    // A name that does not exist is told on stderr; a List would make of it that all is well.
    if (isSingle && missing.length > 0) return;
    const { noHeaders } = this;
    const text = await objectsText(format, items, { isSingle, stream: stdout, noHeaders });
    if (text !== undefined) stdout.write(text);
    else if (!this.isGrowing()) {
      const shown = hasDaemon ? items : items.map(unobserved);
      stdout.write(printTables(shown, targets, this.tables(format, context)));
    } else stdout.write(this.growing(targets, format, context).write(items));
    if (items.length === 0 && missing.length === 0 && !this.quiet && text === undefined) {
      stderr.write(`${this.nothingFound(targets)}\n`);
    }
  }

  private isGrowing(): boolean {
    return this.watch || this.watchOnly;
  }

  /** The one table that a watch adds to. */
  private growing(targets: Targets, format: OutputFormat, context: ColumnContext) {
    this.rows ??= rowWriter(targets, this.tables(format, context));
    return this.rows;
  }

  private rows: ReturnType<typeof rowWriter> | undefined;

  private tables(format: OutputFormat, context: ColumnContext) {
    const { allNamespaces, showLabels, noHeaders } = this;
    const isWide = format.name === "wide";
    const { stdout: stream } = this.context;
    return {
      isWide,
      withNamespace: allNamespaces,
      withLabels: showLabels,
      noHeaders,
      stream,
      context,
    };
  }

  /** Prints changes until the signal is aborted. */
  private async follow(
    { plane }: OpenPlane,
    { targets, selection, format, context }: Following,
  ): Promise<number> {
    const { stdout, signal } = this.context;
    const changes = watchTargets(plane, { targets, scope: this.scope(), start: selection }, signal);
    for await (const event of changes) {
      stdout.write(await this.changeText(event, targets, format, context));
    }
    return signal.aborted ? SIGINT_EXIT : 0;
  }

  private async changeText(
    { type, object }: ObjectEvent,
    targets: Targets,
    format: OutputFormat,
    context: ColumnContext,
  ): Promise<string> {
    if (format.name === "json") return `${JSON.stringify(object)}\n`;
    const options = { isSingle: true, stream: this.context.stdout, noHeaders: true };
    const text = await objectsText(format, [object], options);
    if (text !== undefined) return format.name === "yaml" ? `---\n${text}` : text;
    const shown = type === "deleted" ? deleted(object) : object;
    const present = { ...context, now: systemClock.now() };
    return this.growing(targets, format, context).write([shown], present);
  }

  private async columnContext({ daemon }: OpenPlane, targets: Targets): Promise<ColumnContext> {
    const { cwd } = this.context;
    const kinds = targets.type === "kinds" ? targets.kinds : targets.keys.map(({ kind }) => kind);
    const status = kinds.includes("Source") ? await daemon?.status() : undefined;
    const sources = new Map((status?.sources ?? []).map((source) => [source.name, source]));
    return { now: systemClock.now(), cwd, sources };
  }

  private nothingFound(targets: Targets): string {
    const kinds = targets.type === "kinds" && targets.kinds.length === 1 ? targets.kinds : [];
    const noun = kinds.map(plural)[0] ?? "objects";
    const where = this.allNamespaces
      ? "in any namespace"
      : `in namespace ${this.namespace ?? "default"}`;
    return `no ${noun} ${this.selector === undefined ? "" : "with these labels "}${where}`;
  }
}

interface Following {
  readonly targets: Targets;
  readonly selection: Selection;
  readonly format: OutputFormat;
  readonly context: ColumnContext;
}

function nothingToWatch(): LegionError {
  return new LegionError({
    code: "LEG8001",
    message: "no daemon runs here, so that there are no changes to watch",
    hint: "start one with legion up, or leave --watch out",
  });
}

/** An object that is gone, as the last row of it shows. */
function deleted(object: ApiObject): ApiObject {
  const said = { status: "False", message: "it was deleted", lastTransitionTime: "" } as const;
  const { generation: observedGeneration, deletionTimestamp: _, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: { ...metadata, generation: observedGeneration },
    status: { conditions: [{ type: "Ready", reason: "Deleted", observedGeneration, ...said }] },
  };
}
