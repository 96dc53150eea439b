import { keyMissing } from "../router/key-missing.ts";
import type { Secrets } from "../security/secrets.ts";
import { type Reconciler, ready, stalled } from "./reconciler.ts";
import { sentenceOf } from "./verdict.ts";

/** The reason of a Provider whose key is in a variable that is not set. */
export const SECRET_MISSING = "SecretMissing";

/** Providers are read anew at each request: there is nothing to start, and nothing to stop. Files and programs with secrets are for requests; only variables are looked at here. */
export function providerReconciler(secrets: Pick<Secrets, "missing">): Reconciler {
  return {
    kind: "Provider",
    async reconcile(resource, { view }) {
      const error = keyMissing(view.object<"Provider">(resource), secrets);
      if (error !== undefined) return stalled(SECRET_MISSING, sentenceOf(error));
      return ready("Available", "It is read anew at each request.");
    },
  };
}
