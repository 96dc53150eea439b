import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { parseDuration } from "../lib/quantities.ts";
import { suggest } from "../lib/suggest.ts";
import type { CronSpec } from "../manifest/generated/cron.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { ResourceKey } from "../state/resource.ts";
import { type CronStatus, cronOf } from "./columns-watching.ts";
import { type CronMoments, cronMoments } from "./cron-moments.ts";
import { declaredObjects } from "./declared-objects.ts";
import { kindTarget } from "./kind-target.ts";
import { spanText, utcText } from "./moments.ts";
import { PlaneCommand } from "./plane-command.ts";
import { notFound } from "./references.ts";
import { renderTable } from "./table.ts";
import type { OutputStream } from "./terminal-width.ts";
import { wholeNumber } from "./whole-number.ts";
import { wrapText } from "./wrap-text.ts";

const COUNT = 5;
const COUNT_MAX = 1_000;
const WIDTH = 80;

/** A cron as it is declared, and how it stands where a daemon knows it. */
interface Found {
  readonly key: ResourceKey;
  readonly spec: CronSpec;
  readonly cron: CronStatus | undefined;
}

export class CronNextCommand extends PlaneCommand {
  static override paths = [["cron", "next"]];
  static override usage = Command.Usage({
    description: "tell when a cron is due next, by the clocks of its zone and in UTC",
    details:
      "Needs no daemon: the cron is read from the state folder, or with -f from manifests that were not applied. A line between two moments says that clocks change between them. --from takes a date (00:00 UTC), a date and time with its offset, or a duration after now.",
    examples: [
      ["The next five moments", "$0 cron next nightly"],
      [
        "What a manifest would do when clocks change",
        "$0 cron next -f tidy.yaml --from 2026-03-27",
      ],
      ["For a program", "$0 cron next nightly -n 1 -o jsonpath='{.moments[0].at}'"],
    ],
  });

  reference = Option.String({ required: false, name: "cron/NAME" });
  amount = Option.String("-n,--count", { description: `how many moments; default: ${COUNT}` });
  from = Option.String("--from", { description: "count from this moment; default: now" });
  file = Option.String("-f,--file", {
    description: "manifests to read instead of what was applied",
  });
  namespace = Option.String("--namespace", { description: "of the cron; default: default" });

  async execute(): Promise<number> {
    this.checkOutput();
    const nowMs = systemClock.now();
    const fromMs = fromOf(this.from, nowMs);
    const count = wholeNumber("--count", this.amount) ?? COUNT;
    if (count < 1 || count > COUNT_MAX) throw wrongCount(count);
    const found = await (this.file === undefined ? this.applied() : this.declared(this.file));
    if (found === undefined) return 1;
    const { key, spec, cron } = found;
    const told = await cronMoments({ ...key, spec, cron, count, fromMs, nowMs });
    const { namespace, name } = key;
    const { schedule, timezone } = spec;
    await this.print({ namespace, name, schedule, timezone, ...told }, () =>
      nextText(found, told, this.context.stdout),
    );
    return 0;
  }

  /** The cron of the daemon or of the state folder. */
  private async applied(): Promise<Found> {
    const key = kindTarget("Cron", this.reference, { namespace: this.namespace }, "cron next");
    await using opened = await this.openPlane("read");
    const object = await opened.plane.read(key);
    if (object === undefined) throw await notFound(opened.plane, key);
    return { key, spec: object.spec as unknown as CronSpec, cron: cronOf(object) };
  }

  /** The cron of manifests; its name may be left out where they hold one only. */
  private async declared(file: string): Promise<Found | undefined> {
    const { namespace = "default" } = this;
    const { names, find } = await declaredObjects("Cron", namespace, [file], this.context);
    const [only] = names;
    if (this.reference === undefined && names.length > 1) throw severalDeclared(file, names);
    const wanted =
      this.reference === undefined && only !== undefined
        ? only
        : kindTarget("Cron", this.reference, { namespace }, "cron next").name;
    const found = await find(wanted);
    if (found === "wrong") return undefined;
    if (found === undefined) throw notDeclared(wanted, file, names);
    const key = { kind: "Cron", namespace, name: found.name };
    return { key, spec: found.spec, cron: undefined };
  }
}

/** Reads --from. Throws LEG7305. */
function fromOf(text: string | undefined, nowMs: number): number {
  if (text === undefined) return nowMs;
  const ms = parseDuration(text);
  if (ms !== undefined) return nowMs + ms;
  const isMoment = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const moment = Date.parse(text);
  if (isMoment && !Number.isNaN(moment)) return moment;
  throw new LegionError({
    code: "LEG7305",
    message: `--from does not take "${text}"`,
    hint: "write a date, a date and time with its offset (2026-03-28T00:00:00+01:00), or a duration after now (36h)",
  });
}

/** The head, a row for each moment, and what else is to be known. */
function nextText(
  { key, spec }: Found,
  { moments, notes }: CronMoments,
  stream: OutputStream,
): string {
  const zone = /^\s*every\b/i.test(spec.schedule) ? "" : ` ${spec.timezone}`;
  const head = `${titleOf(key)}: ${spec.schedule}${zone}`;
  const columns = [
    { title: "local", isWhole: true },
    { title: "utc", isWhole: true },
    { title: "in", align: "right" },
  ] as const;
  const rows = moments.map(({ local, offset, at, inMs }) => [
    `${local} ${offset}`,
    utcText(Date.parse(at)),
    inMs < 0 ? `${spanText(-inMs)} ago` : spanText(inMs),
  ]);
  const [titles = "", ...lines] = renderTable(columns, rows, { stream }).trimEnd().split("\n");
  const table = lines.flatMap((line, index) => {
    const change = moments[index]?.change;
    return change === undefined ? [line] : [`  (${change})`, line];
  });
  const told = notes.flatMap((note) => wrapText(note, WIDTH));
  return [head, ...(rows.length === 0 ? [] : [titles, ...table]), ...told].join("\n");
}

function wrongCount(count: number): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: `--count does not take ${count}`,
    hint: `write a number from 1 to ${COUNT_MAX}`,
  });
}

function severalDeclared(file: string, names: readonly string[]): LegionError {
  return new LegionError({
    code: "LEG7017",
    message: `there are ${names.length} crons in ${file}`,
    hint: `name one of them: ${names.join(", ")}`,
    valid: names,
  });
}

function notDeclared(name: string, file: string, names: readonly string[]): LegionError {
  const near = suggest(name, names);
  return new LegionError({
    code: "LEG7003",
    message: `no cron is named "${name}" in ${file}`,
    hint:
      near !== undefined
        ? `did you mean "${near}"?`
        : names.length === 0
          ? "there is no cron in it"
          : `use one of: ${names.join(", ")}`,
    ...(names.length > 0 && { valid: names }),
  });
}
