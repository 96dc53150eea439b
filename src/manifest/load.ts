import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { runChecks } from "./checks/checks.ts";
import type { CheckOptions } from "./checks/context.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { discover, type FoundFile } from "./discover.ts";
import type { Fault, Report } from "./fault.ts";
import { READ_AHEAD, SLICE_MS } from "./limits.ts";
import { loadText } from "./load-text.ts";
import type { LoadedDocument } from "./loaded.ts";
import type { ManifestSet } from "./objects.ts";
import { compareDiagnostics, compareText, locatorOf, place, secretWords } from "./place.ts";
import { decode, type ReadText, readText } from "./read.ts";
import { fileReferences } from "./resolve-file.ts";
import { manifestSet } from "./set.ts";
import type { SourceText } from "./source-text.ts";
import type { Environment } from "./variables.ts";

/** Manifests that are no file: standard input, an editor's buffer. File references in them are relative to `cwd`. */
export interface TextInput {
  readonly text: string;
  /** What diagnostics call it: `<stdin>`. */
  readonly filename: string;
}

export interface LoadOptions extends CheckOptions {
  /** The variables that `${VAR}` may name. */
  readonly env: Environment;
}

/**
 * Loads the manifests that files, folders (searched to the bottom) and texts hold. It never rejects for what they hold:
 * everything that is wrong is in the diagnostics, and the objects are those that nothing is wrong with.
 */
export async function loadManifests(
  inputs: readonly (string | TextInput)[],
  options: LoadOptions,
): Promise<ManifestSet> {
  const faults: Fault[] = [];
  const report: Report = (fault) => faults.push(fault);
  const texts = new Map<string, SourceText>();
  const documents: LoadedDocument[] = [];
  const breathe = breather();
  const found = await discover(
    inputs.filter((input) => typeof input === "string"),
    options.cwd,
  );
  faults.push(...found.faults);
  for await (const { file, read } of readings(inputs, found.files, options.cwd)) {
    if (!read.ok) report(read.fault);
    else {
      texts.set(file.file, read.source);
      documents.push(...(await loadText(read.source.text, file, options.env, report, breathe)));
    }
  }
  const data = new Set(documents.flatMap(fileReferences));
  const manifests = documents.filter(({ source }) => !data.has(source.file));
  const counted = faults.filter(({ file }) => !data.has(file));
  const files = texts.size;
  const addText = (file: string, source: SourceText) => texts.set(file, source);
  await runChecks(manifests, options, (fault) => counted.push(fault), addText, breathe);
  if (manifests.length === 0 && !counted.some(({ severity }) => severity === "error"))
    counted.push(noManifests(inputs));
  return finish(manifests, counted, texts, files, breathe);
}

/** Zero manifests are a mistake in a path far more often than a wish. */
function noManifests(inputs: readonly (string | TextInput)[]): Fault {
  const shown =
    inputs.map((input) => (typeof input === "string" ? input : input.filename)).join(", ") ||
    "(no path)";
  const detail =
    "name a file, or a folder with .yaml, .yml or .json files that begin with apiVersion, kind and metadata";
  return {
    severity: "error",
    code: "LEG1002",
    summary: "there is no manifest in it",
    detail,
    file: shown,
    shown,
  };
}

async function finish(
  documents: readonly LoadedDocument[],
  faults: readonly Fault[],
  texts: ReadonlyMap<string, SourceText>,
  files: number,
  breathe: () => Promise<void>,
): Promise<ManifestSet> {
  const locator = locatorOf(texts);
  const hide = variableHider(documents);
  const diagnostics: Diagnostic[] = [];
  const secrets = secretWords(faults);
  for (const fault of faults.toSorted((a, b) => compareText(a.file, b.file))) {
    diagnostics.push(place(fault, locator, hide, secrets));
    await breathe();
  }
  const faulty = new Set(
    faults.flatMap((fault) => (fault.severity === "error" ? blamedBy(fault) : [])),
  );
  const objects = documents.flatMap(({ object, source }) =>
    object === undefined || faulty.has(keyOfDocument(source)) ? [] : [object],
  );
  return manifestSet(objects, diagnostics.toSorted(compareDiagnostics), files, locator);
}

/** A shorter value is a word that may stand in a message by chance. */
const HIDDEN_LENGTH_MIN = 6;

/** Puts the names of variables in place of their values: one of them may be a secret. */
function variableHider(documents: readonly LoadedDocument[]): (text: string) => string {
  const names = new Map<string, string>();
  for (const { variables } of documents) {
    for (const [name, value] of variables)
      if (value.length >= HIDDEN_LENGTH_MIN) names.set(value, name);
  }
  const longestFirst = [...names].toSorted(([a], [b]) => b.length - a.length);
  return (text) =>
    longestFirst.reduce((shown, [value, name]) => shown.replaceAll(value, `\${${name}}`), text);
}

/** The document that is not valid because of a fault. */
function blamedBy({ blames, file, spot }: Fault): string[] {
  if (blames !== undefined) return [keyOfDocument(blames)];
  return spot !== undefined && "document" in spot
    ? [keyOfDocument({ file, document: spot.document })]
    : [];
}

function keyOfDocument({
  file,
  document,
}: {
  readonly file: string;
  readonly document: number;
}): string {
  return `${file}#${document}`;
}

interface Reading {
  readonly file: FoundFile;
  readonly read: ReadText;
}

/** The texts first, then the files in order, a few of them read ahead. */
async function* readings(
  inputs: readonly (string | TextInput)[],
  files: readonly FoundFile[],
  cwd: string,
): AsyncGenerator<Reading> {
  for (const input of inputs) {
    if (typeof input === "string") continue;
    const { text, filename: shown } = input;
    const file = resolve(cwd, shown);
    yield {
      file: { file, shown, root: cwd, named: true },
      read: decode(Buffer.from(text), file, shown),
    };
  }
  const started: Promise<Reading>[] = [];
  for (const index of files.keys()) {
    for (const file of files.slice(started.length, index + READ_AHEAD)) {
      started.push(readText(file.file, file.shown, cwd).then((read) => ({ file, read })));
    }
    const reading = started[index];
    if (reading !== undefined) yield await reading;
    delete started[index];
  }
}

/** Lets others run when loading has held the event loop for a while. */
function breather(): () => Promise<void> {
  let sinceMs = performance.now();
  return async () => {
    if (performance.now() - sinceMs < SLICE_MS) return;
    await setImmediate();
    sinceMs = performance.now();
  };
}
