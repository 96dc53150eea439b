import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A bare repository on disk and a work tree that pushes to it, as a team has them. */
export interface TestRepository {
  /** Absolute path of the bare repository. */
  readonly url: string;
  /** Absolute path of the work tree. */
  readonly workTree: string;
  /** Absolute path of a file of allowed signers that lists the key `signed` signs with. */
  readonly allowedSigners: string;
  git(...args: readonly string[]): Promise<string>;
  /** Writes files (undefined removes one), commits, pushes and returns the commit. */
  commit(
    files: Readonly<Record<string, string | undefined>>,
    options?: { readonly signed?: boolean | "stranger"; readonly branch?: string },
  ): Promise<string>;
}

/** Makes the repository below a folder that the caller removes. */
export async function createRepository(folder: string): Promise<TestRepository> {
  const [url, workTree] = [join(folder, "origin.git"), join(folder, "work")];
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  const git = async (...args: readonly string[]) => {
    const { stdout } = await run("git", ["-C", workTree, ...identity, ...args], { env });
    return stdout.trim();
  };
  await mkdir(workTree, { recursive: true });
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", url], { env });
  await git("init", "--quiet", "--initial-branch=main");
  await git("remote", "add", "origin", url);
  for (const key of ["key", "stranger"]) {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, key)], { env });
  }
  const { stdout: publicKey } = await run("cat", [join(folder, "key.pub")]);
  const allowedSigners = join(folder, "allowed-signers");
  await writeFile(allowedSigners, `test@example.com ${publicKey}`);
  return {
    url,
    workTree,
    allowedSigners,
    git,
    async commit(files, { signed = false, branch = "main" } = {}) {
      for (const [name, text] of Object.entries(files)) {
        const path = join(workTree, name);
        await mkdir(dirname(path), { recursive: true });
        if (text === undefined) await git("rm", "--quiet", name);
        else await writeFile(path, text);
      }
      await git("add", "--all");
      const key = join(folder, signed === "stranger" ? "stranger" : "key");
      const signing = ["-c", "gpg.format=ssh", "-c", `user.signingKey=${key}`];
      await git(
        ...signing,
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
        ...(signed ? ["-S"] : []),
      );
      await git("push", "--quiet", "--force", "origin", `HEAD:${branch}`);
      return git("rev-parse", "HEAD");
    },
  };
}
