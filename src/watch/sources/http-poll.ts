import { errorData, LegionError } from "../../lib/errors.ts";
import { sizeBytes } from "../../lib/quantities.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import {
  type GuardedResponse,
  guardedRequest,
  REDIRECTS_MAX,
} from "../../security/guarded-request.ts";
import { NetworkFault } from "../../security/guarded-request-faults.ts";
import { createRedactor } from "../../security/redact.ts";
import type { Sample } from "../../trigger/samples.ts";
import { allowedOf } from "./allowed.ts";
import {
  BYTES_MAX_DEFAULT,
  jsonOf,
  type Looker,
  LookFault,
  type SourceDeps,
  textOf,
} from "./look.ts";
import { trustOf } from "./trust.ts";

type Watcher = ManifestObject<"Watcher">;

/**
 * The answer of a server. `ok` says that an answer came whole or up to `maxBytes`; `status` says which. A 304 to our own condition is the
 * answer before, once more: status, body and headers are those of then. `value` is the status.
 */
export async function httpPoll(watcher: Watcher, deps: SourceDeps): Promise<Looker> {
  const { spec } = watcher;
  const url = urlOf(spec.url ?? "");
  const allowed = allowedOf(watcher);
  const trust = await trustOf(watcher);
  const headersOf = headerSource(watcher, deps);
  await headersOf(new AbortController().signal);
  let known: Known | undefined;
  return {
    endsItself: true,
    async look(signal) {
      const { headers, credentials, redact } = await headersOf(signal).catch(secretFault);
      const secureContext = await trust();
      const conditions = known === undefined ? {} : conditionsOf(known, headers);
      const response = await guardedRequest({
        ...{ url, allowed, lookup: deps.lookup, signal, secureContext, credentials },
        method: spec.method ?? "GET",
        headers: { ...headers, ...conditions },
        body: spec.method === "POST" ? spec.body : undefined,
        maxBytes: spec.maxBytes === undefined ? BYTES_MAX_DEFAULT : sizeBytes(spec.maxBytes),
        redirectsMax: spec.followRedirects === false ? 0 : REDIRECTS_MAX,
      }).catch((error: unknown) => {
        throw withCertificate(error, deps);
      });
      const tls = tlsOf(response.certificateEndsMs, deps);
      if (response.status === 304 && known !== undefined && Object.keys(conditions).length > 0)
        return { ...known.sample, tls };
      const sample = sampleOf(response, redact);
      known =
        spec.method === undefined || spec.method === "GET" ? knownOf(response, sample) : undefined;
      return { ...sample, tls };
    },
  };
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url !== null) return url;
  throw new LegionError({
    code: "LEG2754",
    message: `spec.url cannot be read as a URL`,
    hint: "correct its host, port or path",
    example: "url: https://shop.example.com/health",
  });
}

/** The answer to a GET that its server can be asked about: has it changed since? It is not kept over a restart, as it may be large. */
interface Known {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly sample: Sample;
}

/** Marks of an answer that a redirect led to are those of another URL than the one that would be asked with them. */
function knownOf(
  { status, redirects, headers }: GuardedResponse,
  sample: Sample,
): Known | undefined {
  const { etag, "last-modified": lastModified } = headers;
  if (status !== 200 || redirects > 0 || (etag === undefined && lastModified === undefined))
    return undefined;
  return { etag, lastModified, sample };
}

/** Nothing where the manifest makes conditions of its own: then a 304 is an answer. */
function conditionsOf({ etag, lastModified }: Known, headers: Readonly<Record<string, string>>) {
  if (Object.keys(headers).some((name) => /^if-/i.test(name))) return {};
  return {
    ...(etag !== undefined && { "if-none-match": etag }),
    ...(lastModified !== undefined && { "if-modified-since": lastModified }),
  };
}

function sampleOf(
  { status, headers, bytes, isCut, redirects }: GuardedResponse,
  redact: (text: string) => string,
): Sample {
  const type = headers["content-type"] ?? "";
  const charset = /;\s*charset\s*=\s*"?([\w-]+)/i.exec(type)?.[1];
  const text = redact(textOf(bytes, isCut, charset));
  const isJson = /^\s*[\w.-]+\/([\w.-]+\+)?json\b/i.test(type);
  const shown = Object.entries(headers).map(([name, value]) => [name, redact(value)]);
  return {
    status,
    text,
    body: isJson && !isCut ? jsonOf(text) : undefined,
    headers: Object.fromEntries(shown),
    redirects,
    value: status,
  };
}

function tlsOf(endsMs: number | undefined, { clock }: SourceDeps) {
  return endsMs === undefined ? undefined : { expiresIn: endsMs - clock.now() };
}

/** A certificate that has ended is a fault, and by how much it has ended is known: a trigger on tls.expiresIn fires then, too. */
function withCertificate(error: unknown, deps: SourceDeps): unknown {
  if (!(error instanceof NetworkFault) || error.certificateEndsMs === undefined) return error;
  const found = { tls: tlsOf(error.certificateEndsMs, deps) };
  return new LookFault(error.code, error.message, found, error);
}

function secretFault(error: unknown): never {
  if (!(error instanceof LegionError)) throw error;
  const { code, message } = errorData(error);
  throw new LookFault("secret", `${code}: ${message}`, {}, error);
}

/** The headers with their secrets, resolved anew for every look; a server that sends a secret back does not get it into a sample. */
function headerSource(object: Watcher, { secrets }: SourceDeps) {
  const given = Object.entries(object.spec.headers ?? {});
  const credentials = given.flatMap(([name, value]) => (typeof value === "string" ? [] : [name]));
  return async (signal: AbortSignal) => {
    const redactor = createRedactor();
    const headers: Record<string, string> = {};
    for (const [name, value] of given) {
      if (typeof value === "string") {
        headers[name] = value;
        continue;
      }
      const place = { object, field: `spec.headers.${name}` };
      headers[name] = await secrets.resolve(value.valueFrom, place, signal);
      redactor.add(headers[name]);
    }
    const redact = credentials.length === 0 ? (text: string) => text : redactor.redactKnown;
    return { headers, credentials, redact };
  };
}
