import { resolve } from "node:path";
import { Option } from "clipanion";
import { LegionError, messageOf } from "../lib/errors.ts";
import { isObject, type Json, type JsonSchema } from "../lib/json.ts";
import { suggest } from "../lib/suggest.ts";
import type { SourceText } from "../manifest/source-text.ts";
import { yaml } from "../manifest/yaml.ts";
import { type Source, sources } from "../trigger/roots.ts";
import type { TriggerOptions } from "../trigger/trigger.ts";
import { isZone } from "../trigger/zones.ts";
import { LegionCommand } from "./base-command.ts";
import type { CommandContext } from "./context.ts";
import { readAll } from "./manifest-flags.ts";

/** A command that understands triggers over the names of one source. */
export abstract class TriggerCommandBase extends LegionCommand {
  source = Option.String("--source", {
    description: `what is looked at: ${sources.join(", ")}`,
  });
  timezone = Option.String("--timezone", "UTC", {
    description: "the zone of windows that name none; default: UTC",
  });
  schema = Option.String("--schema", {
    description: "with --source custom: a file with the JSON Schema of what the tool returns",
  });

  /** What the text is understood with. Throws LEG7001 for a source or a zone that there is not. */
  protected async triggerOptions(): Promise<TriggerOptions> {
    const source = sourceNamed(this.source);
    if (!isZone(this.timezone))
      throw usage(`--timezone does not know "${this.timezone}"`, zoneHint);
    if (this.schema === undefined) return { source, zone: this.timezone };
    if (source !== "custom")
      throw usage("--schema goes with --source custom only", "leave one of them out");
    const schema = await schemaIn(this.schema, this.context);
    return { source, zone: this.timezone, schema };
  }
}

const zoneHint = "write a name such as Europe/Oslo";

/** How a manifest begins that somebody takes for the file of its trigger. */
const holdsWatcher = /^\s*"?kind"?:\s*"?Watcher\b/m;

/** A command on the text of one trigger. */
export abstract class TriggerTextCommand extends TriggerCommandBase {
  expression = Option.String({ required: false, name: "EXPR" });
  file = Option.String("-f,--file", { description: "read the trigger from a file" });

  /** The text of the trigger: given, of a file, or of stdin for `-`. */
  protected async triggerText(): Promise<{ readonly text: string; readonly shown?: string }> {
    const { expression, file } = this;
    if (expression !== undefined && file !== undefined)
      throw usage("a trigger is given or read from a file, not both", "leave one of them out");
    if (file !== undefined) {
      const given = await readGiven(file, this.context);
      if (!holdsWatcher.test(given.text)) return given;
      throw usage(
        `${given.shown} is a manifest, not the text of a trigger`,
        `legion validate ${file} checks the triggers in it, legion explain trigger NAME -f ${file} shows one`,
      );
    }
    if (expression === "-") return { text: await readAll(this.context) };
    if (expression !== undefined) return { text: expression };
    throw usage(
      "there is no trigger",
      "write it in quotes, for example 'status >= 500', or - for standard input",
    );
  }

  /** Whether the trigger comes from stdin. */
  protected get isFromStdin(): boolean {
    return this.expression === "-" || this.file === "-";
  }
}

export function usage(message: string, hint: string): LegionError {
  return new LegionError({ code: "LEG7001", message, hint });
}

/** The source of that name. Throws LEG7001. */
export function sourceNamed(name: string | undefined): Source {
  const found = sources.find((source) => source === name);
  if (found !== undefined) return found;
  const near = name === undefined ? undefined : suggest(name, sources);
  throw new LegionError({
    code: "LEG7001",
    message: name === undefined ? "--source is missing" : `there is no source "${name}"`,
    hint: near === undefined ? `use one of: ${sources.join(", ")}` : `did you mean ${near}?`,
    valid: sources,
  });
}

/** A file as text, or stdin for `-`. Throws LEG7336. */
export async function readGiven(
  path: string,
  context: CommandContext,
): Promise<SourceText & { readonly file: string }> {
  if (path === "-")
    return { shown: "<stdin>", text: await readAll(context), skippedBytes: 0, file: "<stdin>" };
  const [{ readText }, { shownPath }] = await Promise.all([
    import("../manifest/read.ts"),
    import("./shown-path.ts"),
  ]);
  const file = resolve(context.cwd, path);
  const shown = shownPath(context.cwd, file);
  const read = readText(file, shown, context.cwd);
  if (read.ok) return { ...read.source, file };
  const { summary, detail } = read.fault;
  throw new LegionError({
    code: "LEG7336",
    message: `${shown}: ${summary}`,
    hint: typeof detail === "string" ? detail : "name a file that can be read",
  });
}

/** Samples as they were given: JSON itself, the name of a file, or stdin for `-`. Throws LEG7336. */
export async function sampleText(given: string, context: CommandContext): Promise<string> {
  if (/^\s*[[{]/.test(given)) return given;
  if (given === "-" && "isTTY" in context.stdin && context.stdin.isTTY)
    context.stderr.write(
      'samples are JSON such as {"ok": true}, one a line; or name a file: --sample\n',
    );
  return (await readGiven(given, context)).text;
}

async function schemaIn(path: string, context: CommandContext): Promise<JsonSchema> {
  const { text, shown } = await readGiven(path, context);
  const { schemaFaults } = await import("../manifest/schema-faults.ts");
  const invalid = (message: string, hint: string) =>
    new LegionError({ code: "LEG1090", message: `${shown}: ${message}`, hint });
  let schema: Json;
  try {
    schema = yaml().parse(text);
  } catch (error) {
    throw invalid(messageOf(error), "write a JSON Schema as JSON or YAML");
  }
  const [fault] = isObject(schema) ? schemaFaults(schema) : [];
  if (fault !== undefined) throw invalid(fault.summary, fault.detail);
  if (isObject(schema)) return schema;
  throw invalid("it holds no JSON Schema", "write a map with type, properties and so on");
}
