import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isObject, type Json } from "../../lib/json.ts";
import { type Found, type FoundFile, isBelow, type Search, shownPath } from "../discover.ts";
import { readDocument, textFault } from "../documents.ts";
import type { Fault } from "../fault.ts";
import type { Overlay } from "../generated/overlay.ts";
import { parseDocuments } from "../parse.ts";
import { readText } from "../read.ts";
import type { SourceText } from "../source-text.ts";
import { validateOverlay } from "../validate.ts";

/** The only file in which an overlay may stand. */
export const OVERLAY_FILE = "legion.yaml";

/** An overlay that was found, with the manifests that it takes. */
export interface FoundOverlay {
  readonly file: FoundFile;
  readonly text?: SourceText;
  /** Absent when something is wrong with it: then what it takes is known to be declared, and no more. */
  readonly overlay?: Overlay;
  readonly taken: Found;
  /** What is wrong with it and with its resources. */
  readonly faults: readonly Fault[];
}

/** How many overlays one load may take: those that take each other in many ways would be endless. */
const OVERLAYS_MAX = 1_000;

/** Whether a path is the file of an overlay. */
export function isOverlay(file: string): boolean {
  if (basename(file) !== OVERLAY_FILE) return false;
  const read = readText(file, file, dirname(file));
  return read.ok && /^["']?kind["']?\s*:\s*["']?Overlay\b/m.test(read.source.text);
}

/** Whether a path is the file of an overlay, or its folder. */
export function isOverlayRoot(path: string): boolean {
  return isOverlay(path) || isOverlay(join(path, OVERLAY_FILE));
}

/** Whether it cannot be told what an overlay gives, or not wholly. `hides`: whether a fault hides a part of a folder. */
export function isUncertain(
  { overlay, taken }: FoundOverlay,
  hides: (fault: Fault) => boolean,
): boolean {
  return (
    overlay === undefined ||
    taken.faults.some(hides) ||
    taken.overlays.some((inner) => isUncertain(inner, hides))
  );
}

/** Reads an overlay and finds what it takes, overlays among that included. `discover` searches files and folders. */
export async function findOverlay(
  path: string,
  cwd: string,
  search: Search & { readonly budget: { entries: number; overlays?: number } },
  discover: (paths: readonly string[], cwd: string, search: Search) => Promise<Found>,
): Promise<FoundOverlay> {
  const folder = dirname(path);
  const file = { file: path, shown: shownPath(path, cwd), root: folder, named: true };
  const { budget, trail = [] } = search;
  budget.overlays = (budget.overlays ?? 0) + 1;
  const read = readText(path, file.shown, cwd);
  if (!read.ok) return { file, taken: nothing, faults: [read.fault] };
  const { value, faults } = overlayIn(read.source.text, file);
  const boundary = search.boundary ?? boundaryOf(folder, cwd);
  const inner = { boundary, trail: [...trail, await realpath(path)], budget };
  const usable: string[] = [];
  for (const [index, resource] of resourcesOf(value).entries()) {
    const problem =
      budget.overlays > OVERLAYS_MAX
        ? tooManyOverlays
        : await problemOf(resolve(folder, resource), resource, inner, cwd);
    if (problem === undefined) usable.push(resolve(folder, resource));
    else faults.push(faultOf(file, index, problem));
  }
  const overlay = faults.length === 0 ? { overlay: value as unknown as Overlay } : {};
  const taken = usable.length === 0 ? nothing : await discover(usable, cwd, inner);
  return { file, text: read.source, ...overlay, taken, faults };
}

const nothing: Found = {
  files: [],
  folders: new Map(),
  links: new Set(),
  faults: [],
  overlays: [],
};

function overlayIn(text: string, file: FoundFile): { value: Json; faults: Fault[] } {
  const parsed = [...parseDocuments(text)].filter((document) => document !== undefined);
  const read = parsed.map(readDocument);
  const [first, ...others] = read.filter(({ json, faults }) => json != null || faults.length > 0);
  const value = first?.json ?? null;
  const ofText = read.flatMap(({ faults }) => faults.map((fault) => textFault(fault, file, 0)));
  if (ofText.length > 0) return { value, faults: ofText };
  if (others.length > 0) return { value, faults: [notAlone(file, read.length - 1)] };
  const faults = validateOverlay(value).map(
    ({ code, summary, detail, path, part }): Fault => ({
      severity: "error",
      code,
      summary,
      detail,
      file: file.file,
      shown: file.shown,
      spot: { document: 0, path, part },
    }),
  );
  return { value, faults };
}

function notAlone({ file, shown }: FoundFile, document: number): Fault {
  const spot = { document, path: ["kind"], part: "key" } as const;
  const summary = "a document stands beside the overlay";
  const detail = "move it into a file of its own, and name that below resources";
  return { severity: "error", code: "LEG1108", summary, detail, file, shown, spot };
}

function resourcesOf(value: Json): readonly string[] {
  if (!isObject(value) || !Array.isArray(value.resources)) return [];
  return value.resources.map((resource) => String(resource));
}

interface Problem {
  readonly code: "LEG1104" | "LEG1105";
  readonly summary: string;
  readonly detail: string;
}

const tooManyOverlays: Problem = {
  code: "LEG1104",
  summary: `more than ${OVERLAYS_MAX} overlays take each other`,
  detail: "name what they take once",
};

async function problemOf(
  path: string,
  resource: string,
  { boundary, trail }: { readonly boundary: string; readonly trail: readonly string[] },
  cwd: string,
): Promise<Problem | undefined> {
  let real: string;
  try {
    real = await realpath(path);
  } catch {
    const summary = `resource "${resource}" does not exist`;
    const detail = "paths are relative to the folder of the overlay";
    return { code: "LEG1104", summary, detail };
  }
  if (!isBelow(real, await realpath(boundary))) {
    const summary = `resource "${resource}" stands outside of what an overlay may take`;
    const detail =
      "it takes manifests of its git work tree only, or without one of the working folder";
    return { code: "LEG1104", summary, detail };
  }
  return circleOf(real, trail, cwd);
}

function circleOf(real: string, trail: readonly string[], cwd: string): Problem | undefined {
  const own = [real, join(real, OVERLAY_FILE)].map((path) => trail.indexOf(path));
  const from = Math.max(...own);
  const [first] = trail.slice(from);
  if (from === -1 || first === undefined) return undefined;
  const names = [...trail.slice(from), first].map((path) => shownPath(dirname(path), cwd));
  const summary = `the overlays take each other in a circle: ${names.join(" -> ")}`;
  return { code: "LEG1105", summary, detail: "remove one of these resources" };
}

function faultOf({ file, shown }: FoundFile, index: number, problem: Problem): Fault {
  const spot = { document: 0, path: ["resources", index], part: "value" } as const;
  return { severity: "error", ...problem, file, shown, spot };
}

/** The git work tree that a folder stands in; without one the working folder, when it stands in that; else the folder alone. */
function boundaryOf(folder: string, cwd: string): string {
  for (let above = folder; ; above = dirname(above)) {
    if (existsSync(join(above, ".git"))) return above;
    if (above === dirname(above)) break;
  }
  return isBelow(folder, cwd) ? cwd : folder;
}
