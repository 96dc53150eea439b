import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import { keyText } from "../state/resource.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { createLiveLine } from "./live-line.ts";
import { listValue, nameLine } from "./output.ts";
import { SelectingCommand } from "./plane-command.ts";
import { watchTargets } from "./plane-watch.ts";
import {
  keyOfObject,
  plural,
  referenceText,
  type Selection,
  selectObjects,
  type Targets,
  targetsOf,
} from "./references.ts";
import { type Goal, goalOf } from "./wait-conditions.ts";

const TIMEOUT_DEFAULT = "30s";
/** How many of those that are missing an error names. */
const NAMED_MAX = 5;

export class WaitCommand extends SelectingCommand {
  static override paths = [["wait"]];
  static override usage = Command.Usage({
    description: "wait until objects are in a state, or are gone",
    details:
      "Conditions count for the newest generation only: what was said about an older one is ignored. Exit code 0: all are there; 124: out of time, with what is missing and why.",
    examples: [
      ["Until an agent runs its newest generation", "$0 wait agent/reviewer --for=condition=Ready"],
      ["Until all agents of a team are gone", "$0 wait agents -l team=docs --for=delete"],
      [
        "Until a field has a value",
        "$0 wait agent/a --for=jsonpath='{.spec.model}'=fast --timeout 2m",
      ],
    ],
  });

  words = Option.Rest({ name: "object" });
  for = Option.String("--for", "", {
    description: "condition=TYPE[=STATUS], delete, or jsonpath='{PATH}'[=VALUE]",
  });
  timeout = Option.String("--timeout", TIMEOUT_DEFAULT, {
    description: `the most time to wait; default: ${TIMEOUT_DEFAULT}`,
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const goal = await goalOf(this.for);
    const timeoutMs = positiveDuration("--timeout", this.timeout);
    const targets = targetsOf(this.words, this.scope());
    const signal = limited(this.context.signal, timeoutMs);
    await using opened = await this.openPlane("read");
    // What the last daemon left in the store says nothing about now, but what is gone is gone.
    if (opened.daemon === undefined && !goal.isDeletion) throw nothingRuns([], goal);
    const selection = await selectObjects(opened.plane, targets, this.scope());
    refuseMissing(selection, targets, goal);
    const waiting = new Map(selection.items.map((object) => [textOf(object), object]));
    const met: ApiObject[] = [];
    const take = (object: ApiObject) => {
      waiting.delete(textOf(object));
      met.push(object);
      if (this.output === "text")
        this.context.stdout.write(`${nameLine(object)} ${goal.reached}\n`);
    };
    if (goal.isDeletion) this.tellGone(targets, waiting);
    for (const object of selection.items) if (goal.isMet(object)) take(object);
    if (waiting.size > 0) {
      if (opened.daemon === undefined) throw nothingRuns(waiting.values(), goal);
      const changes = watchTargets(
        opened.plane,
        // By their names: one that loses its labels is not gone.
        { targets: keysOf(selection), scope: this.scope(), start: selection },
        signal,
      );
      await this.follow(changes, { waiting, goal, take });
    }
    if (waiting.size > 0) return this.unfinished(waiting, goal, signal);
    if (this.output !== "text") await this.print(listValue(met), "");
    return 0;
  }

  /** Objects that are named and not there are deleted, whoever did it and when. */
  private tellGone(targets: Targets, present: ReadonlyMap<string, ApiObject>): void {
    if (targets.type === "kinds" || this.output !== "text") return;
    for (const key of targets.keys.filter((one) => !present.has(keyText(one)))) {
      this.context.stdout.write(`${referenceText(key)} deleted\n`);
    }
  }

  private async follow(
    changes: ReturnType<typeof watchTargets>,
    { waiting, goal, take }: Waiting,
  ): Promise<void> {
    const line = createLiveLine(this.context.stderr);
    try {
      for await (const { type, object } of changes) {
        if (!waiting.has(textOf(object))) continue;
        if (type === "deleted") {
          if (!goal.isDeletion) throw deletedMeanwhile(object);
          take(object);
        } else if (goal.isMet(object)) take(object);
        else waiting.set(textOf(object), object);
        if (waiting.size === 0) return;
        const [next] = waiting.values();
        if (next !== undefined) line.say(`${nameLine(next)}: ${goal.missing(next)}`);
      }
    } finally {
      line.end();
    }
  }

  private unfinished(
    waiting: ReadonlyMap<string, ApiObject>,
    goal: Goal,
    signal: AbortSignal,
  ): number {
    // Interrupted: the process ends by the code of its signal.
    if (!isTimeout(signal)) return 130;
    const what = count(waiting.size, "object");
    throw new LegionError({
      code: "LEG7014",
      message: `out of time after ${this.timeout}: ${what} did not get there\n${reasons(waiting.values(), goal).join("\n")}`,
      hint: "look with legion describe KIND/NAME, or wait longer with --timeout",
    });
  }
}

interface Waiting {
  readonly waiting: Map<string, ApiObject>;
  readonly goal: Goal;
  readonly take: (object: ApiObject) => void;
}

/** A line for each of the first few objects that are not there, with the reason. */
function reasons(objects: Iterable<ApiObject>, goal: Goal): readonly string[] {
  const all = [...objects];
  const lines = all
    .slice(0, NAMED_MAX)
    .map((object) => `  ${nameLine(object)}: ${goal.missing(object)}`);
  const rest = all.length - NAMED_MAX;
  return [...lines, ...(rest > 0 ? [`  and ${rest} more`] : [])];
}

function keysOf({ items }: Selection): Targets {
  return { type: "keys", keys: items.map(keyOfObject) };
}

/** Without an object there is nothing to wait for, unless it is its absence. */
function refuseMissing({ items, missing }: Selection, targets: Targets, goal: Goal): void {
  if (goal.isDeletion) return;
  const [first] = missing;
  if (first !== undefined) throw first;
  if (items.length > 0 || targets.type === "keys") return;
  throw new LegionError({
    code: "LEG6030",
    message: `no ${targets.kinds.map(plural).join(", ")} are there to wait for`,
    hint: "look with legion get, at the namespace (-n, -A) and the labels (-l) too",
  });
}

function nothingRuns(objects: Iterable<ApiObject>, goal: Goal): LegionError {
  return new LegionError({
    code: "LEG8001",
    message: ["no daemon runs here, so that nothing would change", ...reasons(objects, goal)].join(
      "\n",
    ),
    hint: "start one with legion up",
  });
}

function deletedMeanwhile(object: ApiObject): LegionError {
  return new LegionError({
    code: "LEG7018",
    message: `${nameLine(object)} was deleted while it was waited for`,
    hint: "legion events tells what happened to it",
  });
}

function textOf(object: ApiObject): string {
  return keyText(keyOfObject(object));
}
