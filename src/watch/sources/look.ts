import type { Clock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { Timers } from "../../manifest/watch/timers.ts";
import { NetworkFault, networkFaults } from "../../security/guarded-request-faults.ts";
import type { Secrets } from "../../security/secrets.ts";
import type { Lookup } from "../../security/url-guard.ts";
import type { KeyValue } from "../../state/key-value.ts";
import type { ToolReply } from "../../tools/contract.ts";
import type { Sample } from "../../trigger/samples.ts";
import type { ProcessList } from "./process-list.ts";

/** What sources need of the process that they run in. */
export interface SourceDeps {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that people are in; paths of manifests are relative to the manifests. */
  readonly cwd: string;
  readonly stateFolder: string;
  readonly keyValue: () => Promise<KeyValue>;
  /** Absolute paths of the files that hold secrets of the manifests. */
  readonly secretFiles: () => readonly string[];
  readonly secrets: Pick<Secrets, "resolve">;
  readonly callTool: (call: SourceToolCall) => Promise<ToolReply>;
  /** For tests; those of the system where they are left out. */
  readonly timers?: Timers;
  readonly lookup?: Lookup;
  readonly processes?: ProcessList;
}

export interface SourceToolCall {
  readonly namespace: string;
  /** Who calls, for records: `watcher/NAME`. */
  readonly caller: string;
  /** `tool.function`. */
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly signal: AbortSignal;
}

/** How one type of source looks. `look` throws a LookFault or a NetworkFault, or gives the roots of its type, those that there are, and `value`. */
export interface Looker {
  look(signal: AbortSignal): Promise<Sample>;
  /** When the signal is aborted `look` ends soon, all that it began has ended, and what it throws tells more than that it was late. */
  readonly endsItself?: boolean;
  save?(): JsonObject;
  restore?(state: JsonObject): void;
  close?(): Promise<void>;
}

/** What `error.code` may be when a look failed, and what it means. */
export const lookFaults = {
  ...networkFaults,
  not_a_file: "the path leads to a folder, a pipe, a socket or a device",
  denied: "the file is closed to watchers, or to the user that runs legion",
  unreadable: "the file cannot be read",
  bad_pid: "the file of the process number holds no number",
  spawn: "the program could not be started",
  tool: "the tool gave an error",
  secret: "a secret of the manifest cannot be resolved",
  store: "the key-value store cannot be read",
  internal: "a bug in Legion",
} as const;

export type LookFaultCode = keyof typeof lookFaults;

/** A look that failed. The message is for people and for triggers: it holds no secret. */
export class LookFault extends Error {
  override readonly name = "LookFault";
  readonly code: LookFaultCode;
  /** Roots that are known all the same. */
  readonly found: Sample;

  constructor(code: LookFaultCode, message: string, found: Sample = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.found = found;
  }
}

export function isLookFault(error: unknown): error is LookFault | NetworkFault {
  return error instanceof LookFault || error instanceof NetworkFault;
}

/** The sample of a look that failed. */
export function faultSample(error: unknown): Sample {
  if (error instanceof LookFault)
    return { ...error.found, ok: false, error: { code: error.code, message: error.message } };
  const code = error instanceof NetworkFault ? error.code : "internal";
  return { ok: false, error: { code, message: messageOf(error) } };
}

/** JSON of a text that holds some; undefined for any other. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** UTF-8 as text. The end of what was cut may be half a character, which is left out. */
export function textOf(bytes: Uint8Array, isCut: boolean, charset = "utf-8"): string {
  return decoderOf(charset).decode(bytes, { stream: isCut });
}

/** For a charset that nobody knows, as for none: UTF-8. */
function decoderOf(charset: string) {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

/** The most bytes that are read where `maxBytes` is left out. */
export const BYTES_MAX_DEFAULT = 1024 * 1024;
