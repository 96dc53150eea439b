import { LegionError, messageOf } from "../../lib/errors.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { AllowedHosts } from "../../security/address.ts";
import { allowedHosts } from "../../security/url-guard.ts";

/** What spec.allowPrivate opens. Throws LEG2752 for an entry that is no host and no network. */
export function allowedOf({ spec }: ManifestObject<"Watcher">): AllowedHosts {
  try {
    return allowedHosts(spec.allowPrivate ?? []);
  } catch (cause) {
    throw new LegionError(
      {
        code: "LEG2752",
        message: `spec.allowPrivate: ${messageOf(cause)}`,
        hint: "write host names, addresses, or networks such as 10.0.0.0/8",
        example: "allowPrivate: [localhost, 10.0.0.0/8]",
      },
      cause,
    );
  }
}
