import { randomUUID } from "node:crypto";
import { readdir, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { textHash } from "../lib/hash.ts";
import { count } from "../lib/text.ts";
import { isBelow } from "../manifest/discover.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import type { EmitObject } from "../telemetry/events.ts";
import type { SourceStatus } from "./contract.ts";
import {
  checkOut,
  descendsFrom,
  fetchAll,
  type GitOptions,
  type GitRef,
  isCommit,
  resolveRef,
  verifySignature,
} from "./git.ts";
import { createRetry } from "./retry.ts";
import { createSourceRecord } from "./source-record.ts";
import type { SourceRunner } from "./source-runner.ts";
import { type SourceSetApplier, sentenceOf } from "./source-set.ts";

export interface GitSourceOptions {
  readonly identity: Pick<SourceStatus, "name" | "type" | "location">;
  /** What events call it: `Source/default/team`. */
  readonly object: string;
  readonly url: string;
  readonly ref: GitRef;
  /** Relative to the top of the repository. */
  readonly subfolders: readonly string[];
  readonly verify?: { readonly mode: "commit" | "tag"; readonly allowedSigners: string };
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly prune: boolean;
  /** Absolute path of a folder of this source alone, for the mirror and the checkouts. */
  readonly folder: string;
  /** The revision that the store has, from an earlier run. */
  readonly applied?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Loads the manifests of folders; paths in diagnostics are relative to `top`. */
  readonly load: (folders: readonly string[], top: string) => Promise<ManifestSet>;
  readonly applier: SourceSetApplier;
  readonly clock: Clock;
  readonly emit: EmitObject;
  readonly onChange?: () => void;
}

/** Checkouts besides the applied one: turns that began before may still read theirs. */
const OLD_CHECKOUTS_KEPT = 2;

/** Under this name the applied checkout is reached, whatever its commit. */
export const CURRENT = "current";

/**
 * Follows a repository: a commit is one transaction. One that cannot be fetched, is not signed as it should be, or has a
 * manifest that is not valid changes nothing: what was applied last goes on.
 */
export function startGitSource(options: GitSourceOptions): SourceRunner {
  const { identity, clock, emit, object } = options;
  const ended = new AbortController();
  const record = createSourceRecord(identity, { clock, emit, object });
  const first = Promise.withResolvers<void>();
  const retry = createRetry(() => void reload());
  let applied = options.applied;
  let interval: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();

  async function sync(): Promise<void> {
    const git: GitOptions = { ...options, signal: ended.signal };
    let attempted: string | undefined;
    try {
      const found = await fetched(options, git);
      attempted = found.commit;
      record.begun(attempted);
      await verified(found.repository, attempted, applied, options, git);
      const set = await applyCommit(options, found.repository, attempted, git, record.applied);
      applied = attempted;
      if (set.deferred) retry.later();
      else retry.forget();
    } catch (error) {
      if (ended.signal.aborted) return;
      const invalid = error instanceof InvalidCommit ? { diagnostics: error.set.diagnostics } : {};
      record.failed(error, { ...invalid, ...(attempted !== undefined && { attempted }) });
      retry.later();
    }
  }

  function reload(): Promise<void> {
    clearTimeout(interval);
    last = last.then(sync).finally(() => {
      first.resolve();
      options.onChange?.();
      clearTimeout(interval);
      if (!ended.signal.aborted) interval = setTimeout(() => void reload(), options.intervalMs);
    });
    return last;
  }

  const close = async () => {
    ended.abort();
    retry.close();
    clearTimeout(interval);
    await last;
    clearTimeout(interval);
  };
  void reload();
  return {
    reload,
    status: record.status,
    first: first.promise,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A commit of which nothing is applied because a manifest is not valid. */
class InvalidCommit extends LegionError {
  readonly set: ManifestSet;

  constructor(commit: string, set: ManifestSet) {
    const errors = set.diagnostics.filter(({ severity }) => severity === "error").length;
    super({
      code: "LEG6054",
      message: `commit ${commit.slice(0, 12)} has ${count(errors, "error")} in its manifests, so nothing of it is applied: ${sentenceOf(set.diagnostics)}`,
      hint: "correct what legion status lists, and push the correction",
    });
    this.set = set;
  }
}

async function fetched({ folder, url, ref }: GitSourceOptions, git: GitOptions) {
  const repository = join(folder, `mirror-${textHash(url).slice(0, 16)}.git`);
  await fetchAll(repository, url, git);
  return { repository, commit: await resolveRef(repository, ref, git) };
}

/** A signed source only goes forward: an older revision, however well signed, may be a replay. */
async function verified(
  repository: string,
  commit: string,
  applied: string | undefined,
  { verify, ref }: GitSourceOptions,
  git: GitOptions,
): Promise<void> {
  // What is applied already may be from before signatures were asked for.
  if (verify === undefined) return;
  await verifySignature(repository, { ref, commit }, verify, git);
  if (applied === undefined || (await descendsFrom(repository, commit, applied, git))) return;
  throw new LegionError({
    code: "LEG6053",
    message: `commit ${commit.slice(0, 12)} does not descend from ${applied.slice(0, 12)}, which is applied`,
    hint: "make a signed commit on top of the applied one",
  });
}

async function applyCommit(
  options: GitSourceOptions,
  repository: string,
  commit: string,
  git: GitOptions,
  applied: ReturnType<typeof createSourceRecord>["applied"],
): Promise<{ readonly deferred: boolean }> {
  const { folder, subfolders, load, applier, prune } = options;
  const checkout = join(folder, commit);
  if (!(await exists(checkout))) await checkOutWhole(repository, commit, checkout, git);
  const folders = subfolders.map((subfolder) => folderWithin(checkout, subfolder, commit));
  const set = await load(await Promise.all(folders), checkout);
  if (set.diagnostics.some(({ severity }) => severity === "error"))
    throw new InvalidCommit(commit, set);
  await makeCurrent(folder, commit);
  const kept = applier.withKept(set);
  const report = await applier.apply({ set: kept, revision: commit }, prune);
  applied(kept, report, { applied: commit });
  await forgetOld(folder, commit);
  return { deferred: report.objects.some(({ outcome }) => outcome === "deferred") };
}

/** Manifests may name the files of their folder, so a link of the repository must not make that one of this machine. */
async function folderWithin(checkout: string, subfolder: string, commit: string): Promise<string> {
  const folder = join(checkout, subfolder);
  const top = await realpath(checkout);
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined)
    throw new LegionError({
      code: "LEG6054",
      message: `commit ${commit.slice(0, 12)} has no folder ${subfolder} (spec.subfolder), so nothing of it is applied`,
      hint: "push the folder again, or correct spec.subfolder",
    });
  if (isBelow(real, top)) return folder;
  throw new LegionError({
    code: "LEG6054",
    message: `spec.subfolder ${subfolder} leads out of the repository`,
    hint: "make it a folder of the repository that is no link out of it",
  });
}

/** A checkout that was cut off by a crash never has the name of a commit. */
async function checkOutWhole(
  repository: string,
  commit: string,
  checkout: string,
  git: GitOptions,
): Promise<void> {
  const partial = `${checkout}.${randomUUID()}.partial`;
  try {
    await checkOut(repository, commit, partial, git);
    await rename(partial, checkout);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Lets `current` mean this commit, in one step. */
async function makeCurrent(folder: string, commit: string): Promise<void> {
  const link = join(folder, `${randomUUID()}.link`);
  await symlink(commit, link);
  await rename(link, join(folder, CURRENT));
}

async function forgetOld(folder: string, commit: string): Promise<void> {
  const names = (await readdir(folder)).filter(isCommit);
  const others = names.filter((name) => name !== commit);
  const dated = await Promise.all(
    others.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = dated.toSorted((a, b) => b.at - a.at).slice(OLD_CHECKOUTS_KEPT);
  for (const { name } of old) await rm(join(folder, name), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
