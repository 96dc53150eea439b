import { relative } from "node:path";
import { isObject, type JsonObject } from "../lib/json.ts";
import type { ApiObject, SourceStatus } from "../reconcile/contract.ts";
import { conditionOf, readinessOf, rejectionOf } from "./readiness.ts";
import type { Cell, TableColumn } from "./table.ts";

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

/** How the loop of an agent stands, where a daemon says so. */
export function loopOf({ status: { loop } }: ApiObject): JsonObject | undefined {
  return isObject(loop) ? (loop as JsonObject) : undefined;
}
