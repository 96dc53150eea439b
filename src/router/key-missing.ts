import type { Secrets } from "../security/secrets.ts";
import type { WireError } from "./contract.ts";
import { failureOf } from "./failures.ts";
import type { ProviderObject } from "./wires/wire.ts";

/** Why a provider cannot be asked, when that is plain without reading a file or running a program: a secret that it needs stands in variables only, and none of them is set. */
export function keyMissing(
  provider: ProviderObject,
  secrets: Pick<Secrets, "missing">,
): WireError | undefined {
  const { apiKey, headers = {} } = provider.spec;
  const references = [
    ...(apiKey === undefined ? [] : [{ field: "spec.apiKey", valueFrom: apiKey.valueFrom }]),
    ...Object.entries(headers).flatMap(([name, value]) =>
      typeof value === "string"
        ? []
        : [{ field: `spec.headers.${name}`, valueFrom: value.valueFrom }],
    ),
  ];
  for (const { field, valueFrom } of references) {
    const error = secrets.missing(valueFrom, { object: provider, field });
    if (error !== undefined) return failureOf(error, "unauthorised");
  }
  return undefined;
}
