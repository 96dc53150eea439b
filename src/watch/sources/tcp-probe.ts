import type { Socket } from "node:net";
import type { ManifestObject } from "../../manifest/objects.ts";
import { systemTimers, type Timers } from "../../manifest/watch/timers.ts";
import { guardedConnect } from "../../security/guarded-request-connect.ts";
import { NetworkFault } from "../../security/guarded-request-faults.ts";
import { canonicalHost } from "../../security/url-guard.ts";
import { allowedOf } from "./allowed.ts";
import { type Looker, LookFault, type SourceDeps, textOf } from "./look.ts";

/** For how long a service may take to say something once its port is open. */
const BANNER_WAIT_MS = 500;
const BANNER_BYTES_MAX = 1024;

/**
 * A port. `open` says that somebody took the connection; where nobody did, the look has failed and `error` says why. `banner` is what the
 * service said first. It is waited for only when the trigger reads it, or when something was sent: most services speak second. `value`
 * is `open`.
 */
export async function tcpProbe(
  watcher: ManifestObject<"Watcher">,
  { lookup, timers = systemTimers }: SourceDeps,
): Promise<Looker> {
  const { spec } = watcher;
  const allowed = allowedOf(watcher);
  const host = canonicalHost(spec.host ?? "");
  const listens =
    spec.send !== undefined || /\bbanner\b/.test(`${spec.trigger}\n${spec.recovery ?? ""}`);
  return {
    endsItself: true,
    async look(signal) {
      if (host === undefined) throw new NetworkFault("invalid", `"${spec.host}" is not a host`);
      const options = { port: spec.port ?? 0, allowed, lookup, signal };
      const { socket } = await guardedConnect(host, options).catch(notOpen);
      try {
        if (spec.send !== undefined) socket.write(spec.send);
        const banner = listens ? await bannerOf(socket, timers, signal) : undefined;
        return { open: true, banner, value: true };
      } finally {
        socket.destroy();
      }
    },
  };
}

function notOpen(error: unknown): never {
  if (!(error instanceof NetworkFault) || error.code === "blocked" || error.code === "invalid")
    throw error;
  throw new LookFault(error.code, error.message, { open: false, value: false }, error);
}

/** What comes first, as soon as it comes; undefined when nothing does. */
function bannerOf(
  socket: Socket,
  timers: Timers,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const nothing = () => resolve(undefined);
  const stop = timers.after(BANNER_WAIT_MS, nothing);
  socket.once("data", (bytes: Buffer) => {
    const isCut = bytes.length > BANNER_BYTES_MAX;
    resolve(textOf(bytes.subarray(0, BANNER_BYTES_MAX), isCut).trimEnd());
  });
  socket.once("close", nothing);
  if (signal.aborted) nothing();
  else signal.addEventListener("abort", nothing, { once: true });
  return promise.finally(() => {
    stop();
    signal.removeEventListener("abort", nothing);
  });
}
