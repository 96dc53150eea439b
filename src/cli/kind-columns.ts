import { isObject, type JsonObject } from "../lib/json.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import { sourceName } from "../reconcile/source-name.ts";
import {
  ageText,
  type ColumnChoice,
  type ColumnContext,
  loopOf,
  none,
  type ObjectColumn,
  originText,
  pairsText,
  readyText,
  stateOf,
} from "./columns.ts";
import {
  cronColumns,
  cronWideColumns,
  watcherColumns,
  watcherWideColumns,
} from "./columns-watching.ts";
import { nameLine } from "./output.ts";
import { readinessOf } from "./readiness.ts";
import type { Cell, Row } from "./table.ts";

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
  Watcher: watcherColumns,
  Cron: cronColumns,
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
  Watcher: watcherWideColumns,
  Cron: cronWideColumns,
};

/** Kinds whose tables tell of more recent moments than that of their making. */
const ageless: ReadonlySet<string> = new Set(["Watcher", "Cron"]);

/** The columns of a kind, left to right. */
export function columnsOf(kind: string, choice: ColumnChoice): readonly ObjectColumn[] {
  const { isWide, withNamespace, withLabels, withKind } = choice;
  return [
    ...(withNamespace ? [namespace] : []),
    withKind ? reference : name,
    ...(ofKind[kind] ?? [ready, status]),
    ...(ageless.has(kind) && !isWide ? [] : [age]),
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
