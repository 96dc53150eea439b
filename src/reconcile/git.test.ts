// Goal: a repository is read as it is, its code never runs, and a signature counts only when an allowed signer made it.
// Method: the real git program against real bare repositories on disk.
import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LegionError } from "../lib/errors.ts";
import { createRepository, type TestRepository } from "../testing/git-repository.ts";
import {
  checkOut,
  descendsFrom,
  fetchAll,
  type GitOptions,
  resolveRef,
  verifySignature,
} from "./git.ts";

let folder: string;
let origin: TestRepository;
let mirror: string;
const options: GitOptions = {
  env: process.env,
  signal: new AbortController().signal,
  timeoutMs: 20_000,
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-git-"));
  origin = await createRepository(folder);
  mirror = join(folder, "mirror.git");
});
after(() => rm(folder, { recursive: true, force: true }));

const failsWith = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LegionError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test("branches, tags and commits are resolved, and a commit is written out as it is", async () => {
  const first = await origin.commit({ "a/one.yaml": "one\n", "run.sh": "#!/bin/sh\n" });
  await origin.git("tag", "v1");
  await origin.git("push", "--quiet", "origin", "v1");
  const second = await origin.commit({ "a/one.yaml": "two\n" });
  await fetchAll(mirror, origin.url, options);
  assert.equal(await resolveRef(mirror, { branch: "main" }, options), second);
  assert.equal(await resolveRef(mirror, { tag: "v1" }, options), first);
  assert.equal(await resolveRef(mirror, { commit: first }, options), first);
  assert.equal(await descendsFrom(mirror, second, first, options), true);
  assert.equal(await descendsFrom(mirror, first, second, options), false);
  for (const [commit, text] of [
    [first, "one\n"],
    [second, "two\n"],
  ] as const) {
    await checkOut(mirror, commit, join(folder, commit), options);
    assert.equal(await readFile(join(folder, commit, "a/one.yaml"), "utf8"), text);
  }
  assert.deepEqual(
    (await readdir(mirror)).filter((name) => name.startsWith("index-")),
    [],
    "no scratch index stays",
  );
});

test("a branch that is gone, a repository that is not there, a ref that looks like a flag", async () => {
  await assert.rejects(
    resolveRef(mirror, { branch: "gone" }, options),
    failsWith("LEG6051", /no branch gone/),
  );
  await assert.rejects(
    resolveRef(mirror, { commit: "--upload-pack=touch" }, options),
    failsWith("LEG6051", /no commit/),
  );
  const secret = `file://user:hunter22@${folder}/nowhere.git`;
  await assert.rejects(fetchAll(join(folder, "other.git"), secret, options), (error: unknown) => {
    assert.ok(error instanceof LegionError);
    assert.equal(error.code, "LEG6050");
    assert.doesNotMatch(JSON.stringify(error), /hunter22/);
    return true;
  });
  await assert.rejects(
    fetchAll(join(folder, "other.git"), "ext::touch /tmp/owned", options),
    failsWith("LEG6050", /ext/),
  );
});

test("S54: only a signature by an allowed signer counts", async () => {
  const verify = async (commit: string) => {
    await fetchAll(mirror, origin.url, options);
    const revision = { ref: { branch: "main" }, commit };
    await verifySignature(
      mirror,
      revision,
      { mode: "commit", allowedSigners: origin.allowedSigners },
      options,
    );
  };
  await verify(await origin.commit({ "s.yaml": "signed\n" }, { signed: true }));
  const unsigned = await origin.commit({ "s.yaml": "unsigned\n" });
  await assert.rejects(verify(unsigned), failsWith("LEG6052", /no good signature/));
  const strange = await origin.commit({ "s.yaml": "strange\n" }, { signed: "stranger" });
  await assert.rejects(verify(strange), failsWith("LEG6052", /no good signature/));
});

test("S54: a signature by a key of the user's key ring counts for nothing", async () => {
  const program = join(folder, "gpg");
  await writeFile(
    program,
    '#!/bin/sh\ncat >&2\nprintf "\\n[GNUPG:] GOODSIG 0123456789ABCDEF Mallory\\n"\n',
  );
  await chmod(program, 0o755);
  const config = join(folder, "gitconfig");
  await writeFile(config, `[gpg]\n\tprogram = ${program}\n`);
  await origin.commit({ "s.yaml": "by Mallory\n" });
  const signature = " x\n -----END PGP SIGNATURE-----";
  const text = (await origin.git("cat-file", "commit", "HEAD")).replace(
    "\n\n",
    `\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n${signature}\n\n`,
  );
  await writeFile(join(folder, "commit"), `${text}\n`);
  const commit = await origin.git("hash-object", "-t", "commit", "-w", join(folder, "commit"));
  await origin.git("-c", `gpg.program=${program}`, "verify-commit", commit);
  await origin.git("push", "--quiet", "--force", "origin", `${commit}:refs/heads/main`);
  await fetchAll(mirror, origin.url, options);
  const env = { ...process.env, GIT_CONFIG_GLOBAL: config };
  const revision = { ref: { branch: "main" }, commit };
  const verify = { mode: "commit", allowedSigners: origin.allowedSigners } as const;
  await assert.rejects(
    verifySignature(mirror, revision, verify, { ...options, env }),
    failsWith("LEG6052", /no good signature/),
  );
});

test("hooks of the mirror do not run, and an interrupted git has ended", async () => {
  const hook = join(mirror, "hooks", "post-checkout");
  await writeFile(hook, `#!/bin/sh\ntouch ${folder}/owned\n`);
  await chmod(hook, 0o755);
  const commit = await resolveRef(mirror, { branch: "main" }, options);
  await checkOut(mirror, commit, join(folder, "hooked"), options);
  assert.ok(!(await readdir(folder)).includes("owned"));
  await assert.rejects(
    fetchAll(mirror, origin.url, { ...options, signal: AbortSignal.abort() }),
    /abort/i,
  );
  await assert.rejects(
    fetchAll(mirror, origin.url, { ...options, timeoutMs: 1 }),
    failsWith("LEG6050", /took longer than/),
  );
});
