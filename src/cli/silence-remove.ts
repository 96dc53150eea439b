import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { Silence } from "../state/watching.ts";
import { ObjectCommand } from "./plane-command.ts";

/** As much of the end of an id as tells silences apart. */
const ID_CHARS_MIN = 4;

export class SilenceRemoveCommand extends ObjectCommand {
  static override paths = [["silence", "remove"]];
  static override usage = Command.Usage({
    description: "end a silence: the watcher tells what it sees again",
    details:
      "Named by its watcher, or by the id of legion silence list, of which the end will do. A watcher that fires already is told of with its next fire.",
    examples: [
      ["By its watcher", "$0 silence remove checkout"],
      ["By its id", "$0 silence remove 7Q2M4K1T"],
    ],
  });

  reference = Option.String({ required: false, name: "watcher/NAME" });

  async execute(): Promise<number> {
    this.checkOutput();
    const word = this.reference;
    if (word === undefined) throw nothingNamed();
    await using open = await this.openDaemon();
    const silences = await open.daemon.silences();
    const silence = chosen(silences, word, this.namespace ?? "default");
    const { id, watcher } = silence;
    const { removed } = await open.daemon.unsilence({ id });
    // Its time may have been over in between; it is gone all the same.
    await this.print({ ...silence, removed }, `${titleOf(watcher)} tells what it sees again`);
    return 0;
  }
}

/** The silence of a watcher, or of an id. Throws LEG7304. */
function chosen(silences: readonly Silence[], word: string, namespace: string): Silence {
  const name = word.replace(/^(watchers?|wt)\//i, "");
  const ofNamespace = silences.filter(({ watcher }) => watcher.namespace === namespace);
  const named = ofNamespace.find(({ watcher }) => watcher.name === name);
  if (named !== undefined) return named;
  const end = word.toUpperCase();
  const near = word.length < ID_CHARS_MIN ? [] : silences.filter(({ id }) => id.endsWith(end));
  const [only] = near;
  if (only !== undefined && near.length === 1) return only;
  const names = ofNamespace.map(({ watcher }) => watcher.name);
  const meant = suggest(name, names);
  throw new LegionError({
    code: "LEG7304",
    message:
      near.length > 1 ? `"${word}" fits ${near.length} silences` : `nothing silences "${word}"`,
    hint:
      meant === undefined ? "legion silence list shows what goes on" : `did you mean "${meant}"?`,
    ...(names.length > 0 && { valid: names }),
  });
}

function nothingNamed(): LegionError {
  return new LegionError({
    code: "LEG7017",
    message: "legion silence remove needs the name of a watcher, or the id of a silence",
    hint: "legion silence list shows what goes on; then: legion silence remove NAME",
  });
}
