// Goal: whatever stands in the roots of a running daemon (pipes, sockets, devices, folders, huge, broken and looping files) is told by its path and hinders nothing else (R24, R26, R28).
// Method: a real daemon; what git cannot hold is made in its roots while it runs, beside an agent that has to become Ready all the same.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { legion } from "../testing/command.ts";
import { agentKey, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

const SPARSE_BYTES = 2 ** 31;
/** Far more than a daemon takes, and far less than the sparse file. */
const MEMORY_KIB_MAX = 1024 * 1024;
const DEEP = 80;

const models = { "agents.d/models.yaml": providerManifest() };

/** The codes that the daemon tells of its roots, by file. */
async function told({ plane }: TestDaemon): Promise<Readonly<Record<string, string>>> {
  const [roots] = (await plane.status()).sources;
  const diagnostics = roots?.diagnostics ?? [];
  return Object.fromEntries(
    diagnostics.map(({ filename, range, code }) => [range?.filename ?? filename, code]),
  );
}

/** The most memory that it ever had. */
async function peakKib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]);
}

async function socketAt(path: string): Promise<Server> {
  const server = createServer().listen(path);
  await once(server, "listening");
  return server;
}

test("R26: what is no plain file, or too large, is told and not read; agents beside it run", async () => {
  await using stack = new AsyncDisposableStack();
  const daemon = stack.use(await startTestDaemon({ files: models }));
  const inRoots = (name: string) => join(daemon.folder, "agents.d", name);
  execFileSync("mkfifo", [inRoots("pipe.yaml")]);
  stack.adopt(await socketAt(inRoots("socket.yaml")), (server) => void server.close());
  symlinkSync("/dev/zero", inRoots("device.yaml"));
  mkdirSync(inRoots("folder.yaml"));
  writeFileSync(inRoots("sparse.yaml"), "");
  truncateSync(inRoots("sparse.yaml"), SPARSE_BYTES);
  await daemon.write({ "agents.d/a.yaml": agentManifest("a") });
  await daemon.untilReady(agentKey("a"));
  await daemon.plane.reconcile({ wait: true });
  const codes = await told(daemon);
  assert.deepEqual(codes, {
    "agents.d/device.yaml": "LEG1030",
    "agents.d/folder.yaml": "LEG1003",
    "agents.d/pipe.yaml": "LEG1003",
    "agents.d/socket.yaml": "LEG1003",
    "agents.d/sparse.yaml": "LEG1004",
  });
  assert.ok((await peakKib(daemon.pid)) < MEMORY_KIB_MAX, "it read what it was not to read");
  const status = await legion(["status"], { cwd: daemon.folder });
  assert.match(status.stdout, /degraded[\s\S]*agents\.d\/device\.yaml/);

  await daemon.remove("agents.d/folder.yaml");
  for (const name of ["pipe", "device", "sparse", "socket"])
    await daemon.remove(`agents.d/${name}.yaml`);
  await daemon.says("all manifests are valid");
  assert.equal((await daemon.plane.status()).health, "ok");
});

test("R24: a broken document takes nothing with it; blank ones, a byte order mark and other line ends are no fault", async () => {
  await using daemon = await startTestDaemon({ files: models });
  const broken = "apiVersion: legion.dev/v1\nkind: Agent\nmetadata: { name: c\nspec: [\n---\n";
  const unix = agentManifest("windows");
  const many = `${agentManifest("a")}---\n# nothing\n---\n${broken}${agentManifest("d")}`;
  await daemon.write({
    "agents.d/many.yaml": many,
    "agents.d/windows.yaml": `\uFEFF${unix.replaceAll("\n", "\r\n")}`,
    "agents.d/tabs.yaml": "apiVersion: legion.dev/v1\nkind: Agent\nmetadata:\n\tname: tabs\n",
  });
  for (const name of ["a", "d", "windows"]) await daemon.untilReady(agentKey(name));
  const [roots] = (await daemon.plane.status()).sources;
  const places = roots?.diagnostics.map(
    ({ range, filename }) => `${range?.filename ?? filename}:${range?.start.line}`,
  );
  // Where the map that was begun before is not closed.
  const line = many.split("\n").indexOf("spec: [") + 1;
  assert.deepEqual(places, [`agents.d/many.yaml:${line}`, "agents.d/tabs.yaml:4"]);
});

test("R28: links that loop, dangle or leave the roots and a tree without end are bounded and told; the rest runs", async () => {
  await using daemon = await startTestDaemon({ files: models });
  const inRoots = (name: string) => join(daemon.folder, "agents.d", name);
  symlinkSync("loop.yaml", inRoots("loop.yaml"));
  symlinkSync(".", inRoots("self"));
  symlinkSync("nowhere.yaml", inRoots("dangling.yaml"));
  await daemon.write({ "outside/secret.yaml": agentManifest("secret") });
  symlinkSync("../outside/secret.yaml", inRoots("outside.yaml"));
  const deep = Array.from({ length: DEEP }, () => "d").join("/");
  await daemon.write({ [`agents.d/${deep}/deep.yaml`]: agentManifest("deep") });
  await daemon.write({ "agents.d/a.yaml": agentManifest("a") });
  await daemon.untilReady(agentKey("a"));
  await daemon.plane.reconcile({ wait: true });
  const codes = await told(daemon);
  for (const name of ["loop", "dangling", "outside"])
    assert.ok(codes[`agents.d/${name}.yaml`], `${name} in ${JSON.stringify(codes)}`);
  const { items } = await daemon.plane.list({ kind: "Agent" });
  const names = items.map(({ metadata }) => metadata.name);
  assert.ok(!names.includes("deep"), "deeper than folders are searched");
  assert.ok(!names.includes("secret"), "a link led out of the roots");
});
