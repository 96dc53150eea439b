import type { ScriptedReply } from "../../manifest/generated/provider.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { Secrets } from "../../security/secrets.ts";
import type { ModelRequest, WireEvent } from "../contract.ts";

export type ProviderObject = ManifestObject<"Provider">;

/** A wire with its endpoint bound: sends one request and yields what comes back. It never throws. */
export type Send = (
  request: ModelRequest,
  signal: AbortSignal,
) => AsyncGenerator<WireEvent, void, undefined>;

/** What opening an endpoint may use. */
export interface WireDeps {
  readonly secrets: Secrets;
  /** The replies of a scripted provider with `repliesFrom`. */
  readonly readReplies: (provider: ProviderObject) => Promise<readonly ScriptedReply[]>;
  /** Wall time, for a Retry-After that is a date. */
  readonly now: () => number;
}

/** Resolves what the manifest refers to and binds the wire to it. Throws a LegionError when a secret or file is missing, and soon after the signal is aborted. */
export type OpenWire = (
  provider: ProviderObject,
  model: string,
  deps: WireDeps,
  signal: AbortSignal,
) => Promise<Send>;
