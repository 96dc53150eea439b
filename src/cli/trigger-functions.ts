import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { triggerLanguage } from "../trigger/language.ts";
import { LegionCommand } from "./base-command.ts";
import { table, wrap } from "./help.ts";

/** A function of the trigger language as people see it. */
export interface FunctionPage {
  readonly name: string;
  readonly signature: string;
  /** plain, list: over the elements of a list, history: over earlier polls. */
  readonly kind: string;
  readonly doc: string;
}

const WIDTH = 80;

const kindTitles = {
  plain: "Values",
  list: "Lists: LIST.exists(x, CONDITION) and the like",
  history: "History: what earlier polls saw",
} as const;

export class TriggerFunctionsCommand extends LegionCommand {
  static override paths = [["trigger", "functions"]];
  static override usage = Command.Usage({
    description: "list the functions of the trigger language, or tell about one",
    details:
      "A question mark: the argument may be left out. A window is a length of time such as 5m, or so many polls such as 5 polls.",
    examples: [
      ["All of them", "$0 trigger functions"],
      ["One", "$0 trigger functions rate"],
    ],
  });

  name = Option.String({ required: false, name: "FUNCTION" });

  async execute(): Promise<number> {
    this.checkOutput();
    const pages = await functionPages(this.name);
    await this.print(this.name === undefined ? pages : pages[0], () => functionsText(pages));
    return 0;
  }
}

/** Every function, or those of one name, which may be one of lists and another one besides. Throws LEG7334. */
export async function functionPages(name?: string): Promise<readonly FunctionPage[]> {
  const { signatureOf, triggerFunctions } = await triggerLanguage.get();
  const pages = Object.entries(triggerFunctions).map(([each, { kind, doc }]) => ({
    ...{ name: each, signature: signatureOf(each), kind, doc },
  }));
  if (name === undefined) return pages;
  const bare = name.replace(/^\./, "").replace(/\(.*$/, "");
  const found = pages.filter((page) => page.name.replace(/^\./, "") === bare);
  if (found.length > 0) return found;
  const known = [...new Set(pages.map((page) => page.name.replace(/^\./, "")))].toSorted();
  const near = suggest(bare, known);
  throw new LegionError({
    code: "LEG7334",
    message: `there is no function "${bare}"`,
    hint: near === undefined ? `use one of: ${known.join(", ")}` : `did you mean ${near}?`,
    valid: known,
  });
}

/** One function whole, or several in groups; fits 80 columns. */
export function functionsText(pages: readonly FunctionPage[]): string {
  if (pages.length <= 2)
    return pages
      .map(({ signature, doc }) => [...wrap(signature, WIDTH), ...indented(doc)].join("\n"))
      .join("\n");
  const groups = Object.entries(kindTitles).map(([kind, title]) => {
    const rows = pages
      .filter((page) => page.kind === kind)
      .map(({ name, doc }) => [name, doc] as const);
    return [`${title}:`, ...table(rows)].join("\n");
  });
  return `${groups.join("\n\n")}\n\nlegion trigger functions NAME shows what one takes and gives.`;
}

function indented(text: string): readonly string[] {
  return wrap(text, WIDTH - 2).map((line) => `  ${line}`);
}
