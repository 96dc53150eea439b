import type { Pair, ParsedNode, Range, Scalar, YAMLMap } from "yaml";
import { type ParsedDocument, parseDocuments } from "./parse.ts";
import { yaml } from "./yaml.ts";
import type { TextFault } from "./yaml-words.ts";

/** Where the parts of a Markdown file with front matter stand. */
interface Parts {
  /** The end of the front matter, before the line that closes it. */
  readonly frontEnd: number;
  /** The text below, without the blank lines around it. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** Whether a file is read as Markdown: one agent, written as front matter and instructions. */
export function isMarkdown(file: string): boolean {
  return /\.md$/i.test(file);
}

/**
 * Whether a Markdown text means to be an agent: its front matter has one of the fields that tell. One is enough, as the
 * others may be misspelt, and so is front matter that nothing closes.
 */
export function isAgentText(text: string): boolean {
  const opening = openingLine.exec(text);
  if (opening === null) return false;
  // Below front matter that is not closed, the first blank line is where prose may begin.
  const end = partsOf(text)?.frontEnd ?? /^[ \t]*\r?$/m.exec(text)?.index;
  const front = text.slice(0, end);
  if (/^["']?(apiVersion|kind|name)["']?\s*:/m.test(front)) return true;
  // Pages of web sites have a description as well, below a title.
  return /^["']?description["']?\s*:/m.test(front) && !/^["']?title["']?\s*:/m.test(front);
}

/**
 * The Agent that a Markdown text stands for, as the tree of the YAML manifest that says the same. Its nodes have the offsets
 * of the Markdown text, so that faults point at the line of the front matter or of the text below.
 */
export function* parseMarkdown(
  text: string,
): Generator<ParsedDocument | undefined, void, undefined> {
  const parts = partsOf(text);
  if (parts === undefined) {
    const fault = openingLine.test(text) ? unclosedFront : withoutFront(text);
    yield { tree: null, faults: [fault] };
    return;
  }
  for (const front of parseDocuments(text.slice(0, parts.frontEnd))) {
    if (front === undefined) yield undefined;
    else {
      yield agentOf(front, text, parts);
      return;
    }
  }
}

const openingLine = /^---[ \t]*\r?\n/;

function partsOf(text: string): Parts | undefined {
  const opening = openingLine.exec(text);
  if (opening === null) return undefined;
  const closing = /^---[ \t]*\r?$/gm;
  closing.lastIndex = opening[0].length;
  const close = closing.exec(text);
  if (close === null) return undefined;
  const after = text.slice(close.index + close[0].length);
  const start = after.search(/\S/);
  if (start === -1) return { frontEnd: close.index, bodyStart: text.length, bodyEnd: text.length };
  // The first line keeps its indentation: it may be code.
  const lineStart = after.lastIndexOf("\n", start) + 1;
  const bodyStart = close.index + close[0].length + lineStart;
  return { frontEnd: close.index, bodyStart, bodyEnd: text.trimEnd().length };
}

const unclosedFront: TextFault = {
  code: "LEG1102",
  summary: "the front matter is not closed",
  detail: "write a line of --- below its last field",
  start: 0,
  end: 3,
};

function withoutFront(text: string): TextFault {
  const lineEnd = text.indexOf("\n");
  return {
    code: "LEG1102",
    summary: "the Markdown file does not begin with front matter",
    detail: "begin it with a line of ---, then name: and description:, then a line of ---",
    start: 0,
    end: Math.max(1, lineEnd === -1 ? text.length : lineEnd),
  };
}

function agentOf({ tree, faults, isOver }: ParsedDocument, text: string, parts: Parts) {
  if (!yaml().isMap(tree)) {
    const found = faults.length > 0 ? faults : [withoutFront(text)];
    return { tree: null, faults: found, ...(isOver === true && { isOver }) };
  }
  const pairs = tree.items as YAMLMap.Parsed["items"];
  const body = bodyPair(text, parts);
  const doubled = body === undefined ? [] : instructionFaults(pairs);
  const isMetadata = (pair: (typeof pairs)[number]) => metadataFields.includes(nameOf(pair.key));
  const spec = pairs.filter((pair) => !isMetadata(pair));
  const whole = mapOf([
    pairOf("apiVersion", scalar("legion.dev/v1", opening)),
    pairOf("kind", scalar("Agent", opening)),
    pairOf("metadata", mapOf(pairs.filter(isMetadata))),
    pairOf("spec", mapOf(body === undefined ? spec : [...spec, body])),
  ]);
  // A fault of syntax hides what else there is.
  return { tree: whole, faults: faults.length > 0 ? faults : doubled };
}

/** The fields of the front matter that say who the agent is; the others belong to its spec. */
const metadataFields: readonly string[] = ["name", "namespace", "labels", "annotations"];

/** What the front matter does not write out is pointed at by the line that opens it. */
const opening: Range = [0, 3, 3];

function bodyPair(text: string, { bodyStart, bodyEnd }: Parts) {
  if (bodyStart >= bodyEnd) return undefined;
  const body = text.slice(bodyStart, bodyEnd).replaceAll("\r\n", "\n");
  const lineEnd = text.indexOf("\n", bodyStart);
  const keyEnd = lineEnd === -1 || lineEnd > bodyEnd ? bodyEnd : lineEnd;
  const key = scalar("instructions", [bodyStart, keyEnd, keyEnd]);
  return new (yaml().Pair)<ParsedNode, ParsedNode | null>(
    key,
    scalar(body, [bodyStart, bodyEnd, bodyEnd]),
  );
}

function instructionFaults(pairs: YAMLMap.Parsed["items"]): readonly TextFault[] {
  const second = pairs.find(({ key }) => /^instructions(From)?$/.test(nameOf(key)));
  if (second === undefined) return [];
  const [start, end] = second.key.range;
  const name = nameOf(second.key);
  const summary = `the text below the front matter is the instructions, and "${name}" gives them too`;
  return [{ code: "LEG1103", summary, detail: `remove ${name}, or the text`, start, end }];
}

function nameOf(key: ParsedNode): string {
  return yaml().isScalar(key) ? String(key.value) : "";
}

function pairOf(name: string, value: ParsedNode): Pair<ParsedNode, ParsedNode | null> {
  return new (yaml().Pair)<ParsedNode, ParsedNode | null>(scalar(name, opening), value);
}

function scalar(value: string, range: Range): Scalar.Parsed {
  const node = new (yaml().Scalar)(value);
  return Object.assign(node, { range, source: value, type: yaml().Scalar.PLAIN }) as Scalar.Parsed;
}

function mapOf(items: YAMLMap.Parsed["items"]): YAMLMap.Parsed {
  return Object.assign(new (yaml().YAMLMap)(), {
    items,
    range: opening,
  }) as unknown as YAMLMap.Parsed;
}
