import { rm } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { durationMs } from "../lib/quantities.ts";
import { isBelow } from "../manifest/discover.ts";
import type { SourceSpec } from "../manifest/generated/source.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import type { RootsChange } from "../manifest/watch/contract.ts";
import { keyText, type Resource } from "../state/resource.ts";
import type { Fence, Store } from "../state/store.ts";
import type { EmitObject } from "../telemetry/events.ts";
import type { ObjectPlane, SourceStatus } from "./contract.ts";
import { isCommit, refText } from "./git.ts";
import { type FolderSourceOptions, startFolderSource } from "./source-folder.ts";
import { CURRENT, startGitSource } from "./source-git.ts";
import { sourceName } from "./source-name.ts";
import { withOthers } from "./source-others.ts";
import { ROOTS_SOURCE } from "./source-roots.ts";
import type { SourceRunner } from "./source-runner.ts";
import { createSourceSetApplier, type SourceSetApplier } from "./source-set.ts";
import type { View } from "./view.ts";

/** Loads manifests for a source; what it keeps between loads is its own. */
export type LoadSource = (
  inputs: readonly string[],
  options: {
    readonly cwd: string;
    readonly change?: RootsChange;
    /** The folder that overlays cannot leave. */
    readonly boundary?: string;
  },
) => Promise<ManifestSet>;

export interface SourcesDeps {
  readonly plane: Pick<ObjectPlane, "apply">;
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly emit: EmitObject;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working folder of the daemon. */
  readonly cwd: string;
  readonly stateFolder: string;
  /** A loader for one source, with a memory of its own. */
  readonly createLoad: (source: string) => LoadSource;
  readonly watchMethod?: "events" | "poll";
}

/** The Source objects that are being followed. */
export interface Sources {
  /** Follows a Source; another generation of it is begun anew, and nothing once they are closed. `onChange` is called when its status has changed. */
  ensure(resource: Resource, onChange: () => void): Promise<SourceRunner | undefined>;
  /** Stops following it. */
  stop(uid: string): Promise<void>;
  /** Removes what a Source that was stopped kept on disk. */
  forget(uid: string): Promise<void>;
  all(): readonly SourceRunner[];
  /** Follows nothing any more; the statuses stay. */
  close(): Promise<void>;
}

/** Starts and stops the runners of Source objects. */
export function createSources(deps: SourcesDeps): Sources {
  const running = new Map<string, { readonly generation: number; readonly runner: SourceRunner }>();
  let isClosed = false;
  const stop = async (uid: string) => {
    const entry = running.get(uid);
    running.delete(uid);
    await entry?.runner.close();
  };
  return {
    async ensure(resource, onChange) {
      const { uid, generation } = resource;
      const present = running.get(uid);
      if (present?.generation === generation) return present.runner;
      await stop(uid);
      if (isClosed) return undefined;
      const runner = await start(resource, onChange, deps);
      running.set(uid, { generation, runner });
      if (isClosed) await runner.close();
      return runner;
    },
    stop,
    forget: (uid) => rm(folderOf(uid, deps), { recursive: true, force: true }),
    all: () => [...running.values()].map(({ runner }) => runner),
    async close() {
      isClosed = true;
      // They stay known: a runner that ends tells of it, and whoever looks then must not begin it again.
      await Promise.all([...running.values()].map(({ runner }) => runner.close()));
    },
  };
}

/** The runner for the roots that the daemon was started with. */
export function startRoots(
  roots: readonly string[],
  deps: SourcesDeps & Pick<FolderSourceOptions, "strict" | "onDiagnostics">,
): SourceRunner {
  const location = roots.join(" ");
  const load = deps.createLoad(ROOTS_SOURCE);
  const applier = createSourceSetApplier({ ...deps, source: ROOTS_SOURCE });
  const runner = startFolderSource({
    ...deps,
    identity: { name: ROOTS_SOURCE, type: "roots", location },
    object: "Source//roots",
    roots,
    prune: true,
    load: (change) =>
      load(presentRoots(change), { cwd: deps.cwd, change: besidesState(change, deps) }),
    applier,
  });
  return withOthers(runner, ROOTS_SOURCE, deps, applier);
}

async function start(
  resource: Resource,
  onChange: () => void,
  deps: SourcesDeps,
): Promise<SourceRunner> {
  const spec = resource.spec as unknown as SourceSpec;
  const folder = folderOf(resource.uid, deps);
  const pathOf = inCurrent(folder);
  const source = sourceName(resource);
  const applier = createSourceSetApplier({ ...deps, source, pathOf });
  const options: RunnerOptions = { resource, spec, folder, source, applier, onChange };
  const begin = spec.type === "git" ? startGit : startFolder;
  return withOthers(await begin(options, deps), source, deps, applier);
}

/** Where a Source keeps its mirror and its checkouts. */
function folderOf(uid: string, { stateFolder }: SourcesDeps): string {
  return join(stateFolder, "sources", uid);
}

interface RunnerOptions {
  readonly resource: Resource;
  readonly spec: SourceSpec;
  readonly folder: string;
  readonly source: string;
  readonly applier: SourceSetApplier;
  readonly onChange: () => void;
}

function startFolder(
  { resource, spec, source, applier, onChange }: RunnerOptions,
  deps: SourcesDeps,
): SourceRunner {
  const path = besideManifest(resource, spec.path ?? ".", deps);
  const load = deps.createLoad(source);
  return startFolderSource({
    ...deps,
    identity: { name: source, type: "folder", location: path },
    object: keyText(resource),
    roots: [path],
    prune: spec.prune,
    load: (change) => load(presentRoots(change), { cwd: path, change: besidesState(change, deps) }),
    applier,
    onChange,
  });
}

async function startGit(
  { resource, spec, folder, source, applier, onChange }: RunnerOptions,
  deps: SourcesDeps,
): Promise<SourceRunner> {
  const { url = "", ref = {}, verify } = spec;
  const load = deps.createLoad(source);
  const applied = (await deps.store.inventory(source))?.applied;
  return startGitSource({
    ...deps,
    identity: { name: source, type: "git", location: `${url} (${refText(ref)})` },
    object: keyText(resource),
    url,
    ref,
    subfolders: [spec.subfolder].flat(),
    intervalMs: durationMs(spec.interval),
    timeoutMs: durationMs(spec.timeout),
    prune: spec.prune,
    folder,
    ...(applied !== undefined && { applied }),
    ...(verify !== undefined && {
      verify: {
        mode: verify.mode,
        allowedSigners: besideManifest(resource, verify.allowedSigners, deps),
      },
    }),
    load: (folders, top) => load(folders, { cwd: top, boundary: top }),
    applier,
    onChange,
  });
}

/** A root that is away is not loaded; what it declared is held. */
function presentRoots({ roots }: RootsChange): readonly string[] {
  return roots.flatMap(({ root, status }) => (status === "missing" ? [] : [root]));
}

/** The state folder may stand below a root; the checkouts in it are those of other sources. */
function besidesState(change: RootsChange, { stateFolder }: SourcesDeps): RootsChange {
  return { ...change, files: change.files.filter(({ file }) => !isBelow(file, stateFolder)) };
}

/** Paths in a Source are relative to its manifest. */
function besideManifest({ origin }: Resource, path: string, { cwd }: SourcesDeps): string {
  return resolve(origin === undefined ? cwd : dirname(origin.file), path);
}

/** Files of a checkout are remembered by a path that stays when the commit changes. */
function inCurrent(folder: string): (file: string) => string {
  return (file) => {
    const inside = relative(folder, file);
    const [commit = "", ...rest] = inside.split(sep);
    return isCommit(commit) ? join(folder, CURRENT, ...rest) : file;
  };
}

/** Every status, the roots first. */
export function sourceStatuses(roots: SourceRunner, sources: Sources): readonly SourceStatus[] {
  return [roots, ...sources.all()].map((runner) => runner.status());
}
