import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../lib/clock.ts";
import type { WatcherSpec } from "../manifest/generated/watcher.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { createSecrets } from "../security/secrets.ts";
import type { Sample } from "../trigger/samples.ts";
import type { WatchSource } from "../watch/contract.ts";
import type { SourceDeps } from "../watch/sources/look.ts";
import { createSource } from "../watch/sources/sources.ts";
import type { TestCertificate } from "./certificate.ts";

/** A folder of manifests and what sources need, with nothing but the files, ports and programs of this machine behind them. */
export interface WatchPlace extends AsyncDisposable {
  readonly folder: string;
  readonly deps: SourceDeps;
  watcher(spec: Partial<WatcherSpec> & Pick<WatcherSpec, "type">): ManifestObject<"Watcher">;
  source(
    spec: Partial<WatcherSpec> & Pick<WatcherSpec, "type">,
    deps?: Partial<SourceDeps>,
  ): Promise<WatchSource>;
}

/** A new folder; it is removed, and all sources of it are closed, in the end. */
export async function watchPlace(given: Partial<SourceDeps> = {}): Promise<WatchPlace> {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-watch-"));
  const sources: WatchSource[] = [];
  const env = { PATH: process.env.PATH };
  const unused = (what: string) => async () => {
    throw new Error(`${what} is not part of this test`);
  };
  const deps: SourceDeps = {
    ...{ clock: systemClock, env, cwd: folder, stateFolder: path.join(folder, ".legion") },
    keyValue: unused("the key-value store"),
    secretFiles: () => [],
    secrets: createSecrets({ env, clock: systemClock }),
    callTool: unused("a tool"),
    ...given,
  };
  const watcher: WatchPlace["watcher"] = (spec) => ({
    ...{ kind: "Watcher", name: "watched", namespace: "default", labels: {}, annotations: {} },
    spec: {
      ...{ interval: "30s", jitter: "0s", timeout: "10s", timezone: "UTC", groupWait: "0s" },
      ...{ suspend: false, trigger: "when ok", ...spec },
    },
    ...{ sent: {}, specHash: "" },
    source: {
      ...{ file: path.join(folder, "watcher.yaml"), shown: "watcher.yaml", document: 0 },
      root: folder,
    },
  });
  return {
    folder,
    deps,
    watcher,
    async source(spec, more = {}) {
      const source = await createSource(watcher(spec), { ...deps, ...more });
      sources.push(source);
      return source;
    },
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source.close?.();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Looks once, with a deadline that no test should meet. */
export function look(source: WatchSource, signal = AbortSignal.timeout(20_000)): Promise<Sample> {
  return source.poll(signal);
}

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** `http://localhost:PORT` or with https. */
  readonly url: string;
  readonly server: Server;
}

/** A server on the loopback of this machine, encrypted when a certificate is given. */
export async function serve(
  listener: RequestListener,
  certificate?: TestCertificate,
  port = 0,
): Promise<TestServer> {
  const server =
    certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  await listening(server, port);
  const own = (server.address() as AddressInfo).port;
  return {
    ...{ server, port: own },
    url: `${certificate === undefined ? "http" : "https"}://localhost:${own}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Resolves once the server listens on 127.0.0.1. */
export async function listening(server: NetServer, port = 0): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(port, "127.0.0.1", resolve);
  await promise;
}
