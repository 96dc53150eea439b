import { type JSONPathQuery, jsonpath } from "json-p3";
import { LegionError, messageOf } from "../lib/errors.ts";

/** Prints a value as the template says; what is missing prints nothing. */
export type Template = (value: unknown) => string;

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "path"; readonly path: Path }
  | { readonly type: "range"; readonly path: Path; readonly parts: readonly Part[] };

/** A path from the root of the document (`$`), or from where a range stands. */
interface Path {
  readonly query: JSONPathQuery;
  readonly isFromRoot: boolean;
}

/**
 * Reads a template of kubectl's form: text, and in braces paths (`{.items[*].metadata.name}`), quoted text (`{"\n"}`),
 * `{range PATH}` with `{end}`. A template without braces is one path. Throws LEG7012 with a caret at the fault.
 */
export function parseTemplate(template: string): Template {
  const isBare = !template.includes("{") && /^[.$@[\w]/.test(template);
  const parts = isBare
    ? [{ type: "path", path: pathOf(template, { template, offset: 0 }) } as const]
    : parseParts(template);
  return (value) => printed(parts, value, value);
}

/** All values that a path finds, as data. Throws LEG7012. */
export function parsePath(path: string): (value: unknown) => readonly unknown[] {
  const inner = /^\{(.*)\}$/s.exec(path)?.[1] ?? path;
  const parsed = pathOf(inner, { template: path, offset: path === inner ? 0 : 1 });
  return (value) => found(parsed, value, value);
}

export interface CustomColumn {
  readonly title: string;
  /** What the column shows of an object; empty when the field is missing. */
  readonly value: Template;
}

/** Reads `NAME:.metadata.name,MODEL:.spec.model`; the paths may stand in braces. Throws LEG7013, LEG7012. */
export function parseColumns(text: string): readonly CustomColumn[] {
  return splitColumns(text).map((column) => {
    const at = column.indexOf(":");
    if (at > 0 && at < column.length - 1) {
      const path = column.slice(at + 1);
      return { title: column.slice(0, at).trim(), value: parseTemplate(path.trim()) };
    }
    throw new LegionError({
      code: "LEG7013",
      message: `the column "${column}" has no ${at > 0 ? "path" : "title"}`,
      hint: "write TITLE:PATH for every column, with commas between them",
      example: "-o custom-columns=NAME:.metadata.name,MODEL:.spec.model",
    });
  });
}

/** At commas that stand in no bracket: `[0,1]` and `(@.a==1,2)` belong to their path. */
function splitColumns(text: string): readonly string[] {
  return text.match(/(?:\[[^\]]*\]|\{[^}]*\}|[^,])+/g) ?? [text];
}

interface Opening {
  readonly path: Path;
  readonly parts: Part[];
  readonly offset: number;
}

function parseParts(template: string): readonly Part[] {
  const outermost: Part[] = [];
  const open: Opening[] = [];
  const target = () => open.at(-1)?.parts ?? outermost;
  let at = 0;
  while (at < template.length) {
    const brace = template.indexOf("{", at);
    const text = template.slice(at, brace === -1 ? template.length : brace);
    if (text !== "") target().push({ type: "text", text });
    if (brace === -1) break;
    const end = closingBrace(template, brace);
    const inner = template.slice(brace + 1, end);
    const trimmed = inner.trim();
    const offset = brace + 1 + inner.indexOf(trimmed);
    if (trimmed === "end") {
      const opening = open.pop();
      if (opening === undefined)
        throw wrong(template, offset, "there is no {range} for this {end}");
      target().push({ type: "range", path: opening.path, parts: opening.parts });
    } else if (/^range\s/.test(trimmed)) {
      const path = trimmed.slice("range".length).trim();
      const pathOffset = offset + trimmed.indexOf(path, "range".length);
      open.push({ path: pathOf(path, { template, offset: pathOffset }), parts: [], offset });
    } else target().push(partOf(trimmed, template, offset));
    at = end + 1;
  }
  const unended = open.at(-1);
  if (unended !== undefined) throw wrong(template, unended.offset, "this {range} has no {end}");
  return outermost;
}

/** The brace that ends an expression; those within quotes are text. */
function closingBrace(template: string, start: number): number {
  let quote = "";
  for (let at = start + 1; at < template.length; at += 1) {
    const character = template[at] ?? "";
    if (quote !== "" && character === "\\") at += 1;
    else if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === "}") return at;
  }
  throw wrong(template, start, "this brace is not closed");
}

function partOf(text: string, template: string, offset: number): Part {
  const quoted = /^(["'])(.*)\1$/s.exec(text)?.[2];
  if (quoted !== undefined) return { type: "text", text: unescaped(quoted) };
  return { type: "path", path: pathOf(text, { template, offset }) };
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, character: string) => escapes[character] ?? character);
}

interface Place {
  readonly template: string;
  readonly offset: number;
}

function pathOf(text: string, { template, offset }: Place): Path {
  if (text === "") throw wrong(template, offset, "there is no path between the braces");
  const query = standardQuery(text);
  try {
    return { query: jsonpath.compile(query), isFromRoot: text.startsWith("$") };
  } catch (error) {
    const at = Math.max(0, tokenIndex(error) - (query.length - text.length));
    throw wrong(template, offset + Math.min(at, text.length), reasonOf(error));
  }
}

/** As RFC 9535 writes it: from `$`, and names with escaped dots or slashes in brackets. */
function standardQuery(text: string): string {
  const rooted = text.startsWith("$")
    ? text
    : text.startsWith("@")
      ? `$${text.slice(1)}`
      : /^[.[]/.test(text)
        ? `$${text}`
        : `$.${text}`;
  const parts = rooted.split(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/);
  return parts
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replaceAll(/\.((?:[\w-]|\/|\\.)+)/g, (whole, name: string) =>
            /[\\/]/.test(name) ? `[${JSON.stringify(name.replaceAll(/\\(.)/g, "$1"))}]` : whole,
          ),
    )
    .join("");
}

function tokenIndex(error: unknown): number {
  const token = error instanceof Error && "token" in error ? error.token : undefined;
  const index =
    typeof token === "object" && token !== null && "index" in token ? token.index : undefined;
  return typeof index === "number" ? index : 0;
}

/** The parser's words, without its own note of the place. */
function reasonOf(error: unknown): string {
  return messageOf(error).replace(/ \('[\s\S]*$/, "");
}

function wrong(template: string, offset: number, reason: string): LegionError {
  const [before, line = ""] = [template.slice(0, offset), template.replaceAll("\n", " ")];
  return new LegionError({
    code: "LEG7012",
    message: `the jsonpath template is not right: ${reason}\n  ${line}\n  ${" ".repeat(before.length)}^`,
    hint: `write for example -o jsonpath='{.items[*].metadata.name}{"\\n"}'`,
  });
}

function printed(parts: readonly Part[], current: unknown, root: unknown): string {
  return parts
    .map((part) => {
      if (part.type === "text") return part.text;
      const values = found(part.path, current, root);
      if (part.type === "path") return values.map(shown).join(" ");
      return values.map((value) => printed(part.parts, value, root)).join("");
    })
    .join("");
}

function found({ query, isFromRoot }: Path, current: unknown, root: unknown): readonly unknown[] {
  const value = isFromRoot ? root : current;
  if (typeof value === "object" && value !== null) {
    return query.query(value as Parameters<JSONPathQuery["query"]>[0]).values();
  }
  // A scalar has no fields; it can only be shown itself.
  return query.segments.length === 0 ? [value] : [];
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}
