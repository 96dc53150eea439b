import type { Alias, ParsedNode, Scalar, YAMLMap, YAMLSeq } from "yaml";
import type { Json, JsonObject } from "../lib/json.ts";
import { DOCUMENT_FAULTS_MAX, DOCUMENT_NODES_MAX, NESTING_MAX } from "./limits.ts";
import { yaml } from "./yaml.ts";
import type { TextFault } from "./yaml-words.ts";

interface State {
  readonly anchors: Map<string, ParsedNode>;
  /** The aliases that are being expanded, outermost first. */
  readonly expanding: Alias.Parsed[];
  readonly faults: TextFault[];
  nodes: number;
  depth: number;
}

/** The JSON value of a YAML tree, and what YAML can say that JSON cannot. Each use of an alias is a value of its own. */
export function toJson(tree: ParsedNode): {
  readonly value: Json;
  readonly faults: readonly TextFault[];
} {
  const state: State = { anchors: new Map(), expanding: [], faults: [], nodes: 0, depth: 0 };
  const value = valueFrom(tree, state);
  return { value, faults: state.faults };
}

function valueFrom(node: ParsedNode | null, state: State): Json {
  if (node === null) return null;
  state.nodes += 1;
  if (state.nodes > DOCUMENT_NODES_MAX) return tooMany(node, state);
  if (yaml().isAlias(node)) return aliased(node, state);
  if (node.anchor !== undefined) state.anchors.set(node.anchor, node);
  if (yaml().isScalar(node)) return scalarValue(node as Scalar.Parsed, state);
  if (state.depth >= NESTING_MAX) return tooDeep(node, state);
  state.depth += 1;
  const value = yaml().isSeq(node)
    ? listValue(node as YAMLSeq.Parsed, state)
    : mapValue(node as YAMLMap.Parsed, state);
  state.depth -= 1;
  return value;
}

function listValue({ items }: YAMLSeq.Parsed, state: State): Json[] {
  return items.map((item) => valueFrom(item as ParsedNode, state));
}

function mapValue(map: YAMLMap.Parsed, state: State): JsonObject {
  const value: JsonObject = {};
  const keys = new Map<string, ParsedNode>();
  for (const { key, value: item } of map.items) {
    const name = keyName(key, state);
    if (name === undefined) continue;
    const first = keys.get(name);
    if (first === undefined) {
      keys.set(name, key);
      value[name] = valueFrom(item, state);
    } else {
      const isSecond = state.depth === 1 && isTwoDocuments(map);
      duplicateKey(name, first, key, isSecond, state);
      // The rest of a second document is no news.
      if (isSecond) break;
    }
    if (state.nodes > DOCUMENT_NODES_MAX) break;
  }
  return value;
}

function keyName(key: ParsedNode, state: State): string | undefined {
  state.nodes += 1;
  const problem = keyProblem(key);
  if (problem === undefined) return String((key as Scalar).value);
  fault(state, "LEG1026", key, ...problem);
  return undefined;
}

function keyProblem(key: ParsedNode): [summary: string, detail: string] | undefined {
  if (!yaml().isScalar(key) || typeof key.value !== "string")
    return ["a key is not a string", "write the key as plain text"];
  if (key.value === "__proto__")
    return ['"__proto__" cannot be a key', "give the key another name"];
  if (key.value === "<<" && key.type === "PLAIN")
    return [
      "merge keys (<<) are not part of YAML 1.2",
      "write the fields out, or use an alias for a whole value",
    ];
  if (!key.value.isWellFormed())
    return ["a key holds half of a surrogate pair", "write the whole character"];
  return undefined;
}

/** A document has its apiVersion once. */
function isTwoDocuments({ items }: YAMLMap.Parsed): boolean {
  const versions = items.filter(({ key }) => yaml().isScalar(key) && key.value === "apiVersion");
  return versions.length > 1;
}

function duplicateKey(
  name: string,
  first: ParsedNode,
  second: ParsedNode,
  isSecondDocument: boolean,
  state: State,
): void {
  const [start, end] = second.range;
  const advice = isSecondDocument
    ? "is a line with --- missing between two documents?"
    : "remove one of the two;";
  add(state, {
    code: "LEG1021",
    summary: `duplicate key "${name}"`,
    detail: (where) =>
      `${advice} the first is at ${where({ start: first.range[0], end: first.range[1] })}`,
    start,
    end,
  });
}

function aliased(alias: Alias.Parsed, state: State): Json {
  const target = state.anchors.get(alias.source);
  if (target === undefined) {
    const summary = `the alias *${alias.source} has no anchor before it`;
    fault(
      state,
      "LEG1023",
      alias,
      summary,
      `write &${alias.source} at the value that it stands for`,
    );
    return null;
  }
  if (contains(target, alias)) {
    fault(
      state,
      "LEG1023",
      alias,
      `the alias *${alias.source} stands inside the value it names`,
      "write the value out",
    );
    return null;
  }
  state.expanding.push(alias);
  const value = valueFrom(target, state);
  state.expanding.pop();
  return value;
}

function contains(target: ParsedNode, alias: Alias.Parsed): boolean {
  return target.range[0] <= alias.range[0] && alias.range[1] <= target.range[1];
}

function tooDeep(node: ParsedNode, state: State): Json {
  const place = state.expanding[0] ?? node;
  if (!state.faults.some(({ code }) => isBound(code))) {
    fault(
      state,
      "LEG1024",
      place,
      `maps and lists are nested more than ${NESTING_MAX} deep`,
      "flatten the value",
    );
  }
  return null;
}

function tooMany(node: ParsedNode, state: State): Json {
  const [outermost] = state.expanding;
  if (state.faults.some(({ code }) => isBound(code))) return null;
  if (outermost === undefined) {
    const detail = "split it, or move the data into a file that a tool reads";
    fault(
      state,
      "LEG1025",
      node,
      `the document has more than ${DOCUMENT_NODES_MAX} keys and values`,
      detail,
    );
  } else {
    const summary = `the alias *${outermost.source} expands to more than ${DOCUMENT_NODES_MAX} keys and values`;
    fault(
      state,
      "LEG1023",
      outermost,
      summary,
      "write out what is needed, without aliases of aliases",
    );
  }
  return null;
}

/** One bound that is exceeded is told; the others follow from it. */
function isBound(code: TextFault["code"]): boolean {
  return code === "LEG1023" || code === "LEG1024" || code === "LEG1025";
}

function scalarValue(node: Scalar.Parsed, state: State): Json {
  const { value } = node;
  if (typeof value === "string" && !value.isWellFormed()) {
    fault(
      state,
      "LEG1027",
      node,
      "the string holds half of a surrogate pair",
      "write the whole character",
    );
    return "";
  }
  if (typeof value === "number" && !exact(value, node.source)) {
    const summary = Number.isFinite(value)
      ? `the number ${node.source} cannot be held exactly`
      : `${node.source} is not a number in JSON`;
    fault(state, "LEG1027", node, summary, "put it in quotes if it is text");
    return 0;
  }
  return value as Json;
}

/** Whether JavaScript keeps the number as written: finite, and an integer only up to 2^53. */
function exact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  return !/^[-+]?[0-9]+$/.test(source) || Number.isSafeInteger(value);
}

function fault(
  state: State,
  code: TextFault["code"],
  node: ParsedNode,
  summary: string,
  detail: string,
): void {
  const [start, end] = node.range;
  add(state, { code, summary, detail, start, end });
}

function add({ faults }: State, fault: TextFault): void {
  if (faults.length < DOCUMENT_FAULTS_MAX) faults.push(fault);
}
