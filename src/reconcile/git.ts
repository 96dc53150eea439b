/** Repositories through the git program: no hooks, no prompts, no shell, a time limit on everything. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { LegionError } from "../lib/errors.ts";
import { forTerminal } from "../lib/text.ts";
import { endGroup, watchGroup } from "../security/process-group.ts";
import { programEnvironment } from "../security/program-environment.ts";

/** Which revision: exactly one of the three. */
export interface GitRef {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
}

export interface GitOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** In place of the repository's own index. */
  readonly indexFile?: string;
}

/** What git needs besides: keys and proxies. */
const gitVariables = [
  "SSH_AUTH_SOCK",
  "SSH_ASKPASS",
  "GIT_SSH_COMMAND",
  "GIT_SSL_CAINFO",
  "GIT_CONFIG_GLOBAL",
  "HTTPS_PROXY",
  "https_proxy",
  "NO_PROXY",
  "no_proxy",
] as const;

/** Settings that a repository or its address cannot override. */
const fixedSettings = [
  ["core.hooksPath", "/dev/null"],
  ["protocol.ext.allow", "never"],
  ["core.fsmonitor", "false"],
  ["gc.auto", "0"],
  ["advice.detachedHead", "false"],
].flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/** git takes signatures of other kinds too, and for those whatever key the user has ever imported. */
const noOtherKeys = ["gpg.program", "gpg.openpgp.program", "gpg.x509.program"].map(
  (name) => `${name}=false`,
);

const OUTPUT_BYTES_MAX = 64 * 1024;
const LAST_WORDS_CHARS = 300;

/** Brings all branches and tags of the address into the bare repository, which is made when it is not there. Throws LEG6050. */
export async function fetchAll(
  repository: string,
  url: string,
  options: GitOptions,
): Promise<void> {
  await mkdir(repository, { recursive: true, mode: 0o700 });
  await git(["init", "--bare", "--quiet", repository], options);
  const refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
  const flags = ["--prune", "--no-tags", "--no-recurse-submodules", "--quiet"];
  await inside(repository, ["fetch", ...flags, "--", url, ...refs], options);
}

/** The full id of the commit that a ref means now. Throws LEG6051 when there is none. */
export async function resolveRef(
  repository: string,
  ref: GitRef,
  options: GitOptions,
): Promise<string> {
  const name = refName(ref);
  try {
    const wanted = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
    return (await inside(repository, wanted, options)).trim();
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw new LegionError(
      {
        code: "LEG6051",
        message: `the repository has no ${refText(ref)}`,
        hint: "correct spec.ref, or push the revision",
      },
      error,
    );
  }
}

/** Whether a commit descends from another, or is it. */
export async function descendsFrom(
  repository: string,
  commit: string,
  ancestor: string,
  options: GitOptions,
): Promise<boolean> {
  try {
    await inside(repository, ["merge-base", "--is-ancestor", ancestor, commit], options);
    return true;
  } catch (error) {
    if (options.signal.aborted) throw error;
    return false;
  }
}

/** Throws LEG6052 unless the commit (or the tag) is signed by one of the allowed signers (a file as ssh-keygen has it). */
export async function verifySignature(
  repository: string,
  { ref, commit }: { readonly ref: GitRef; readonly commit: string },
  { mode, allowedSigners }: { readonly mode: "commit" | "tag"; readonly allowedSigners: string },
  options: GitOptions,
): Promise<void> {
  const what = mode === "commit" ? `commit ${commit.slice(0, 12)}` : refText(ref);
  const verify = mode === "commit" ? ["verify-commit", commit] : ["verify-tag", refName(ref)];
  const signers = [`gpg.ssh.allowedSignersFile=${allowedSigners}`, ...noOtherKeys].flatMap(
    (setting) => ["-c", setting],
  );
  try {
    if (mode === "tag" && ref.tag === undefined) throw new Error("the ref is no tag");
    await git([...signers, "--git-dir", repository, ...verify], options);
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw new LegionError(
      {
        code: "LEG6052",
        message: `${what} has no good signature by an allowed signer`,
        hint: `sign it with a key that ${allowedSigners} lists`,
      },
      error,
    );
  }
}

/** Writes the files of a commit into a folder that is not there yet. */
export async function checkOut(
  repository: string,
  commit: string,
  folder: string,
  options: GitOptions,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // The index of its own lets two commits be written from one bare repository.
  const scratch = await mkdtemp(join(repository, "index-"));
  const own = { ...options, indexFile: join(scratch, "index") };
  try {
    await inside(repository, ["read-tree", commit], own);
    const write = ["--work-tree", folder, "checkout-index", "--all", "--force"];
    await inside(repository, write, own);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether a text is the full id of a commit. */
export function isCommit(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** As people say it: `branch main`. */
export function refText({ branch, tag, commit }: GitRef): string {
  if (commit !== undefined) return `commit ${commit.slice(0, 12)}`;
  return tag !== undefined ? `tag ${tag}` : `branch ${branch ?? "main"}`;
}

function refName({ branch, tag, commit }: GitRef): string {
  if (commit !== undefined) return commit;
  return tag !== undefined ? `refs/tags/${tag}` : `refs/remotes/origin/${branch ?? "main"}`;
}

function inside(repository: string, args: readonly string[], options: GitOptions): Promise<string> {
  return git(["--git-dir", repository, ...args], options);
}

/** Runs git to its end and returns what it printed. Throws LEG6050; when the signal or the time ended it, git has ended too. */
async function git(args: readonly string[], options: GitOptions): Promise<string> {
  const { env, signal, timeoutMs, indexFile } = options;
  signal.throwIfAborted();
  const child = spawn("git", [...fixedSettings, ...args], {
    env: {
      ...programEnvironment(env, gitVariables),
      ...(indexFile !== undefined && { GIT_INDEX_FILE: indexFile }),
      GIT_TERMINAL_PROMPT: "0",
      GIT_CONFIG_NOSYSTEM: "1",
      LC_ALL: "C",
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  watchGroup(child);
  const [stdout, stderr] = [collected(child.stdout), collected(child.stderr)];
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject).once("close", resolve);
  let ending: string | undefined;
  const end = (why: string) => {
    ending ??= why;
    void endGroup(child);
  };
  const interrupt = () => end("was interrupted");
  signal.addEventListener("abort", interrupt, { once: true });
  const timer = setTimeout(() => end(`took longer than ${timeoutMs / 1000} s`), timeoutMs);
  try {
    const exitCode = await promise;
    if (ending === undefined && exitCode === 0) return stdout();
    throw failure(args, ending ?? lastWords(stderr()));
  } catch (error) {
    throw error instanceof LegionError ? error : failure(args, "cannot be started", error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", interrupt);
  }
}

function collected(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text = (text + chunk).slice(-OUTPUT_BYTES_MAX);
  });
  return () => text;
}

function lastWords(text: string): string {
  const words = forTerminal(text.trim().replaceAll(/\s*\n\s*/g, "; "));
  return `said: ${withoutCredentials(words).slice(-LAST_WORDS_CHARS) || "nothing"}`;
}

/** git repeats the address, and an address may hold a password. */
function withoutCredentials(text: string): string {
  return text.replaceAll(/:\/\/[^/@\s]+@/g, "://");
}

function failure(args: readonly string[], what: string, cause?: unknown): LegionError {
  const verb = args.find((word) => /^[a-z]+(-[a-z]+)*$/.test(word)) ?? "";
  return new LegionError(
    {
      code: "LEG6050",
      message: `git ${verb} ${what}`,
      hint: "run it by hand as the user that Legion runs as, then legion reconcile",
    },
    cause,
  );
}
