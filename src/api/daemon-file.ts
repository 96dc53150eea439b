import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isObject } from "../lib/json.ts";

/** Where the daemon of a state folder is found. */
export interface DaemonFile {
  readonly pid: number;
  readonly socket: string;
  /** The URL of the TCP listener, where there is one. */
  readonly address?: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly version: string;
}

/** What the daemon of a state folder says about itself; undefined when there is no such file, or it is not one. */
export async function readDaemonFile(stateFolder: string): Promise<DaemonFile | undefined> {
  let text: string;
  try {
    text = await readFile(fileOf(stateFolder), "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return daemonFileOf(text);
}

/** Whether it is worth asking for a daemon; what cannot be read is told by whoever asks. */
export async function mayHaveDaemon(stateFolder: string): Promise<boolean> {
  try {
    return (await readDaemonFile(stateFolder)) !== undefined;
  } catch {
    return true;
  }
}

/** Writes the file so that a reader sees all of it or nothing. */
export async function writeDaemonFile(stateFolder: string, file: DaemonFile): Promise<void> {
  const temporary = join(stateFolder, `.daemon-${randomBytes(6).toString("hex")}.json`);
  await writeFile(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  await rename(temporary, fileOf(stateFolder));
}

/** Removes the file, unless another daemon has written its own meanwhile. */
export async function removeDaemonFile(stateFolder: string, file: DaemonFile): Promise<void> {
  const present = await readDaemonFile(stateFolder);
  if (present?.pid === file.pid && present.startedAt === file.startedAt)
    await rm(fileOf(stateFolder), { force: true });
}

function fileOf(stateFolder: string): string {
  return join(stateFolder, "daemon.json");
}

function daemonFileOf(text: string): DaemonFile | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const whole =
      isObject(value) && typeof value.socket === "string" && typeof value.pid === "number";
    return whole ? (value as unknown as DaemonFile) : undefined;
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return isObject(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
