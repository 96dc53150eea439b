// Goal: the files tool reads what it is granted and never anything else, whatever the path that it is given (S53, R28).
// Method: real folders with links, pipes and secrets beside them; every spelling of a way out that we know.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type TestToolbox, type Workplace, workplace } from "../../../testing/toolbox.ts";
import { openGranted } from "./confine.ts";
import { glob } from "./glob.ts";
import { grant } from "./granted.ts";
import { list } from "./list.ts";

const SECRET = "the secret outside";
let place: Workplace;
let files: TestToolbox;
/** The granted folder, beside `outside` in the same temporary folder. */
let root = "";

before(async () => {
  place = await workplace();
  root = path.join(place.folder, "granted");
  const outside = path.join(place.folder, "outside");
  await mkdir(path.join(root, "src"), { recursive: true });
  await mkdir(outside);
  await writeFile(path.join(outside, "secret.txt"), SECRET);
  await writeFile(path.join(root, "README.md"), "# Read me\n");
  await symlink("../outside/secret.txt", path.join(root, "file-link"));
  await symlink("../outside", path.join(root, "folder-link"));
  await symlink(path.join(outside, "secret.txt"), path.join(root, "absolute-link"));
  await symlink("gone", path.join(root, "dangling"));
  await symlink("circle-b", path.join(root, "circle-a"));
  await symlink("circle-a", path.join(root, "circle-b"));
  await symlink(".", path.join(root, "src", "self"));
  const config = { roots: ["granted"] };
  files = await place.create({ tools: { files: { type: "builtin", builtin: "files", config } } });
});
after(() => place[Symbol.asyncDispose]());

const readError = (given: string, more: object = {}) =>
  files.error("files.read", { path: given, ...more });
const read = (given: string) => files.value("files.read", { path: given });

describe("ways out", () => {
  const spellings = [
    "outside/secret.txt",
    "../outside/secret.txt",
    "granted/../outside/secret.txt",
    "./granted/./../outside/secret.txt",
    "granted/src/../../outside/secret.txt",
    "granted//..//outside/secret.txt",
    "granted/src/deep/../../../outside/secret.txt",
    "granted/folder-link/../outside/secret.txt",
    "granted/file-link",
    "granted/absolute-link",
    "granted/folder-link/secret.txt",
    "granted/src/self/self/../../folder-link/secret.txt",
    "granted/../granted/file-link",
    "/etc/passwd",
    "//etc/passwd",
    "granted/../../../../../../../../etc/passwd",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/dev/stdin",
    "~/.ssh/id_rsa",
    "%2e%2e/outside/secret.txt",
    "granted/%2e%2e/outside/secret.txt",
    "granted/..%2foutside/secret.txt",
    "granted\\..\\outside\\secret.txt",
    "..\\outside\\secret.txt",
    "granted/..;/outside/secret.txt",
    "granted/.../outside/secret.txt",
    "granted/․․/outside/secret.txt",
    "granted/README.md/../../outside/secret.txt",
    "granted/README.md\0/../../outside/secret.txt",
    "file:///etc/passwd",
    "granted-evil/secret.txt",
  ];
  for (const spelling of spellings) {
    test(`${JSON.stringify(spelling)} reads nothing`, async () => {
      const error = await readError(spelling);
      assert.match(error.code, /^LEG402[02]$/);
      assert.ok(!JSON.stringify(error).includes(SECRET));
      assert.ok(!JSON.stringify(error).includes(place.folder), "tells no path of the host");
    });
  }

  test("an absolute path and a file URL of the secret read nothing either", async () => {
    const secret = path.join(place.folder, "outside", "secret.txt");
    assert.equal((await readError(secret)).code, "LEG4020");
    assert.notEqual((await readError(pathToFileURL(secret).href)).code, undefined);
  });

  test("whether something exists outside is not told", async () => {
    const there = await readError("../outside/secret.txt");
    const gone = await readError("../outside/nothing.txt");
    assert.equal(there.message.replace("secret", "nothing"), gone.message);
  });

  test("list and glob do not leave either", async () => {
    for (const given of ["..", "outside", "granted/folder-link", "/", "granted/.."]) {
      assert.equal((await files.error("files.list", { path: given })).code, "LEG4020", given);
    }
    for (const pattern of [
      "../outside/*",
      "outside/*",
      "granted/../outside/*",
      "{../outside/*,*}",
    ]) {
      assert.match((await files.error("files.glob", { pattern })).code, /^LEG402[06]$/, pattern);
    }
    const links = await files.value("files.glob", { pattern: "granted/folder-link/**" });
    assert.deepEqual(links, { paths: [], more: false });
    const all = await files.value("files.glob", { pattern: "**" });
    assert.ok(!JSON.stringify(all).includes("secret"));
  });
});

describe("what is no regular file", () => {
  test("a pipe does not hang", async () => {
    execFileSync("mkfifo", [path.join(root, "pipe")]);
    const error = await readError("granted/pipe");
    assert.equal(error.code, "LEG4023");
    assert.match(error.message, /is a pipe, not a file/);
  });

  test("a socket is told", async () => {
    const server = createServer().listen(path.join(root, "socket"));
    const error = await readError("granted/socket");
    server.close();
    assert.match(error.message, /is a socket, not a file/);
  });

  const rows = [
    {
      name: "a folder",
      given: "granted/src",
      code: "LEG4023",
      says: /is a folder, not a file - use list/,
    },
    {
      name: "a link to nowhere",
      given: "granted/dangling",
      code: "LEG4022",
      says: /does not exist/,
    },
    { name: "links in a circle", given: "granted/circle-a", code: "LEG4022", says: /in a circle/ },
    {
      name: "a path through a file",
      given: "granted/README.md/x",
      code: "LEG4022",
      says: /does not exist/,
    },
    {
      name: "a name that is too long",
      given: `granted/${"x".repeat(300)}`,
      code: "LEG4022",
      says: /too long/,
    },
    {
      name: "a misspelt name",
      given: "granted/README.mb",
      code: "LEG4022",
      says: /did you mean "granted\/README.md"\?/,
    },
  ];
  for (const { name, given, code, says } of rows) {
    test(`${name} is told`, async () => {
      const error = await readError(given);
      assert.equal(error.code, code);
      assert.match(`${error.message} - ${error.hint}`, says);
    });
  }
});

describe("what is closed to agents", () => {
  const closed = [
    ".legion/legion.db",
    ".LEGION/x",
    "sub/.legion/x",
    ".git/hooks/pre-commit",
    ".git/modules/a/hooks/x",
    ".git/config",
    ".git/config.worktree",
    ".git/modules/sub/config",
    ".git/worktrees/w/config.worktree",
    "sub/.git/modules/a/modules/b/config",
    ".envrc",
    ".env~",
    ".env.bak",
    ".env.example.local",
    "#.env#",
    "prod.env",
    "id_rsa.old",
    "id_ed25519_sk",
    ".docker/config.json",
    ".cargo/credentials.toml",
    ".config/gh/hosts.yml",
    "store.p12",
    ".env",
    ".env.local",
    ".ENV",
    ".npmrc",
    ".netrc",
    ".git-credentials",
    ".ssh/config",
    "id_rsa",
    "api.token",
    "token",
    "server.key",
    "cert.pem",
  ];
  for (const name of closed) {
    test(`${name} is not read, listed or found`, async () => {
      const target = path.join(root, name);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, SECRET);
      assert.equal((await readError(`granted/${name}`)).code, "LEG4021");
      await symlink(target, path.join(root, "closed-link"));
      assert.equal((await readError("granted/closed-link")).code, "LEG4021", "through a link");
      await unlink(path.join(root, "closed-link"));
      const found = JSON.stringify([
        await files.value("files.glob", { pattern: `granted/${path.dirname(name)}/*` }),
        await files.value("files.glob", { pattern: "**" }),
      ]);
      assert.ok(!found.includes(`"granted/${name}"`));
      const [top = ""] = name.split("/");
      await rm(path.join(root, top), { recursive: true });
    });
  }

  const open = [
    ".env.example",
    ".env.local.example",
    "env.ts",
    "config.json",
    "hooks/use-state.ts",
    ".docker/Dockerfile",
    ".github/config",
    ".gitignore",
    "id_rsa.pub",
    "tokens.md",
    "token.ts",
    "keys.json",
    "legion.yaml",
    ".git/HEAD",
  ];
  for (const name of open) {
    test(`${name} is read`, async () => {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), "open");
      assert.equal(await read(`granted/${name}`), "open");
      await rm(path.join(root, name));
    });
  }

  test("the state folder is closed whatever its name, and cannot be granted", async () => {
    const tool = { type: "builtin", builtin: "files", config: { roots: [".legion"] } };
    await mkdir(path.join(place.folder, ".legion"), { recursive: true });
    await assert.rejects(place.create({ tools: { files: tool } }), { code: "LEG4012" });
    const stateFolder = path.join(root, "state");
    await mkdir(stateFolder);
    await writeFile(path.join(stateFolder, "legion.db"), SECRET);
    const granted = await grant(["granted"], { cwd: place.folder, stateFolder });
    await assert.rejects(openGranted(granted, "granted/state/legion.db", "file"), {
      code: "LEG4021",
    });
    await rm(stateFolder, { recursive: true });
  });

  const wideRoots = [[".git"], [".", ".git"], [".git", "."], [".git/modules"], ["/"], ["/", "."]];
  for (const roots of wideRoots) {
    test(`the roots ${JSON.stringify(roots)} open nothing that is closed`, async () => {
      const cwd = path.join(root, "repository");
      const closed = [".git/config", ".git/hooks/pre-commit", ".git/modules/sub/config", ".env"];
      for (const name of closed) {
        await mkdir(path.dirname(path.join(cwd, name)), { recursive: true });
        await writeFile(path.join(cwd, name), SECRET);
      }
      const granted = await grant(roots, { cwd });
      const system = ["/proc/self/environ", "/proc/self/mem", "/dev/null", "/sys/kernel/notes"];
      for (const given of [...closed, ...system]) {
        await assert.rejects(openGranted(granted, given, "file"), { code: /^LEG402[01]$/ }, given);
      }
      const { signal } = new AbortController();
      const seen = JSON.stringify([
        await list(granted, { path: roots[0] ?? "" }, signal),
        await glob(granted, { path: cwd, pattern: ".git/**" }, signal),
      ]);
      assert.doesNotMatch(seen, /config|hooks|\.env|"\/?(proc|sys|dev)"/);
      await rm(cwd, { recursive: true });
    });
  }

  for (const roots of [["/proc"], ["/proc/self"], ["/dev"], [".git/hooks"], [".ssh"]]) {
    test(`${roots} cannot be a root`, async () => {
      await mkdir(path.join(root, ".git/hooks"), { recursive: true });
      await mkdir(path.join(root, ".ssh"), { recursive: true });
      await assert.rejects(grant(roots, { cwd: root }), { code: "LEG4012" });
      await rm(path.join(root, ".git"), { recursive: true });
      await rm(path.join(root, ".ssh"), { recursive: true });
    });
  }

  test("a working folder below a closed one is open, what is above it and the closed one itself are not", async () => {
    const above = path.join(root, ".legion");
    const cwd = path.join(above, "checkout");
    await mkdir(cwd, { recursive: true });
    await writeFile(path.join(above, "legion.db"), SECRET);
    await writeFile(path.join(cwd, "a.txt"), "open");
    const granted = await grant([".", root], { cwd });
    await (await openGranted(granted, "a.txt", "file")).handle.close();
    await assert.rejects(openGranted(granted, "../legion.db", "file"), { code: "LEG4021" });
    await assert.rejects(grant([".."], { cwd }), { code: "LEG4012" });
    await assert.rejects(grant(["."], { cwd: above }), { code: "LEG4012" });
    await rm(above, { recursive: true });
  });

  const lazy = [
    { name: "below a link", link: ["state-link", "real-state"], state: "state-link/state" },
    { name: "as a link to nowhere", link: ["state-link", "real-state/state"], state: "state-link" },
  ] as const;
  for (const { name, link, state } of lazy) {
    test(`a state folder that is made later ${name} is closed`, async () => {
      const real = path.join(root, "real-state");
      await mkdir(real);
      await symlink(link[1], path.join(root, link[0]));
      const granted = await grant(["."], { cwd: root, stateFolder: path.join(root, state) });
      await mkdir(path.join(real, "state"));
      await writeFile(path.join(real, "state", "legion.db"), SECRET);
      for (const given of ["real-state/state/legion.db", `${state}/legion.db`])
        await assert.rejects(openGranted(granted, given, "file"), { code: "LEG4021" });
      await rm(real, { recursive: true });
      await unlink(path.join(root, link[0]));
    });
  }

  test("files with secrets of the manifests are not read, listed or found, also after they moved behind their link", async () => {
    const link = path.join(root, "api-secret");
    await writeFile(path.join(root, "first.txt"), SECRET);
    await writeFile(path.join(root, "second.txt"), SECRET);
    await symlink("first.txt", link);
    const box = await place.create({
      tools: { files: { type: "builtin", builtin: "files", config: { roots: ["granted"] } } },
      secrets: { deniedFiles: [link, path.join(root, "not-yet.txt")] },
    });
    for (const name of ["first.txt", "second.txt"]) {
      await unlink(link);
      await symlink(name, link);
      for (const given of [`granted/${name}`, "granted/api-secret"])
        assert.equal((await box.error("files.read", { path: given })).code, "LEG4021", given);
      const seen = JSON.stringify([
        await box.value("files.list", { path: "granted" }),
        await box.value("files.glob", { pattern: "granted/*" }),
      ]);
      assert.ok(!seen.includes(`granted/${name}"`));
    }
    await writeFile(path.join(root, "not-yet.txt"), SECRET);
    assert.equal((await box.error("files.read", { path: "granted/not-yet.txt" })).code, "LEG4021");
    assert.equal(await box.value("files.read", { path: "granted/first.txt" }), SECRET);
  });
});
