import { LegionError } from "../../lib/errors.ts";
import type { SecretReference, Secrets } from "../../security/secrets.ts";
import type { ProviderObject } from "./wire.ts";

/** The address of chat completions: the path is added to that of baseUrl, and a query in either of them is kept. Credentials are taken out. */
export function chatUrl(baseUrl: string, chatPath: string): URL {
  const url = new URL(baseUrl);
  const [path = "", query = ""] = chatPath.split("?", 2);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  for (const [name, value] of new URLSearchParams(query)) url.searchParams.append(name, value);
  // Fetch refuses an address with credentials, and its error would show them.
  url.username = "";
  url.password = "";
  return url;
}

/** The headers of a request, with the secrets in them. Throws a LegionError when one is missing or cannot be a header. */
export async function chatHeaders(
  provider: ProviderObject,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const { apiKey, headers = {} } = provider.spec;
  const sent: Record<string, string> = {
    "content-type": "application/json",
    "user-agent": "legion",
  };
  const resolve = (valueFrom: SecretReference, field: string) =>
    secrets.resolve(valueFrom, { object: provider, field }, signal);
  if (apiKey !== undefined)
    sent.authorization = `Bearer ${await resolve(apiKey.valueFrom, "spec.apiKey")}`;
  for (const [name, value] of Object.entries(headers)) {
    const literal = typeof value === "string";
    const text = literal ? value : await resolve(value.valueFrom, `spec.headers.${name}`);
    // Validation warns of keys that stand in a manifest; they are kept out of messages all the same.
    if (literal && /auth|key|token|secret|cookie/i.test(name)) secrets.redactor.add(text);
    sent[name.toLowerCase()] = text;
  }
  for (const [name, value] of Object.entries(sent)) assertHeader(name, value, provider);
  return sent;
}

function assertHeader(name: string, value: string, provider: ProviderObject): void {
  // No character above one byte, none that ends a line. The error holds the name only: the value may be a secret.
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return;
  throw new LegionError({
    code: "LEG5053",
    message: `the header ${name} of provider/${provider.name} holds a character that a header cannot carry`,
    hint: "store the value alone, in one line and in plain letters",
  });
}
