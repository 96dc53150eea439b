import { breather } from "./breather.ts";
import { createTextCache, type TextCache } from "./cache.ts";
import { runChecks } from "./checks/checks.ts";
import type { CheckOptions } from "./checks/context.ts";
import { type CheckMemory, checkMemory } from "./checks/memory.ts";
import { checkedHash, looksAtNoFile } from "./clean-set.ts";
import { conclude } from "./conclude.ts";
import { loadDocument, type WrittenDocument } from "./documents.ts";
import type { Fault } from "./fault.ts";
import type { LoadedDocument } from "./loaded.ts";
import {
  blankPlaces,
  type FileEntry,
  type KnownFiles,
  type ManifestInput,
  readInputs,
} from "./loader-files.ts";
import { type EnteredDocument, enterFiles, type NamedFiles, namedFiles } from "./named-files.ts";
import type { ManifestObject, ManifestSet } from "./objects.ts";
import { type LoadOutcome, remember } from "./remember.ts";
import { type FileReferences, referencesOf } from "./resolve-file.ts";
import { applySets, type SetValue } from "./set-values.ts";
import type { SourceText } from "./source-text.ts";
import type { Environment } from "./variables.ts";

export interface LoadOptions extends CheckOptions {
  /** The variables that `${VAR}` may name. */
  readonly env: Environment;
  /** Whether there may be no manifest at all; else that is an error. */
  readonly mayBeEmpty?: boolean;
  /** Values of `--set` to lay over the manifests before they are validated. */
  readonly sets?: readonly SetValue[];
  /** The folder that overlays cannot leave; by default the git work tree that they stand in, or the working folder. */
  readonly boundary?: string;
  /** Objects that are there besides: references may name them. One that the set declares too stands aside. */
  readonly existing?: readonly ManifestObject[];
  /** What the inputs hold, as it is known already: nothing is searched then, and only what changed is read. */
  readonly known?: KnownFiles | undefined;
}

export interface LoaderOptions {
  /** A folder in which to keep what manifests say between processes, once it is there. The files in it may be deleted at any time. */
  readonly cacheFolder?: string | undefined;
  /**
   * The process ends after one set. Then it is worth looking up whether the checks found nothing in the very same set before;
   * whoever loads again needs what they asked.
   */
  readonly isOnce?: boolean;
  /** What the time stamps of files are held against. */
  readonly nowMs?: () => number;
}

/** Loads manifests again and again; what did not change since the load before costs next to nothing. */
export interface ManifestLoader {
  /**
   * Loads the manifests that files, folders (searched to the bottom) and texts hold. It never rejects for what they hold:
   * everything that is wrong is in the diagnostics, and the objects are those that nothing is wrong with. An object that
   * did not change is the same value in the next set. One load runs at a time.
   */
  load(inputs: readonly ManifestInput[], options: LoadOptions): Promise<ManifestSet>;
  /** Saves what the load before found, where the cache folder was not there yet. */
  keep(): void;
}

/** What a loader remembers of the load before. */
interface Memory {
  readonly cache: TextCache | undefined;
  readonly isOnce: boolean;
  readonly nowMs: () => number;
  files: ReadonlyMap<string, FileEntry>;
  env: Environment;
  builtins: CheckOptions["builtins"];
  readonly outcomes: WeakMap<WrittenDocument, LoadOutcome>;
  readonly entered: WeakMap<LoadedDocument, EnteredDocument>;
  readonly existing: WeakMap<ManifestObject, LoadedDocument>;
  checks: CheckMemory;
  /** Saves what the load before found, unless it is saved. */
  keep: () => void;
}

/** A loader that has loaded nothing yet. */
export function createManifestLoader({
  cacheFolder,
  isOnce = false,
  nowMs = Date.now,
}: LoaderOptions = {}): ManifestLoader {
  const memory: Memory = {
    cache: cacheFolder === undefined ? undefined : createTextCache(cacheFolder),
    isOnce,
    nowMs,
    files: new Map(),
    env: {},
    builtins: undefined,
    outcomes: new WeakMap(),
    entered: new WeakMap(),
    existing: new WeakMap(),
    checks: checkMemory(),
    keep: () => {},
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    load(inputs, options) {
      const load = () => loadOnce(inputs, options, memory);
      const result = last.then(load, load);
      // What a set holds is for whoever asked for it, and may go with them.
      last = result.then(
        () => {},
        () => {},
      );
      return result;
    },
    keep: () => memory.keep(),
  };
}

async function loadOnce(
  inputs: readonly ManifestInput[],
  options: LoadOptions,
  memory: Memory,
): Promise<ManifestSet> {
  const { cwd, boundary, known, sets = [] } = options;
  const { cache, files: before } = memory;
  const breathe = breather();
  // Later on, what changed is seldom in the cache, which is too large to be read for it.
  const isFirst = before.size === 0;
  const read = await readInputs({
    inputs,
    cwd,
    boundary,
    known,
    before,
    cache: isFirst ? cache : undefined,
    nowMs: memory.nowMs,
    breathe,
  });
  const { overlaid } = read;
  const entries = [...read.entries, ...overlaid.entries];
  memory.files = new Map(entries.map((entry) => [entry.found.file, entry]));
  const faults: Fault[] = [...read.faults, ...read.entries.flatMap((entry) => entry.faults)];
  faults.push(...overlaid.faults);
  const plain = read.entries.flatMap(({ documents }) => documents);
  const report = (fault: Fault) => void faults.push(fault);
  const written = applySets([...plain, ...overlaid.documents], sets, report);
  const all = await loadAll(written, options, memory, faults, breathe);
  const references = referencesOf(all);
  const { loaded, files } = await enterAll(all, references, options, memory);
  const counted = faults.filter(({ file }) => !references.data.has(file));
  const texts = new Map<string, SourceText>(overlaid.texts);
  for (const { found, source } of entries) texts.set(found.file, source);
  const hash = counted.length === 0 ? hashToLookUp(loaded, options, memory) : undefined;
  const knownDigest = hash === undefined ? undefined : cache?.cleanSet(hash);
  const named = new Set([...references.named].map(({ source }) => source));
  const sound = await runChecks(
    {
      documents: loaded,
      existing: existingDocuments(options, memory),
      files,
      options,
      memory: memory.checks,
      isClean: knownDigest === undefined ? undefined : (document) => looksAtNoFile(document, named),
    },
    (fault) => counted.push(fault),
    (file, source) => texts.set(file, source),
    breathe,
  );
  const isClean = hash !== undefined && counted.length === 0;
  const found = { inputs, documents: loaded, faults: counted, texts, files: entries.length };
  const { followed } = references;
  const { mayBeEmpty } = options;
  const blank = blankPlaces(entries, read.faults);
  const digests = { knownDigest: isClean ? knownDigest : undefined };
  const set = await conclude({ ...found, ...digests, followed, blank, mayBeEmpty }, breathe);
  const clean = isClean ? { hash, digest: set.digest } : undefined;
  memory.keep = () => remember(read.entries, sound, memory, clean);
  memory.keep();
  return set;
}

/** What the cache may know a set by. What is there besides is not of the set, and may change the outcome of a check. */
function hashToLookUp(
  documents: readonly LoadedDocument[],
  { existing = [], builtins }: LoadOptions,
  { cache, isOnce }: Memory,
): string | undefined {
  if (cache === undefined || !isOnce || existing.length > 0) return undefined;
  return checkedHash(documents, builtins);
}

/** Loads every document that is not the same as before, in an environment that is the same where it counts. */
async function loadAll(
  written: readonly WrittenDocument[],
  { env, builtins }: LoadOptions,
  memory: Memory,
  faults: Fault[],
  breathe: () => Promise<void>,
): Promise<readonly LoadedDocument[]> {
  const isSameEnv = sameEnvironment(env, memory.env);
  if (!isSameEnv) memory.env = { ...env };
  if (builtins !== memory.builtins) memory.checks = checkMemory();
  memory.builtins = builtins;
  const loaded: LoadedDocument[] = [];
  for (const document of written) {
    const before = memory.outcomes.get(document);
    const isUsable = before !== undefined && (isSameEnv || before.loaded.isFixed);
    const outcome = isUsable ? before : outcomeOf(document, env);
    if (!isUsable) {
      memory.outcomes.set(document, outcome);
      await breathe();
    }
    for (const fault of outcome.faults) faults.push(fault);
    loaded.push(outcome.loaded);
  }
  return loaded;
}

function outcomeOf(document: WrittenDocument, env: Environment): LoadOutcome {
  const faults: Fault[] = [];
  const loaded = loadDocument(document, env, (fault) => faults.push(fault));
  return { loaded, faults };
}

function sameEnvironment(a: Environment, b: Environment): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

interface EnteredSet {
  readonly loaded: readonly LoadedDocument[];
  readonly files: NamedFiles;
}

/** The manifests among the documents, with the content of the files that they name. */
async function enterAll(
  documents: readonly LoadedDocument[],
  { data, named }: FileReferences,
  { cwd, known }: LoadOptions,
  { entered }: Memory,
): Promise<EnteredSet> {
  const digests = new Map(
    named.size === 0 ? [] : known?.files.map(({ file, digest }) => [file, digest]),
  );
  const files = namedFiles(cwd, digests);
  if (named.size === 0 && data.size === 0) return { loaded: documents, files };
  const loaded: LoadedDocument[] = [];
  for (const document of documents) {
    if (data.has(document.source.file)) continue;
    if (!named.has(document)) {
      loaded.push(document);
      continue;
    }
    const result = await enterFiles(document, files, entered.get(document));
    entered.set(document, result);
    loaded.push(result.document);
  }
  return { loaded, files };
}

/** Objects that are there besides, in the form in which the checks ask for them; the same each time. */
function existingDocuments(
  { existing = [] }: LoadOptions,
  memory: Memory,
): readonly LoadedDocument[] {
  return existing.map((object) => {
    const known = memory.existing.get(object);
    if (known !== undefined) return known;
    const { source, kind, namespace, name } = object;
    const place = { source, declares: { kind, namespace, name }, object };
    const text = { written: null, value: null, variables: new Map(), isFixed: true, isSound: true };
    const fresh = { ...place, ...text };
    memory.existing.set(object, fresh);
    return fresh;
  });
}
