import { userInfo } from "node:os";
import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { parseDuration } from "../lib/quantities.ts";
import { suggest } from "../lib/suggest.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { withAgent } from "./agent-target.ts";
import { kindTarget } from "./kind-target.ts";
import { spanText, utcText } from "./moments.ts";
import { ObjectCommand } from "./plane-command.ts";

const MS_MAX = 365 * 24 * 60 * 60 * 1_000;

export class SilenceCommand extends ObjectCommand {
  static override paths = [["silence"]];
  static override usage = Command.Usage({
    description: "hold back what a watcher tells, for a while",
    details:
      "The watcher goes on looking, and its fires are counted as suppressed: nobody is woken, and nobody is told of a recovery from what was not told. A second silence takes the place of the first. It outlives the daemon. The time is a duration, or the moment at which it ends.",
    examples: [
      ["For a deployment", "$0 silence checkout 2h --reason 'release 4.2'"],
      ["Until Monday morning", "$0 silence checkout 2026-03-02T08:00:00+01:00"],
      ["What is silent, and an end to it", "$0 silence list && $0 silence remove checkout"],
    ],
  });

  reference = Option.String({ required: false, name: "watcher/NAME" });
  time = Option.String({ required: false, name: "DURATION" });
  reason = Option.String("--reason", { description: "why, for the record" });
  by = Option.String("--by", { description: "who, for the record; default: the user" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = kindTarget("Watcher", this.reference, this.scope(), "silence");
    const nowMs = systemClock.now();
    const until = untilOf(this.time, key.name, nowMs);
    await using open = await this.openDaemon();
    const { reason = "", by = userInfo().username } = this;
    const silence = await withAgent(open.plane, key, () =>
      open.daemon.silence({ watcher: key, until, reason, by }),
    );
    const endMs = Date.parse(silence.until);
    await this.print(
      silence,
      `${titleOf(key)} is silent until ${utcText(endMs)} (${spanText(endMs - nowMs)})`,
    );
    return 0;
  }
}

/** When the silence ends, as ISO 8601. Throws LEG7301 for what is no time, is over, or is more than a year away. */
function untilOf(text: string | undefined, name: string, nowMs: number): string {
  const example = `legion silence ${name} 2h --reason deploy`;
  if (text === undefined) {
    const word = suggest(name, ["list", "remove"]);
    const meant = word === undefined ? "" : `did you mean legion silence ${word}? Or `;
    throw wrong("legion silence needs to know for how long", example, meant);
  }
  const ms = parseDuration(text);
  const hasOffset = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const endMs = ms !== undefined ? nowMs + ms : hasOffset ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(endMs)) throw wrong(`"${text}" is no time to be silent for`, example);
  if (endMs <= nowMs) throw wrong(`a silence of "${text}" would be over already`, example);
  if (endMs - nowMs > MS_MAX)
    throw wrong(`"${text}" is more than the 365 days that a silence may last`, example);
  return new Date(endMs).toISOString();
}

function wrong(message: string, example: string, before = ""): LegionError {
  const hint = `${before}write a duration such as 30m, 2h or 7d, or a moment with its offset: ${example}`;
  return new LegionError({ code: "LEG7301", message, hint });
}
