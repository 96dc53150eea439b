import { LegionError } from "../lib/errors.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import { referenceText } from "./references.ts";
import { renderTable } from "./table.ts";
import type { OutputStream } from "./terminal-width.ts";

/** Formats that take a text after `=`. */
const parametrised = ["jsonpath", "custom-columns"] as const;

/** How a result is to be printed: the name of the format, and its text after `=`. */
export interface OutputFormat {
  readonly name: string;
  readonly parameter: string;
}

/** Reads what -o was given against the formats of the command. Throws LEG7001. */
export function outputFormat(given: string, valid: readonly string[]): OutputFormat {
  const at = given.indexOf("=");
  const name = at === -1 ? given : given.slice(0, at);
  const parameter = at === -1 ? "" : given.slice(at + 1);
  const shown = valid.map(formatTitle);
  if (!valid.includes(name)) {
    throw new LegionError({
      code: "LEG7001",
      message: `-o does not know the format "${given}"`,
      hint: `use one of: ${shown.join(", ")}`,
      valid: shown,
    });
  }
  const takesText = parametrised.some((known) => known === name);
  if (takesText === (parameter !== "")) return { name, parameter };
  throw new LegionError({
    code: "LEG7001",
    message: takesText ? `-o ${name} needs a text after it` : `-o ${name} takes nothing after it`,
    hint: `write -o ${takesText ? formatTitle(name) : name}`,
  });
}

/** Refuses a template or columns that are not right, before anything is asked of a daemon. Throws LEG7012, LEG7013. */
export async function checkFormat({ name, parameter }: OutputFormat): Promise<void> {
  if (parameter === "") return;
  const { parseColumns, parseTemplate } = await import("./jsonpath.ts");
  if (name === "custom-columns") parseColumns(parameter);
  else parseTemplate(parameter);
}

/** A format as help and errors write it: `jsonpath=TEMPLATE`. */
export function formatTitle(name: string): string {
  if (name === "jsonpath") return "jsonpath=TEMPLATE";
  return name === "custom-columns" ? "custom-columns=TITLE:PATH" : name;
}

/** Several objects as one value, as kubectl writes them. */
export function listValue(items: readonly ApiObject[]) {
  return { apiVersion: "legion.dev/v1", kind: "List", items };
}

/** A value for a program: json, yaml or jsonpath; undefined for a format that is for people. */
export async function programText(
  { name, parameter }: OutputFormat,
  value: unknown,
): Promise<string | undefined> {
  if (name === "json") return `${JSON.stringify(value, null, 2)}\n`;
  if (name === "yaml") return yamlText(value);
  if (name !== "jsonpath") return undefined;
  const { parseTemplate } = await import("./jsonpath.ts");
  const text = parseTemplate(parameter)(value);
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/**
 * Objects for a program: json, yaml, jsonpath, name or custom-columns; undefined for a format that is for people. One
 * object that was asked for by its name is that object, anything else a List.
 */
export async function objectsText(
  format: OutputFormat,
  items: readonly ApiObject[],
  { isSingle, stream, noHeaders }: ObjectsTextOptions,
): Promise<string | undefined> {
  if (format.name === "name") return items.map((item) => `${nameLine(item)}\n`).join("");
  if (format.name === "custom-columns") {
    const { parseColumns } = await import("./jsonpath.ts");
    const columns = parseColumns(format.parameter);
    const rows = items.map((item) => columns.map(({ value }) => value(item) || "<none>"));
    return renderTable(columns, rows, { stream, noHeaders: noHeaders === true });
  }
  const [first] = items;
  return programText(format, isSingle && first !== undefined ? first : listValue(items));
}

export interface ObjectsTextOptions {
  /** One object was asked for by its name. */
  readonly isSingle: boolean;
  readonly stream: OutputStream;
  readonly noHeaders?: boolean | undefined;
}

/** `agent/reviewer`: what other commands take. */
export function nameLine({ kind, metadata: { name } }: ApiObject): string {
  return referenceText({ kind, name });
}

/** YAML as this program writes it everywhere. */
export async function yamlText(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
