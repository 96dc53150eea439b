import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { forTerminal } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import { followObjects } from "./apply-wait.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { createLiveLine } from "./live-line.ts";
import { openDaemon } from "./plane.ts";
import { ObjectCommand } from "./plane-command.ts";
import { type Readiness, readinessOf, rejectionOf } from "./readiness.ts";
import { notFound, oneTarget } from "./references.ts";
import { switchFlag } from "./switch-flag.ts";
import { unobserved } from "./unobserved.ts";

const TIMEOUT_DEFAULT = "5m";

export class RolloutStatusCommand extends ObjectCommand {
  static override paths = [["rollout", "status"]];
  static override usage = Command.Usage({
    description: "wait until the newest generation of an object runs",
    details:
      "Exit code 0: it is Ready; 1: it is Stalled, or its newest manifest was rejected and an older generation runs, or, with --watch=false, it is not Ready yet; 4: nothing will change as no daemon runs; 124: --timeout was over.",
    examples: [
      ["Wait for an agent", "$0 rollout status agent/reviewer --timeout 2m"],
      ["Only look at it", "$0 rollout status agent/reviewer --watch=false"],
    ],
  });

  words = Option.Rest({ name: "KIND/NAME" });
  watch = Option.String("--watch", {
    tolerateBoolean: true,
    description: "false: say how it is now, and do not wait; default: true",
  });
  timeout = Option.String("--timeout", {
    description: `the most time to wait; default: ${TIMEOUT_DEFAULT}`,
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const watches = switchFlag("--watch", this.watch, true);
    const timeoutMs = positiveDuration("--timeout", this.timeout ?? TIMEOUT_DEFAULT) ?? 0;
    const key = oneTarget(this.words, this.scope());
    await using open = await this.openPlane("read");
    const { plane, daemon } = open;
    const object = await plane.read(key);
    if (object === undefined) throw await notFound(plane, key);
    // Without a daemon it would wait for ever, or tell how things once were; this tells so.
    if (daemon === undefined && watches) await openDaemon(this.context, this.planeOptions());
    if (daemon === undefined) return this.report(unobserved(object));
    const isSettled = rejectionOf(object) !== undefined || readinessOf(object).state !== "waiting";
    if (isSettled || !watches) return this.report(object);
    const signal = limited(this.context.signal, timeoutMs);
    const last = await this.follow(plane, key, signal, object);
    if (last !== undefined) return this.report(last);
    if (!isTimeout(signal)) return 130;
    throw notInTime(key, (await plane.read(key)) ?? object, timeoutMs);
  }

  /** The object as it is once it has settled; undefined when the signal came first. */
  private async follow(
    plane: Parameters<typeof followObjects>[0],
    key: ResourceKey,
    signal: AbortSignal,
    first: ApiObject,
  ): Promise<ApiObject | undefined> {
    const { stderr } = this.context;
    const live = createLiveLine(stderr);
    let settled = first;
    let told = "";
    try {
      const done = await followObjects(plane, [key], signal, (_, object) => {
        if (object === undefined) throw deleted(key);
        settled = object;
        const readiness = readinessOf(object);
        const text = `${titleOf(key)} generation ${object.metadata.generation}: ${sentence(readiness)}`;
        live.say(text);
        if (!live.isShown && text !== told && !this.quiet && readiness.state === "waiting")
          stderr.write(`waiting: ${forTerminal(text)}\n`);
        told = text;
        return rejectionOf(object) !== undefined || readiness.state !== "waiting";
      });
      return done ? settled : undefined;
    } finally {
      live.end();
    }
  }

  private async report(object: ApiObject): Promise<number> {
    const key = { kind: object.kind, ...object.metadata };
    const { generation } = object.metadata;
    const readiness = readinessOf(object);
    const rejection = rejectionOf(object);
    const isReady = readiness.state === "ready" && rejection === undefined;
    const text = `${titleOf(key)}: generation ${generation} is ${readiness.state === "waiting" ? "not ready yet" : readiness.state} (${sentence(readiness)})`;
    await this.print(
      { ...readiness, isReady, generation, ...(rejection && { rejection }) },
      isReady || (readiness.state === "waiting" && rejection === undefined)
        ? forTerminal(text)
        : "",
    );
    if (rejection !== undefined) throw rejected(key, object, rejection.message);
    if (readiness.state === "stalled") throw stalled(key, generation, readiness);
    return isReady ? 0 : 1;
  }
}

function sentence({ reason, message }: Readiness): string {
  return message === "" ? reason : `${reason}: ${message}`;
}

function rejected(key: ResourceKey, { metadata }: ApiObject, message: string): LegionError {
  return new LegionError({
    code: "LEG7028",
    message: `the newest manifest of ${titleOf(key)} was rejected, so generation ${metadata.generation} goes on: ${message}`,
    hint: "mend the manifest; a running daemon takes it up by itself",
  });
}

function stalled(key: ResourceKey, generation: number, readiness: Readiness): LegionError {
  return new LegionError({
    code: "LEG7027",
    message: `generation ${generation} of ${titleOf(key)} cannot become ready: ${sentence(readiness)}`,
    hint: `mend what is named, or go back with legion rollout undo ${key.kind.toLowerCase()}/${key.name}`,
  });
}

function deleted(key: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG7032",
    message: `${titleOf(key)} was deleted while it was waited for`,
    hint: "apply it again if it is to run",
  });
}

function notInTime(key: ResourceKey, object: ApiObject, timeoutMs: number): LegionError {
  return new LegionError({
    code: "LEG7026",
    message: `generation ${object.metadata.generation} of ${titleOf(key)} is not ready after ${formatDuration(timeoutMs)}: ${sentence(readinessOf(object))}`,
    hint: `look at it with legion describe ${key.kind.toLowerCase()}/${key.name}, or give it more time with --timeout`,
  });
}
