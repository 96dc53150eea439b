import type { Clock } from "../lib/clock.ts";
import { textHash } from "../lib/hash.ts";
import type { Secrets } from "../security/secrets.ts";
import type { WireError } from "./contract.ts";
import type { Target } from "./resolve.ts";
import type { ProviderObject } from "./wires/wire.ts";

type TargetName = Pick<Target, "provider" | "model">;

/** Targets whose key or account was refused: they are not asked again until manifest or key change, or some time went by. */
export interface OutList {
  add(
    target: TargetName,
    provider: ProviderObject,
    error: WireError,
    signal: AbortSignal,
  ): Promise<void>;
  /** The error that put the target out; undefined when it is not out, or no longer. */
  find(
    target: TargetName,
    provider: ProviderObject,
    signal: AbortSignal,
  ): Promise<WireError | undefined>;
}

/** A list on which nothing is yet; an entry counts for at most `outMs`. */
export function createOutList({
  clock,
  secrets,
  outMs,
}: {
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly outMs: number;
}): OutList {
  const entries = new Map<
    string,
    { readonly error: WireError; readonly mark: string; readonly untilMs: number }
  >();
  const nameOf = ({ provider, model }: TargetName) => `${provider}/${model}`;
  return {
    async add(target, provider, error, signal) {
      entries.set(nameOf(target), {
        error,
        mark: await markOf(provider, secrets, signal),
        untilMs: clock.monotonic() + outMs,
      });
    },
    async find(target, provider, signal) {
      const entry = entries.get(nameOf(target));
      if (entry === undefined) return undefined;
      const isSame =
        clock.monotonic() < entry.untilMs &&
        entry.mark === (await markOf(provider, secrets, signal));
      if (isSame) return entry.error;
      // A look at the key that was interrupted tells nothing; such a request asks nobody anyway.
      if (!signal.aborted) entries.delete(nameOf(target));
      return undefined;
    },
  };
}

/** Changes exactly when the manifest or the key does. */
async function markOf(
  provider: ProviderObject,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<string> {
  const { apiKey } = provider.spec;
  const key =
    apiKey === undefined
      ? ""
      : await secrets
          .resolve(apiKey.valueFrom, { object: provider, field: "spec.apiKey" }, signal)
          .catch(() => "");
  return textHash(`${provider.specHash}\n${key}`);
}
