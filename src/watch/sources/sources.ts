import type { WatcherSpec } from "../../manifest/generated/watcher.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { Sample } from "../../trigger/samples.ts";
import type { WatchSource } from "../contract.ts";
import { faultSample, isLookFault, type Looker, LookFault, type SourceDeps } from "./look.ts";

type MakeLooker = (watcher: ManifestObject<"Watcher">, deps: SourceDeps) => Promise<Looker>;

/** Everything that a watcher can look at; what a type needs is loaded when there is a watcher of it. */
export const sourceTypes = {
  httpPoll: async () => (await import("./http-poll.ts")).httpPoll,
  fileWatch: async () => (await import("./file-watch.ts")).fileWatch,
  kvWatch: async () => (await import("./kv-watch.ts")).kvWatch,
  command: async () => (await import("./command.ts")).command,
  process: async () => (await import("./process.ts")).processWatch,
  tcpProbe: async () => (await import("./tcp-probe.ts")).tcpProbe,
  custom: async () => (await import("./custom.ts")).custom,
} satisfies Record<WatcherSpec["type"], () => Promise<MakeLooker>>;

/**
 * What a watcher looks at, ready to be looked at. Throws a LegionError where it cannot be built: a secret that cannot be resolved, a
 * caFile that is not there. A watcher that is changed gets another one, which goes on from what `save` gave.
 */
export async function createSource(
  watcher: ManifestObject<"Watcher">,
  deps: SourceDeps,
): Promise<WatchSource> {
  const make = await sourceTypes[watcher.spec.type]();
  return sourceOf(await make(watcher, deps));
}

/** A source that keeps what all sources promise: a poll never rejects, never runs beside another one, and ends soon when it is to. */
function sourceOf(looker: Looker): WatchSource {
  const polls = new Set<AbortController>();
  let isClosed = false;
  /** A look that has not ended; it may go on after its poll was given up. */
  let running: Promise<unknown> = Promise.resolve();
  const late = () => new LookFault("timeout", "it was not over in time");

  async function look(signal: AbortSignal): Promise<Sample> {
    await running;
    if (signal.aborted) throw late();
    const found = looker.look(signal);
    running = found.then(
      () => {},
      () => {},
    );
    return { ...(await found), ok: true };
  }

  async function poll(given: AbortSignal): Promise<Sample> {
    // Of its own: a signal of all polls and of `close` would remember each poll until then.
    const stop = new AbortController();
    const givenUp = Promise.withResolvers<never>();
    givenUp.promise.catch(() => {});
    const abort = () => stop.abort();
    if (looker.endsItself !== true)
      stop.signal.addEventListener("abort", () => givenUp.reject(late()), { once: true });
    given.addEventListener("abort", abort, { once: true });
    polls.add(stop);
    if (given.aborted || isClosed) abort();
    try {
      return await Promise.race([look(stop.signal), givenUp.promise]);
    } catch (error) {
      // After an abort everything that is thrown is the abort, but for those who know better what was late.
      return faultSample(stop.signal.aborted && !isLookFault(error) ? late() : error);
    } finally {
      given.removeEventListener("abort", abort);
      polls.delete(stop);
    }
  }

  return {
    poll,
    ...(looker.save && { save: looker.save }),
    ...(looker.restore && { restore: looker.restore }),
    async close() {
      isClosed = true;
      for (const stop of polls) stop.abort();
      // Others may hang where no signal reaches, and close what they hold once they go on.
      if (looker.endsItself === true) await running;
      await looker.close?.();
    },
  };
}
