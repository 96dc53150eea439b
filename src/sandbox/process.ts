import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type StartCarrier, workerUrl } from "./carrier.ts";
import type { FromWorker } from "./protocol.ts";

/** What a process needs to read to load the engine: nothing of it is secret, and it may write nothing. */
const PACKAGES = [
  "@sebastianwessel/quickjs",
  "@jitl/quickjs-ng-wasmfile-release-sync",
  "quickjs-emscripten-core",
  "acorn",
] as const;

/** The flags of a process that may read Legion's own code, and do nothing else that Node can forbid. */
export function permissionFlags(): string[] {
  const source = dirname(dirname(fileURLToPath(workerUrl)));
  const modules = moduleFolders();
  return [
    "--permission",
    ...[source, join(dirname(source), "package.json"), ...modules].map(
      (path) => `--allow-fs-read=${path}`,
    ),
  ];
}

/** The folders called node_modules that the packages are looked for in, and those that they really lie in when these are links. */
function moduleFolders(): string[] {
  const require = createRequire(import.meta.url);
  const name = "node_modules";
  const real = PACKAGES.map((wanted) => {
    const path = require.resolve(wanted);
    return path.slice(0, path.indexOf(name) + name.length);
  });
  const searched = (require.resolve.paths(PACKAGES[0]) ?? []).filter((path) =>
    path.endsWith(`${sep}${name}`),
  );
  return [...new Set([...real, ...searched])];
}

/** A child process under Node's permission model, with an empty environment. */
export const startProcess: StartCarrier = (_wasm, { onMessage, onEnd }) => {
  const child = fork(fileURLToPath(workerUrl), [], {
    execArgv: [...permissionFlags(), "--stack-size=4000", "--max-old-space-size=256"],
    env: {},
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let held: { readonly evaluation: number; readonly untilMs: number } | undefined;
  let problem: string | undefined;
  let isOver = false;
  const exited = new Promise<void>((resolve) => {
    const end = (reason: string | undefined) => {
      if (isOver) return;
      isOver = true;
      resolve();
      onEnd(reason);
    };
    child.on("error", (error) => {
      problem = error.message;
      if (child.pid === undefined) end(problem);
    });
    child.on("exit", (code, signal) => end(problem ?? `it ended with ${signal ?? `code ${code}`}`));
  });
  child.on("message", (message: FromWorker) => {
    if (message.type !== "holds") onMessage(message);
    else held = message.untilMs === 0 ? undefined : message;
  });
  const post = (message: object) => {
    // A process that is ending takes no messages; its end is reported by its exit.
    if (child.connected) child.send(message, () => {});
  };
  post({ type: "start" });
  child.unref();
  child.channel?.unref();
  return {
    post,
    held: () => held,
    requestAbort: () => {},
    async kill() {
      child.ref();
      child.kill("SIGKILL");
      await exited;
    },
    keepAlive(isNeeded) {
      if (isNeeded) {
        child.ref();
        child.channel?.ref();
      } else {
        child.unref();
        child.channel?.unref();
      }
    },
  };
};
