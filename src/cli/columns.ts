import { relative } from "node:path";
import { isObject, type JsonObject } from "../lib/json.ts";
import type { ApiObject, SourceStatus } from "../reconcile/contract.ts";
import { sourceName } from "../reconcile/source-name.ts";
import { nameLine } from "./output.ts";
import { conditionOf, readinessOf, rejectionOf } from "./readiness.ts";
import type { Cell, Row, TableColumn } from "./table.ts";

/** What the columns need besides the object. */
export interface ColumnContext {
  /** Wall time, milliseconds since 1970. */
  readonly now: number;
  readonly cwd: string;
  /** How the sources stand, by their names; empty without a daemon. */
  readonly sources: ReadonlyMap<string, SourceStatus>;
}

export interface ObjectColumn extends TableColumn {
  /** Left out where no object has anything to show in it. */
  readonly isOptional?: boolean;
  readonly cell: (object: ApiObject, context: ColumnContext) => Cell;
}

export interface ColumnChoice {
  readonly isWide: boolean;
  readonly withNamespace: boolean;
  readonly withLabels: boolean;
  /** `agent/a` in place of `a`, where the tables of several kinds stand together. */
  readonly withKind: boolean;
}

/** What an empty cell shows. */
export const none = "-";

const name: ObjectColumn = { title: "name", isWhole: true, cell: ({ metadata }) => metadata.name };
const reference: ObjectColumn = { title: "name", isWhole: true, cell: nameLine };
const namespace: ObjectColumn = { title: "namespace", cell: ({ metadata }) => metadata.namespace };
const ready: ObjectColumn = { title: "ready", reserve: 7, cell: (object) => readyCell(object) };
const status: ObjectColumn = { title: "status", reserve: 13, cell: (object) => statusCell(object) };
const age: ObjectColumn = {
  title: "age",
  isSpare: true,
  cell: ({ metadata }, { now }) => ageText(now - Date.parse(metadata.creationTimestamp)),
};
const labels: ObjectColumn = {
  title: "labels",
  isFree: true,
  cell: ({ metadata }) => pairsText(metadata.labels ?? {}),
};
const origin: ObjectColumn = { title: "origin", isFree: true, cell: originText };
const reason: ObjectColumn = {
  title: "reason",
  isFree: true,
  cell: (object) => stateOf(object).message || none,
};

/** The columns of each kind between NAME and AGE. */
const ofKind: Readonly<Record<string, readonly ObjectColumn[]>> = {
  Agent: [
    ready,
    status,
    { title: "model", isFree: true, isSpare: true, cell: ({ spec }) => textOf(spec.model) },
    {
      title: "gen",
      align: "right",
      isSpare: true,
      cell: ({ metadata }) => String(metadata.generation),
    },
    { title: "queued", align: "right", isOptional: true, isSpare: true, cell: queuedCell },
  ],
  Tool: [{ title: "type", isSpare: true, cell: ({ spec }) => textOf(spec.type) }, ready, status],
  Provider: [
    { title: "wire", isSpare: true, cell: ({ spec }) => textOf(spec.wire) },
    ready,
    status,
  ],
  Router: [
    { title: "tiers", align: "right", isSpare: true, cell: ({ spec }) => tiersText(spec) },
    ready,
    status,
  ],
  Source: [
    { title: "type", cell: ({ spec }) => textOf(spec.type) },
    ready,
    status,
    { title: "revision", isSpare: true, cell: revisionText },
  ],
};

/** What only the wide table of a kind has room for. */
const ofWideKind: Readonly<Record<string, readonly ObjectColumn[]>> = {
  Agent: [
    { title: "lifecycle", cell: (object) => lifecycleText(object) },
    { title: "replicas", align: "right", cell: ({ spec }) => numberOf(spec.replicas) },
  ],
};

/** The columns of a kind, left to right. */
export function columnsOf(kind: string, choice: ColumnChoice): readonly ObjectColumn[] {
  const { isWide, withNamespace, withLabels, withKind } = choice;
  return [
    ...(withNamespace ? [namespace] : []),
    withKind ? reference : name,
    ...(ofKind[kind] ?? [ready, status]),
    age,
    ...(isWide || withLabels ? [labels] : []),
    ...(isWide ? [...(ofWideKind[kind] ?? []), origin, reason] : []),
  ];
}

export function rowOf(
  object: ApiObject,
  columns: readonly ObjectColumn[],
  context: ColumnContext,
): Row {
  return columns.map(({ cell }) => cell(object, context));
}

/** How an object stands in one word, and why: a manifest that is not valid is said before that an older generation runs. */
export function stateOf(object: ApiObject): { readonly reason: string; readonly message: string } {
  const { state, reason: why, message } = readinessOf(object);
  const { deletionTimestamp, generation } = object.metadata;
  const rejection = rejectionOf(object);
  if (deletionTimestamp !== undefined || rejection === undefined) return { reason: why, message };
  const older = state === "ready" ? `; generation ${generation} still runs` : "";
  return { reason: "Rejected", message: `${rejection.message}${older}` };
}

/** `True`, `False`, or `Unknown` when nothing was said about the present generation yet. */
export function readyText(object: ApiObject): "True" | "False" | "Unknown" {
  const condition = conditionOf(object, "Ready");
  if (condition === undefined) return "Unknown";
  return condition.observedGeneration >= object.metadata.generation ? condition.status : "Unknown";
}

/** A length of time as kubectl writes it: `45s`, `12m`, `5h`, `3d`. */
export function ageText(ms: number): string {
  if (Number.isNaN(ms)) return none;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
  ] as const;
  const [unit, length] = units.find(([, size]) => seconds >= size * 2) ?? ["s", 1];
  return `${Math.floor(seconds / length)}${unit}`;
}

/** `a=1,b=2`; a dash for none. */
export function pairsText(pairs: Readonly<Record<string, string>>): string {
  const texts = Object.entries(pairs).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? none : texts.join(",");
}

/** `agents.d/reviewer.yaml`, `agents.d/all.yaml#3` for the third document of a file, `source/team: reviewer.yaml` for one of a repository. */
export function originText({ metadata }: ApiObject, { cwd }: Pick<ColumnContext, "cwd">): string {
  const { file = "", document = 0, source = "" } = metadata.origin ?? {};
  if (file === "") return source || none;
  const shown = placeText(file, source, cwd);
  return document === 0 ? shown : `${shown}#${document + 1}`;
}

/** Files are remembered by their paths: those of a repository as they stand in its checkout, URLs below the folder of the command. */
function placeText(file: string, source: string, cwd: string): string {
  const [, inside] = /[\\/]sources[\\/][^\\/]+[\\/]current[\\/](.+)$/.exec(file) ?? [];
  if (inside !== undefined && source.startsWith("source/")) return `${source}: ${inside}`;
  const [, scheme, rest] = /(?:^|\/)(https?:)\/(?!\/)(.+)$/.exec(file) ?? [];
  if (scheme !== undefined) return `${scheme}//${rest}`;
  const near = relative(cwd, file);
  return near.startsWith("..") ? file : near;
}

/** Whether a source that is read again and again declares it: a root of a daemon, or an object Source. */
export function isDeclared({ metadata: { origin } }: ApiObject): boolean {
  return /^(roots|source\/.*)$/.test(origin?.source ?? "");
}

const readyStyles = { True: "green", False: "red", Unknown: "yellow" } as const;

function readyCell(object: ApiObject): Cell {
  const text = readyText(object);
  return { text, style: readyStyles[text] };
}

function statusCell(object: ApiObject): Cell {
  const { reason: text } = stateOf(object);
  if (text === "Rejected") return { text, style: "red" };
  const { state } = readinessOf(object);
  if (state === "ready") return loopOf(object)?.phase === "busy" ? "Busy" : text;
  return { text, style: state === "stalled" ? "red" : "yellow" };
}

/** How the loop of an agent stands, where a daemon says so. */
export function loopOf({ status: { loop } }: ApiObject): JsonObject | undefined {
  return isObject(loop) ? (loop as JsonObject) : undefined;
}

/** Messages that wait, where the status says so. */
function lifecycleText(object: ApiObject): string {
  const lifecycle = loopOf(object)?.lifecycle;
  return isObject(lifecycle) ? textOf((lifecycle as JsonObject).state) : none;
}

function numberOf(value: unknown): string {
  return typeof value === "number" ? String(value) : none;
}

function queuedCell(object: ApiObject): Cell {
  const queued = loopOf(object)?.queued;
  return typeof queued === "number" ? String(queued) : none;
}

function tiersText({ tiers }: JsonObject): string {
  return Array.isArray(tiers) ? String(tiers.length) : none;
}

function revisionText({ metadata, status: said }: ApiObject, { sources }: ColumnContext): string {
  const source = sources.get(sourceName(metadata));
  const revision = source?.applied ?? said.applied ?? source?.digest;
  if (typeof revision !== "string" || revision === "") return none;
  return /^[0-9a-f]{40,}$/.test(revision) ? revision.slice(0, 12) : revision;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : none;
}
