import type { ManifestObject } from "../objects.ts";
import { replyFaults } from "../replies.ts";
import { type CheckContext, faultAt } from "./context.ts";

/** The scripted replies in a manifest have what their actions need; those in a file are looked at with the file. */
export function checkReplies(provider: ManifestObject<"Provider">, { report }: CheckContext): void {
  for (const fault of replyFaults(provider.spec.replies ?? []))
    report(faultAt(provider, { ...fault, path: ["spec", "replies", ...fault.path] }));
}
