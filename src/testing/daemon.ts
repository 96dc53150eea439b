import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Connection, requireDaemon } from "../api/client.ts";
import type { MessageOutcome } from "../reconcile/agents-contract.ts";
import { holds } from "../reconcile/conditions.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import { keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { type DaemonProcess, onceEnding, startDaemonProcess } from "./daemon-process.ts";

/** Files by path below the repository; undefined removes one. */
export type Files = Readonly<Record<string, string | undefined>>;

export interface TestDaemonOptions {
  /** What the repository holds before the daemon starts. */
  readonly files?: Files;
  /** The repository of an earlier daemon, which removes it; a new one unless told. */
  readonly folder?: string;
  /** Laid over the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Words after `legion up`: roots and flags. */
  readonly args?: readonly string[];
}

/** `legion up` in a process of its own over a repository in a temporary folder, and a client of it. */
export interface TestDaemon extends AsyncDisposable {
  readonly folder: string;
  readonly pid: number;
  readonly plane: Connection;
  write(files: Files): Promise<void>;
  /** Replaces a file as most editors save: another one is written and renamed over it. */
  replace(file: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Asks an agent of the default namespace. */
  ask(agent: string, task: string): Promise<MessageOutcome>;
  /** Resolves with the object once the test holds for it; undefined stands for one that is not there. */
  until<T extends ApiObject | undefined>(
    key: ResourceKey,
    test: (object: ApiObject | undefined) => object is T,
  ): Promise<T>;
  until(
    key: ResourceKey,
    test: (object: ApiObject | undefined) => boolean,
  ): Promise<ApiObject | undefined>;
  /** Resolves once the present generation, at least the one that is given, is Ready. */
  untilReady(key: ResourceKey, generation?: number): Promise<ApiObject>;
  /** The first event of this process's memory or of what follows for which the test holds. */
  untilEvent(test: (event: DaemonEvent) => boolean): Promise<DaemonEvent>;
  /** What is remembered of events. */
  events(): Promise<readonly DaemonEvent[]>;
  /** Resolves when stderr holds the text. */
  says(text: string | RegExp): Promise<void>;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** The exit code; null when a signal ended it. */
  readonly exit: Promise<number | null>;
}

/** So long a test waits for what it knows must come. */
const PATIENCE_MS = 30_000;
/** An answer may have to wait for something else that comes late, and that is what is to be told. */
const ANSWER_MS = 60_000;
/** Most of the start of a daemon is the compiling of its modules, which need not be done once for each. */
const compileCache = fileURLToPath(
  new URL("../../node_modules/.cache/legion-compile", import.meta.url),
);

/** Starts the daemon and resolves when it is ready; disposing of it kills what still runs and removes the repository. */
export async function startTestDaemon(options: TestDaemonOptions = {}): Promise<TestDaemon> {
  await using stack = new AsyncDisposableStack();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "legion-daemon-")));
  if (options.folder === undefined) removeAtEnd(folder, stack);
  await mkdir(join(folder, "agents.d"), { recursive: true });
  await writeFiles(folder, options.files ?? {});
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache, ...options.env };
  const child = stack.use(startDaemonProcess(folder, options.args, env));
  await child.says("legion is ready");
  const plane = await requireDaemon({ stateFolder: join(folder, ".legion") });
  const owned = stack.move();
  return {
    ...repositoryPart(folder),
    ...processPart(child),
    ...waitingPart(plane),
    folder,
    plane,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function agentKey(name: string): ResourceKey {
  return { kind: "Agent", namespace: "default", name };
}

function repositoryPart(folder: string) {
  const inside = (path: string) => join(folder, path);
  return {
    write: (files: Files) => writeFiles(folder, files),
    async replace(file: string, text: string) {
      const beside = inside(`${file}.${process.pid}.tmp`);
      await writeFile(beside, text);
      await rename(beside, inside(file));
    },
    remove: (path: string) => rm(inside(path), { recursive: true }),
    async rename(from: string, to: string) {
      await mkdir(dirname(inside(to)), { recursive: true });
      await rename(inside(from), inside(to));
    },
  };
}

function removeAtEnd(folder: string, stack: AsyncDisposableStack): void {
  const how = { recursive: true, force: true, maxRetries: 3 };
  const unhook = onceEnding(() => rmSync(folder, how));
  stack.defer(async () => {
    unhook();
    await rm(folder, how);
  });
}

async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    if (text === undefined) await rm(path, { recursive: true });
    else {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
  }
}

function processPart({ pid, says, output, kill, ended }: DaemonProcess) {
  return {
    pid,
    says,
    kill,
    stderr: () => output().stderr,
    exit: ended.then(({ exitCode }) => exitCode),
  };
}

function waitingPart(plane: Connection) {
  const until = (key: ResourceKey, test: (object: ApiObject | undefined) => boolean) =>
    patiently(`what ${keyText(key)} was to become`, (signal) => watched(plane, key, test, signal));
  return {
    until: until as TestDaemon["until"],
    async untilReady(key: ResourceKey, generation = 1): Promise<ApiObject> {
      const found = await until(
        key,
        (object) =>
          object !== undefined && object.metadata.generation >= generation && isReady(object),
      );
      return found as ApiObject;
    },
    untilEvent: (test: (event: DaemonEvent) => boolean) =>
      patiently("the event", async (signal) => {
        for await (const event of plane.events({ follow: true }, signal))
          if (test(event)) return event;
        throw new Error("the daemon ended");
      }),
    events: () => Array.fromAsync(plane.events({}, new AbortController().signal)),
    ask(name: string, task: string) {
      const message = { namespace: "default", name, task };
      const answer = plane.ask(message, AbortSignal.timeout(ANSWER_MS));
      // A test that fails before it waits for the answer fails for its own reason.
      answer.catch(() => {});
      return answer;
    },
  };
}

/** The object as it is when the test holds; who watches hears of every change after the list. */
async function watched(
  plane: Connection,
  key: ResourceKey,
  test: (object: ApiObject | undefined) => boolean,
  signal: AbortSignal,
): Promise<ApiObject | undefined> {
  const { items, version } = await plane.list(key);
  let [object] = items;
  if (test(object)) return object;
  for await (const event of plane.watch(version, key, signal)) {
    object = event.type === "deleted" ? undefined : event.object;
    if (test(object)) return object;
  }
  throw new Error(`${keyText(key)} stayed as it is: ${JSON.stringify(object)}`);
}

function isReady({ metadata: { generation }, status }: ApiObject): boolean {
  return holds({ generation, status } as unknown as Resource, "Ready");
}

/** Ends the stream behind the work in any case. */
async function patiently<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), PATIENCE_MS);
  try {
    return await work(ended.signal);
  } catch (error) {
    throw ended.signal.aborted ? new Error(`waited in vain for ${what}`, { cause: error }) : error;
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
}
