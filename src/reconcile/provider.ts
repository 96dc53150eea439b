import { type Reconciler, ready } from "./reconciler.ts";

/** Providers are read anew at each request: there is nothing to start, and nothing to stop. */
export function providerReconciler(): Reconciler {
  return {
    kind: "Provider",
    reconcile: async () => ready("Available", "It is read anew at each request."),
  };
}
