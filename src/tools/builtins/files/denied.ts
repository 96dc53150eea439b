import path from "node:path";
import { relativeBelow, slashes } from "./inside.ts";

/** Places of the system that hold secrets of processes or services, wherever the working folder is. */
const closedPlaces: readonly RegExp[] = [
  /^\/(proc|sys|dev)(\/|$)/,
  /^\/(var\/)?run\/(secrets|credentials)(\/|$)/,
  /^\/etc\/g?shadow-?$/,
];

/** Folders that are closed with all that is in them, by name. */
const closedFolders: ReadonlySet<string> = new Set([
  ".aws",
  ".azure",
  ".gnupg",
  ".kube",
  ".legion",
  ".password-store",
  ".ssh",
]);

/** Files that hold credentials, by name. Public keys and examples without values stay open. */
const closedFiles: readonly RegExp[] = [
  /^\.env(rc|[-_].*|\.(?!(.*\.)?(example|sample|template|dist)$).*)?$/,
  /^.+\.env$/,
  /^[._]netrc$/,
  /^\.(npmrc|pypirc|pgpass|my\.cnf|mylogin\.cnf|htpasswd|vault-token)$/,
  /^\.(git-credentials|gitconfig)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/,
  /^ssh_host_.+_key$/,
  /^(token|.+\.token|.+\.pem|.+\.key)$/,
  /^.+\.(p12|pfx|jks|keystore|kdbx|ppk)$/,
];

/** Files whose name alone does not tell that they hold credentials, by the end of their path. */
const closedPaths: readonly RegExp[] = [
  /(^|\/)\.docker\/config\.json$/,
  /(^|\/)\.(cargo|gem)\/credentials(\.toml)?$/,
  /(^|\/)\.composer\/auth\.json$/,
  /(^|\/)\.m2\/settings(-security)?\.xml$/,
  /(^|\/)\.terraform\.d\/credentials\.tfrc\.json$/,
  /(^|\/)\.config\/(gcloud\/.+|gh\/hosts\.yml|git\/credentials)$/,
];

/** What editors and careful people put around the name of a copy: `.env~`, `#.env#`, `id_rsa.bak`. */
const copyMarks = /^(\.?#)|(~|#|\.(bak|backup|old|orig|save|sw[a-p]|tmp))+$/g;

/**
 * Why the files tool never reads a path, whatever its roots; undefined when it may. `file` is absolute, and its whole path counts
 * but for what is above the working folder: a checkout may be below a folder named .legion. `workingFolders` are spellings
 * of that folder. Names count without case, as some file systems take them.
 */
export function deniedReason(file: string, workingFolders: readonly string[]): string | undefined {
  const absolute = slashes(file).toLowerCase();
  if (closedPlaces.some((pattern) => pattern.test(absolute)))
    return "this place of the system is closed to agents";
  const judged = judgedPath(file, workingFolders).toLowerCase();
  const parts = judged.split("/");
  const folder = parts.find((part) => closedFolders.has(part));
  if (folder !== undefined) return `${folder} is closed to agents`;
  const name = (parts.at(-1) ?? "").replaceAll(copyMarks, "");
  return gitReason(parts, name) ?? credentialReason(parts, name);
}

/** The path from the working folder's own name on; the whole path for what is elsewhere. */
function judgedPath(file: string, workingFolders: readonly string[]): string {
  for (const folder of workingFolders) {
    const relative = relativeBelow(folder, file);
    if (relative !== undefined) return `${path.basename(folder)}/${relative}`;
  }
  return slashes(file);
}

/** Submodules and worktrees have hooks and a configuration of their own, further down. */
function gitReason(parts: readonly string[], name: string): string | undefined {
  const git = parts.indexOf(".git");
  if (git === -1) return undefined;
  if (parts.includes("hooks", git + 1)) return "git hooks are closed to agents";
  if (/^config(\.(worktree|lock))?$/.test(name))
    return "the configuration of git may hold credentials and is closed to agents";
  return undefined;
}

function credentialReason(parts: readonly string[], name: string): string | undefined {
  const whole = [...parts.slice(0, -1), name].join("/");
  const closed =
    closedFiles.some((pattern) => pattern.test(name)) ||
    closedPaths.some((pattern) => pattern.test(whole));
  return closed ? "files that hold credentials are closed to agents" : undefined;
}
