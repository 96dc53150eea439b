import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect } from "../api/client.ts";
import { LegionError } from "../lib/errors.ts";
import type { DaemonStatus } from "../reconcile/contract.ts";
import { makeStateFolder } from "../state/database.ts";

const LOG_FILE = "daemon.log";
const LOOK_MS = 50;
const START_MS_MAX = 60_000;
/** How much of its log a daemon that did not start is quoted with. */
const LAST_WORDS_CHARS = 2_000;

/** The bin, from source or as it was built. */
const main = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../main.ts" : "../main.js", import.meta.url),
);

export interface DetachOptions {
  /** The words of `legion up`, without --detach. */
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateFolder: string;
}

/** Starts a daemon that outlives this process, and waits until it has looked at everything. Throws LEG7036 with its last words when it ends before. */
export async function startDetached(options: DetachOptions): Promise<DaemonStatus> {
  const { words, cwd, env, stateFolder } = options;
  await makeStateFolder(stateFolder);
  const path = join(stateFolder, LOG_FILE);
  const log = await open(path, "w", 0o600);
  const child = spawn(process.execPath, [main, "up", ...words], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  const ended = once(child, "exit").then(() => "ended" as const);
  const deadlineMs = performance.now() + START_MS_MAX;
  for (;;) {
    const status = await (await connect({ stateFolder }))?.status().catch(() => undefined);
    if (status?.pid === child.pid && status?.health !== "starting") {
      child.unref();
      return status as DaemonStatus;
    }
    const news = await Promise.race([ended, sleep(LOOK_MS)]);
    if (news === "ended") throw await notStarted(path, "has ended");
    if (performance.now() > deadlineMs) throw await notStarted(path, "goes on starting");
  }
}

async function notStarted(path: string, what: string): Promise<LegionError> {
  const said = (await readFile(path, "utf8").catch(() => "")).slice(-LAST_WORDS_CHARS).trim();
  return new LegionError({
    code: "LEG7036",
    message: `the daemon ${what} before it was ready; it said:\n${said || "nothing"}`,
    hint: "do what it says, or run legion up without --detach to see it all",
  });
}
