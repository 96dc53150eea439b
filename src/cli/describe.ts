import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import type { ApiObject, DaemonPlane } from "../reconcile/contract.ts";
import { keyText } from "../state/resource.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { type Description, describeText } from "./describe-text.ts";
import type { WatchingDetails } from "./describe-watching.ts";
import { renderError } from "./error-text.ts";
import type { OpenPlane } from "./plane.ts";
import { SelectingCommand } from "./plane-command.ts";
import { keyOfObject, selectObjects, targetsOf } from "./references.ts";
import { terminalWidth } from "./terminal-width.ts";

const WIDTH = 80;
const EVENTS_SHOWN = 10;
const TICKS_SHOWN = 5;

export class DescribeCommand extends SelectingCommand {
  static override paths = [["describe"]];
  static override usage = Command.Usage({
    description: "tell everything about an object: spec, conditions, history, events",
    details:
      "Fits 80 columns; long texts of the spec are cut with a note, -o yaml has them whole. Events are told by a running daemon; without one the status is what the last daemon left.",
    examples: [
      ["One agent", "$0 describe agent/reviewer"],
      ["All sources of all namespaces", "$0 describe sources -A"],
      ["The same as data, with history and events", "$0 describe agent/reviewer -o json"],
    ],
  });

  words = Option.Rest({ name: "object" });

  async execute(): Promise<number> {
    this.checkOutput();
    const targets = targetsOf(this.words, this.scope());
    const { stdout, stderr, cwd } = this.context;
    await using opened = await this.openPlane("read");
    const { items, missing } = await selectObjects(opened.plane, targets, this.scope());
    const hasDaemon = opened.daemon !== undefined;
    const described: Description[] = [];
    for (const object of items) described.push(await describe(opened, object, this.context.signal));
    if (this.output === "text") {
      const width = Math.min(WIDTH, terminalWidth(stdout) ?? WIDTH);
      const options = { width, now: systemClock.now(), cwd, hasDaemon };
      const texts = [];
      for (const one of described) texts.push(await describeText(one, options));
      stdout.write(texts.join("\n\n"));
    } else if (targets.type === "keys" && targets.keys.length === 1) {
      if (described.length === 1) await this.print(described[0], "");
    } else await this.print({ items: described }, "");
    for (const error of missing) stderr.write(renderError(error, stderr));
    if (items.length === 0 && missing.length === 0 && !this.quiet) stderr.write("no objects\n");
    return missing.length === 0 ? 0 : 1;
  }
}

async function describe(
  { plane, daemon }: OpenPlane,
  object: ApiObject,
  signal: AbortSignal,
): Promise<Description> {
  const key = keyOfObject(object);
  const history = await plane.history(key);
  if (daemon === undefined) return { object, history };
  const events: DaemonEvent[] = [];
  const query = { object: keyText(key), about: "object" } as const;
  for await (const event of daemon.events(query, signal)) {
    if (isAbout(object, event)) events.push(event);
  }
  const details = await watchingDetails(daemon, object);
  return { object, history, events: events.slice(-EVENTS_SHOWN), ...details };
}

/** What only the daemon knows of a watcher or a cron. */
async function watchingDetails(daemon: DaemonPlane, object: ApiObject): Promise<WatchingDetails> {
  const key = keyOfObject(object);
  if (object.kind === "Cron") return { ticks: await daemon.cronTicks(key, TICKS_SHOWN) };
  if (object.kind !== "Watcher") return {};
  const silences = await daemon.silences();
  const silence = silences.find(({ watcher }) => keyText(watcher) === keyText(key));
  return silence === undefined ? {} : { silence };
}

/** Not about an earlier object of that name. */
function isAbout({ metadata }: ApiObject, event: DaemonEvent): boolean {
  const { uid } = event.kind === "legion.object" ? event.data : {};
  return uid === undefined ? event.at >= metadata.creationTimestamp : uid === metadata.uid;
}
