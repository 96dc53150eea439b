/** Folders that are closed with all that is in them, by name. */
const closedFolders: ReadonlySet<string> = new Set([".legion", ".ssh", ".gnupg", ".aws", ".kube"]);

/** Files that hold credentials, by name. Public keys and examples without values stay open. */
const closedFiles: readonly RegExp[] = [
  /^\.env(\.(?!example$|sample$|template$|dist$).*)?$/,
  /^[._]netrc$/,
  /^\.(npmrc|pypirc|pgpass|git-credentials)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)$/,
  /^(token|.+\.token|.+\.pem|.+\.key)$/,
];

/**
 * Why the files tool never reads a path, whatever its roots; undefined when it may. `relative` is the real path below a root,
 * with slashes. Names count without case, as some file systems take them.
 */
export function deniedReason(relative: string): string | undefined {
  const parts = relative.toLowerCase().split("/");
  const folder = parts.find((part) => closedFolders.has(part));
  if (folder !== undefined) return `${folder} is closed to agents`;
  const git = parts.indexOf(".git");
  if (git !== -1 && parts.includes("hooks", git + 1)) return "git hooks are closed to agents";
  if (git !== -1 && parts[git + 1] === "config")
    return "the configuration of git may hold credentials and is closed to agents";
  const name = parts.at(-1) ?? "";
  if (closedFiles.some((pattern) => pattern.test(name)))
    return "files that hold credentials are closed to agents";
  return undefined;
}
